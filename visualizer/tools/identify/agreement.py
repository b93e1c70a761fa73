"""Whether a chain's columns are the features: to the rounding of both sides, everywhere."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visualizer.mel.stages.mel import Mel
from visualizer.mel.stages.spectrum import Spectrum
from visualizer.tools.identify.chains import Chain, Sound
from visualizer.tools.identify.observation import Observation

Values = NDArray[np.float64]

_BIN_ERROR = 2e-6
"""Of a frame's root mean square: how far float32's transforms may be off at a bin."""
_FILTER_ERROR = 1e-5
"""Of a filter's peak: weights that were computed in float32."""
_VALUE_ERROR = 1e-6
"""Of a value, and of the range of the features: sums and logarithms in float32."""
_DRAWS = 3
_MOST_RMS = 0.65
"""Of deviations, as shares of the tolerance: evenly spread within it they have 0.58."""
_MOST = 1.05
_FEW = 1e-3
"""The share of values that may be off by more than that…"""
_MOST_OF_FEW = 3.0
"""…but not by more than this: a tolerance is an estimate."""


@dataclass(frozen=True, eq=False)
class Agreement:
    """How far a chain's columns are from the features."""

    largest: float
    """deviation, in the features' unit; infinite where the shapes differ"""
    rms: float
    """of the deviations, each as a share of what rounding explains"""
    worst: float
    """the largest of these shares"""
    usual: float
    """what nearly all of them are below"""
    tolerance: Values | None = None
    """(n_columns, n_rows), in the features' unit"""
    explained: float = 0.0
    """the share of the features' variance that the columns have too; 0 where they have none"""

    @property
    def is_same(self) -> bool:
        """Whether rounding explains all deviations."""
        return self.worst <= _MOST_OF_FEW and self.usual <= _MOST and self.rms <= _MOST_RMS


NONE = Agreement(math.inf, math.inf, math.inf, math.inf)


def agreement(sound: Sound, chain: Chain, seen: Observation, linear: Values) -> Agreement:
    """Hold a chain's columns against the features.

    Args:
        sound: what both were made of.
        chain: the whole chain.
        seen: the features.
        linear: the chain's columns at its filters.
    """
    columns = sound.finished(chain, linear)
    if columns.shape != seen.values.shape:
        return NONE
    errors = _errors(sound, chain, linear)
    generator = np.random.default_rng(0)
    squares = np.zeros(columns.shape)
    for _ in range(_DRAWS):
        signs = generator.choice((-1.0, 1.0), linear.shape)
        moved = sound.finished(chain, np.maximum(linear + signs * errors, 0.0))
        squares += (moved - columns) ** 2
    value_error = _VALUE_ERROR * np.maximum(np.abs(seen.values), seen.highest - seen.lowest)
    return held(columns, seen, np.sqrt(squares / _DRAWS) + value_error + seen.step)


def held(columns: Values, seen: Observation, tolerance: Values) -> Agreement:
    """Hold columns against the features, with a tolerance for each value."""
    if columns.shape != seen.values.shape:
        return NONE
    sizes = np.abs(columns - seen.values)
    known = np.isfinite(seen.values)
    shares = (sizes / tolerance)[known]
    rms = float(np.sqrt(np.mean(shares**2)))
    usual = float(np.quantile(shares, 1.0 - _FEW))
    left = float(np.mean(sizes[known] ** 2)) / float(np.var(seen.values[known]))
    explained = max(0.0, 1.0 - left)
    return Agreement(
        float(sizes[known].max()), rms, float(shares.max()), usual, tolerance, explained
    )


def _errors(sound: Sound, chain: Chain, linear: Values) -> Values:
    """Return how far float32 may have moved values at the filters."""
    spectrum = chain.of(Spectrum)
    bins = sound.linear(chain.without(Mel))
    magnitudes = bins if spectrum.power == 1 else np.sqrt(bins)
    bin_error = _BIN_ERROR * np.sqrt((magnitudes**2).mean(axis=1, keepdims=True))
    if spectrum.power == 2:
        bin_errors = 2.0 * magnitudes * bin_error + bin_error**2
    else:
        bin_errors = np.broadcast_to(bin_error, bins.shape)
    mel = chain.find(Mel)
    if mel is None:
        bare: Values = bin_errors + _VALUE_ERROR * linear
        return bare
    filters = mel.filters(chain.sample_rate, spectrum.n_fft)
    support = (filters > 0.0) * filters.max(axis=0)
    of_filters = _FILTER_ERROR * (bins @ support)
    errors: Values = bin_errors @ filters + of_filters + _VALUE_ERROR * linear
    return errors
