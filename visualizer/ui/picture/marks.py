"""What a person put on the picture: the place read, two markers, a region. Values only."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """A column and a band of one lane."""

    lane: int
    column: int
    band: int


@dataclass(frozen=True)
class Region:
    """The columns [first_column, end_column) and bands [first_band, end_band) of one lane."""

    lane: int
    first_column: int
    end_column: int
    first_band: int
    end_band: int

    @classmethod
    def between(cls, a: Place, b: Place) -> Region:
        """From one corner to the other, both included."""
        columns, bands = sorted((a.column, b.column)), sorted((a.band, b.band))
        return cls(a.lane, columns[0], columns[1] + 1, bands[0], bands[1] + 1)


@dataclass(frozen=True)
class Marks:
    """All that is marked."""

    cursor: Place | None = None
    a: Place | None = None
    b: Place | None = None
    region: Region | None = None
    moment_s: float | None = None
    """of the stream, where the mouse is on a model's answers"""

    def places(self) -> tuple[tuple[str, Place], ...]:
        """Those of cursor ("") and markers that there are, with their names."""
        named = (("", self.cursor), ("A", self.a), ("B", self.b))
        return tuple((name, place) for name, place in named if place is not None)
