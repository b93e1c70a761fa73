"""Normalisation by statistics over the clip."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

from visualizer.mel.arrays import Array, Arrays
from visualizer.mel.limits import number, one_of
from visualizer.mel.stage import Dependence, Layout, Place, Stage, Values

Kind = Literal["std", "variance", "mean"]
Ddof = Literal[0, 1]
Over = Literal["row", "all"]

_DEVIATIONS = 2.5
"""The picture's range at first: this many to both sides."""


@dataclass(frozen=True)
class Statistics(Stage):
    """Subtract each row's mean over the clip and divide by its deviation.

    Where that is 0, as of a row that never changes, the value is 0.
    """

    stage: ClassVar[str] = "statistics"
    place: ClassVar[Place] = "column"

    kind: Kind = field(metadata=one_of(Kind))
    """"std" divides by std + epsilon, "variance" by the root of variance + epsilon, "mean" only
    subtracts"""
    epsilon: float = field(
        default=0.0,
        metadata=number(0.0, 1.0, "from 0 to 1", usual=(0.0, 1e-10, 1e-8, 1e-7, 1e-6, 1e-5)),
    )
    ddof: Ddof = field(default=1, metadata=one_of(Ddof))
    """what is taken off the number of columns that the sum of squares is divided by"""
    over: Over = field(default="row", metadata=one_of(Over))
    """whether each row has statistics of its own, or "all" the same"""

    @property
    def dependence(self) -> Dependence:
        return "clip"

    def after(self, before: Layout) -> Layout:
        assert before.values is not None
        low, high = before.values.usual
        reach = (high - low) / 2.0 if self.kind == "mean" else _DEVIATIONS
        return replace(before, values=Values((-reach, reach), level=None))

    def state(self, arrays: Arrays, before: Layout, n_channels: int) -> StatisticsState:
        return StatisticsState(self, arrays)


class StatisticsState:
    """Mean and squared deviation of the columns observed so far, of each row or of all.

    Pieces add up to the exact figures of the whole (Chan, Golub and LeVeque, 1979). In float64
    where the device has it, and from the first value on: the rounding of a mean would be blown up
    in rows that hardly vary, and those that do not vary have none.
    """

    def __init__(self, stage: Statistics, arrays: Arrays) -> None:
        self._stage = stage
        self._arrays = arrays
        self._axes = (1,) if stage.over == "row" else (1, 2)
        self._n = 0
        self._first: Array = 0.0
        self._mean: Array = 0.0
        self._squares: Array = 0.0

    def observe(self, columns: Array) -> None:
        n = columns.shape[1] * (1 if self._stage.over == "row" else columns.shape[2])
        if n == 0:
            return
        columns = self._arrays.wide(columns)
        if self._n == 0:
            self._first = columns[:, :1] if self._stage.over == "row" else columns[:, :1, :1]
        columns = columns - self._first
        mean = columns.mean(axis=self._axes, keepdims=True)
        squares = ((columns - mean) ** 2).sum(axis=self._axes, keepdims=True)
        total = self._n + n
        delta = mean - self._mean
        self._mean = self._mean + delta * (n / total)
        self._squares = self._squares + squares + delta**2 * (self._n * n / total)
        self._n = total

    def finish(self, columns: Array) -> Array:
        if self._n == 0:
            return columns
        stage, xp = self._stage, self._arrays.xp
        centred = self._arrays.wide(columns) - self._first - self._mean
        if stage.kind == "mean":
            return self._arrays.narrow(centred)
        # With one column ddof 1 has no answer; the deviation of one value is none.
        variance = self._squares / max(1, self._n - stage.ddof)
        if stage.kind == "variance":
            divisor = (variance + stage.epsilon) ** 0.5
        else:
            divisor = variance**0.5 + stage.epsilon
        # A row without a deviation is the mean itself.
        divisor = xp.where(divisor == 0.0, xp.ones_like(divisor), divisor)
        return self._arrays.narrow(centred / divisor)
