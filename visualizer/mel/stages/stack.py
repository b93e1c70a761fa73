"""Neighbouring columns as one."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

from visualizer.errors import FieldError
from visualizer.mel.arrays import Array, Arrays
from visualizer.mel.limits import number, one_of, optional, whole
from visualizer.mel.stage import Dependence, Layout, Place, Stage

Rest = Literal["drop", "fill", "repeat"]

_MOST = 64


@dataclass(frozen=True)
class Stack(Stage):
    """Put consecutive columns on top of each other as one.

    Of T columns, there are as many stacks as are full or, where the rest is not dropped,
    ceil(T/hop).
    """

    stage: ClassVar[str] = "stack"
    place: ClassVar[Place] = "count"

    n: int = field(metadata=whole(1, _MOST, usual=(2, 3, 4, 5, 7, 8)))
    """how many"""
    hop: int | None = field(default=None, metadata=optional(whole(1, _MOST, usual=(6,))))
    """columns from a stack to the next; None is n: no column in two of them"""
    before: int = field(default=0, metadata=whole(0, _MOST - 1, usual=(0, 3)))
    """copies of the first column in front of it"""
    rest: Rest = field(default="drop", metadata=one_of(Rest))
    """what becomes of a last stack that is not full: it is dropped, filled with `fill`, or with
    copies of the last column"""
    fill: float = field(default=0.0, metadata=number(-1e9, usual=(0.0, 1.0)))

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.before >= self.n:
            raise FieldError("before", self.before, f"below n ({self.n})")

    @property
    def step(self) -> int:
        """Columns from a stack to the next."""
        return self.hop or self.n

    @property
    def dependence(self) -> Dependence:
        return "past"

    def after(self, before: Layout) -> Layout:
        return replace(
            before,
            width=before.width * self.n,
            hops=before.hops * self.step,
            middle=before.middle + before.hops * ((self.n - 1) / 2 - self.before),
        )

    def state(self, arrays: Arrays, before: Layout, n_channels: int) -> StackState:
        return StackState(self, arrays)


class StackState:
    """The columns of the stacks that are not full yet."""

    def __init__(self, stage: Stack, arrays: Arrays) -> None:
        self._stage = stage
        self._xp = arrays.xp
        self._rest: Array | None = None
        """from where the next stack begins"""
        self._skip = 0
        """columns to come before that"""
        self._n_columns = 0
        self._n_stacks = 0

    def push(self, columns: Array) -> Array:
        n_new = columns.shape[1]
        if n_new and not self._n_columns:
            columns = self._xp.concat((*[columns[:, :1]] * self._stage.before, columns), axis=1)
        self._n_columns += n_new
        return self._stacked(columns)

    def flush(self) -> Array | None:
        stage = self._stage
        left = -(-self._n_columns // stage.step) - self._n_stacks
        if stage.rest == "drop" or left <= 0 or self._rest is None:
            return None
        # The last stack has a column of its own.
        filler = self._rest[:, -1:]
        if stage.rest == "fill":
            filler = self._xp.full_like(filler, stage.fill)
        return self._stacked(self._xp.concat([filler] * stage.n, axis=1))[:, :left]

    def _stacked(self, columns: Array) -> Array:
        n, step = self._stage.n, self._stage.step
        skipped = min(self._skip, columns.shape[1])
        columns, self._skip = columns[:, skipped:], self._skip - skipped
        if self._rest is not None:
            columns = self._xp.concat((self._rest, columns), axis=1)
        n_columns = columns.shape[1]
        n_stacks = max(0, 1 + (n_columns - n) // step)
        end = n_stacks * step
        layers = [columns[:, i : i + end : step][:, :n_stacks] for i in range(n)]
        self._rest, self._skip = columns[:, end:], self._skip + max(0, end - n_columns)
        self._n_stacks += n_stacks
        return self._xp.concat(layers, axis=2)
