"""What a model says of itself, and how it is called: the class that a user derives their own from.

It needs NumPy alone. The model's own process makes the object and calls it; this program's other
processes know it only as a `ModelSpec`, so that what a user's code imports or does stays there.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self, get_args

import numpy as np
from numpy.typing import NDArray

from visualizer.errors import ConfigError, among, is_number, is_whole, one_line, quoted, require
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.front_ends import as_found
from visualizer.mel.limits import checked_sample_rate

Kind = Literal["probability", "curve", "classes", "text"]

_MOST_OUTPUTS = 64
_MOST_LABELS = 10_000
_LONGEST_NAME = 100
_LONGEST_WINDOW = 1 << 22
"""of samples: 87 s at 48 kHz"""
_UNIT_RANGE = (0.0, 1.0)

Value = float | NDArray[Any] | Sequence[float] | str | None
"""What a model answers for one output: see `Model.__call__`."""


@dataclass(frozen=True)
class Output:
    """One thing that a model tells of each moment."""

    name: str
    kind: Kind = "curve"
    """"probability": a number from 0 to 1, which gets a threshold. "curve": a number. "classes": a
    number for each of the labels. "text": words, where there are any."""
    unit: str = ""
    """of the numbers; a curve in "Hz" is also drawn over the picture, at its frequency"""
    range: tuple[float, float] = _UNIT_RANGE
    """of the numbers, as they are drawn"""
    labels: tuple[str, ...] = ()
    """the names of the classes"""

    def __post_init__(self) -> None:
        _require_text("name", self.name)
        require(self.kind in get_args(Kind), f"{self.name}: kind", self.kind, among(Kind))
        fits = isinstance(self.unit, str) and len(self.unit) <= _LONGEST_NAME
        require(fits, f"{self.name}: unit", self.unit, "a text such as 'Hz'")
        limits = tuple(self.range) if isinstance(self.range, list | tuple) else ()
        is_range = len(limits) == 2 and all(is_number(limit, -1e9) for limit in limits)
        fits = is_range and limits[0] < limits[1]
        require(fits, f"{self.name}: range", self.range, "two numbers that rise")
        object.__setattr__(self, "range", (float(limits[0]), float(limits[1])))
        is_list = isinstance(self.labels, list | tuple)
        labels = tuple(self.labels) if is_list else ()
        are_texts = is_list and all(isinstance(label, str) for label in labels)
        wants = self.kind == "classes"
        fits = are_texts and (0 < len(labels) <= _MOST_LABELS if wants else not labels)
        expected = f"1 to {_MOST_LABELS} names" if wants else "empty unless the kind is 'classes'"
        require(fits, f"{self.name}: labels", self.labels, expected)
        object.__setattr__(self, "labels", labels)

    @property
    def n_numbers(self) -> int:
        """How many numbers one answer has: that of the labels, or 1; of a text none."""
        return {"classes": len(self.labels), "text": 0}.get(self.kind, 1)


class Model:
    """A model that runs beside the stream; derive from it, and say what it is fed and answers.

    The attributes are the class's, or set in `__init__`, which takes no arguments. Exactly one of
    `front_end` and `sample_rate` says what the model is fed:

    - with `front_end`, columns of it, `__call__` getting a block (n_rows, window) float32;
    - with `sample_rate`, samples of that rate, ±1.0 at full scale, `__call__` getting (window,)
      float32.

    A block is the newest `window` of them, and there is one each `step`. It is a model's own copy.

    >>> import numpy as np
    >>> from visualizer import Model, Output
    >>> class Loudness(Model):
    ...     sample_rate, window = 16_000, 1_600
    ...     outputs = (Output("loudness", unit="dBFS", range=(-80, 0)),)
    ...
    ...     def __call__(self, samples):
    ...         return 10 * np.log10(np.mean(samples**2) + 1e-8)
    >>> round(float(Loudness()(np.ones(1_600, np.float32))))
    0
    """

    name: str = ""
    """as it is shown; "" is the class's own"""
    front_end: str | os.PathLike[str] | FrontEnd | None = None
    """the front-end whose columns it is fed, as --front-end takes it, or as a value"""
    sample_rate: int | None = None
    """Hz, of the samples that it is fed"""
    window: int = 1
    """how many columns or samples a block has"""
    step: int | None = None
    """from a block to the next, in columns or samples; None: as long as the window"""
    answers: int = 1
    """how many a call gives, evenly spread over the step"""
    lookahead: int = 0
    """how many columns or samples of the block come after the step that the answers are for"""
    fills_last: bool = False
    """whether, where a sound ends, what is left of it is filled with silence to a last block; of
    samples only"""
    outputs: tuple[Output, ...] = ()
    """what it answers"""
    unpickles: str = ""
    """which file is unpickled, and so could run any code: the user is asked before an object is
    made, so the class says it; "": none"""

    def __call__(self, block: NDArray[np.float32]) -> Any:
        """Return the answer for the block's newest step.

        With one output it is that output's value; with several, a sequence or a mapping of their
        names. A value is a number (a 0-d array will do), for "classes" (n_labels,) numbers, for
        "text" a str, which is shown on one line; None says that there is nothing to tell. With
        `answers` above 1 the result is a sequence of that many answers, the oldest first.
        """
        raise NotImplementedError

    def reset(self) -> None:
        """Forget what came before: a stream begins, or some of it was lost."""


