"""Slopes of the rows along the columns."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

from visualizer.errors import FieldError
from visualizer.mel.arrays import Array, Arrays
from visualizer.mel.limits import whole
from visualizer.mel.stage import Dependence, Layout, Place, Stage


@dataclass(frozen=True)
class Deltas(Stage):
    """Put each column's slopes under it, as further rows.

    With N = win_length // 2, the slope of a row is Σ n·(x[t + n] − x[t − n]) / (2·Σ n²) over n from
    1 to N (HTK Book, section 5.9); the outermost columns stand for those beyond them.
    """

    stage: ClassVar[str] = "deltas"
    place: ClassVar[Place] = "count"

    win_length: int = field(default=5, metadata=whole(3, 101, " columns", usual=(3, 5, 9)))
    """columns that a slope is taken over, an odd number"""
    orders: int = field(default=1, metadata=whole(1, 4, usual=(1, 2)))
    """2 puts the slopes of the slopes under these, and so on"""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.win_length % 2 == 0:
            raise FieldError("win_length", self.win_length, "an odd number from 3 to 101")

    @property
    def dependence(self) -> Dependence:
        return "past"

    def after(self, before: Layout) -> Layout:
        return replace(before, width=before.width * (1 + self.orders))

    def state(self, arrays: Arrays, before: Layout, n_channels: int) -> DeltasState:
        return DeltasState(self, arrays)


class DeltasState:
    """The columns whose slopes are not all known yet."""

    def __init__(self, stage: Deltas, arrays: Arrays) -> None:
        self._xp = arrays.xp
        self._slopes = [_Slopes(stage.win_length // 2, arrays) for _ in range(stage.orders)]
        self._waiting: list[Array] | None = None
        """columns, slopes, slopes of slopes: from the first column on that is not out yet"""

    def push(self, columns: Array) -> Array:
        parts = [columns]
        for slopes in self._slopes:
            parts.append(slopes.push(parts[-1]))
        return self._complete(parts)

    def flush(self) -> Array | None:
        if self._waiting is None or self._waiting[0].shape[1] == 0:
            return None
        parts = [self._waiting[0][:, :0]]
        for slopes in self._slopes:
            parts.append(self._xp.concat((slopes.push(parts[-1]), slopes.flush()), axis=1))
        return self._complete(parts)

    def _complete(self, parts: list[Array]) -> Array:
        """Take on what is new, and return the columns of which all is known."""
        if self._waiting is not None:
            joined = zip(self._waiting, parts, strict=True)
            parts = [self._xp.concat(pair, axis=1) for pair in joined]
        n = parts[-1].shape[1]
        self._waiting = [part[:, n:] for part in parts]
        return self._xp.concat([part[:, :n] for part in parts], axis=2)


class _Slopes:
    """The slopes of columns that come in pieces; each comes out with the last that it needs."""

    def __init__(self, reach: int, arrays: Arrays) -> None:
        self._reach = reach
        self._xp = arrays.xp
        self._kept: Array | None = None

    def push(self, columns: Array) -> Array:
        if columns.shape[1] == 0:
            return columns
        before = [columns[:, :1]] * self._reach if self._kept is None else [self._kept]
        columns = self._xp.concat((*before, columns), axis=1)
        n = max(0, columns.shape[1] - 2 * self._reach)
        self._kept = columns[:, n:]
        slopes = self._xp.zeros_like(columns[:, :n])
        for far in range(1, self._reach + 1):
            later = columns[:, self._reach + far :][:, :n]
            earlier = columns[:, self._reach - far :][:, :n]
            slopes = slopes + far * (later - earlier)
        return slopes / (2 * sum(far * far for far in range(1, self._reach + 1)))

    def flush(self) -> Array:
        assert self._kept is not None
        return self.push(self._xp.concat([self._kept[:, -1:]] * self._reach, axis=1))
