"""Pre-emphasis of each frame by itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from visualizer.mel.arrays import Array, Arrays, Operator
from visualizer.mel.limits import number
from visualizer.mel.stage import Layout, Place, Stage


@dataclass(frozen=True)
class FramePreemphasis(Stage):
    """Return y[n] = x[n] − coefficient·x[n − 1] in each frame, with x[−1] = x[0]."""

    stage: ClassVar[str] = "frame_preemphasis"
    place: ClassVar[Place] = "frame"

    coefficient: float = field(metadata=number(0.0, 1.0, "from 0 to 1", usual=(0.97,)))

    def operator(self, arrays: Arrays, before: Layout) -> Operator:
        xp = arrays.xp

        def emphasise(frames: Array) -> Array:
            previous = xp.concat((frames[..., :1], frames[..., :-1]), axis=-1)
            return frames - self.coefficient * previous

        return emphasise
