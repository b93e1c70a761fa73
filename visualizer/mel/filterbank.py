"""Mel scales, triangular filters and the analysis window, in float64 NumPy.

No torch here, so that the window can draw its frequency axis before torch is loaded.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from visualizer.mel.flat import MelConfig, MelScale

# Slaney's Auditory Toolbox (1998): linear below 1 kHz, then 27 steps to each factor of 6.4.
_SLANEY_HZ_PER_MEL = 200.0 / 3
_SLANEY_BREAK_HZ = 1000.0
_SLANEY_BREAK_MEL = _SLANEY_BREAK_HZ / _SLANEY_HZ_PER_MEL
_SLANEY_LOG_STEP = math.log(6.4) / 27.0


def hz_to_mel(hz: ArrayLike, scale: MelScale) -> NDArray[np.float64]:
    """Frequencies in Hz as mels, same shape.

    "htk" is 2595·log10(1 + f/700) (HTK Book, section 5.4); "slaney" that of Slaney's
    Auditory Toolbox; "linear" the frequencies themselves.
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


def mel_to_hz(mel: ArrayLike, scale: MelScale) -> NDArray[np.float64]:
    """The inverse of `hz_to_mel`, same shape."""
    mels = np.asarray(mel, dtype=np.float64)
    if scale == "linear":
        return mels
    if scale == "htk":
        return 700.0 * (10.0 ** (mels / 2595.0) - 1.0)
    return np.where(
        mels < _SLANEY_BREAK_MEL,
        mels * _SLANEY_HZ_PER_MEL,
        _SLANEY_BREAK_HZ * np.exp(_SLANEY_LOG_STEP * (mels - _SLANEY_BREAK_MEL)),
    )


def band_edges_hz(config: MelConfig) -> NDArray[np.float64]:
    """Edges and peaks of the filters: (n_mels + 2,) Hz.

    Band i rises from element i, peaks at i + 1 and falls to zero at i + 2.
    """
    low, high = hz_to_mel([config.f_min, config.f_max], config.mel_scale)
    return mel_to_hz(np.linspace(low, high, config.n_mels + 2), config.mel_scale)


def band_position(hz: ArrayLike, config: MelConfig) -> NDArray[np.float64]:
    """Where frequencies lie on an axis on which band i spans [i, i + 1) and peaks at i + ½."""
    low, high = hz_to_mel([config.f_min, config.f_max], config.mel_scale)
    mels = hz_to_mel(hz, config.mel_scale)
    position: NDArray[np.float64] = (mels - low) / (high - low) * (config.n_mels + 1) - 0.5
    return position


def mel_filterbank(config: MelConfig) -> NDArray[np.float64]:
    """The triangular filters: (n_freqs, n_mels).

    Bin k lies at exactly k·sample_rate/n_fft Hz, for an odd n_fft and an odd rate too (spacing
    the bins over 0 to sample_rate//2 would shift them by up to 1/n_fft).
    """
    bins = np.arange(config.n_freqs) * (config.sample_rate / config.n_fft)
    edges_hz = edges = band_edges_hz(config)
    if config.triangles == "mel":
        bins, edges = (hz_to_mel(hz, config.mel_scale) for hz in (bins, edges))
    widths = np.diff(edges)
    falling_widths = widths[:-1] if config.slopes == "lower" else widths[1:]
    rising = (bins[:, None] - edges[None, :-2]) / widths[None, :-1]
    falling = 1.0 - (bins[:, None] - edges[None, 1:-1]) / falling_widths[None, :]
    filters = np.maximum(0.0, np.minimum(rising, falling))
    if config.norm == "slaney":
        filters *= 2.0 / (edges_hz[2:] - edges_hz[:-2])
    return filters


def analysis_window(config: MelConfig) -> NDArray[np.float64]:
    """The window: (win_length,)."""
    symmetric = config.window in ("hann_symmetric", "povey")
    period = config.win_length - 1 if symmetric else config.win_length
    cosine = np.cos(2.0 * np.pi * np.arange(config.win_length) / period)
    if config.window == "hamming":
        return 0.54 - 0.46 * cosine
    hann: NDArray[np.float64] = np.maximum(0.0, 0.5 - 0.5 * cosine)
    return hann**0.85 if config.window == "povey" else hann


def full_scale(config: MelConfig) -> float:
    """The 0 dB of the picture: a sine of amplitude 1.0 at the peak of the tallest filter.

    Such a sine has the spectral magnitude sum(window)/2 at its bin.
    """
    magnitude = config.input_scale * float(analysis_window(config).sum()) / 2.0
    return float(magnitude**config.power * mel_filterbank(config).max())


def to_db(values: NDArray[np.float32], config: MelConfig, reference: float) -> NDArray[np.float32]:
    """Mel values as decibels re `reference`, same shape; zero becomes −inf, NaN stays NaN."""
    with np.errstate(divide="ignore"):
        decibels: NDArray[np.float32] = np.log10(values / np.float32(reference))
    return decibels * np.float32(20.0 / config.power)
