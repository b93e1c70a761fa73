"""Samples in, mel columns out, whatever the blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from visualizer.mel.flat import MelConfig, checked_config
from visualizer.mel.framing import StreamingFramer
from visualizer.mel.kernels import EagerKernel, HostKernel
from visualizer.mel.level import ClipLevel
from visualizer.mel.limits import checked_n_channels, checked_sample_rate

if TYPE_CHECKING:
    from visualizer.mel.resample import StreamingResampler


class MelStream:
    """The mel columns of a signal that arrives in pieces, at any sample rate.

    Every split of a signal gives the same columns, and a column comes out with the very sample
    that completes it. What a model takes from the whole clip (see MelConfig.needs_whole_clip) has
    its streaming form here. Not safe to share between threads.

    >>> import numpy as np, visualizer
    >>> stream = visualizer.MelStream(visualizer.preset("whisper-80"), 16_000, n_channels=1)
    >>> stream.push(np.zeros((480, 1), np.float32)).shape  # 30 ms: the columns known by now
    (1, 80, 2)
    >>> stream.flush().shape  # what reaches past the end
    (1, 80, 1)

    Sound comes from the host, so arrays go in and out; `torch.from_numpy(columns)` is a tensor on
    the same memory.
    """

    def __init__(
        self,
        config: MelConfig,
        sample_rate: int,
        n_channels: int,
        kernel: HostKernel | None = None,
        *,
        level: bool = True,
    ) -> None:
        """The samples come at `sample_rate` Hz and are resampled where the config has another.

        `kernel` takes a row for each channel; None is plain torch on the CPU. Without `level`, the
        columns end with the logarithm. Raises ConfigError for a rate or a number of channels that
        no sound has.
        """
        self.config = checked_config(config)
        self.kernel: HostKernel = kernel or EagerKernel(config)
        """what computes; another for the same config may take its place between two calls"""
        self._emphasises = config.preemphasis > 0 and config.preemphasis_scope == "signal"
        self._sample_rate = checked_sample_rate(sample_rate)
        self._n_channels = checked_n_channels(n_channels)
        self._level = level
        self.reset()

    def reset(self) -> None:
        """Begin a new signal."""
        self._framer = StreamingFramer(self.config, self._n_channels)
        self._clip = ClipLevel(self.config, self._n_channels)
        self._last: NDArray[np.float32] | None = np.zeros((1, self._n_channels), dtype=np.float32)
        self._resampler: StreamingResampler | None = None
        if self._sample_rate != self.config.sample_rate:
            # Only here, since it brings torchaudio, which takes a while to load.
            from visualizer.mel.resample import StreamingResampler

            self._resampler = StreamingResampler(
                self._sample_rate, self.config.sample_rate, self._n_channels
            )

    @property
    def held_back_s(self) -> float:
        """How long the resampler may hold back a sample."""
        return 0.0 if self._resampler is None else self._resampler.held_back_s

    @property
    def next_column(self) -> int:
        """Index of the next column that will come out; column t belongs to sample t·hop_length."""
        return self._framer.next_frame

    def push(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Take (n_samples, n_channels) float32 in ±1.0; return (n_channels, n_mels, n_columns).

        Both are float32, and what is returned is the caller's own. Raises ValueError for samples
        of another shape or type.
        """
        if samples.ndim != 2 or samples.shape[1] != self._n_channels:
            raise ValueError(
                f"samples have the shape {samples.shape}; (n_samples, {self._n_channels}) is wanted"
            )
        if samples.dtype != np.float32:
            raise ValueError(f"samples are {samples.dtype}; float32, ±1.0 at full scale, is wanted")
        if self._resampler is not None:
            samples = self._resampler.push(samples)
        return self._analysed(samples)

    def flush(self) -> NDArray[np.float32]:
        """The columns that reach past the end, as `push` returns them. The signal ends here."""
        if self._resampler is None:
            return self._columns(self._framer.flush())
        resampled = self._analysed(self._resampler.flush())
        return np.concatenate((resampled, self._columns(self._framer.flush())), axis=2)

    def skip(self, n_samples: int) -> int:
        """Note that `n_samples` were lost; return how many columns went with them."""
        if self._resampler is not None:
            n_samples = self._resampler.skip(n_samples)
        if self._emphasises and n_samples:
            # The next sample follows one that is not known, so it only serves the one after it.
            self._last = None
            n_samples += 1
        return self._framer.skip(n_samples)

    def _analysed(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        return self._columns(self._framer.push(self._emphasised(samples)))

    def _emphasised(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        if not self._emphasises or len(samples) == 0:
            return samples
        if self._last is None:
            self._last, samples = samples[:1], samples[1:]
        joined = np.concatenate((self._last, samples))
        self._last = joined[-1:]
        return joined[1:] - np.float32(self.config.preemphasis) * joined[:-1]

    def _columns(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        n_channels, n_columns, win_length = frames.shape
        # In memory column after column, as they come from the kernel and go to a file.
        rows = np.empty((n_channels, n_columns, self.config.n_mels), dtype=np.float32)
        # A kernel made for one row takes the channels one after the other.
        together = min(n_channels, self.kernel.rows_per_call)
        step = max(1, self.kernel.rows_per_call // together)
        for first in range(0, n_channels, together):
            channels = frames[first : first + together]
            for at in range(0, n_columns, step):
                some = channels[:, at : at + step]
                computed = self.kernel(some.reshape(-1, win_length))
                rows[first : first + together, at : at + step] = computed.reshape(
                    *some.shape[:2], -1
                )
        columns = rows.transpose(0, 2, 1)
        if not self._level:
            return columns
        if not self.config.needs_whole_clip:
            return self._clip.finish(columns)
        for t in range(n_columns):
            column = columns[:, :, t : t + 1]
            self._clip.observe(column)
            column[:] = self._clip.finish(column)
        return columns
