"""The one rule for samples, wherever they come from and whatever reads them.

A sound's gain first; then what is up to ±LIMIT is taken as it is, as a model would be fed it, what
is beyond is cut to that, and what is too small to compute with is silence. What is no number is
silence in what plays, and an error where a file's features are computed, since none follow from it.
Whatever was made fit is counted: a single bad sample would spoil every band of every frame that it
is in. Where the samples look like integers that were stored as floats, that is noticed.
"""

from __future__ import annotations

import math
import operator
from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray

LIMIT = 65536.0
"""Twice what 16-bit integers reach, which are often stored as floats and fed to models so. From
here no front-end reaches the end of float32, 3.4·10³⁸: `Spectrum` takes at most 2⁴⁴ for its points
times what the samples are scaled by, pre-emphasis and the removal of a mean make samples at most 8
times as large, and by Parseval's theorem the power of all bins is at most (points·largest sample)²,
so (2⁴⁴·8·LIMIT)², which is 8.5·10³⁷."""

SMALLEST = 1.1e-19
"""Whose square is float32's smallest normal number. Arithmetic with smaller ones (denormals) takes
many times as long, and −379 dB is far below any converter."""

_LIMIT, _SMALLEST = np.float32(LIMIT), np.float32(SMALLEST)

_INTEGER_BITS = (16, 24, 32)
_LOUD_WHOLE = 8.0
"""Times full scale: recordings exceed it by a few dB. Whole numbers from here on are integers…"""
_LOUD = 100.0
"""…and others from here on, which no sound reaches, were integers before something was done to
them; it may have made them up to twice as large."""
_ENOUGH = 1000
"""Samples, without zeros, to judge by."""
_WHOLE_SHARE = 0.99


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


def integer_gain_db(bits: int) -> float:
    """Return the gain (dB) that brings `bits`-bit integers, stored as floats, to full scale."""
    return -20.0 * math.log10(2.0 ** (bits - 1))


class Cleaner:
    """Makes the samples of one stream finite and bounded, and notes what they were like."""

    def __init__(self, gain_db: float = 0.0) -> None:
        """`gain_db` is applied before everything else."""
        self.faults = NO_FAULTS
        """all since the stream began"""
        self._gain = np.float32(10.0 ** (gain_db / 20.0))
        self._loudest_given = self._loudest = 0.0
        self._n_loud = self._n_whole = 0
        self._peak = 0.0
        self._sums: NDArray[np.float32] | None = None
        self._ones = np.ones(0, dtype=np.float32)
        self._n_samples = 0

    def clean(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Take (n_samples, n_channels) float32, as many channels each time; return the same shape.

        It is the very array where there is no gain and nothing is wrong with it; it is never
        written to. What comes out is 0 or from SMALLEST to LIMIT in magnitude.
        """
        if samples.size == 0:
            return samples
        given = samples
        if self._gain != 1.0:
            # What is beyond float32 then is taken as infinite.
            with np.errstate(over="ignore"):
                samples = samples * self._gain
        magnitudes = np.abs(samples)
        peak = float(np.maximum.reduce(magnitudes, axis=None))
        if not peak <= _LOUD_WHOLE:
            self._look_for_integers(given, magnitudes)
        # Nothing is true of NaN.
        if not peak <= LIMIT or (peak and _has_denormals(magnitudes)):
            samples = self._mended(samples, magnitudes)
            peak = float(np.abs(samples).max())
        self._peak = max(self._peak, peak)
        # A product with ones: a third of the time of a sum along this axis.
        if len(self._ones) != len(samples):
            self._ones = np.ones(len(samples), dtype=np.float32)
        sums = self._ones @ samples
        self._sums = sums if self._sums is None else self._sums + sums
        self._n_samples += len(samples)
        return samples

    @property
    def integer_bits(self) -> int | None:
        """Of the integers that the samples look like, stored as floats; None: of none."""
        if self._n_loud < _ENOUGH:
            return None
        is_whole = self._n_whole >= _WHOLE_SHARE * self._n_loud
        least = _LOUD_WHOLE if is_whole else _LOUD
        if min(self._loudest, self._loudest_given) <= least:
            return None
        reach = self._loudest_given / (1.0 if is_whole else 2.0)
        return next((bits for bits in _INTEGER_BITS if reach <= 2.0 ** (bits - 1)), None)

    def take_levels(self) -> Levels:
        """Of the samples cleaned since the last call."""
        sums, self._sums = self._sums, None
        n_samples, self._n_samples = self._n_samples, 0
        peak, self._peak = self._peak, 0.0
        return Levels(peak, () if sums is None else tuple((sums / n_samples).tolist()))

    def _look_for_integers(
        self, given: NDArray[np.float32], magnitudes: NDArray[np.float32]
    ) -> None:
        """Note samples, before the gain and, as magnitudes, after it, of which some are loud."""
        sounds = np.isfinite(magnitudes) & (given != 0.0)
        if not sounds.any():
            return
        given = given[sounds]
        self._n_loud += given.size
        self._n_whole += int(np.count_nonzero(given == np.rint(given)))
        self._loudest_given = max(self._loudest_given, float(np.abs(given).max()))
        self._loudest = max(self._loudest, float(magnitudes[sounds].max()))

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
    least = np.minimum.reduce(magnitudes, axis=None)
    if least:
        return bool(least < _SMALLEST)
    # Exact zeros, which are common, hide them.
    n_zeros = magnitudes.size - np.count_nonzero(magnitudes)
    return bool(np.count_nonzero(magnitudes < _SMALLEST) > n_zeros)
