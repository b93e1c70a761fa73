"""What models do to the level of their columns after the logarithm.

The parts that need the whole clip (its maximum, its mean and deviation per band) have two forms:
the model's own over a finished clip, and a streaming one that takes the clip so far for the whole.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from visualizer.config import MelConfig

Float = TypeVar("Float", np.float32, np.float64)

STREAMING_FORM = "running: the clip so far stands for the whole"


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
            normalised = (columns - mean) / _divisor(variance, config)
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


class StreamingLevel:
    """The same, column by column; where the whole clip is needed, in the streaming form.

    Cutting, filling and stacking belong to a finished clip and are left to `shape_clip`.
    """

    def __init__(self, config: MelConfig, n_channels: int) -> None:
        self._config = config
        self._top = np.full((n_channels, 1), -np.inf)
        self._n = 0
        self._mean = np.zeros((n_channels, config.n_mels))
        self._squares = np.zeros((n_channels, config.n_mels))

    def __call__(self, column: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n_channels, n_mels) after the logarithm, to the same shape as the model gets it."""
        config = self._config
        if config.dynamic_range is not None:
            if config.reference_max is None:
                self._top = np.maximum(self._top, column.max(axis=1, keepdims=True))
                floor = self._top - config.dynamic_range
            else:
                floor = np.full_like(self._top, config.reference_max - config.dynamic_range)
            column = np.maximum(column, floor.astype(np.float32))
        if config.statistics is not None:
            # Welford's recurrence: exact at the end of the clip, without a second pass.
            self._n += 1
            delta = column - self._mean
            self._mean += delta / self._n
            self._squares += delta * (column - self._mean)
            variance = self._squares / max(1, self._n - 1)
            column = ((column - self._mean) / _divisor(variance, config)).astype(np.float32)
        result: NDArray[np.float32] = levelled(column, config)
        return result


def _divisor(variance: Any, config: MelConfig) -> Any:
    if config.statistics == "variance":
        return np.sqrt(variance + config.statistics_epsilon)
    return np.sqrt(variance) + config.statistics_epsilon


def levelled(values: Any, config: MelConfig) -> Any:
    """Shift, scale and clip: the part that each value needs nothing else for. Same shape."""
    if config.shift != 0.0 or config.scale != 1.0:
        values = (values + config.shift) * config.scale
    if config.clip is not None:
        values = np.clip(values, -config.clip, config.clip)
    return values
