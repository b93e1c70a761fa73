"""The largest row alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from visualizer.mel.arrays import Array, Arrays, Operator
from visualizer.mel.stage import Layout, Place, Stage, Values


@dataclass(frozen=True)
class OneHot(Stage):
    """Return 1 for the largest row of a column, the first where some are alike, and 0 elsewhere."""

    stage: ClassVar[str] = "one_hot"
    place: ClassVar[Place] = "column"

    def after(self, before: Layout) -> Layout:
        return replace(before, values=Values((0.0, 1.0), level=None))

    def operator(self, arrays: Arrays, before: Layout) -> Operator:
        xp, rows = arrays.xp, arrays.constant(np.arange(before.width))
        one, zero = arrays.constant(1.0), arrays.constant(0.0)

        def largest(values: Array) -> Array:
            return xp.where(rows == xp.argmax(values, -1)[..., None], one, zero)

        return largest
