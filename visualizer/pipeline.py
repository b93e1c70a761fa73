"""From a source's samples to one channel's mel columns, as the worker runs it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from visualizer.config import MelConfig
from visualizer.mel.kernels import MelKernel
from visualizer.mel.stream import MelStream


class Pipeline:
    """Picks a channel of the source and streams it through the front-end."""

    def __init__(
        self, mel: MelConfig, source_rate: int, channel: int | None, kernel: MelKernel
    ) -> None:
        """`source_rate` in Hz; a `channel` of None, or that there is not, takes the mean of all."""
        self._channel = channel
        self.stream = MelStream(mel, source_rate, 1, kernel)

    def warm_up(self) -> None:
        """Run the kernel once, so that what it sets up, or lacks, shows before the first hop."""
        win_length = self.stream.config.win_length
        self.stream.kernel(np.zeros((1, win_length), dtype=np.float32))

    def push(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Take (n_samples, n_channels) of the source; return (n_mels, n_columns)."""
        if self._channel is None or self._channel >= samples.shape[1]:
            samples = samples.mean(axis=1, keepdims=True)
        else:
            samples = samples[:, self._channel : self._channel + 1]
        columns: NDArray[np.float32] = self.stream.push(samples)[0]
        return columns

    def flush(self) -> NDArray[np.float32]:
        """The columns that reach past the end, as `push` returns them. The signal ends here."""
        columns: NDArray[np.float32] = self.stream.flush()[0]
        return columns
