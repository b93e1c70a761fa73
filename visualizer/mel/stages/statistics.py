"""Normalisation of each band by its statistics over the clip."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

from visualizer.mel.arrays import Array, Arrays
from visualizer.mel.limits import number, one_of
from visualizer.mel.stage import Dependence, Layout, Place, Stage, Values

Kind = Literal["std", "variance"]

_DEVIATIONS = 2.5
"""The picture's range at first: this many to both sides."""


@dataclass(frozen=True)
class Statistics(Stage):
    """Subtract each band's mean over the clip and divide by its deviation (ddof 1)."""

    stage: ClassVar[str] = "statistics"
    place: ClassVar[Place] = "column"

    kind: Kind = field(metadata=one_of(Kind))
    """"std" divides by std + epsilon, "variance" by the root of variance + epsilon"""
    epsilon: float = field(metadata=number(1e-12, 1.0, "from 1e-12 to 1"))

    @property
    def dependence(self) -> Dependence:
        return "clip"

    def after(self, before: Layout) -> Layout:
        return replace(before, values=Values((-_DEVIATIONS, _DEVIATIONS), level=None))

    def state(self, arrays: Arrays, before: Layout, n_channels: int) -> StatisticsState:
        return StatisticsState(self, arrays)


class StatisticsState:
    """Mean and squared deviation of each band, of the columns observed so far.

    Pieces add up to the exact figures of the whole (Chan, Golub and LeVeque, 1979). In float64
    where the device has it: the rounding of a mean would be blown up in bands that hardly vary.
    """

    def __init__(self, stage: Statistics, arrays: Arrays) -> None:
        self._stage = stage
        self._arrays = arrays
        self._n = 0
        self._mean: Array = 0.0
        self._squares: Array = 0.0

    def observe(self, columns: Array) -> None:
        n = columns.shape[1]
        if n == 0:
            return
        columns = self._arrays.wide(columns)
        mean = columns.mean(axis=1, keepdims=True)
        squares = ((columns - mean) ** 2).sum(axis=1, keepdims=True)
        total = self._n + n
        delta = mean - self._mean
        self._mean = self._mean + delta * (n / total)
        self._squares = self._squares + squares + delta**2 * (self._n * n / total)
        self._n = total

    def finish(self, columns: Array) -> Array:
        if self._n == 0:
            return columns
        # With one column ddof 1 has no answer; the deviation of one value is none.
        variance = self._squares / max(1, self._n - 1)
        if self._stage.kind == "variance":
            divisor = (variance + self._stage.epsilon) ** 0.5
        else:
            divisor = variance**0.5 + self._stage.epsilon
        normalised = (self._arrays.wide(columns) - self._mean) / divisor
        return self._arrays.narrow(normalised)
