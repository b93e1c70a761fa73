"""Neighbouring columns as one."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

from visualizer.mel.arrays import Array, Arrays
from visualizer.mel.limits import whole
from visualizer.mel.stage import Dependence, Layout, Place, Stage


@dataclass(frozen=True)
class Stack(Stage):
    """Put consecutive columns on top of each other as one; drop those left over at the end."""

    stage: ClassVar[str] = "stack"
    place: ClassVar[Place] = "count"

    n: int = field(metadata=whole(1, 64))
    """how many"""

    @property
    def dependence(self) -> Dependence:
        return "past"

    def after(self, before: Layout) -> Layout:
        return replace(before, width=before.width * self.n)

    def state(self, arrays: Arrays, before: Layout, n_channels: int) -> StackState:
        return StackState(self, arrays)


class StackState:
    """The columns of a stack that is not full yet."""

    def __init__(self, stage: Stack, arrays: Arrays) -> None:
        self._n = stage.n
        self._xp = arrays.xp
        self._rest: Array | None = None

    def push(self, columns: Array) -> Array:
        if self._rest is not None:
            columns = self._xp.concat((self._rest, columns), axis=1)
        n_channels, n_columns, n_rows = columns.shape
        n_stacks = n_columns // self._n
        self._rest = columns[:, n_stacks * self._n :]
        return columns[:, : n_stacks * self._n].reshape(n_channels, n_stacks, self._n * n_rows)

    def flush(self) -> Array | None:
        return None
