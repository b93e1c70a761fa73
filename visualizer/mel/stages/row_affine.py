"""Shift and scale of each row by numbers of its own."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np

from visualizer.errors import FieldError
from visualizer.mel.arrays import Arrays, Operator
from visualizer.mel.limits import numbers
from visualizer.mel.stage import Layout, Place, Stage, Values


@dataclass(frozen=True)
class RowAffine(Stage):
    """Return (x + shifts[i])·scales[i] in row i: a corpus's means and deviations, most often."""

    stage: ClassVar[str] = "row_affine"
    place: ClassVar[Place] = "column"

    shifts: tuple[float, ...] = field(metadata=numbers(-1e9))
    """one for each row"""
    scales: tuple[float, ...] = field(metadata=numbers(-1e9))
    """one for each row"""

    def after(self, before: Layout) -> Layout:
        for name in ("shifts", "scales"):
            values = getattr(self, name)
            if len(values) != before.width:
                raise FieldError(
                    name, values, f"a list of {before.width} numbers, one for each row"
                )
        assert before.values is not None
        ends = (np.array(before.values.usual)[:, None] + self.shifts) * np.array(self.scales)
        low, high = (float(np.median(side)) for side in (ends.min(axis=0), ends.max(axis=0)))
        return replace(before, values=Values((low, high), level=None))

    def operator(self, arrays: Arrays, before: Layout) -> Operator:
        shifts, scales = arrays.constant(self.shifts), arrays.constant(self.scales)
        return lambda values: (values + shifts) * scales
