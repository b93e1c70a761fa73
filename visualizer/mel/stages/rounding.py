"""Values as a type of fewer bits holds them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from visualizer.mel.arrays import Arrays, Operator
from visualizer.mel.limits import one_of
from visualizer.mel.rounding import Rounding
from visualizer.mel.stage import Layout, Place, Stage


@dataclass(frozen=True)
class Rounded(Stage):
    """Round each value to a number that a type has, to the nearest.

    What is beyond the largest of float16 becomes that, where the model itself gets an infinity.
    """

    stage: ClassVar[str] = "rounding"
    place: ClassVar[Place] = "column"

    dtype: Rounding = field(metadata=one_of(Rounding))

    def operator(self, arrays: Arrays, before: Layout) -> Operator:
        return lambda values: arrays.rounded(values, self.dtype)
