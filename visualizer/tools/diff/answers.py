"""What two files of a model's answers differ in, moment by moment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from visualizer.errors import ConfigError, quoted
from visualizer.export.answers import holds_answers, read_answers
from visualizer.models.contract import ModelSpec, Output
from visualizer.models.history import Answered

_TICK_S = 1e-6
"""Moments that are nearer to each other than this are the same."""


@dataclass(frozen=True)
class OutputFigures:
    """How far one output differs over the moments that both files have."""

    name: str
    unit: str
    n_compared: int
    """moments at which both tell something"""
    n_different: int
    """of them, those at which it is not exactly the same"""
    only_a: int
    """moments at which A alone tells something"""
    only_b: int
    largest: float | None
    """absolute difference; None for texts, and where nothing was compared"""
    largest_at_s: float | None
    mean_absolute: float | None
    rms: float | None


@dataclass(frozen=True)
class AnswersCompared:
    """Two files of answers, against each other."""

    titles: tuple[str, str]
    """one line each: the file, the model and how many answers"""
    fields: dict[str, tuple[Any, Any]]
    """in which fields what the models say of themselves differs, A's value and B's"""
    n_moments: int
    """that both have"""
    n_only: tuple[int, int]
    """that one alone has"""
    outputs: tuple[OutputFigures, ...]
    """those that both models have"""

    @property
    def is_same(self) -> bool:
        """Whether the files hold the same answers to the same moments."""
        differ = any(one.n_different or one.only_a or one.only_b for one in self.outputs)
        return not (differ or any(self.n_only) or self.fields)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return asdict(self) | {"is_same": self.is_same}


def are_answers(a: str, b: str) -> bool:
    """Whether two words of the command line name files of answers. Raises ConfigError for one."""
    held = [Path(word).suffix.lower() == ".npz" and holds_answers(Path(word)) for word in (a, b)]
    if any(held) and not all(held):
        one, other = (a, b) if held[0] else (b, a)
        raise ConfigError(
            f"{quoted(one)} holds a model's answers, and {quoted(other)} does not",
            "give two that `visualizer answers` wrote",
        )
    return all(held)


def compare_answers(a: Path, b: Path) -> AnswersCompared:
    """Compare two files of answers. Raises ConfigError where they have nothing in common."""
    first, second = read_answers(a), read_answers(b)
    both = [
        (mine, theirs)
        for mine in first.spec.outputs
        for theirs in second.spec.outputs
        if (mine.name, mine.kind, mine.labels) == (theirs.name, theirs.kind, theirs.labels)
    ]
    common, rows_a, rows_b = np.intersect1d(_ticks(first), _ticks(second), return_indices=True)
    if not both or not len(common):
        what = "moment" if both else "output"
        raise ConfigError(f"the answers of {quoted(a)} and {quoted(b)} have no {what} in common")
    moments_s = first.times_s[rows_a]
    return AnswersCompared(
        titles=(_title(a, first), _title(b, second)),
        fields=_fields(first.spec, second.spec),
        n_moments=len(common),
        n_only=(len(first.times_s) - len(common), len(second.times_s) - len(common)),
        outputs=tuple(
            _figures(mine, _values(first, mine)[rows_a], _values(second, theirs)[rows_b], moments_s)
            for mine, theirs in both
        ),
    )


def answers_tables(found: AnswersCompared) -> Iterator[Table | str]:
    """Lines and tables, in the order to print them."""
    for letter, title in zip("AB", found.titles, strict=True):
        yield f"{letter}  {title}"
    if found.fields:
        table = Table("", "A", "B", title="what their models say of themselves")
        for name, pair in found.fields.items():
            table.add_row(name, *map(str, pair))
        yield table
    if found.is_same:
        yield "they are the same: every answer of A is exactly that of B"
        return
    only = ", ".join(f"{n} in {letter} alone" for n, letter in zip(found.n_only, "AB", strict=True))
    yield f"{found.n_moments} moments in both, {only}"
    for one in found.outputs:
        yield f"  {_line(one)}"


def _line(one: OutputFigures) -> str:
    parts = [f"{one.name}: {one.n_different} of {one.n_compared} answers differ"]
    if one.largest:
        unit = f" {one.unit}" if one.unit else ""
        parts.append(f"largest {one.largest:.4g}{unit} at {one.largest_at_s:.3f} s")
        parts.append(f"mean absolute {one.mean_absolute:.4g}{unit}")
        parts.append(f"RMS {one.rms:.4g}{unit}")
    for letter, n in (("A", one.only_a), ("B", one.only_b)):
        if n:
            parts.append(f"{n} where {letter} alone tells something")
    return ", ".join(parts)


def _title(path: Path, answered: Answered) -> str:
    return f"{path.name} · {answered.spec.name} · {len(answered.times_s)} answers"


def _ticks(answered: Answered) -> NDArray[np.int64]:
    return np.rint(answered.times_s / _TICK_S).astype(np.int64)


def _fields(a: ModelSpec, b: ModelSpec) -> dict[str, tuple[Any, Any]]:
    ours, theirs = a.to_dict(), b.to_dict()
    return {name: (ours[name], theirs[name]) for name in ours if ours[name] != theirs[name]}


def _values(answered: Answered, output: Output) -> NDArray[Any]:
    """Return an output's values, (n, n_numbers), or (n, 1) of texts."""
    if output.kind != "text":
        return answered.numbers[:, answered.spec.numbers_of(output)]
    texts = [one for one in answered.spec.outputs if one.kind == "text"]
    place = texts.index(output)
    return np.array([[words[place]] for words in answered.texts], np.str_).reshape(-1, 1)


def _figures(
    output: Output, a: NDArray[Any], b: NDArray[Any], moments_s: NDArray[np.float64]
) -> OutputFigures:
    is_text = output.kind == "text"
    told_a, told_b = ((v != "" if is_text else np.isfinite(v)).all(axis=1) for v in (a, b))
    both = told_a & told_b
    a, b, moments_s = a[both], b[both], moments_s[both]
    largest = largest_at_s = mean_absolute = rms = None
    if not is_text and len(a):
        apart = np.abs(a.astype(np.float64) - b)
        worst = apart.max(axis=1)
        largest, largest_at_s = float(worst.max()), float(moments_s[worst.argmax()])
        mean_absolute, rms = float(apart.mean()), float(np.sqrt((apart**2).mean()))
    return OutputFigures(
        name=output.name,
        unit=output.unit,
        n_compared=int(both.sum()),
        n_different=int((a != b).any(axis=1).sum()),
        only_a=int((told_a & ~told_b).sum()),
        only_b=int((told_b & ~told_a).sum()),
        largest=largest,
        largest_at_s=largest_at_s,
        mean_absolute=mean_absolute,
        rms=rms,
    )
