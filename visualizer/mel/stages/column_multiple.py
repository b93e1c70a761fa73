"""Clips of a whole number of groups of columns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from visualizer.mel.arrays import Array, Arrays
from visualizer.mel.limits import number, whole
from visualizer.mel.stage import Dependence, Layout, Place, Stage


@dataclass(frozen=True)
class ColumnMultiple(Stage):
    """Fill the clip up to a multiple of a number of columns."""

    stage: ClassVar[str] = "column_multiple"
    place: ClassVar[Place] = "count"

    n: int = field(metadata=whole(1, 1_000_000, usual=(2, 4, 8, 16, 100)))
    """columns"""
    fill: float = field(default=0.0, metadata=number(-1e9, usual=(0.0,)))
    """the value of the columns that fill the clip up"""

    @property
    def dependence(self) -> Dependence:
        return "past"

    @property
    def least_columns(self) -> int:
        return self.n

    def state(self, arrays: Arrays, before: Layout, n_channels: int) -> ColumnMultipleState:
        return ColumnMultipleState(self, arrays, before.width, n_channels)


class ColumnMultipleState:
    """How many columns are missing from a multiple."""

    def __init__(self, stage: ColumnMultiple, arrays: Arrays, width: int, n_channels: int) -> None:
        self._n = stage.n
        self._missing = 0
        self._xp = arrays.xp
        self._column = arrays.constant(np.full((n_channels, 1, width), stage.fill))

    def push(self, columns: Array) -> Array:
        self._missing = (self._missing - columns.shape[1]) % self._n
        return columns

    def flush(self) -> Array | None:
        n_channels, _, width = self._column.shape
        return self._xp.broadcast_to(self._column, (n_channels, self._missing, width))
