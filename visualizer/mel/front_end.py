"""A front-end: the chain of stages from samples to a model's columns."""

from __future__ import annotations

import difflib
from dataclasses import MISSING, asdict, dataclass, fields, replace
from functools import cached_property
from itertools import pairwise
from typing import Any, Self

import numpy as np

from visualizer.errors import ConfigError, FieldError, is_whole, quoted, require
from visualizer.mel.arrays import Arrays
from visualizer.mel.limits import (
    MAX_ROWS,
    MAX_SAMPLES,
    MAX_SOUND,
    MAX_VALUES,
    RATE_LIMITS,
    SAMPLE_RATE_MAX_HZ,
    SAMPLE_RATE_MIN_HZ,
)
from visualizer.mel.stage import (
    DEPENDENCES,
    PLACES,
    Dependence,
    Layout,
    Rows,
    SoundChain,
    Stage,
    Values,
)
from visualizer.mel.stages import STAGES
from visualizer.mel.stages.frames import Frames

_LONGEST_NAME = 100
_MOST_STAGES = 64
_LARGEST = 1e38
"""Beyond lies what float32 cannot hold, or hardly."""
_NEEDED = ("frames", "spectrum")
_RANKS = {place: min(rank, PLACES.index("column")) for rank, place in enumerate(PLACES)}


