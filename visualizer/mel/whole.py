"""A whole clip through the chain, over NumPy's or torch's arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from visualizer.mel.arrays import Array, Arrays, NumpyArrays
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.kernels.host import kernel_operator
from visualizer.mel.stage import Stage

_FRAMES_AT_ONCE = 4096
"""Enough to keep a GPU busy, and some tens of MB."""


def whole_clip(front_end: FrontEnd, arrays: Arrays, samples: Array) -> Array:
    """Return the columns of a whole clip as the model gets them.

    Args:
        front_end: the chain to compute.
        arrays: the library and the type to compute with.
        samples: (n_channels, n_samples) at front_end.sample_rate, ±1.0 at full scale.

    Returns:
        (n_channels, n_columns, n_model_rows).
    """
    n_channels = samples.shape[0]
    for stage in front_end.sound_stages:
        samples = stage.state(arrays, front_end.before(stage), n_channels).push(samples)
    columns = _kernel_columns(front_end, arrays, samples)
    for stage in front_end.column_stages:
        columns = _through(stage, front_end, arrays, columns)
    for stage in front_end.count_stages:
        state = stage.state(arrays, front_end.before(stage), n_channels)
        columns = state.push(columns)
        rest = state.flush()
        if rest is not None:
            columns = arrays.xp.concat((columns, rest), axis=1)
    return columns


def _kernel_columns(front_end: FrontEnd, arrays: Arrays, samples: Array) -> Array:
    """Return (n_channels, n_columns, n_kernel_rows)."""
    kernel, frames = kernel_operator(front_end, arrays), front_end.frames
    n_channels, n_columns = samples.shape[0], front_end.n_columns(samples.shape[1])
    # Frames share their samples until they are brought into rows: never all of them at once.
    step = max(1, _FRAMES_AT_ONCE // max(1, n_channels))
    parts = [arrays.constant(np.zeros((n_channels, 0, front_end.n_kernel_rows)))]
    for first in range(0, n_columns, step):
        some = frames.of_clip(arrays.xp, samples, first, min(first + step, n_columns))
        columns = kernel(some.reshape(-1, front_end.win_length))
        parts.append(columns.reshape(n_channels, some.shape[1], front_end.n_kernel_rows))
    return arrays.xp.concat(parts, axis=1)


def _through(stage: Stage, front_end: FrontEnd, arrays: Arrays, columns: Array) -> Array:
    before = front_end.before(stage)
    if stage.dependence == "frame":
        return stage.operator(arrays, before)(columns)
    state = stage.state(arrays, before, columns.shape[0])
    if stage.dependence == "past":
        return state.push(columns)
    state.observe(columns)
    return state.finish(columns)


def reference_columns(samples: NDArray[np.floating], front_end: FrontEnd) -> NDArray[np.float64]:
    """Return a whole clip's columns in float64, which every kernel is measured against.

    Args:
        samples: (n_samples,) at front_end.sample_rate, ±1.0 at full scale.
        front_end: the chain to compute.

    Returns:
        (n_model_rows, n_columns), as the model gets them.
    """
    signal = np.asarray(samples, dtype=np.float64)[None]
    columns: NDArray[np.float64] = whole_clip(front_end, NumpyArrays(np.float64), signal)[0]
    return np.ascontiguousarray(columns.T)
