"""The lowest and highest sample of each pixel column, computed once, when its samples come."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Read = Callable[[int, int], NDArray[np.float32]]
"""read(first, end) gives the samples [first, end) as (end − first, n_channels); NaN: lost"""

_CHUNK_SAMPLES = 1 << 15
_NONE = -2
"""No pixel, nor the one before pixel 0."""
_ROUNDING = 1e-6
"""In samples; a pixel's edge that is meant to lie on a sample may be a rounding off."""


class Envelope:
    """A ring of pixels on the stream's own grid: pixel p holds the samples i with
    p·samples_per_pixel ≤ i < (p + 1)·samples_per_pixel, wherever it is seen.

    A pixel with lost samples is NaN; one too narrow to hold a sample repeats the one before it.
    """

    def __init__(self, samples_per_pixel: float, width: int) -> None:
        self.low = np.full(width, np.nan, np.float32)
        self.high = np.full(width, np.nan, np.float32)
        self._pixels = np.full(width, _NONE, np.int64)
        self._samples_per_pixel = samples_per_pixel
        self._open = _NONE

    @property
    def width(self) -> int:
        return len(self.low)

    def end_pixel(self, end_sample: int) -> int:
        """The pixel after the one that holds the sample before `end_sample`."""
        return max(0, math.floor((end_sample - 1 + _ROUNDING) / self._samples_per_pixel) + 1)

    def missing(self, end_sample: int) -> NDArray[np.int64]:
        """Of the `width` pixels up to `end_sample` those to be computed, rising."""
        if self._pixels[self._open % self.width] == self._open:
            # It was computed while some of its samples were still to come.
            self._pixels[self._open % self.width] = _NONE
        self._open = _NONE
        end = self.end_pixel(end_sample)
        pixels = np.arange(max(0, end - self.width), end, dtype=np.int64)
        return pixels[~self.known(pixels)]

    def fill(
        self, read: Read, missing: NDArray[np.int64], end_sample: int, until_s: float
    ) -> NDArray[np.int64]:
        """Compute missing pixels, the newest first, until it is done or `until_s` is past.

        `until_s` is in perf_counter s. Returns those that are still missing.
        """
        most = max(1, int(_CHUNK_SAMPLES / self._samples_per_pixel))
        while len(missing):
            newest = missing[-most:]
            # As many as lie side by side.
            jumps = np.flatnonzero(np.diff(newest) != 1)
            run = newest[jumps[-1] + 1 :] if len(jumps) else newest
            self._compute(read, int(run[0]), int(run[-1]) + 1, end_sample)
            missing = missing[: len(missing) - len(run)]
            if time.perf_counter() >= until_s:
                break
        return missing

    def known(self, pixels: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of these pixels are computed."""
        known: NDArray[np.bool_] = self._pixels[pixels % self.width] == pixels
        return known

    def _compute(self, read: Read, first: int, end: int, end_sample: int) -> None:
        edges = np.arange(first, end + 1) * self._samples_per_pixel
        bounds = np.ceil(edges - _ROUNDING).astype(np.int64)
        if bounds[-1] > end_sample:
            bounds[-1] = end_sample
            self._open = end - 1
        slots = np.arange(first, end) % self.width
        if self._samples_per_pixel >= 1:
            samples = np.ascontiguousarray(read(int(bounds[0]), int(bounds[-1])))
            starts = (bounds[:-1] - bounds[0]) * samples.shape[1]
            self.low[slots] = np.minimum.reduceat(samples.ravel(), starts)
            self.high[slots] = np.maximum.reduceat(samples.ravel(), starts)
        else:
            picked = bounds[1:] - 1
            samples = read(int(picked[0]), int(bounds[-1]))[picked - picked[0]]
            self.low[slots], self.high[slots] = samples.min(axis=1), samples.max(axis=1)
        self._pixels[slots] = np.arange(first, end)