@dataclass(frozen=True)
class ModelSpec:
    """What a model says of itself, checked."""

    name: str
    preset: str | None
    """the preset it is fed, whose chain may follow the source's rate"""
    front_end: FrontEnd | None
    """the front-end it is fed, where that is no preset"""
    whose: str
    """whose that is, and where it was found"""
    sample_rate: int | None
    """Hz, where it is fed samples"""
    window: int
    step: int
    answers: int
    lookahead: int
    outputs: tuple[Output, ...]
    fills_last: bool = False

    @property
    def is_fed_samples(self) -> bool:
        return self.sample_rate is not None

    @property
    def n_numbers(self) -> int:
        """How many numbers an answer has, over all outputs."""
        return sum(output.n_numbers for output in self.outputs)

    def numbers_of(self, output: Output) -> slice:
        """Return which of an answer's numbers are those of an output."""
        before = self.outputs[: self.outputs.index(output)]
        first = sum(one.n_numbers for one in before)
        return slice(first, first + output.n_numbers)

    def grid(self, front_end: FrontEnd | None) -> AnswerGrid:
        """Return where its answers lie on the stream's clock.

        Args:
            front_end: the chain that it is fed, at the source's rate; None: it is fed samples.
        """
        if front_end is None:
            assert self.sample_rate is not None
            start_s, each_s = 0.0, 1 / self.sample_rate
        else:
            start_s, each_s = front_end.cell_start_s, front_end.hop_s
        first = self.window - self.lookahead - self.step
        return AnswerGrid(start_s + first * each_s, self.step * each_s / self.answers)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON values; `from_dict` reads it back."""
        front_end = self.front_end and self.front_end.to_dict()
        outputs = [asdict(output) for output in self.outputs]
        return vars(self) | {"front_end": front_end, "outputs": outputs}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return what `to_dict` wrote. Raises ConfigError."""
        chain = values["front_end"]
        front_end = None if chain is None else FrontEnd.from_dict(chain)
        outputs = tuple(Output(**output) for output in values["outputs"])
        return cls(**{**values, "front_end": front_end, "outputs": outputs})


@dataclass(frozen=True)
class AnswerGrid:
    """Where answers lie on the stream's clock: answer k is for a stretch of `period_s`."""

    start_s: float
    """where answer 0 begins"""
    period_s: float

    def middle_s(self, k: int) -> float:
        """Return the middle of what answer k is for."""
        return self.start_s + (k + 0.5) * self.period_s

    def index_at(self, moment_s: float) -> int:
        """Return the answer that is for a moment."""
        return math.floor((moment_s - self.start_s) / self.period_s)


