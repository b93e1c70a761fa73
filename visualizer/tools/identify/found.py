"""What was found of the front-end that made an array of features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from visualizer.mel.flat import flat_form
from visualizer.mel.front_end import FrontEnd


@dataclass(frozen=True)
class Difference:
    """A field in which the front-end that was found differs from the nearest named one."""

    field: str
    """its flat name where it has one, else "stage.field"; a stage's name for a whole stage"""
    theirs: Any
    """None where the stage is missing"""
    near: Any


@dataclass(frozen=True)
class Identified:
    """The front-end that gives columns nearest to the features, and how near."""

    front_end: FrontEnd
    near: str
    """the name of the front-end that it is compared with"""
    is_same: bool
    """whether all columns are the features, to rounding"""
    largest: float
    """deviation of a column's value from the feature's; infinite where their shapes differ"""
    differences: tuple[Difference, ...] = ()
    undecided: tuple[str, ...] = ()
    """fields whose other values give the same columns of this sound"""
    notes: tuple[str, ...] = ()
    """how the array lies, and what could not be explained"""

    def sentences(self) -> tuple[str, ...]:
        """Return what was found, one line a field."""
        return self.notes

    def to_dict(self) -> dict[str, Any]:
        """Return all as plain JSON values."""
        flat = flat_form(self.front_end)
        return {
            "is_same": self.is_same,
            "largest": self.largest,
            "near": self.near,
            "front_end": {} if flat is None else flat.to_dict(),
            "chain": self.front_end.to_dict(),
            "differences": [vars(difference) for difference in self.differences],
            "undecided": list(self.undecided),
        }
