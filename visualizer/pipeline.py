"""From a source's samples to one channel's mel columns, as the worker runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from visualizer.config import MelConfig
from visualizer.mel.kernels import MelKernel
from visualizer.mel.stream import MelStream

if TYPE_CHECKING:
    from visualizer.audio.resample import StreamingResampler


class Pipeline:
    """Picks a channel, resamples where the front-end has a rate of its own, and transforms."""

    def __init__(
        self, mel: MelConfig, source_rate: int, channel: int | None, kernel: MelKernel
    ) -> None:
        """`source_rate` in Hz; a `channel` of None, or that there is not, takes the mean of all."""
        self._channel = channel
        self._resampler: StreamingResampler | None = None
        if source_rate != mel.sample_rate:
            # Only here, since it brings torchaudio, which takes a while to load.
            from visualizer.audio.resample import StreamingResampler

            self._resampler = StreamingResampler(source_rate, mel.sample_rate, 1)
        self.stream = MelStream(mel, 1, kernel)

    def warm_up(self) -> None:
        """Run the kernel once, so that what it sets up, or lacks, shows before the first hop."""
        win_length = self.stream.config.win_length
        self.stream.kernel(np.zeros((1, win_length), dtype=np.float32))

    @property
    def held_back_s(self) -> float:
        """How long the resampler may hold back a sample."""
        return self._resampler.held_back_s if self._resampler else 0.0

    @property
    def next_column(self) -> int:
        """Index of the next column that will come out."""
        return self.stream.next_column

    def push(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Take (n_samples, n_channels) of the source; return (n_mels, n_columns)."""
        if self._channel is None or self._channel >= samples.shape[1]:
            samples = samples.mean(axis=1, keepdims=True)
        else:
            samples = samples[:, self._channel : self._channel + 1]
        if self._resampler is not None:
            samples = self._resampler.push(samples)
        columns: NDArray[np.float32] = self.stream.push(samples)[0]
        return columns

    def flush(self) -> NDArray[np.float32]:
        """The columns that reach past the end, as `push` returns them. The signal ends here."""
        last = [self.stream.flush()[0]]
        if self._resampler is not None:
            last = [self.stream.push(self._resampler.flush())[0], self.stream.flush()[0]]
        return np.concatenate(last, axis=1)

    def skip(self, n_samples: int) -> None:
        """Note that the source lost `n_samples`."""
        if self._resampler is not None:
            n_samples = self._resampler.skip(n_samples)
        self.stream.skip(n_samples)
