"""Triangular filters on a mel scale, or another of the ear's."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from visualizer.errors import FieldError, is_number
from visualizer.mel.arrays import Arrays, Operator
from visualizer.mel.filters import filtered, require_room
from visualizer.mel.limits import (
    MAX_BANDS,
    SAMPLE_RATE_MAX_HZ,
    SAMPLE_RATE_MIN_HZ,
    number,
    one_of,
    optional,
    whole,
)
from visualizer.mel.rounding import Rounding, rounded
from visualizer.mel.scales import FrequencyScale, hz_to_scale, scale_to_hz
from visualizer.mel.stage import Layout, Place, Rows, Stage

Norm = Literal["slaney"]
Triangles = Literal["hz", "mel"]
Slopes = Literal["own", "lower"]

_LEAST_WIDTH_HZ = 1e-3
"""Of a filter on average: what is much narrower has no width in floating point."""


@dataclass(frozen=True)
class Mel(Stage):
    """Sum the bins by triangular filters whose peaks are evenly spaced on a mel scale."""

    stage: ClassVar[str] = "mel"
    place: ClassVar[Place] = "filters"

    n_mels: int = field(
        metadata=whole(1, MAX_BANDS, usual=(23, 32, 40, 64, 80, 96, 100, 128, 160, 229, 256, 512))
    )
    f_min: float = field(
        metadata=number(
            0.0,
            text="from 0 to below f_max Hz",
            usual=(0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 55.0, 60.0, 64.0, 80.0, 125.0),
        )
    )
    """Hz, lower edge of the first filter"""
    f_max: float = field(
        metadata=number(
            1e-6,
            1e6,
            "above 0 and up to 1e6 Hz",
            usual=(
                *(3800.0, 4000.0, 7500.0, 7600.0, 7690.0, 7700.0, 7800.0, 8000.0, 11_000.0),
                *(11_025.0, 12_000.0, 14_000.0, 15_000.0, 16_000.0, 20_000.0, 22_050.0, 24_000.0),
            ),
        )
    )
    """Hz, upper edge of the last filter; bands above sample_rate/2 stay empty"""
    mel_scale: FrequencyScale = field(metadata=one_of(FrequencyScale))
    """"linear" takes hertz as they are; see `scales.hz_to_scale`"""
    norm: Norm | None = field(metadata=optional(one_of(Norm)))
    """"slaney" divides each filter by half its width in Hz; None leaves its peak at 1"""
    triangles: Triangles = field(default="hz", metadata=one_of(Triangles))
    """on which axis the filters are straight"""
    slopes: Slopes = field(default="own", metadata=one_of(Slopes))
    """"lower": the falling slope is as wide as the rising one"""
    rate: int | None = field(
        default=None,
        metadata=optional(
            whole(SAMPLE_RATE_MIN_HZ, SAMPLE_RATE_MAX_HZ, " Hz", usual=(16_000, 22_050, 24_000))
        ),
    )
    """Hz, of the sound that the filters are laid out for, where it is not the sound that comes"""
    rounding: Rounding | None = field(default=None, metadata=optional(one_of(Rounding)))
    """of the weights, where the model holds them in such a type"""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not is_number(self.f_max, self.f_min + 1e-6):
            raise FieldError("f_min", self.f_min, f"from 0 to below f_max ({self.f_max}) Hz")
        if self.f_max < self.f_min + self.n_mels * _LEAST_WIDTH_HZ:
            limits = f"above f_min ({self.f_min} Hz) by n_mels times {_LEAST_WIDTH_HZ:g} Hz or more"
            raise FieldError("f_max", self.f_max, limits)

    def edges_hz(self) -> NDArray[np.float64]:
        """Return edges and peaks, (n_mels + 2,) Hz; in sound of `rate`, where that is given.

        Band i rises from element i, peaks at i + 1 and falls to zero at i + 2.
        """
        low, high = hz_to_scale([self.f_min, self.f_max], self.mel_scale)
        return scale_to_hz(np.linspace(low, high, self.n_mels + 2), self.mel_scale)

    def filters(self, sample_rate: int, n_fft: int) -> NDArray[np.float64]:
        """Return the weights of the bins in the bands, (n_fft // 2 + 1, n_mels)."""
        bins = np.arange(n_fft // 2 + 1, dtype=np.float64)
        weights = self._weights(bins[:, None] * ((self.rate or sample_rate) / n_fft))
        return weights if self.rounding is None else rounded(weights, self.rounding).astype(float)

    def _weights(self, hz: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the weight of frequencies (n, n_mels), or (n, 1) for all bands, in each band."""
        edges_hz = edges = self.edges_hz()
        if self.triangles == "mel":
            hz, edges = (hz_to_scale(values, self.mel_scale) for values in (hz, edges))
        widths = np.diff(edges)
        falling_widths = widths[:-1] if self.slopes == "lower" else widths[1:]
        rising = (hz - edges[None, :-2]) / widths[None, :-1]
        falling = 1.0 - (hz - edges[None, 1:-1]) / falling_widths[None, :]
        weights: NDArray[np.float64] = np.maximum(0.0, np.minimum(rising, falling))
        if self.norm == "slaney":
            weights *= 2.0 / (edges_hz[2:] - edges_hz[:-2])
        return weights

    def _tallest(self, sample_rate: int, n_fft: int) -> float:
        """Return the largest weight: that of a bin on either side of a band's peak."""
        width_hz = (self.rate or sample_rate) / n_fft
        below = np.floor(self.edges_hz()[1:-1] / width_hz)
        beside = np.minimum(np.stack((below, below + 1)), n_fft // 2).astype(np.float64)
        return float(self._weights(beside * width_hz).max())

    def after(self, before: Layout) -> Layout:
        require_room(before, "n_mels", self.n_mels)
        # 0 dB is a sine at the peak of the tallest filter.
        tallest = self._tallest(before.sample_rate, before.n_fft)
        stretch = before.sample_rate / (self.rate or before.sample_rate)
        rows = Rows(
            self.edges_hz() * stretch,
            self.mel_scale,
            plural="bins" if self.mel_scale == "linear" else "mels",
        )
        return filtered(before, self.n_mels, tallest, rows)

    def operator(self, arrays: Arrays, before: Layout) -> Operator:
        return arrays.product(self.filters(before.sample_rate, before.n_fft))
