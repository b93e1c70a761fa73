"""Cutting a stream into frames: any split of the samples gives the same frames."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from visualizer.config import Edge, MelConfig

Samples = NDArray[np.float32]

_PAD_MODES: dict[Edge, Literal["constant", "reflect", "symmetric"]] = {
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

    def push(self, samples: Samples) -> list[Samples]:
        """Take (n_samples, n_channels); return the frames now complete.

        Each is (n_channels, win_length), a view of samples that it shares with its neighbours.
        """
        self._buffer = np.concatenate((self._buffer, samples.T), axis=1)
        self._position += len(samples)
        if not self._started:
            if self._position < self._needed:
                return []
            self._start()
        return self._cut()

    def flush(self) -> list[Samples]:
        """The frames that reach past the end, as `push` returns them. The signal ends here."""
        n_columns = self._config.n_columns(self._position)
        if n_columns <= self.next_frame:
            return []
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
        return frames[: len(frames) - (self.next_frame - n_columns)]

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
        mode = "constant" if self._buffer.shape[1] == 0 else _PAD_MODES[self._config.edge]
        return np.pad(self._buffer, widths, mode=mode)

    def _cut(self) -> list[Samples]:
        win_length, hop_length = self._config.win_length, self._config.hop_length
        end = self._buffer_start + self._buffer.shape[1]
        frames = []
        start = self.next_frame * hop_length + self._config.offset
        while start + win_length <= end:
            at = start - self._buffer_start
            frames.append(self._buffer[:, at : at + win_length])
            start += hop_length
        self.next_frame += len(frames)
        keep_from = min(start, end, end - self._kept)
        drop = max(0, keep_from - self._buffer_start)
        if drop:
            self._buffer = self._buffer[:, drop:]
            self._buffer_start += drop
        return frames
