"""Cutting a stream into frames: any split of the samples gives the same frames."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from visualizer.mel.flat import Edge, MelConfig

Samples = NDArray[np.float32]

PAD_MODES: dict[Edge, Literal["constant", "reflect", "symmetric"]] = {
    "zeros": "constant",
    "reflect": "reflect",
    "symmetric": "symmetric",
}


class StreamingFramer:
    """Frames of a signal that arrives in pieces.

    A frame comes out with the very sample that completes it. What stands for samples before the
    first and, at `flush`, after the last is the config's `edge`.
    """

    def __init__(self, config: MelConfig, n_channels: int) -> None:
        self._config = config
        self._edge_length = -config.offset
        # What has to be seen before the samples before the first are known, and what has to be
        # kept for those after the last.
        outermost = 1 if config.edge == "reflect" else 0
        mirrored = config.edge != "zeros"
        self._needed = max(1, (self._edge_length + outermost) if mirrored else 0)
        self._kept = config.win_length + outermost if mirrored else 0
        self._started = False
        self._buffer = np.zeros((n_channels, 0), dtype=np.float32)
        self._buffer_start = 0
        self._position = 0
        self.next_frame = 0
        """Index t of the next frame that will come out."""

    def push(self, samples: Samples) -> Samples:
        """Take (n_samples, n_channels); return the frames now complete.

        They are (n_channels, n_frames, win_length), a view of samples that neighbours share.
        """
        self._buffer = np.concatenate((self._buffer, samples.T), axis=1)
        self._position += len(samples)
        if not self._started:
            if self._position < self._needed:
                return self._frames(0, 0)
            self._start()
        return self._cut()

    def flush(self) -> Samples:
        """The frames that reach past the end, as `push` returns them. The signal ends here."""
        n_columns = self._config.n_columns(self._position)
        if n_columns <= self.next_frame:
            return self._frames(0, 0)
        if not self._started:
            self._start()
        end = (n_columns - 1) * self._config.hop_length + self._config.offset
        missing = max(0, end + self._config.win_length - self._position)
        if self._buffer_start == -self._edge_length:
            # A clip this short may be mirrored more than once: from itself, not from its mirror.
            self._buffer = self._buffer[:, self._edge_length :]
            self._buffer = self._padded(self._edge_length, missing)
        else:
            self._buffer = self._padded(0, missing)
        frames = self._cut()
        return frames[:, : frames.shape[1] - (self.next_frame - n_columns)]

    def skip(self, n_samples: int) -> int:
        """Note that `n_samples` were lost; return how many frames went with them.

        Only whole frames come out, and the grid of hops stays where it was, so the frames that
        touch the lost samples are missing and time stays true.
        """
        self._position += n_samples
        hop_length, offset = self._config.hop_length, self._config.offset
        first = max(self.next_frame, -((offset - self._position) // hop_length))
        lost = first - self.next_frame
        self.next_frame = first
        self._buffer = self._buffer[:, :0]
        self._buffer_start = self._position
        self._started = True
        return lost

    def _start(self) -> None:
        self._buffer = self._padded(self._edge_length, 0)
        self._buffer_start = -self._edge_length
        self._started = True

    def _padded(self, before: int, after: int) -> Samples:
        widths = ((0, 0), (before, after))
        mode = "constant" if self._buffer.shape[1] == 0 else PAD_MODES[self._config.edge]
        return np.pad(self._buffer, widths, mode=mode)

    def _cut(self) -> Samples:
        win_length, hop_length = self._config.win_length, self._config.hop_length
        end = self._buffer_start + self._buffer.shape[1]
        start = self.next_frame * hop_length + self._config.offset
        n_frames = max(0, 1 + (end - win_length - start) // hop_length)
        frames = self._frames(start - self._buffer_start, n_frames)
        self.next_frame += n_frames
        start += n_frames * hop_length
        keep_from = min(start, end, end - self._kept)
        drop = max(0, keep_from - self._buffer_start)
        if drop:
            self._buffer = self._buffer[:, drop:]
            self._buffer_start += drop
        return frames

    def _frames(self, first: int, n_frames: int) -> Samples:
        """`n_frames` from element `first` of the buffer on, without a copy."""
        win_length, hop_length = self._config.win_length, self._config.hop_length
        if n_frames == 0:
            return np.empty((len(self._buffer), 0, win_length), dtype=np.float32)
        if n_frames == 1:
            return self._buffer[:, None, first : first + win_length]
        span = self._buffer[:, first : first + win_length + (n_frames - 1) * hop_length]
        # Marked as writable, which torch insists on for what it only reads.
        views = sliding_window_view(span, win_length, axis=1, writeable=True)
        return views[:, ::hop_length]
