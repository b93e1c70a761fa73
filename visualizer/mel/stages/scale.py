"""Samples in the model's own units."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

from visualizer.mel.arrays import Arrays, Operator
from visualizer.mel.limits import number
from visualizer.mel.stage import Layout, Place, Stage


@dataclass(frozen=True)
class Scale(Stage):
    """Multiply each frame's samples, which are ±1.0 at full scale."""

    stage: ClassVar[str] = "scale"
    place: ClassVar[Place] = "frame"

    factor: float = field(
        metadata=number(1e-12, 1e12, "from 1e-12 to 1e12", usual=(32768.0, 32767.0, 2147483648.0))
    )
    """32768 gives 16-bit samples, as Kaldi takes them, and 2147483648 32-bit ones"""

    def after(self, before: Layout) -> Layout:
        return replace(before, full_scale=before.full_scale * self.factor)

    def operator(self, arrays: Arrays, before: Layout) -> Operator:
        return lambda frames: frames * self.factor
