"""Values kept within limits."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

from visualizer.errors import FieldError
from visualizer.mel.arrays import Arrays, Operator
from visualizer.mel.limits import number, optional
from visualizer.mel.stage import Layout, Place, Stage, Values


@dataclass(frozen=True)
class Clip(Stage):
    """Keep each value within limits."""

    stage: ClassVar[str] = "clip"
    place: ClassVar[Place] = "column"

    limit: float = field(metadata=number(1e-9, text="above 0", usual=(1.0, 4.0)))
    """the largest value"""
    low: float | None = field(default=None, metadata=optional(number(-1e9, usual=(0.0,))))
    """the lowest; None is −limit"""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self._low >= self.limit:
            raise FieldError("low", self.low, f"null or below limit ({self.limit})")

    @property
    def _low(self) -> float:
        return -self.limit if self.low is None else self.low

    def after(self, before: Layout) -> Layout:
        assert before.values is not None
        low, high = (min(max(end, self._low), self.limit) for end in before.values.usual)
        # What is clipped is the same value for many levels; within the limits it tells them.
        return replace(before, values=Values((low, high), before.values.level))

    def operator(self, arrays: Arrays, before: Layout) -> Operator:
        return lambda values: values.clip(min=self._low, max=self.limit)
