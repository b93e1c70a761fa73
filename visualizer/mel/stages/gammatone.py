"""Gammatone filters: the ear's, as weights of the bins."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from visualizer.errors import FieldError, is_number
from visualizer.mel.arrays import Arrays, Operator
from visualizer.mel.filters import filtered, require_room
from visualizer.mel.limits import MAX_BANDS, number, whole
from visualizer.mel.scales import hz_to_scale, scale_to_hz
from visualizer.mel.stage import Layout, Place, Rows, Stage

# The bandwidth of a filter at f is 1.019·24.7·(1 + 0.00437·f) Hz.
_ERB_AT_0_HZ, _ERB_PER_HZ = 24.7, 0.00437


@dataclass(frozen=True)
class Gammatone(Stage):
    """Sum the bins by the responses of gammatone filters, evenly spaced by their ERB.

    A filter of order n around f weighs a bin at g by (1 + ((g − f)/b)²)^(−n·power/2), which is 1
    at its peak, with b = width·ERB(f) (Patterson et al., "Complex sounds and auditory images",
    1992) and ERB(f) = 24.7·(1 + 0.00437·f) Hz (Glasberg and Moore, 1990).
    """

    stage: ClassVar[str] = "gammatone"
    place: ClassVar[Place] = "filters"

    n_filters: int = field(metadata=whole(1, MAX_BANDS, usual=(32, 40, 64, 128)))
    f_min: float = field(metadata=number(0.0, text="from 0 to below f_max Hz", usual=(20.0, 50.0)))
    """Hz, peak of the first filter"""
    f_max: float = field(metadata=number(1.0, 1e6, "from 1 to 1e6 Hz", usual=(8000.0,)))
    """Hz, peak of the last filter"""
    order: float = field(default=4.0, metadata=number(1.0, 16.0, "from 1 to 16"))
    width: float = field(default=1.019, metadata=number(0.01, 100.0, "from 0.01 to 100"))
    """b, as a share of the ERB"""
    power: float = field(default=2.0, metadata=number(1.0, 2.0, "from 1 to 2", usual=(1.0, 2.0)))
    """of the magnitude response: 2 suits bins that are powers"""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not is_number(self.f_max, self.f_min + 1e-3):
            raise FieldError("f_min", self.f_min, f"from 0 to below f_max ({self.f_max}) Hz")

    def edges_hz(self) -> NDArray[np.float64]:
        """Return the peaks and one more on either side, (n_filters + 2,) Hz."""
        low, high = hz_to_scale([self.f_min, self.f_max], "erb")
        step = (high - low) / max(1, self.n_filters - 1)
        return scale_to_hz(low + step * np.arange(-1, self.n_filters + 1), "erb")

    def filters(self, sample_rate: int, n_fft: int) -> NDArray[np.float64]:
        """Return the weights of the bins in the filters, (n_fft // 2 + 1, n_filters)."""
        peaks_hz = self.edges_hz()[1:-1]
        bins_hz = np.arange(n_fft // 2 + 1)[:, None] * (sample_rate / n_fft)
        widths_hz = self.width * _ERB_AT_0_HZ * (1.0 + _ERB_PER_HZ * peaks_hz)
        weights: NDArray[np.float64] = 1.0 + ((bins_hz - peaks_hz) / widths_hz) ** 2
        return weights ** (-0.5 * self.order * self.power)

    def after(self, before: Layout) -> Layout:
        require_room(before, "n_filters", self.n_filters)
        rows = Rows(self.edges_hz(), "erb", plural="gammatones")
        return filtered(before, self.n_filters, 1.0, rows)

    def operator(self, arrays: Arrays, before: Layout) -> Operator:
        return arrays.product(self.filters(before.sample_rate, before.n_fft))
