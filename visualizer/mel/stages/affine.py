"""Shift and scale of each value."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

from visualizer.mel.arrays import Array, Arrays, Operator
from visualizer.mel.limits import number
from visualizer.mel.stage import Layout, Place, Stage


@dataclass(frozen=True)
class Affine(Stage):
    """Return (x + shift)·scale."""

    stage: ClassVar[str] = "affine"
    place: ClassVar[Place] = "column"

    shift: float = field(
        default=0.0,
        metadata=number(
            -1e9, usual=(0.0, 4.0, 4.2677393, 4.268, 4.5, -4.5, 11.52, 20.0, 30.0, 80.0, -15.41663)
        ),
    )
    scale: float = field(
        default=1.0, metadata=number(-1e9, usual=(1.0, 0.25, 0.2, 0.1, 0.08, 0.5, 2.0))
    )

    def after(self, before: Layout) -> Layout:
        assert before.values is not None
        return replace(before, values=before.values.through(self._of, is_line=True))

    def operator(self, arrays: Arrays, before: Layout) -> Operator:
        return self._of

    def _of(self, values: Array) -> Array:
        return (values + self.shift) * self.scale
