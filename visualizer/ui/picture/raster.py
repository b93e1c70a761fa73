"""Columns as coloured pixels on a grid that moves with the sound. NumPy only.

Pixel p of the grid begins at p·pixel_s on the stream's clock, wherever the picture is scrolled to,
so a pixel keeps its colours while it moves. It shows the column under its left edge, or, where
columns are narrower than pixels, a peak of those that begin in it; rows likewise. A gap shows
through any peak.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

GAP_COLOUR = 0xFF2F3B45
EMPTY_COLOUR = 0xFF08080C
"""Where nothing is yet, or no more: darker than any silence is drawn."""
N_COLOURS = 512

_EMPTY, _GAP = 0, N_COLOURS + 1
_CELLS_AT_ONCE = 1 << 17
"""Bands of columns, or pixels, to colour in one go: a millisecond of work or two."""


class Columns(Protocol):
    """Where a raster finds its columns: a ColumnHistory, or what is computed from some."""

    @property
    def first(self) -> int: ...

    @property
    def end(self) -> int: ...

    def between(self, first: int, end: int) -> NDArray[np.float32]: ...


Places = NDArray[np.uint16]
"""Where values lie in the colour table."""
Peak = Callable[[Places, NDArray[np.int64], int], Places]
"""What is seen of the places from each of some starts on, along an axis."""


def as_it_is(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the values: the unit of columns that are in that of the picture already."""
    return values


def largest(places: Places, starts: NDArray[np.int64], axis: int) -> Places:
    """Return the largest of each stretch: the peak of a spectrogram."""
    return np.maximum.reduceat(places, starts, axis=axis)


def farthest(places: Places, starts: NDArray[np.int64], axis: int) -> Places:
    """Return that of each stretch farthest from the middle: the peak of a difference."""
    high = np.maximum.reduceat(places, starts, axis=axis)
    low = np.minimum.reduceat(np.where(places == _EMPTY, np.uint16(_GAP), places), starts, axis)
    return np.where((low + high < N_COLOURS + 1) & (high != _GAP), low, high)


@dataclass(frozen=True)
class Grid:
    """Where columns lie in time: column t covers [start_s + t·hop_s, start_s + (t + 1)·hop_s)."""

    start_s: float
    hop_s: float
    n_bands: int

    def column_at(self, seconds: float) -> int:
        """The column that a moment of the stream's clock lies in."""
        return math.floor((seconds - self.start_s) / self.hop_s)

    def middle_s(self, column: int) -> float:
        """The middle of a column on the stream's clock."""
        return self.start_s + (column + 0.5) * self.hop_s


