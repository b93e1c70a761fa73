"""What models do to the level of their columns after the logarithm.

The parts that need the whole clip (its maximum, its mean and deviation per band) are exact when
all of it was observed before the first column is finished, as for a file; live, the clip so far
stands for the whole.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from visualizer.mel.flat import MelConfig

Columns = NDArray[np.float32]

STREAMING_FORM = "running: the clip so far stands for the whole"


class ClipLevel:
    """The level of a clip that is observed and finished piece by piece."""

    def __init__(self, config: MelConfig, n_channels: int) -> None:
        self._config = config
        self._top = np.full((n_channels, 1, 1), -np.inf, dtype=np.float32)
        self._n = 0
        self._mean = np.zeros((n_channels, config.n_mels, 1))
        self._squares = np.zeros((n_channels, config.n_mels, 1))

    def observe(self, columns: Columns) -> None:
        """Note (n_channels, n_mels, n) columns after the logarithm as part of the clip."""
        n = columns.shape[2]
        if n == 0:
            return
        if self._config.dynamic_range is not None:
            self._top = np.maximum(self._top, columns.max(axis=(1, 2), keepdims=True))
        if self._config.statistics is not None:
            # Chan, Golub and LeVeque (1979): pieces add up to the exact figures of the whole.
            mean = columns.mean(axis=2, keepdims=True, dtype=np.float64)
            squares = ((columns - mean) ** 2).sum(axis=2, keepdims=True)
            total = self._n + n
            delta = mean - self._mean
            self._mean += delta * (n / total)
            self._squares += squares + delta**2 * (self._n * n / total)
            self._n = total

    def finish(self, columns: Columns) -> Columns:
        """Columns after the logarithm as the model gets them, by what was observed. Same shape."""
        config = self._config
        if config.dynamic_range is not None:
            top = self._top if config.reference_max is None else config.reference_max
            columns = np.maximum(columns, np.float32(top - config.dynamic_range))
        if config.statistics is not None:
            variance = self._squares / max(1, self._n - 1)
            columns = (columns - self._mean) / divisor(variance, config)
        result: Columns = levelled(columns, config).astype(np.float32, copy=False)
        return result


class ClipShape:
    """Finished columns cut, filled and stacked as the model does, piece by piece."""

    def __init__(self, config: MelConfig, n_channels: int) -> None:
        self._config = config
        self._left = config.fixed_columns
        self._rest = np.empty((n_channels, config.n_mels, 0), dtype=np.float32)

    def push(self, columns: Columns) -> Columns:
        """Take (n_channels, n_mels, n); return (n_channels, n_mels·stack, m) of what is ready."""
        config = self._config
        if self._left is not None:
            columns = columns[:, :, : self._left]
            self._left -= columns.shape[2]
        if config.stack == 1:
            return columns
        columns = np.concatenate((self._rest, columns), axis=2)
        n_channels, n_mels, n = columns.shape
        n_stacks = n // config.stack
        self._rest = columns[:, :, n_stacks * config.stack :]
        groups = columns[:, :, : n_stacks * config.stack].transpose(0, 2, 1)
        return groups.reshape(n_channels, n_stacks, n_mels * config.stack).transpose(0, 2, 1)

    def flush(self) -> Columns:
        """What fills the clip up, as `push` returns it. The clip ends here."""
        n_channels, n_mels, _ = self._rest.shape
        zeros = np.zeros((n_channels, n_mels, self._left or 0), dtype=np.float32)
        return self.push(levelled(zeros, self._config))


def divisor(variance: Any, config: MelConfig) -> Any:
    """What the columns are divided by, given their variance per band. Same shape.

    Of arrays and tensors alike.
    """
    if config.statistics == "variance":
        return (variance + config.statistics_epsilon) ** 0.5
    return variance**0.5 + config.statistics_epsilon


def levelled(values: Any, config: MelConfig) -> Any:
    """Shift, scale and clip: the part that each value needs nothing else for. Same shape.

    Of arrays and tensors alike.
    """
    if config.shift != 0.0 or config.scale != 1.0:
        values = (values + config.shift) * config.scale
    if config.clip is not None:
        values = values.clip(-config.clip, config.clip)
    return values
