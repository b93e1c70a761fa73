"""Resampling a stream without a break at the blocks' edges."""

from __future__ import annotations

import math

import numpy as np
import torch
import torchaudio
from numpy.typing import NDArray

from visualizer.errors import ConfigError

_MAX_WEIGHTS = 1 << 24
"""Of all phases: 64 MB. Rates that people use need at most a twentieth of it; two with hardly a
common divisor, such as 44101 and 16000 Hz, would need many GB."""


class StreamingResampler:
    """torchaudio's polyphase resampler for a signal that arrives in pieces.

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
                f"divisor is {divisor}; choose a front-end that takes any rate, or convert the "
                "sound to a common rate"
            )
        design = torchaudio.transforms.Resample(from_rate, to_rate)
        # (group and its neighbourhood, phases)
        self._filters: torch.Tensor = design.kernel[:, 0].T.contiguous()
        self._width = int(design.width)
        self.held_back_s = (self._width + self._group) / from_rate
        """how long a sample may wait for those after it, at most"""
        self._buffer = np.zeros((n_channels, self._width), dtype=np.float32)
        self._buffer_start = -self._width
        self._next_group = 0

    @property
    def _position(self) -> int:
        return self._buffer_start + self._buffer.shape[1]

    def push(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Take (n, n_channels) at the one rate; return (m, n_channels) now ready at the other."""
        self._buffer = np.concatenate((self._buffer, samples.T), axis=1)
        return self._convert()

    def flush(self) -> NDArray[np.float32]:
        """What the end of the signal completes, zeros following it. The signal ends here."""
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
        if n_groups == 0:
            return np.empty((0, len(self._buffer)), dtype=np.float32)
        stop = start + needed + (n_groups - 1) * self._group
        # A matrix product, since a convolution would be summed in another order for each length;
        # and of whole fours of rows, as the CPU's library computes them alike.
        n_rows = -(-n_groups // 4) * 4
        pieces = np.zeros((len(self._buffer), needed + (n_rows - 1) * self._group), np.float32)
        pieces[:, : stop - start] = self._buffer[:, start:stop]
        frames = torch.from_numpy(pieces).unfold(1, needed, self._group)
        phases = (frames @ self._filters)[:, :n_groups]
        self._next_group += n_groups
        keep_from = self._next_group * self._group - self._width - self._buffer_start
        self._buffer = self._buffer[:, keep_from:]
        self._buffer_start += keep_from
        # (channels, groups, phases): a group's phases follow each other in time.
        return phases.permute(1, 2, 0).reshape(n_groups * self._phases, -1).numpy()
