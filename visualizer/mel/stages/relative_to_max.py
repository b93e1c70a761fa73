"""Values below the clip's maximum."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from visualizer.mel.arrays import Array, Arrays
from visualizer.mel.stage import Dependence, Layout, Place, Stage, Values


@dataclass(frozen=True)
class RelativeToMax(Stage):
    """Subtract the clip's maximum: 0 is the loudest, as in librosa's power_to_db(ref=np.max)."""

    stage: ClassVar[str] = "relative_to_max"
    place: ClassVar[Place] = "column"

    @property
    def dependence(self) -> Dependence:
        return "clip"

    def after(self, before: Layout) -> Layout:
        assert before.values is not None
        low, high = before.values.usual
        return replace(before, values=Values((low - high, 0.0), level=None))

    def state(self, arrays: Arrays, before: Layout, n_channels: int) -> RelativeToMaxState:
        return RelativeToMaxState(arrays)


class RelativeToMaxState:
    """The maximum of the columns observed so far, in each channel."""

    def __init__(self, arrays: Arrays) -> None:
        self._xp = arrays.xp
        self._top: Array | None = None

    def observe(self, columns: Array) -> None:
        if columns.shape[1] == 0:
            return
        top = self._xp.amax(columns, axis=(1, 2), keepdims=True)
        self._top = top if self._top is None else self._xp.maximum(self._top, top)

    def finish(self, columns: Array) -> Array:
        return columns if self._top is None else columns - self._top
