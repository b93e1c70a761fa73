"""Values below the clip's maximum."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from visualizer.mel.arrays import Arrays
from visualizer.mel.stage import Dependence, Layout, Place, Stage, Values
from visualizer.mel.stages.dynamic_range import ClipMaximum


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

    def state(self, arrays: Arrays, before: Layout, n_channels: int) -> ClipMaximum:
        return ClipMaximum(arrays, lambda columns, top: columns - top)
