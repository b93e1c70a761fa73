"""Curves as coloured pixels, in a ring that moves with the sound. NumPy only.

An answer is for a stretch of time, so a curve is made of steps. A pixel shows the lowest to the
highest of what begins in it, and is joined to the pixel before it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visualizer.ui.picture.raster import GAP_COLOUR, Grid, Raster, as_it_is


@dataclass(frozen=True)
class CurveColours:
    """0xffRRGGBB of what is not a gap."""

    ground: int
    curves: tuple[int, ...]


class Steps:
    """Some columns of numbers, each mapped from its range to 0 … 1.

    As `Columns` are for a raster, with those that were lost told from those without a number.
    """

    def __init__(
        self,
        bounds: Callable[[], tuple[int, int]],
        read: Callable[[int, int], tuple[NDArray[np.float32], NDArray[np.bool_]]],
        ranges: NDArray[np.float32],
        by_octaves: NDArray[np.bool_],
    ) -> None:
        """Make them of what there is of the answers between the `bounds`.

        Args:
            bounds: gives the first answer, and that after the newest.
            read: gives of the answers [first, end) the numbers (end − first, n_curves), NaN where
                there is none, and which of them there are.
            ranges: (n_curves, 2): the numbers that are lowest and highest.
            by_octaves: (n_curves,): of which each doubling is as high as another.
        """
        self._bounds = bounds
        self._read = read
        self._by_octaves = by_octaves
        ends = np.where(by_octaves[:, np.newaxis], _octave(ranges), ranges)
        self._low, self._extent = ends[:, 0], ends[:, 1] - ends[:, 0]

    @property
    def first(self) -> int:
        return self._bounds()[0]

    @property
    def end(self) -> int:
        return self._bounds()[1]

    def between(self, first: int, end: int) -> NDArray[np.float32]:
        """Return (end − first, n_curves); NaN where there is no number, infinity where lost."""
        numbers, are_there = self._read(first, end)
        if self._by_octaves.any():
            numbers = np.where(self._by_octaves, _octave(numbers), numbers)
        shares: NDArray[np.float32] = (numbers - self._low) / self._extent
        # Also of a number that is not finite.
        shares = np.where(np.isfinite(shares), np.clip(shares, 0, 1), np.float32(np.nan))
        shares[~are_there] = np.inf
        return shares


def _octave(numbers: NDArray[np.float32]) -> NDArray[np.float32]:
    with np.errstate(divide="ignore", invalid="ignore"):
        octaves: NDArray[np.float32] = np.log2(numbers)
    return octaves


class CurveRaster(Raster):
    """Draws the newest curves over the others' places; what was lost is a gap in all of them."""

    def __init__(
        self,
        pixels: NDArray[np.uint32],
        pixel_s: float,
        grid: Grid,
        steps: Steps,
        colours: CurveColours,
        thickness: int,
    ) -> None:
        """`pixels` as in Raster; `thickness` of the lines, in pixels."""
        super().__init__(pixels, pixel_s, grid, steps, as_it_is)
        self._steps = steps
        self._curves = colours
        self._thickness = min(thickness, self.height)
        self._rows = np.arange(self.height)[:, np.newaxis]

    def _colour(self, first: int, end: int) -> None:
        if end <= first:
            return
        slots = np.arange(first, end) % self.width
        if not self._is_away and self._grid.column_at(first * self.pixel_s) >= self._steps.end:
            # Mostly: answers come later than what they are to.
            self._pixels[:, slots] = self._curves.ground
            return
        # With the pixel before the first, to which that is joined.
        edges_s = np.arange(first - 1, end + 1) * self.pixel_s
        starts = np.floor((edges_s - self._grid.start_s) / self._grid.hop_s).astype(np.int64)
        at, after = int(starts[0]), int(max(starts[-1], starts[-2] + 1))
        shares = self._steps.between(at, after)
        lost = np.isinf(shares[:, 0])
        known = slice(max(0, self._steps.first - at), max(0, self._steps.end - at))
        is_gap = np.zeros(len(shares), np.bool_)
        is_gap[known] = lost[known]
        if self._is_away:
            is_gap[known.stop :] = True
        shares[lost] = np.nan
        pieces = starts[:-1] - at
        low, high = np.fmin.reduceat(shares, pieces), np.fmax.reduceat(shares, pieces)
        # NaN before it leaves a pixel as it is.
        top, bottom = np.fmax(high[1:], low[:-1]), np.fmin(low[1:], high[:-1])
        is_none = np.isnan(high[1:])
        room = self.height - self._thickness
        colours = np.full((self.height, end - first), self._curves.ground, np.uint32)
        for i in reversed(range(shares.shape[1])):
            upper = np.rint((1 - top[:, i]) * room)
            lower = np.rint((1 - bottom[:, i]) * room) + self._thickness - 1
            is_line = (self._rows >= upper) & (self._rows <= lower) & ~is_none[:, i]
            colours[is_line] = self._curves.curves[i]
        colours[:, np.logical_or.reduceat(is_gap, pieces)[1:]] = GAP_COLOUR
        self._pixels[:, slots] = colours
