"""A power of each value, in place of a logarithm."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

from visualizer.mel.arrays import Arrays, Operator
from visualizer.mel.limits import number
from visualizer.mel.stage import Layout, Place, Stage, Values


@dataclass(frozen=True)
class PowerLaw(Stage):
    """Return |x|^exponent."""

    stage: ClassVar[str] = "power_law"
    place: ClassVar[Place] = "column"

    exponent: float = field(
        metadata=number(1e-3, 16.0, "from 0.001 to 16", usual=(1 / 3, 0.5, 2.0))
    )

    def after(self, before: Layout) -> Layout:
        assert before.values is not None
        low, high = before.values.usual
        sizes = sorted((abs(low), abs(high)))
        least = 0.0 if low <= 0.0 <= high else sizes[0]
        usual = least**self.exponent, sizes[1] ** self.exponent
        return replace(before, values=Values(usual, level=None))

    def operator(self, arrays: Arrays, before: Layout) -> Operator:
        xp = arrays.xp
        return lambda values: xp.abs(values) ** self.exponent