def spec_of(model: Model) -> ModelSpec:
    """Return what a model says of itself. Raises ConfigError where that does not fit."""
    name = model.name or type(model).__name__
    _require_text("name", name)
    is_fed_columns = model.front_end is not None
    if is_fed_columns == (model.sample_rate is not None):
        said = "both" if is_fed_columns else "neither"
        raise ConfigError(
            f"{name} says {said} of front_end and sample_rate",
            "give front_end to be fed columns, or sample_rate to be fed samples",
        )
    preset, front_end, whose = None, None, ""
    if model.front_end is not None:
        found = as_found(model.front_end)
        if found.preset is None:
            front_end, whose = found.at(None), found.whose
        else:
            preset = found.name
    else:
        checked_sample_rate(model.sample_rate)
    window, step = model.window, model.window if model.step is None else model.step
    require(is_whole(window, 1, _LONGEST_WINDOW), "window", window, f"1 to {_LONGEST_WINDOW}")
    require(is_whole(step, 1, window), "step", step, f"None, or 1 to the window, {window}")
    most = window - step
    require(is_whole(model.lookahead, 0, most), "lookahead", model.lookahead, f"0 to {most}")
    require(is_whole(model.answers, 1, step), "answers", model.answers, f"1 to the step, {step}")
    fits = isinstance(model.fills_last, bool) and not (model.fills_last and is_fed_columns)
    require(fits, "fills_last", model.fills_last, "False, or True where it is fed samples")
    outputs = tuple(model.outputs) if isinstance(model.outputs, list | tuple) else ()
    fits = 0 < len(outputs) <= _MOST_OUTPUTS and all(isinstance(o, Output) for o in outputs)
    require(fits, "outputs", model.outputs, f"1 to {_MOST_OUTPUTS} Output(…)")
    names = [output.name for output in outputs]
    require(len(set(names)) == len(names), "outputs", names, "of different names")
    return ModelSpec(
        name=name,
        preset=preset,
        front_end=front_end,
        whose=whose,
        sample_rate=model.sample_rate,
        window=window,
        step=step,
        answers=model.answers,
        lookahead=model.lookahead,
        outputs=outputs,
        fills_last=model.fills_last,
    )


def _require_text(field: str, value: object) -> None:
    fits = isinstance(value, str) and 0 < len(value) <= _LONGEST_NAME and value.isprintable()
    require(fits, field, value, f"a text of 1 to {_LONGEST_NAME} letters")


def read_answers(
    spec: ModelSpec, returned: Any
) -> tuple[NDArray[np.float32], tuple[tuple[str, ...], ...], int]:
    """Return what a call of a model gave, in one form.

    Returns:
        The numbers, (answers, n_numbers) float32, NaN where the model had nothing to tell; for each
        answer the texts of its outputs of that kind, "" where there are none; and how many answers
        have numbers that are not finite.

    Raises:
        ConfigError: where it is of another shape or type.
    """
    rows = [returned] if spec.answers == 1 else _listed(returned, spec.answers, "answers")
    numbers = np.full((spec.answers, spec.n_numbers), np.nan, np.float32)
    texts, bad = [], 0
    for row, answer in zip(numbers, rows, strict=True):
        told = _values(spec, answer)
        words, is_bad = [], False
        for output, value in zip(spec.outputs, told, strict=True):
            if output.kind == "text":
                words.append(_words(output, value))
            elif value is not None:
                given = _numbers(output, value)
                is_bad = is_bad or not np.isfinite(given).all()
                row[spec.numbers_of(output)] = given
        texts.append(tuple(words))
        bad += is_bad
    return numbers, tuple(texts), bad


def _values(spec: ModelSpec, answer: Any) -> Sequence[Any]:
    if len(spec.outputs) == 1 and not isinstance(answer, Mapping):
        return [answer]
    names = [output.name for output in spec.outputs]
    if isinstance(answer, Mapping):
        if set(answer) != set(names):
            raise ConfigError(
                f"answered {quoted(list(answer))}", f"its outputs are {quoted(names)}"
            )
        return [answer[name] for name in names]
    return _listed(answer, len(names), "values")


def _listed(returned: Any, n: int, what: str) -> Sequence[Any]:
    try:
        rows = list(returned)
    except TypeError:
        rows = []
    if len(rows) != n or isinstance(returned, str):
        raise ConfigError(f"answered {_shape(returned)}, where {n} {what} are expected")
    return rows


def _numbers(output: Output, value: Any) -> NDArray[np.float32]:
    try:
        # As float32, since NumPy does not know all types that torch has.
        array = np.asarray(value.detach().cpu().float() if hasattr(value, "detach") else value)
    except (TypeError, ValueError):
        array = np.empty(0, object)
    if array.size != output.n_numbers or array.dtype.kind not in "fiub":
        several = f"{output.n_numbers} numbers fit"
        fits = several if output.kind == "classes" else "one number fits"
        raise ConfigError(f"answered {_shape(value)} for {output.name}, where {fits}")
    numbers: NDArray[np.float32] = array.astype(np.float32)
    return numbers.reshape(-1)


def _words(output: Output, value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ConfigError(f"answered {_shape(value)} for {output.name}, where a text fits")
    # Half of a pair of surrogates, which a model that cuts bytes may give, can be written nowhere.
    return one_line(value.encode(errors="replace").decode())


def _shape(value: Any) -> str:
    shape = getattr(value, "shape", None)
    return quoted(value) if shape is None else f"an array of shape {tuple(shape)}"
