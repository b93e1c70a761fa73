"""The mathematics written out plainly, in float64: what every kernel is measured against."""

from __future__ import annotations

import math
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from visualizer.mel.filterbank import analysis_window, mel_filterbank
from visualizer.mel.flat import Log, MelConfig
from visualizer.mel.level import divisor, levelled

Array = NDArray[np.float64]
Float = TypeVar("Float", np.float32, np.float64)

LOG_FACTORS: dict[Log, float] = {"log10": 1.0, "ln": math.log(10.0), "db": 10.0, "db20": 20.0}
"""What a logarithm to the base of 10 is multiplied by."""


def reference_columns(samples: NDArray[np.floating], config: MelConfig) -> Array:
    """The columns of a whole clip as the model gets them: (n_samples,) to (rows, columns).

    The samples are at config.sample_rate, ±1.0 at full scale.
    """
    signal = np.asarray(samples, dtype=np.float64)
    if config.preemphasis_scope == "signal":
        signal = signal - config.preemphasis * np.concatenate(([0.0], signal))[: len(signal)]
    n_columns = config.n_columns(len(signal))
    window, filters = analysis_window(config), mel_filterbank(config)
    columns = np.zeros((config.n_mels, n_columns))
    for t in range(n_columns):
        frame = config.input_scale * _frame(signal, t, config)
        if config.remove_dc:
            frame = frame - frame.mean()
        if config.preemphasis_scope == "frame":
            frame = frame - config.preemphasis * np.concatenate((frame[:1], frame[:-1]))
        spectrum = np.fft.rfft(frame * window, config.n_fft)
        power = np.abs(spectrum) ** 2
        power = (
            power + config.epsilon
            if config.epsilon_rule == "add"
            else np.maximum(power, config.epsilon)
        )
        mel = (np.sqrt(power) if config.power == 1 else power) @ filters
        columns[:, t] = logarithm(mel, config)
    return finish_clip(columns, config)


def _frame(signal: Array, t: int, config: MelConfig) -> Array:
    start = t * config.hop_length + config.offset
    index = np.arange(start, start + config.win_length)
    n = len(signal)
    inside = (index >= 0) & (index < n)
    if config.edge == "zeros":
        frame = np.zeros(len(index))
        frame[inside] = signal[index[inside]]
        return frame
    if config.edge == "symmetric":
        index = index % (2 * n)
        return signal[np.minimum(index, 2 * n - 1 - index)]
    if n == 1:
        return np.full(len(index), signal[0])
    index = index % (2 * n - 2)
    return signal[np.minimum(index, 2 * n - 2 - index)]


def logarithm(mel: Array, config: MelConfig) -> Array:
    """The config's logarithm with its floor, same shape; without one, the values themselves."""
    if config.log is None:
        return mel
    floor = config.log_floor
    floored = mel + floor if config.log_floor_rule == "add" else np.maximum(mel, floor)
    result: Array = LOG_FACTORS[config.log] * np.log10(floored)
    return result


def finish_clip(columns: NDArray[Float], config: MelConfig) -> NDArray[Float]:
    """The columns of a whole clip after the logarithm, (n_mels, n), as the model gets them.

    Returns (n_mels · stack, columns) of the same dtype.
    """
    if columns.shape[1] > 0:
        if config.dynamic_range is not None:
            reference = config.reference_max
            top = columns.max() if reference is None else reference
            columns = np.maximum(columns, top - config.dynamic_range)
        if config.statistics is not None:
            # In float32 the rounding of a mean would be blown up in bands that hardly vary.
            mean = columns.mean(axis=1, keepdims=True, dtype=np.float64)
            # With one column, ddof 1 has no answer; the deviation of one value is none.
            n = max(2, columns.shape[1])
            variance = ((columns - mean) ** 2).sum(axis=1, keepdims=True) / (n - 1)
            normalised = (columns - mean) / divisor(variance, config)
            columns = normalised.astype(columns.dtype)
    return shape_clip(levelled(columns, config), config)


def shape_clip(columns: NDArray[Float], config: MelConfig) -> NDArray[Float]:
    """Cut, fill and stack the finished columns (n_mels, n) of a whole clip, as the model does."""
    if config.fixed_columns is not None:
        filled = np.full(
            (len(columns), config.fixed_columns), levelled(columns.dtype.type(0), config)
        )
        kept = min(columns.shape[1], config.fixed_columns)
        filled[:, :kept] = columns[:, :kept]
        columns = filled.astype(columns.dtype)
    n_stacks = columns.shape[1] // config.stack
    pairs = columns[:, : n_stacks * config.stack].T
    stacked: NDArray[Float] = pairs.reshape(n_stacks, config.stack * len(columns)).T
    return np.ascontiguousarray(stacked)