@dataclass(frozen=True)
class FrontEnd:
    """What turns samples into the columns that a model is fed.

    Args:
        name: of the front-end, on one line.
        sample_rate: of the samples, in Hz.
        stages: in the order in which they work; `visualizer.mel.stages` has them all.

    Raises:
        ConfigError: where the stages do not follow each other, naming the field and its limits.

    >>> from visualizer import FrontEnd
    >>> mine = FrontEnd.from_dict({"name": "mine", "sample_rate": 16_000, "stages": [
    ...     {"stage": "frames", "win_length": 400, "hop_length": 160, "offset": -200},
    ...     {"stage": "window", "kind": "hann"},
    ...     {"stage": "spectrum", "n_fft": 512, "power": 2},
    ...     {"stage": "mel", "n_mels": 64, "f_min": 0.0, "f_max": 8000.0, "mel_scale": "htk",
    ...      "norm": None},
    ...     {"stage": "log", "kind": "ln", "floor": 1e-5},
    ... ]})
    >>> mine.hop_s, mine.n_rows, mine.dependence
    (0.01, 64, 'frame')
    """

    name: str
    sample_rate: int
    stages: tuple[Stage, ...]

    def __post_init__(self) -> None:
        name = self.name
        fits = isinstance(name, str) and 1 <= len(name) <= _LONGEST_NAME and name.isprintable()
        require(fits, "name", name, f"a text of 1 to {_LONGEST_NAME} letters, on one line")
        fits = is_whole(self.sample_rate, SAMPLE_RATE_MIN_HZ, SAMPLE_RATE_MAX_HZ)
        require(fits, "sample_rate", self.sample_rate, RATE_LIMITS)
        for stage in self.stages:
            require(isinstance(stage, Stage), "stages", stage, "stages, see visualizer.mel.stages")
        # Each an object of its own, by which it is found again.
        object.__setattr__(self, "stages", tuple(replace(stage) for stage in self.stages))
        names = [stage.stage for stage in self.stages]
        for needed in _NEEDED:
            require(names.count(needed) == 1, "stages", names, f"a chain with one {needed!r}")
        n_filters = sum(stage.place == "filters" for stage in self.stages)
        fits = n_filters <= 1 and names.count("window") <= 1 and names.count("dct") <= 1
        limits = "a chain with at most one window, one stage of filters and one dct"
        require(fits, "stages", names, limits)
        require(len(names) <= _MOST_STAGES, "stages", names, f"at most {_MOST_STAGES}")
        for one, next_one in pairwise(self.stages):
            if _RANKS[one.place] > _RANKS[next_one.place]:
                limits = f"a chain with {next_one.stage!r} before {one.stage!r}"
                raise FieldError("stages", names, limits)
        # Which checks that each stage fits what comes before it.
        _ = self._layouts
        self._require_room()

    def _require_room(self) -> None:
        """Raise FieldError where a short sound alone would fill the memory."""
        names = [stage.stage for stage in self.stages]
        n_samples, lead = 1, 0
        for stage in self.sound_stages:
            n_samples, lead = stage.n_samples(n_samples), lead + max(0, stage.lead)
        fits = lead <= MAX_SAMPLES and n_samples <= MAX_SOUND
        limits = f"such that at most {MAX_SAMPLES} samples are put before the sound, and it is "
        require(fits, "stages", names, f"{limits}filled to at most {MAX_SOUND}")
        least = (stage.least_columns for stage in self.final_stages)
        n_values = max(self.frames.n_columns(n_samples), *least, 0) * self.n_model_rows
        limits = f"such that a short sound gives at most {MAX_VALUES} numbers, not {n_values}"
        require(n_values <= MAX_VALUES, "stages", names, limits)

    @cached_property
    def _layouts(self) -> tuple[Layout, ...]:
        """What is known before each stage, and at the end."""
        layouts = [Layout(self.sample_rate)]
        for stage in self.stages:
            layouts.append(_after(stage, layouts[-1]))
        return tuple(layouts)

    @cached_property
    def frames(self) -> Frames:
        """The stage that cuts the sound up."""
        (frames,) = (stage for stage in self.stages if isinstance(stage, Frames))
        return frames

    def before(self, stage: Stage) -> Layout:
        """Return what is known before one of the stages."""
        return self._layouts[self._index(stage)]

    def _index(self, stage: Stage) -> int:
        return next(i for i, other in enumerate(self.stages) if other is stage)

    @cached_property
    def sound_stages(self) -> tuple[Stage, ...]:
        """Those that work on the sound before it is cut into frames."""
        return tuple(stage for stage in self.stages if stage.place == "sound")

    def sound(self, arrays: Arrays, n_channels: int) -> SoundChain:
        """Return the stages of the sound at the beginning of one."""
        stages = self.sound_stages
        return SoundChain([s.of_sound(arrays, self.before(s), n_channels) for s in stages])

    @cached_property
    def kernel_stages(self) -> tuple[Stage, ...]:
        """Those that turn a frame into a column: all after *frames* that need one frame alone."""
        after = self.stages[self._index(self.frames) + 1 :]
        needs_more = (i for i, stage in enumerate(after) if _needs_more(stage))
        return after[: next(needs_more, len(after))]

    @cached_property
    def _n_live_stages(self) -> int:
        """How many stages come before the first that changes the number of columns."""
        places = [stage.place for stage in self.stages]
        return places.index("count") if "count" in places else len(places)

    @cached_property
    def column_stages(self) -> tuple[Stage, ...]:
        """Those after the kernel, up to the first that changes the number of columns."""
        first = self._index(self.frames) + 1 + len(self.kernel_stages)
        return self.stages[first : self._n_live_stages]

    @cached_property
    def final_stages(self) -> tuple[Stage, ...]:
        """The first that changes the number of columns, and all after; live columns end before."""
        return self.stages[self._n_live_stages :]

    @property
    def live(self) -> FrontEnd:
        """The front-end without its final stages."""
        return FrontEnd(self.name, self.sample_rate, self.stages[: self._n_live_stages])

    @cached_property
    def streaming(self) -> FrontEnd:
        """The front-end while the sound goes on, without what its length or all of it decides.

        So it is not filled to one length, nor normalised or dithered before it is cut. Later stages
        that need the whole clip work on the clip so far.
        """
        kept = (stage.streaming for stage in self.stages)
        stages = tuple(stage for stage in kept if stage is not None)
        same = len(stages) == len(self.stages)
        return self if same else FrontEnd(self.name, self.sample_rate, stages)

    @cached_property
    def _live(self) -> Layout:
        return self._layouts[self._n_live_stages]

    @property
    def rows(self) -> Rows:
        """What the rows of a live column are."""
        return self._live.rows

    @property
    def values(self) -> Values:
        """What the numbers of a live column mean."""
        assert self._live.values is not None
        return self._live.values

    @property
    def n_rows(self) -> int:
        """Rows of a live column."""
        return self._live.width

    @property
    def n_model_rows(self) -> int:
        """Rows of a column as the model gets it, stacked."""
        return self._layouts[-1].width

    @property
    def model_step(self) -> int:
        """Hops from a column as the model gets it to the next."""
        return self._layouts[-1].hops

    @property
    def model_middle_s(self) -> float:
        """The middle of column 0 as the model gets it, see `middle_s`."""
        return self.middle_s + self._layouts[-1].middle * self.hop_s

    @property
    def n_kernel_rows(self) -> int:
        """Rows of a column as it leaves the kernel."""
        return self._layouts[self._index(self.frames) + 1 + len(self.kernel_stages)].width

    @property
    def dependence(self) -> Dependence:
        """What a live column depends on: the largest of what its stages depend on."""
        live = self.stages[: self._n_live_stages]
        return max((stage.dependence for stage in live), key=DEPENDENCES.index)

    @property
    def needs_whole_clip(self) -> bool:
        """Whether the model's own columns cannot be known before the clip has ended."""
        return self.dependence == "clip"

    @property
    def remembers(self) -> bool:
        """Whether a live column rests on columns before it: on the clip so far, or the past.

        Such columns come out alike only where all sound since the beginning is there.
        """
        return any(stage.dependence != "frame" for stage in self.column_stages)

    @property
    def win_length(self) -> int:
        """Samples of a frame."""
        return self.frames.win_length

    @property
    def reach(self) -> int:
        """Samples from the first of a frame up to those that must be there for it to count."""
        return self.win_length + self.frames.followed_by

    @property
    def hop_length(self) -> int:
        """Samples from a frame to the next."""
        return self.frames.hop_length

    @property
    def offset(self) -> int:
        """Samples from sample t·hop_length of the sound to the first of frame t."""
        return self.frames.offset - sum(stage.lead for stage in self.sound_stages)

    @property
    def hop_s(self) -> float:
        """Seconds from a column to the next."""
        return self.hop_length / self.sample_rate

    @property
    def middle_s(self) -> float:
        """The middle of column 0's window on the stream's clock; the others follow by hops."""
        return (self.offset + self.win_length / 2) / self.sample_rate

    @property
    def cell_start_s(self) -> float:
        """Where column 0 begins on the stream's clock, drawn a hop wide around its window's middle.

        So the columns of different front-ends lie where their sound was.
        """
        return self.middle_s - self.hop_s / 2

    def n_columns(self, n_samples: int) -> int:
        """Return how many columns a clip gives before the stages that change their number.

        Args:
            n_samples: of the clip, at `sample_rate`.
        """
        for stage in self.sound_stages:
            n_samples = stage.n_samples(n_samples)
        return self.frames.n_columns(n_samples)

    def to_dict(self) -> dict[str, Any]:
        """Return the chain as plain JSON values; `from_dict` reads it back."""
        stages = [
            {"stage": stage.stage, **asdict(stage, dict_factory=_plain)} for stage in self.stages
        ]
        return {"name": self.name, "sample_rate": self.sample_rate, "stages": stages}

    @classmethod
    def from_dict(cls, values: Any) -> Self:
        """Return the front-end of a JSON object.

        Args:
            values: {"name": …, "sample_rate": …, "stages": [{"stage": …, …}, …]}, as `to_dict`
                returned it or a user wrote it.

        Raises:
            ConfigError: naming the stage and the field.
        """
        if not isinstance(values, dict) or not isinstance(values.get("stages"), list):
            raise ConfigError('a front-end is a JSON object with "stages": [{"stage": …}, …]')
        check_names(values, cls, "a front-end", skip=())
        return cls(values["name"], values["sample_rate"], tuple(map(_stage, values["stages"])))


