"""The logarithm of each value, with a floor."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

import numpy as np

from visualizer.mel.arrays import Arrays, NumpyArrays, Operator
from visualizer.mel.limits import LEAST_FLOOR, number, one_of
from visualizer.mel.stage import USUAL_DB, Layout, LinearLevel, LogLevel, Place, Stage, Values
from visualizer.mel.stages.spectrum import FloorRule

Kind = Literal["ln", "log10", "db", "db20"]

FACTORS: dict[Kind, float] = {"log10": 1.0, "ln": math.log(10.0), "db": 10.0, "db20": 20.0}
"""What a logarithm to the base of 10 is multiplied by."""


@dataclass(frozen=True)
class Log(Stage):
    """Take a logarithm of the value, raised to a floor or with it added."""

    stage: ClassVar[str] = "log"
    place: ClassVar[Place] = "column"

    kind: Kind = field(metadata=one_of(Kind))
    """"db" is 10·log10, "db20" 20·log10"""
    floor: float = field(
        metadata=number(
            LEAST_FLOOR,
            text=f"{LEAST_FLOOR:g} or more",
            usual=(
                *(1e-12, 1e-10, 1e-9, 1e-8, 2.0**-24, 1e-7, 2.0**-23, 1e-6, 1e-5, 1e-4, 1e-3),
                *(0.01, 0.1, 1.0),
            ),
        )
    )
    floor_rule: FloorRule = field(default="max", metadata=one_of(FloorRule))
    """"max" raises smaller values to the floor, "add" adds it to all"""

    def after(self, before: Layout) -> Layout:
        assert before.values is not None
        level = before.values.level
        formula = self.operator(NumpyArrays(np.float64), before)
        if not isinstance(level, LinearLevel) or level.full_scale <= 0.0:
            return replace(before, values=before.values.through(formula))
        factor = FACTORS[self.kind]
        after = LogLevel(factor * math.log10(level.full_scale), factor * level.power / 20.0)
        low, high = formula(level.value(USUAL_DB))
        return replace(before, values=Values((float(low), float(high)), after))

    def operator(self, arrays: Arrays, before: Layout) -> Operator:
        xp, floor, factor = arrays.xp, arrays.constant(self.floor), FACTORS[self.kind]
        if self.floor_rule == "add":
            return lambda values: xp.log10(values + floor) * factor
        return lambda values: xp.log10(xp.maximum(values, floor)) * factor
