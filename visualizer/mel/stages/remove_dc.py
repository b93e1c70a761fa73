"""Frames without their constant part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from visualizer.mel.arrays import Arrays, Operator
from visualizer.mel.stage import Layout, Place, Stage


@dataclass(frozen=True)
class RemoveDC(Stage):
    """Subtract each frame's mean from it."""

    stage: ClassVar[str] = "remove_dc"
    place: ClassVar[Place] = "frame"

    def operator(self, arrays: Arrays, before: Layout) -> Operator:
        return lambda frames: frames - frames.mean(axis=-1, keepdims=True)
