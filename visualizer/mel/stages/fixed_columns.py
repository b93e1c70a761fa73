"""Clips of one length."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from visualizer.mel.arrays import Array, Arrays
from visualizer.mel.limits import number, whole
from visualizer.mel.stage import Dependence, Layout, Place, Stage


@dataclass(frozen=True)
class FixedColumns(Stage):
    """Cut the clip, or fill it, to a fixed number of columns."""

    stage: ClassVar[str] = "fixed_columns"
    place: ClassVar[Place] = "count"

    n_columns: int = field(metadata=whole(1, 1_000_000, usual=(96, 998, 1000, 1001, 1024, 3000)))
    fill: float = field(default=0.0, metadata=number(-1e9))
    """the value of the columns that fill the clip up"""

    @property
    def dependence(self) -> Dependence:
        return "past"

    @property
    def least_columns(self) -> int:
        return self.n_columns

    def state(self, arrays: Arrays, before: Layout, n_channels: int) -> FixedColumnsState:
        return FixedColumnsState(self, arrays, before.width, n_channels)


class FixedColumnsState:
    """How many columns are left to come."""

    def __init__(self, stage: FixedColumns, arrays: Arrays, width: int, n_channels: int) -> None:
        self._left = stage.n_columns
        self._xp = arrays.xp
        self._column = arrays.constant(np.full((n_channels, 1, width), stage.fill))

    def push(self, columns: Array) -> Array:
        columns = columns[:, : self._left]
        self._left -= columns.shape[1]
        return columns

    def flush(self) -> Array | None:
        if not self._left:
            return None
        n_channels, _, width = self._column.shape
        return self._xp.broadcast_to(self._column, (n_channels, self._left, width))