class Raster:
    """A ring of pixel columns, of which only those that are new are coloured."""

    def __init__(
        self,
        pixels: NDArray[np.uint32],
        pixel_s: float,
        grid: Grid,
        columns: Columns,
        unit: Callable[[NDArray[np.float32]], NDArray[np.float32]],
        peak: Peak = largest,
    ) -> None:
        """`pixels` is the memory to draw into: (height, width), 0xffRRGGBB, row 0 on top."""
        self._pixels = pixels
        self.pixel_s = pixel_s
        self._grid = grid
        self._columns = columns
        self._unit = unit
        self._peak = peak
        height = len(pixels)
        # Rows from the lowest band up; reduceat takes one element where two starts are equal.
        self._row_bands = np.arange(height) * grid.n_bands // height
        self._is_low = height < grid.n_bands
        """whether rows show a peak of bands"""
        from_top = np.arange(height)[::-1]
        self._shown_in = from_top if self._is_low else self._row_bands[from_top]
        self._table = np.zeros(N_COLOURS + 2, dtype=np.uint32)
        self._low, self._per_unit = np.float32(0.0), np.float32(N_COLOURS - 1)
        self.first = self.end = self._settled = 0
        """the pixels [first, end) are coloured, those from `_settled` on not for good"""
        self._newest = -1
        """where the columns ended at the last call of `colour`"""
        self._is_away = False
        self.changed_from = 0
        """what the last call of `colour` left as it was ends here"""

    @property
    def width(self) -> int:
        return int(self._pixels.shape[1])

    @property
    def height(self) -> int:
        return len(self._pixels)

    def set_colours(self, table: NDArray[np.uint32], limits: tuple[float, float]) -> None:
        """Colour by (512,) 0xffRRGGBB from the lower to the higher level from now on."""
        self._table = np.concatenate(([EMPTY_COLOUR], table, [GAP_COLOUR])).astype(np.uint32)
        self._low = np.float32(limits[0])
        self._per_unit = np.float32((N_COLOURS - 1) / (limits[1] - limits[0]))
        self.forget()

    def set_away(self, away: bool) -> None:
        """Take what is after the newest column for lost, or for what is still to come."""
        if away != self._is_away:
            self._is_away = away
            self._newest = -1

    def forget(self) -> None:
        """Colour all anew, since what lies behind it has changed."""
        self.first = self.end = self._settled = 0

    def pixel_at(self, seconds: float) -> int:
        """The pixel that a moment of the stream's clock lies in."""
        return math.floor(seconds / self.pixel_s)

    def colour(self, view_end: int) -> bool:
        """Have the pixels [view_end − width, view_end) coloured, newest first.

        Return whether all of them are; where much is to be done, call again.
        """
        view_first = view_end - self.width
        # Until more has come, what was coloured last is as it would be coloured now.
        newest = self._columns.end
        settled = min(self.end if newest == self._newest else self._settled, view_end, self.end)
        self._newest = newest
        if settled <= max(view_first, self.first):
            # Nothing that is still seen is coloured for good.
            self.first = settled = view_end
        self.changed_from = settled if self.first <= view_first else view_first
        per_column = max(
            self._grid.n_bands * max(1.0, self.pixel_s / self._grid.hop_s), self.height
        )
        budget = max(1, int(_CELLS_AT_ONCE / per_column))
        if view_end - settled > budget:
            self.first = settled = view_end
            self.changed_from = view_first
        else:
            self._colour(settled, view_end)
            budget -= view_end - settled
        self.end = view_end
        self.first = max(self.first, view_first)
        if self.first > view_first and budget > 0:
            first = max(view_first, self.first - budget)
            self._colour(first, self.first)
            self.first = first
        # What is not complete yet is coloured again when more has come.
        newest_s = self._grid.start_s + newest * self._grid.hop_s
        self._settled = min(view_end, math.floor(newest_s / self.pixel_s))
        return self.first <= view_first

    def _colour(self, first: int, end: int) -> None:
        """Colour the pixels [first, end), at most as many as there are."""
        if end <= first:
            return
        # Without arrays, since mostly these are a few pixels.
        starts = [self._grid.column_at(pixel * self.pixel_s) for pixel in range(first, end + 1)]
        first_column, end_column = starts[0], max(starts[-1], starts[-2] + 1)
        places = self._places(first_column, end_column)
        by_time = self._peak(places, np.array(starts[:-1]) - first_column, 0)
        peaks = self._peak(by_time, self._row_bands, 1) if self._is_low else by_time
        # Where bands are higher than a row, each is coloured once, and then repeated.
        colours = self._table[peaks.T].take(self._shown_in, axis=0)
        at = first % self.width
        head = min(end - first, self.width - at)
        self._pixels[:, at : at + head] = colours[:, :head]
        if head < end - first:
            self._pixels[:, : end - first - head] = colours[:, head:]

    def _places(self, first: int, end: int) -> Places:
        """Where columns [first, end) lie in the colour table: (end − first, n_bands)."""
        scaled = self._unit(self._columns.between(first, end)) - self._low
        scaled *= self._per_unit
        missing = np.isnan(scaled)
        # Unlike clip, these take the limit instead of NaN.
        np.fmin(np.fmax(scaled, 0, out=scaled), N_COLOURS - 1, out=scaled)
        places = scaled.astype(np.uint16)
        places += 1
        np.copyto(places, _GAP, where=missing)
        places[: max(0, max(0, self._columns.first) - first)] = _EMPTY
        places[max(0, self._columns.end - first) :] = _GAP if self._is_away else _EMPTY
        return places
