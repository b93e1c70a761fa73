"""Frequency scales, in float64 NumPy."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

FrequencyScale = Literal["htk", "slaney", "linear"]

# Slaney's Auditory Toolbox (1998): linear below 1 kHz, then 27 steps to each factor of 6.4.
_SLANEY_HZ_PER_MEL = 200.0 / 3
_SLANEY_BREAK_HZ = 1000.0
_SLANEY_BREAK_MEL = _SLANEY_BREAK_HZ / _SLANEY_HZ_PER_MEL
_SLANEY_LOG_STEP = math.log(6.4) / 27.0


def hz_to_scale(hz: ArrayLike, scale: FrequencyScale) -> NDArray[np.float64]:
    """Return frequencies in Hz on a scale, same shape.

    "htk" is 2595·log10(1 + f/700) (HTK Book, section 5.4); "slaney" that of Slaney's Auditory
    Toolbox; "linear" the frequencies themselves.

    >>> round(float(hz_to_scale(1000.0, "slaney")), 9)
    15.0
    """
    frequency = np.asarray(hz, dtype=np.float64)
    if scale == "linear":
        return frequency
    if scale == "htk":
        return 2595.0 * np.log10(1.0 + frequency / 700.0)
    above = np.maximum(frequency, _SLANEY_BREAK_HZ)
    return np.where(
        frequency < _SLANEY_BREAK_HZ,
        frequency / _SLANEY_HZ_PER_MEL,
        _SLANEY_BREAK_MEL + np.log(above / _SLANEY_BREAK_HZ) / _SLANEY_LOG_STEP,
    )


def scale_to_hz(places: ArrayLike, scale: FrequencyScale) -> NDArray[np.float64]:
    """Return the inverse of `hz_to_scale`, same shape."""
    mels = np.asarray(places, dtype=np.float64)
    if scale == "linear":
        return mels
    if scale == "htk":
        return 700.0 * (10.0 ** (mels / 2595.0) - 1.0)
    return np.where(
        mels < _SLANEY_BREAK_MEL,
        mels * _SLANEY_HZ_PER_MEL,
        _SLANEY_BREAK_HZ * np.exp(_SLANEY_LOG_STEP * (mels - _SLANEY_BREAK_MEL)),
    )
