"""How a stream of columns is written for scripts: lines of JSON, NumPy arrays, bare numbers."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visualizer.audio.source import SourceInfo
from visualizer.engine.options import OutputFormat
from visualizer.engine.report import front_end_fields
from visualizer.engine.status import State
from visualizer.errors import DeviceError
from visualizer.mel.front_end import FrontEnd
from visualizer.models.contract import ModelSpec

_GAP_COLUMNS = 256
"""How many missing columns are written at once: a gap may last hours."""


@dataclass(frozen=True)
class Heading:
    """What the columns that follow are of."""

    source: SourceInfo
    mel: FrontEnd
    gain_db: float
    """which the sound was given before everything else"""
    n_signals: int | None
    """how many are analysed side by side; None: one, and the values have no axis for it"""
    model: ModelSpec | None = None
    """what answers beside them"""


@dataclass(frozen=True)
class StreamColumn:
    """One column, and what is known of it: the fields of its line of JSON."""

    column: int
    """its index on the stream's grid of hops"""
    time_s: float
    """middle of its window, seconds from the stream's first sample"""
    gap: int
    """columns that are missing before it"""
    dropped: int
    """those of them that were computed and dropped, since the output was read too slowly"""
    captured_at: float
    """Unix time, s: when the delivery that completed it came in"""
    wait_ms: float
    """from then until the worker took it"""
    kernel_ms: float
    """from then until its values were ready"""
    values: NDArray[np.float32]
    """(n_mels,), or (n_signals, n_mels)"""


@dataclass(frozen=True)
class StreamAnswer:
    """What a model answered for one moment: the fields of its line of JSON."""

    name: str
    time_s: float
    """middle of what it answers for, seconds from the stream's first sample"""
    gap: int
    """answers that are missing before it"""
    outputs: list[str]
    """their names"""
    values: list[float | list[float] | str | None]
    """of each output; None: nothing to tell"""
    late_ms: float
    """from when the newest sound of its block was there until the answer was"""


class Writer:
    """Turns each of these into bytes, in pieces of bounded size; by itself, into none."""

    def heading(self, heading: Heading) -> Iterator[bytes]:
        yield from ()

    def column(self, column: StreamColumn) -> Iterator[bytes]:
        yield from ()

    def answer(self, answer: StreamAnswer) -> Iterator[bytes]:
        yield from ()

    def state(self, state: State, fault: str | None, note: str) -> Iterator[bytes]:
        yield from ()


class Lines(Writer):
    """A JSON object a line, told apart by "type": "stream", "column", "model" or "state"."""

    def heading(self, heading: Heading) -> Iterator[bytes]:
        mel = heading.mel
        yield _line(
            type="stream",
            source=heading.source.to_dict(),
            gain_db=heading.gain_db,
            signals=heading.n_signals,
            n_mels=mel.n_rows,
            hop_s=mel.hop_s,
            unit="model",
            streaming_form=mel.needs_whole_clip,
            model=heading.model and heading.model.to_dict(),
            **front_end_fields(mel),
        )

    def column(self, column: StreamColumn) -> Iterator[bytes]:
        fields = vars(column) | {"values": _listed(column.values)}
        yield _line(type="column", **fields)

    def answer(self, answer: StreamAnswer) -> Iterator[bytes]:
        yield _line(type="model", **vars(answer))

    def state(self, state: State, fault: str | None, note: str) -> Iterator[bytes]:
        yield _line(type="state", state=state, fault=fault, note=note)


class Arrays(Writer):
    """A .npy for each column, one after the other; of a missing one all values are NaN."""

    def column(self, column: StreamColumn) -> Iterator[bytes]:
        for values in _with_missing(column):
            file = io.BytesIO()
            for row in values:
                np.lib.format.write_array(file, row, allow_pickle=False)
            yield file.getvalue()


class Numbers(Writer):
    """Little-endian float32 and nothing else; of a missing column all values are NaN."""

    def __init__(self) -> None:
        self._shape: tuple[int, ...] | None = None

    def heading(self, heading: Heading) -> Iterator[bytes]:
        """Raises DeviceError where columns of another size follow: no reader could tell."""
        shape = (heading.n_signals or 1, heading.mel.n_rows)
        if self._shape not in (None, shape):
            raise DeviceError(
                f"{heading.source.name!r} came back with columns of other values than before "
                f"({shape} instead of {self._shape}), which f32 cannot express",
                "use jsonl or npy",
            )
        self._shape = shape
        yield from ()

    def column(self, column: StreamColumn) -> Iterator[bytes]:
        for values in _with_missing(column):
            yield values.astype("<f4").tobytes()


WRITERS: dict[OutputFormat, type[Writer]] = {"jsonl": Lines, "npy": Arrays, "f32": Numbers}


def _with_missing(column: StreamColumn) -> Iterator[NDArray[np.float32]]:
    """The columns missing before one, then itself: (n, *values.shape).

    So the place of a column among those written is its index, also where none could be told.
    """
    shape = column.values.shape
    for at in range(0, column.gap, _GAP_COLUMNS):
        n = min(_GAP_COLUMNS, column.gap - at)
        yield np.full((n, *shape), np.nan, np.float32)
    yield column.values[None]


def _line(**fields: object) -> bytes:
    return json.dumps(fields, separators=(",", ":"), allow_nan=False).encode() + b"\n"


def _listed(values: NDArray[np.float32]) -> list[object]:
    """With as many digits as float32 has, which reads back as the same; null: not finite."""
    if values.ndim > 1:
        return [_listed(row) for row in values]
    return [float(f"{v:.9g}") if math.isfinite(v) else None for v in values.tolist()]
