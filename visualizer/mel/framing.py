"""Cutting a stream into frames: any split of the samples gives the same frames."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from visualizer.config import MelConfig


class StreamingFramer:
    """Frames of a signal that arrives in pieces.

    A frame comes out with the very sample that completes it. Zeros stand for what lies before
    the first sample and, at `flush`, as many after the last.
    """

    def __init__(self, config: MelConfig, n_channels: int) -> None:
        self._win_length = config.win_length
        self._hop_length = config.hop_length
        self._offset = config.offset
        self._pending = np.zeros((n_channels, -config.offset), dtype=np.float32)
        self._position = 0
        self._to_skip = 0
        self.next_frame = 0
        """Index t of the next frame that will come out."""

    def push(self, samples: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """Take (n_samples, n_channels); return the frames now complete.

        Each is (n_channels, win_length), a view of samples that it shares with its neighbours.
        """
        self._position += len(samples)
        skipped = min(self._to_skip, len(samples))
        self._to_skip -= skipped
        return self._cut(samples[skipped:].T)

    def flush(self) -> list[NDArray[np.float32]]:
        """The frames that reach past the end, as `push` returns them. The signal ends here."""
        n_channels = len(self._pending)
        return self._cut(np.zeros((n_channels, -self._offset), dtype=np.float32))

    def skip(self, n_samples: int) -> int:
        """Note that `n_samples` were lost; return how many frames went with them.

        Only whole frames come out, and the grid of hops stays where it was, so the frames that
        touch the lost samples are missing and time stays true.
        """
        self._position += n_samples
        first = max(self.next_frame, -((self._offset - self._position) // self._hop_length))
        lost = first - self.next_frame
        self.next_frame = first
        self._pending = self._pending[:, :0]
        self._to_skip = first * self._hop_length + self._offset - self._position
        return lost

    def _cut(self, samples: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        pending = np.concatenate((self._pending, samples), axis=1)
        n_pending = pending.shape[1]
        n_frames = max(0, 1 + (n_pending - self._win_length) // self._hop_length)
        starts = range(0, n_frames * self._hop_length, self._hop_length)
        frames = [pending[:, start : start + self._win_length] for start in starts]
        self._pending = pending[:, starts.stop :]
        self._to_skip += max(0, starts.stop - n_pending)
        self.next_frame += n_frames
        return frames
