"""Bands without overlap, as wide as the ear's."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from visualizer.errors import FieldError
from visualizer.mel.arrays import Arrays, Operator
from visualizer.mel.filters import filtered, require_room
from visualizer.mel.limits import MAX_BANDS, whole
from visualizer.mel.stage import Layout, Place, Rows, Stage

# Of DeepFilterNet's libDF: 9.265·ln(1 + f/(24.7·9.265)), after Glasberg and Moore (1990).
_STEP, _ERB_AT_0_HZ = 9.265, 24.7


@dataclass(frozen=True)
class ErbBands(Stage):
    """Take the mean of the bins in bands next to each other, from 0 Hz to half the sample rate.

    They are even on an ERB scale, but for the low ones, which have a least number of bins and push
    those above them up: DeepFilterNet's (libDF, erb_fb).
    """

    stage: ClassVar[str] = "erb_bands"
    place: ClassVar[Place] = "filters"

    n_bands: int = field(metadata=whole(1, MAX_BANDS, usual=(32,)))
    least_bins: int = field(default=2, metadata=whole(1, 4096, usual=(1, 2)))
    """of a band"""

    def widths(self, sample_rate: int, n_fft: int) -> NDArray[np.int64]:
        """Return how many bins each band has, (n_bands,); some may come out as none or less."""
        bin_hz = sample_rate / n_fft
        highest = _STEP * np.log1p(sample_rate // 2 / (_ERB_AT_0_HZ * _STEP))
        steps = highest / self.n_bands * np.arange(1, self.n_bands + 1)
        ends = np.floor(_ERB_AT_0_HZ * _STEP * np.expm1(steps / _STEP) / bin_hz + 0.5).astype(int)
        widths, owed = [], 0
        for share in np.diff(ends, prepend=0).tolist():
            # What a band has beyond its own share, the next one lacks.
            widths.append(max(self.least_bins, share - owed))
            owed += widths[-1] - share
        widths[-1] += n_fft // 2 + 1 - sum(widths)
        return np.array(widths)

    def filters(self, sample_rate: int, n_fft: int) -> NDArray[np.float64]:
        """Return the weights of the bins in the bands, (n_fft // 2 + 1, n_bands)."""
        widths = self.widths(sample_rate, n_fft)
        weights = np.zeros((n_fft // 2 + 1, self.n_bands))
        weights[np.arange(len(weights)), np.repeat(np.arange(self.n_bands), widths)] = 1.0
        return weights / widths

    def after(self, before: Layout) -> Layout:
        require_room(before, "n_bands", self.n_bands)
        widths = self.widths(before.sample_rate, before.n_fft)
        if widths.min() < 1:
            limits = f"so few that each has a bin of the {before.width} that there are"
            raise FieldError("n_bands", self.n_bands, limits)
        middles = np.cumsum(widths) - (widths + 1) / 2.0
        edges = np.concatenate(([0.0], middles, [before.n_fft // 2 + 0.5]))
        edges_hz = edges * (before.sample_rate / before.n_fft)
        rows = Rows(edges_hz, "erb", plural="ERB bands")
        return filtered(before, self.n_bands, 1.0 / float(widths.min()), rows)

    def operator(self, arrays: Arrays, before: Layout) -> Operator:
        return arrays.product(self.filters(before.sample_rate, before.n_fft))
