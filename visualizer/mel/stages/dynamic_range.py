"""A floor under the clip's maximum."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

from visualizer.mel.arrays import Array, Arrays, Operator
from visualizer.mel.limits import number, optional
from visualizer.mel.stage import Dependence, Layout, Place, Stage


@dataclass(frozen=True)
class DynamicRange(Stage):
    """Raise values that are lower than the clip's maximum by more than a range to there."""

    stage: ClassVar[str] = "dynamic_range"
    place: ClassVar[Place] = "column"

    below: float = field(metadata=number(1e-9, text="above 0", usual=(8.0, 80.0, 120.0)))
    """the maximum, by how much at most"""
    reference_max: float | None = field(default=None, metadata=optional(number(-1e9, usual=(1.5,))))
    """stands for the clip's maximum where the model fixes it"""

    @property
    def dependence(self) -> Dependence:
        return "clip" if self.reference_max is None else "frame"

    def operator(self, arrays: Arrays, before: Layout) -> Operator:
        assert self.reference_max is not None
        xp, lowest = arrays.xp, arrays.constant(self.reference_max - self.below)
        return lambda values: xp.maximum(values, lowest)

    def state(self, arrays: Arrays, before: Layout, n_channels: int) -> ClipMaximum:
        xp = arrays.xp
        return ClipMaximum(arrays, lambda columns, top: xp.maximum(columns, top - self.below))


class ClipMaximum:
    """The maximum of the columns observed so far, in each channel, and what is made of it."""

    def __init__(self, arrays: Arrays, finished: Callable[[Array, Array], Array]) -> None:
        """`finished` takes columns and the maximum, (n_channels, 1, 1), and returns columns."""
        self._xp = arrays.xp
        self._finished = finished
        self._top: Array | None = None

    def observe(self, columns: Array) -> None:
        if columns.shape[1] == 0:
            return
        top = self._xp.amax(columns, axis=(1, 2), keepdims=True)
        self._top = top if self._top is None else self._xp.maximum(self._top, top)

    def finish(self, columns: Array) -> Array:
        return columns if self._top is None else self._finished(columns, self._top)
