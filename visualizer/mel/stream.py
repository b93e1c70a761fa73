"""Samples in, columns out, whatever the blocks."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from visualizer.mel.arrays import NumpyArrays
from visualizer.mel.flat import MelConfig, as_front_end
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.kernels.host import HostKernel, NumpyKernel
from visualizer.mel.limits import checked_n_channels, checked_sample_rate
from visualizer.mel.resample import StreamingResampler
from visualizer.mel.stage import ClipState

Samples = NDArray[np.float32]
Columns = NDArray[np.float32]


class KernelStream:
    """The columns of a signal that arrives in pieces, as they leave the front-end's kernel.

    Pieces are (n_samples, n_channels), columns (n_channels, n_columns, n_kernel_rows).
    """

    def __init__(
        self, front_end: FrontEnd, sample_rate: int, n_channels: int, kernel: HostKernel
    ) -> None:
        """Take samples at `sample_rate` Hz; resample them where the front-end has another."""
        self.front_end = front_end
        self.kernel = kernel
        """what computes; another for the same front-end may take its place between two calls"""
        arrays = NumpyArrays(np.float32)
        self._sound = front_end.sound(arrays, n_channels)
        frames = front_end.frames
        self._framer = frames.state(arrays, front_end.before(frames), n_channels)
        self._n_rows = front_end.n_kernel_rows
        self._resampler: StreamingResampler | None = None
        if sample_rate != front_end.sample_rate:
            self._resampler = StreamingResampler(sample_rate, front_end.sample_rate, n_channels)

    @property
    def held_back_s(self) -> float:
        """The longest that the resampler holds back a sample, in seconds."""
        return 0.0 if self._resampler is None else self._resampler.held_back_s

    def needed(self, n_samples: int) -> int:
        """Return how many samples must have come for `n_samples` at the front-end's rate."""
        return n_samples if self._resampler is None else self._resampler.needed(n_samples)

    @property
    def next_column(self) -> int:
        """Index of the next column that will come out; column t belongs to sample t·hop_length."""
        return self._framer.next_frame

    def push(self, samples: Samples) -> Columns:
        """Return the columns that the samples complete."""
        if self._resampler is not None:
            samples = self._resampler.push(samples)
        return self._analysed(samples)

    def flush(self) -> Columns:
        """Return the columns that reach past the end. The signal ends here."""
        last = [] if self._resampler is None else [self._analysed(self._resampler.flush())]
        last += [self._computed(self._framer.push(rest)) for rest in self._sound.flush()]
        return np.concatenate((*last, self._computed(self._framer.flush())), axis=1)

    def skip(self, n_samples: int) -> int:
        """Note that `n_samples` were lost; return how many columns went with them."""
        if self._resampler is not None:
            n_samples = self._resampler.skip(n_samples)
        return self._framer.skip(self._sound.skip(n_samples))

    def _analysed(self, samples: Samples) -> Columns:
        return self._computed(self._framer.push(self._sound.push(samples.T)))

    def _computed(self, frames: Samples) -> Columns:
        n_channels, n_columns, win_length = frames.shape
        # In memory column after column, as they come from the kernel and go to a file.
        shape = (n_channels, n_columns, self._n_rows)
        columns = np.empty(shape, dtype=np.float32)
        # A kernel made for one frame takes the channels one after the other.
        together = min(n_channels, self.kernel.rows_per_call)
        step = max(1, self.kernel.rows_per_call // together)
        for first in range(0, n_channels, together):
            channels = frames[first : first + together]
            for at in range(0, n_columns, step):
                some = channels[:, at : at + step]
                computed = self.kernel(some.reshape(-1, win_length))
                columns[first : first + together, at : at + step] = computed.reshape(
                    *some.shape[:2], -1
                )
        return columns


class MelStream:
    """The columns of a signal that arrives in pieces, at any sample rate.

    Every split of a signal gives the same columns, and a column comes out with the very sample
    that completes it. What a model takes from the whole clip (see FrontEnd.dependence) has its
    streaming form here: the clip so far stands for the whole, and the sound is not filled to a
    length. Columns end before the stages that change their number. It computes with NumPy alone
    and is not safe to share between threads.

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
        front_end: FrontEnd | MelConfig,
        sample_rate: int,
        n_channels: int,
        kernel: HostKernel | None = None,
    ) -> None:
        """Begin a signal.

        Args:
            front_end: what to compute.
            sample_rate: of the samples that will come, in Hz; they are resampled where the
                front-end has another.
            n_channels: of the samples.
            kernel: computes a frame of each channel; None is NumPy's.

        Raises:
            ConfigError: for what is no front-end, a rate or a number of channels that no sound
                has, or two rates with too little in common.
        """
        self.front_end = as_front_end(front_end)
        self._sample_rate = checked_sample_rate(sample_rate)
        self._n_channels = checked_n_channels(n_channels)
        self._kernel: HostKernel = kernel or NumpyKernel(self.front_end)
        self.reset()

    def reset(self) -> None:
        """Begin a new signal, with nothing kept of the last."""
        front_end, n_channels = self.front_end.streaming, self._n_channels
        self._head = KernelStream(front_end, self._sample_rate, n_channels, self._kernel)
        arrays, before = NumpyArrays(np.float32), front_end.before
        self._steps = [
            stage.piecewise(arrays, before(stage), n_channels)
            or partial(_so_far, stage.state(arrays, before(stage), n_channels))
            for stage in front_end.column_stages
        ]

    @property
    def kernel(self) -> HostKernel:
        """What computes; another for the same front-end may take its place between two calls."""
        return self._kernel

    @kernel.setter
    def kernel(self, kernel: HostKernel) -> None:
        self._kernel = self._head.kernel = kernel

    @property
    def held_back_s(self) -> float:
        """The longest that the resampler holds back a sample, in seconds."""
        return self._head.held_back_s

    def needed(self, n_samples: int) -> int:
        """Return how many samples must have come for `n_samples` at the front-end's rate."""
        return self._head.needed(n_samples)

    @property
    def next_column(self) -> int:
        """Index of the next column that will come out; column t belongs to sample t·hop_length."""
        return self._head.next_column

    def push(self, samples: Samples) -> Columns:
        """Return the columns that the samples complete.

        Args:
            samples: (n_samples, n_channels) float32, ±1.0 at full scale.

        Returns:
            (n_channels, n_rows, n_columns) float32, the caller's own.

        Raises:
            ValueError: for samples of another shape or type.
        """
        if not isinstance(samples, np.ndarray):
            raise ValueError(
                f"samples are of type {type(samples).__name__}; a NumPy array "
                f"(n_samples, {self._n_channels}) of float32 is expected"
            )
        if samples.ndim != 2 or samples.shape[1] != self._n_channels:
            raise ValueError(
                f"samples have the shape {samples.shape}; "
                f"(n_samples, {self._n_channels}) is expected"
            )
        if samples.dtype != np.float32:
            raise ValueError(
                f"samples are {samples.dtype}; float32, ±1.0 at full scale, is expected"
            )
        return self._finished(self._head.push(samples))

    def flush(self) -> Columns:
        """End the signal, and return the columns that reach past its end, as `push` does."""
        return self._finished(self._head.flush())

    def skip(self, n_samples: int) -> int:
        """Note that samples were lost, so that later columns keep their places.

        Args:
            n_samples: how many, at the rate of the samples that come.

        Returns:
            How many columns are missing for it.
        """
        return self._head.skip(n_samples)

    def _finished(self, columns: Columns) -> Columns:
        for step in self._steps:
            columns = step(columns)
        return columns.transpose(0, 2, 1)


def _so_far(state: ClipState, columns: Columns) -> Columns:
    """Let the clip up to each column stand for the whole."""
    finished = np.empty_like(columns)
    for t in range(columns.shape[1]):
        column = columns[:, t : t + 1]
        state.observe(column)
        finished[:, t : t + 1] = state.finish(column)
    return finished
