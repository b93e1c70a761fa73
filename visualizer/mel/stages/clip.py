"""Values kept within limits."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

from visualizer.mel.arrays import Arrays, Operator
from visualizer.mel.limits import number
from visualizer.mel.stage import Layout, Place, Stage, Values


@dataclass(frozen=True)
class Clip(Stage):
    """Keep each value within ± a limit."""

    stage: ClassVar[str] = "clip"
    place: ClassVar[Place] = "column"

    limit: float = field(metadata=number(1e-9, text="above 0"))

    def after(self, before: Layout) -> Layout:
        assert before.values is not None
        low, high = (min(max(end, -self.limit), self.limit) for end in before.values.usual)
        # What is clipped is the same value for many levels; within the limits it tells them.
        return replace(before, values=Values((low, high), before.values.level))

    def operator(self, arrays: Arrays, before: Layout) -> Operator:
        return lambda values: values.clip(min=-self.limit, max=self.limit)
