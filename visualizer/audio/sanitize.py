"""Samples as they may come from anywhere, made fit to be analysed, with a count of what was not.

A single bad sample would spoil every band of every frame that it is in.
"""

from __future__ import annotations

import operator
from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray

LIMIT = 100.0
"""40 dB over full scale. No sound gets there; integers stored as floats do. From here not even the
widest front-end that a config may describe (a window of 2²⁰ samples, scaled by 10⁹) reaches the
end of float32, 3.4·10³⁸: by Parseval's theorem the power of all its bins is at most
(2²⁰·LIMIT·10⁹)², which is 1.1·10³⁴."""

SMALLEST = 1.1e-19
"""Whose square is float32's smallest normal number. Arithmetic with smaller ones (denormals) takes
many times as long, and −379 dB is far below any converter."""

_LIMIT, _SMALLEST = np.float32(LIMIT), np.float32(SMALLEST)


@dataclass(frozen=True)
class SoundFaults:
    """How many samples had to be made fit, by what was wrong with them."""

    not_finite: int = 0
    """NaN or infinite: taken as silence"""
    beyond_limit: int = 0
    """beyond ±LIMIT: cut to that"""
    denormal: int = 0
    """so small that they are slow to compute with: taken as silence, which they are"""

    @property
    def bad(self) -> int:
        """Those that were no sound; a fading echo ends in denormals and is none the worse."""
        return self.not_finite + self.beyond_limit


NO_FAULTS = SoundFaults()


@dataclass(frozen=True)
class Levels:
    """How loud the samples of some deliveries were; 1.0 is full scale."""

    peak: float
    """largest absolute one"""
    means: tuple[float, ...]
    """of each channel: its constant offset (DC) where that stays; () where there are no samples"""


class Cleaner:
    """Makes the samples of one stream finite and bounded, and notes what they were like."""

    def __init__(self) -> None:
        self.faults = NO_FAULTS
        """all since the stream began"""
        self._peak = 0.0
        self._sums: NDArray[np.float32] | None = None
        self._n_samples = 0

    def clean(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Take (n_samples, n_channels) float32, as many channels each time; return the same shape.

        It is the very array where nothing is wrong with it; it is never written to. What comes
        out is 0 or from SMALLEST to LIMIT in magnitude.
        """
        if samples.size == 0:
            return samples
        magnitudes = np.abs(samples)
        peak = float(magnitudes.max())
        # Nothing is true of NaN.
        if not peak <= LIMIT or (peak and _has_denormals(magnitudes)):
            samples = self._mended(samples, magnitudes)
            peak = float(np.abs(samples).max())
        self._peak = max(self._peak, peak)
        # A product with ones: a third of the time of a sum along this axis.
        sums = np.ones(len(samples), dtype=np.float32) @ samples
        self._sums = sums if self._sums is None else self._sums + sums
        self._n_samples += len(samples)
        return samples

    def take_levels(self) -> Levels:
        """Of the samples cleaned since the last call."""
        sums, self._sums = self._sums, None
        n_samples, self._n_samples = self._n_samples, 0
        peak, self._peak = self._peak, 0.0
        return Levels(peak, () if sums is None else tuple((sums / n_samples).tolist()))

    def _mended(
        self, samples: NDArray[np.float32], magnitudes: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        finite = np.isfinite(samples)
        beyond = finite & (magnitudes > _LIMIT)
        denormal = (magnitudes < _SMALLEST) & (magnitudes > 0)
        found = (int(np.count_nonzero(which)) for which in (~finite, beyond, denormal))
        self.faults = SoundFaults(*map(operator.add, astuple(self.faults), found))
        fit = np.where(finite & ~denormal, samples, np.float32(0.0))
        bounded: NDArray[np.float32] = np.clip(fit, -_LIMIT, _LIMIT)
        return bounded


def _has_denormals(magnitudes: NDArray[np.float32]) -> bool:
    least = magnitudes.min()
    if least:
        return bool(least < _SMALLEST)
    # Exact zeros, which are common, hide them.
    n_zeros = magnitudes.size - np.count_nonzero(magnitudes)
    return bool(np.count_nonzero(magnitudes < _SMALLEST) > n_zeros)
