"""Frequency scales, in float64 NumPy."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

FrequencyScale = Literal[
    "htk", "slaney", "linear", "erb", "bark_traunmuller", "bark_schroeder", "bark_wang"
]

# Slaney's Auditory Toolbox (1998): linear below 1 kHz, then 27 steps to each factor of 6.4.
_SLANEY_HZ_PER_MEL = 200.0 / 3
_SLANEY_BREAK_HZ = 1000.0
_SLANEY_BREAK_MEL = _SLANEY_BREAK_HZ / _SLANEY_HZ_PER_MEL
_SLANEY_LOG_STEP = math.log(6.4) / 27.0

# Glasberg and Moore, "Derivation of auditory filter shapes from notched-noise data" (1990).
_ERB_STEP, _ERB_PER_HZ = 21.4, 0.00437

_ARSINH: dict[FrequencyScale, tuple[float, float]] = {
    "bark_schroeder": (7.0, 650.0),
    "bark_wang": (6.0, 600.0),
}
"""a and b of a·arsinh(f/b): Schroeder, Atal and Hall (1979); Wang, Sekey and Gersho (1992)."""

# Traunmüller, "Analytical expressions for the tonotopic sensory scale" (1990), with its corrections
# below 2 and above 20.1 Bark.
_BARK_LOW, _BARK_LOW_SLOPE = 2.0, 0.85
_BARK_HIGH, _BARK_HIGH_SLOPE = 20.1, 1.22


def hz_to_scale(hz: ArrayLike, scale: FrequencyScale) -> NDArray[np.float64]:
    """Return frequencies in Hz on a scale, same shape.

    "htk" is 2595·log10(1 + f/700) (HTK Book, section 5.4); "slaney" that of Slaney's Auditory
    Toolbox; "linear" the frequencies themselves; "erb" 21.4·log10(1 + 0.00437·f) (Glasberg and
    Moore, 1990); "bark_traunmuller" 26.81·f/(1960 + f) − 0.53 with its corrections at both ends
    (Traunmüller, 1990), "bark_schroeder" 7·arsinh(f/650), "bark_wang" 6·arsinh(f/600).

    >>> round(float(hz_to_scale(1000.0, "slaney")), 9)
    15.0
    """
    frequency = np.asarray(hz, dtype=np.float64)
    if scale == "linear":
        return frequency
    if scale == "htk":
        return 2595.0 * np.log10(1.0 + frequency / 700.0)
    if scale == "erb":
        return _ERB_STEP * np.log10(1.0 + _ERB_PER_HZ * frequency)
    if scale in _ARSINH:
        step, knee_hz = _ARSINH[scale]
        return step * np.arcsinh(frequency / knee_hz)
    if scale == "bark_traunmuller":
        bark = 26.81 * frequency / (1960.0 + frequency) - 0.53
        low = _BARK_LOW + (bark - _BARK_LOW) * _BARK_LOW_SLOPE
        high = _BARK_HIGH + (bark - _BARK_HIGH) * _BARK_HIGH_SLOPE
        return np.select([bark < _BARK_LOW, bark > _BARK_HIGH], [low, high], bark)
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
    if scale == "erb":
        return (10.0 ** (mels / _ERB_STEP) - 1.0) / _ERB_PER_HZ
    if scale in _ARSINH:
        step, knee_hz = _ARSINH[scale]
        return knee_hz * np.sinh(mels / step)
    if scale == "bark_traunmuller":
        low = _BARK_LOW + (mels - _BARK_LOW) / _BARK_LOW_SLOPE
        high = _BARK_HIGH + (mels - _BARK_HIGH) / _BARK_HIGH_SLOPE
        bark = np.select([mels < _BARK_LOW, mels > _BARK_HIGH], [low, high], mels)
        return 1960.0 * (bark + 0.53) / (26.28 - bark)
    return np.where(
        mels < _SLANEY_BREAK_MEL,
        mels * _SLANEY_HZ_PER_MEL,
        _SLANEY_BREAK_HZ * np.exp(_SLANEY_LOG_STEP * (mels - _SLANEY_BREAK_MEL)),
    )
