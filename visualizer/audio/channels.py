"""The channel rule: which signals are taken from the channels of a sound."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Channel = int | Literal["each"] | None
"""0-based; None takes the mean of all channels, "each" takes each by itself"""

MAX_CHANNELS = 8
"""How many are taken side by side at most; the rest of a larger array is left out."""


def signals_of(samples: NDArray[np.float32], channel: Channel) -> NDArray[np.float32]:
    """Return the signals (n_samples, n_signals) of a sound (n_samples, n_channels).

    A channel that is not there stands for the mean of all.
    """
    if channel == "each":
        return samples[:, :MAX_CHANNELS]
    if channel is None or channel >= samples.shape[1]:
        mean: NDArray[np.float32] = samples.mean(axis=1, keepdims=True)
        return mean
    return samples[:, channel : channel + 1]


def n_signals(n_channels: int, channel: Channel) -> int:
    """Return how many signals `signals_of` takes from `n_channels`."""
    return min(n_channels, MAX_CHANNELS) if channel == "each" else 1
