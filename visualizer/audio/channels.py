"""The channel rule: which signals are taken from the channels of a sound."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from visualizer.errors import ConfigError, is_whole, quoted

Channel = tuple[int, ...] | Literal["mean", "each"]
"""The mean of all channels, each by itself, or one channel or the mean of several: their indices,
counted from 0 and rising"""

SIDE_BY_SIDE_MAX = 18
"""How many are analysed side by side at most; the rest of a larger array is left out."""
EXPECTED = "mean, each, a number from 1 on, or several as 5+6, which is their mean"


def channel_rule(told: Any) -> Channel:
    """Return what is meant by `told`.

    Args:
        told: As it is spelled on the command line: "mean", "each", "5", "5+6", counted from 1; or
            as it is stored: None for the mean, and an int or a list of them, counted from 0.

    Raises:
        ConfigError: It is none of these.
    """
    if told is None or told == "mean":
        return "mean"
    if told == "each":
        return "each"
    if isinstance(told, str):
        numbers = told.split("+")
        whole = all(number.isdecimal() and len(number) < 9 for number in numbers)
        picked = [int(number) - 1 for number in numbers] if whole else []
    else:
        picked = list(told) if isinstance(told, list | tuple) else [told]
    is_right = bool(picked) and all(is_whole(one, 0) for one in picked)
    if not is_right or len(set(picked)) < len(picked):
        raise ConfigError(f"channel is {quoted(told)}", f"it must be {EXPECTED}")
    return tuple(sorted(picked))


def spelled(channel: Channel) -> str:
    """Return the rule as `channel_rule` reads it: "mean", "each", "5", "5+6"."""
    return channel if isinstance(channel, str) else "+".join(str(one + 1) for one in channel)


def said(channel: Channel) -> str:
    """Return the rule as a message names it: "the mean", "channel 5", "the mean of 5+6"."""
    if isinstance(channel, str):
        return "the mean of all channels" if channel == "mean" else "each channel"
    return f"{'channel' if len(channel) == 1 else 'the mean of channels'} {spelled(channel)}"


def least_channels(channel: Channel) -> int:
    """Return how many channels a sound must have for the rule."""
    return 1 if isinstance(channel, str) else channel[-1] + 1


def require_channels(channel: Channel, n_channels: int, whose: str) -> None:
    """Raise ConfigError where a sound, called `whose`, lacks a channel of the rule."""
    least = least_channels(channel)
    if least > n_channels:
        there = "channel 1 alone" if n_channels == 1 else f"the channels 1 to {n_channels}"
        raise ConfigError(f"there is no channel {least}", f"{quoted(whose)} has {there}")


def signals_of(samples: NDArray[np.float32], channel: Channel) -> NDArray[np.float32]:
    """Return the signals (n_samples, n_signals) of a sound (n_samples, n_channels).

    Raises IndexError for a channel that is not there; see `require_channels`.
    """
    if channel == "each":
        return samples[:, :SIDE_BY_SIDE_MAX]
    picked = samples if channel == "mean" else samples[:, list(channel)]
    if picked.shape[1] == 1:
        return picked
    mean: NDArray[np.float32] = picked.mean(axis=1, keepdims=True)
    return mean


def n_signals(n_channels: int, channel: Channel) -> int:
    """Return how many signals `signals_of` takes from `n_channels`."""
    return min(n_channels, SIDE_BY_SIDE_MAX) if channel == "each" else 1
