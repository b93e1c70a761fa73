"""Resampling a stream without a break at the blocks' edges."""

from __future__ import annotations

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from visualizer.errors import ConfigError
from visualizer.mel.arrays import NumpyArrays

_MAX_WEIGHTS = 1 << 24
"""Of all phases: 64 MB. Rates that people use need at most a twentieth of it; two with hardly a
common divisor, such as 44101 and 16000 Hz, would need many GB."""

_ZERO_CROSSINGS, _ROLLOFF = 6, 0.99
"""torchaudio's defaults, of torchaudio.functional.resample: how many zero crossings the filter has
to each side, and its cutoff as a share of the lower Nyquist frequency."""


def polyphase_filters(from_group: int, to_group: int) -> tuple[NDArray[np.float64], int]:
    """Return a Hann-windowed sinc for each phase of the output, and how far it reaches.

    Args:
        from_group: samples of the input that…
        to_group: …become as many of the output; without a common divisor.

    Returns:
        The filters, (from_group + 2·width, to_group), whose products with the samples from `width`
        before a group to `width` after it are the group's output, and the width in samples.
    """
    cutoff = min(from_group, to_group) * _ROLLOFF
    width = math.ceil(_ZERO_CROSSINGS * from_group / cutoff)
    places = np.arange(-width, width + from_group)[:, None] / from_group
    phases = np.arange(to_group) / to_group
    crossings = np.clip((places - phases) * cutoff, -_ZERO_CROSSINGS, _ZERO_CROSSINGS)
    window = np.cos(crossings * math.pi / _ZERO_CROSSINGS / 2) ** 2
    return np.sinc(crossings) * window * (cutoff / from_group), width


class StreamingResampler:
    """torchaudio's polyphase resampler for a signal that arrives in pieces, in NumPy.

    Any split gives the samples of the whole. The filter is torchaudio's default (a Hann-windowed
    sinc of 6 zero crossings, rolling off at 0.99 of the lower Nyquist frequency).
    """

    def __init__(self, from_rate: int, to_rate: int, n_channels: int) -> None:
        """Rates in Hz. Raises ConfigError for two that have too little in common."""
        divisor = math.gcd(from_rate, to_rate)
        # Input in groups of `_group` gives output in groups of `_phases`.
        self._group, self._phases = from_rate // divisor, to_rate // divisor
        if self._group * self._phases > _MAX_WEIGHTS:
            raise ConfigError(
                f"{from_rate} Hz cannot be resampled to {to_rate} Hz: their greatest common "
                f"divisor is {divisor}",
                "choose a front-end that takes any rate, or convert the sound to a common rate",
            )
        filters, self._width = polyphase_filters(self._group, self._phases)
        self._product = NumpyArrays(np.float32).product(filters)
        self.held_back_s = (self._width + self._group) / from_rate
        """how long a sample may wait for those after it, at most"""
        self._buffer = np.zeros((n_channels, self._width), dtype=np.float32)
        self._buffer_start = -self._width
        self._next_group = 0

    @property
    def _position(self) -> int:
        return self._buffer_start + self._buffer.shape[1]

    def needed(self, n_samples: int) -> int:
        """Return how many samples must have come before the first `n_samples` come out."""
        return -(-n_samples // self._phases) * self._group + self._width

    def push(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Take (n, n_channels) at `from_rate`; return (m, n_channels), ready now, at `to_rate`."""
        self._buffer = np.concatenate((self._buffer, samples.T), axis=1)
        return self._convert()

    def flush(self) -> NDArray[np.float32]:
        """Return what the end of the signal completes, zeros following it."""
        wanted = math.ceil(self._position * self._phases / self._group)
        wanted -= self._next_group * self._phases
        n_channels = len(self._buffer)
        tail = np.zeros((self._width + self._group, n_channels), dtype=np.float32)
        return self.push(tail)[: max(0, wanted)]

    def skip(self, n_samples: int) -> int:
        """Note that `n_samples` were lost; return how many output samples went with them.

        Only samples whose whole neighbourhood is known come out.
        """
        position = self._position + n_samples
        self._buffer, self._buffer_start = self._buffer[:, :0], position
        first = max(self._next_group, -((-position - self._width) // self._group))
        lost = (first - self._next_group) * self._phases
        self._next_group = first
        return lost

    def _convert(self) -> NDArray[np.float32]:
        start = self._next_group * self._group - self._width - self._buffer_start
        length = self._buffer.shape[1] - max(0, start)
        needed = 2 * self._width + self._group
        n_groups = 0 if start < 0 else max(0, 1 + (length - needed) // self._group)
        n_channels = len(self._buffer)
        if n_groups == 0:
            return np.empty((0, n_channels), dtype=np.float32)
        views = sliding_window_view(self._buffer[:, start:], needed, axis=1)
        groups = views[:, :: self._group][:, :n_groups]
        phases: NDArray[np.float32] = self._product(groups)
        self._next_group += n_groups
        keep_from = self._next_group * self._group - self._width - self._buffer_start
        self._buffer = self._buffer[:, keep_from:]
        self._buffer_start += keep_from
        # (channels, groups, phases): a group's phases follow each other in time.
        return phases.transpose(1, 2, 0).reshape(n_groups * self._phases, n_channels)
