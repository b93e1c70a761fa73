"""Rows upside down."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from visualizer.mel.arrays import Array, Arrays, Operator
from visualizer.mel.stage import Layout, Place, Stage


@dataclass(frozen=True)
class Flip(Stage):
    """Turn each column upside down: its last row becomes the first."""

    stage: ClassVar[str] = "flip"
    place: ClassVar[Place] = "column"

    def after(self, before: Layout) -> Layout:
        rows = before.rows
        edges_hz = None if rows.edges_hz is None else rows.edges_hz[::-1]
        return replace(before, rows=replace(rows, edges_hz=edges_hz, labels=rows.labels[::-1]))

    def operator(self, arrays: Arrays, before: Layout) -> Operator:
        xp = arrays.xp

        def flip(values: Array) -> Array:
            # Joined with nothing, for a copy: torch takes no array that runs backwards in memory.
            return xp.concat((xp.flip(values, (-1,)),))

        return flip