def _after(stage: Stage, before: Layout) -> Layout:
    """Return what is known after a stage; raise FieldError where that is nothing usable."""
    try:
        with np.errstate(all="ignore"):
            after = stage.after(before)
    except (ArithmeticError, ValueError):
        after = None
    usual = () if after is None or after.values is None else after.values.usual
    if after is None or not all(abs(end) < _LARGEST for end in usual):
        raise FieldError("stages", stage.stage, "a stage whose values are finite in float32")
    if stage.place in ("column", "count") and after.width > MAX_ROWS:
        limits = f"such that a column has at most {MAX_ROWS} rows, not {after.width}"
        raise FieldError("stages", stage.stage, limits)
    return after


def _plain(fields: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return fields as JSON has them."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in fields}


def _needs_more(stage: Stage) -> bool:
    """Whether the stage needs more than one frame."""
    return stage.dependence != "frame" or stage.place == "count"


def _stage(values: Any) -> Stage:
    name = values.get("stage") if isinstance(values, dict) else None
    if name is None:
        raise ConfigError(f"{quoted(values)} names no stage", 'each needs its name as "stage"')
    kind = STAGES.get(name) if isinstance(name, str) else None
    if kind is None:
        text = name[:100] if isinstance(name, str) else ""
        near = difflib.get_close_matches(text, STAGES, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(STAGES)}"
        raise ConfigError(f"there is no stage {quoted(name)}", hint)
    check_names(values, kind, f"the stage {name!r}", skip=("stage",))
    try:
        given = {field: value for field, value in values.items() if field != "stage"}
        return kind(**{f: tuple(v) if isinstance(v, list) else v for f, v in given.items()})
    except FieldError as error:
        raise FieldError(f"{error.field} of {name}", error.value, error.limits) from error


def check_names(values: dict[Any, Any], kind: Any, what: str, skip: tuple[str, ...]) -> None:
    """Raise ConfigError where `values` names a field that `kind` does not have, or leaves one out.

    Args:
        values: what a JSON object holds.
        kind: the dataclass that is made of it.
        what: the object, as a message calls it.
        skip: names that are no fields of it.
    """
    known = {field.name: field for field in fields(kind)}
    for name in values:
        if name not in known and name not in skip:
            near = difflib.get_close_matches(str(name)[:100], known, n=1, cutoff=0.4)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
            if "front_end" in values:
                hint = "give what is under 'front_end' alone"
            raise ConfigError(f"there is no field {quoted(name)} in {what}", hint)
    defaults = (MISSING, MISSING)
    missing = [
        name
        for name, field in known.items()
        if (field.default, field.default_factory) == defaults and name not in values
    ]
    if missing:
        raise ConfigError(f"{what} needs {', '.join(missing)}")
