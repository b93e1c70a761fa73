"""Cutting the sound into frames."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from visualizer.errors import FieldError, is_whole, quoted
from visualizer.mel.arrays import Array, Arrays
from visualizer.mel.limits import MAX_SAMPLES, one_of, optional, whole
from visualizer.mel.stage import Layout, Place, Stage

Edge = Literal["zeros", "reflect", "symmetric"]
End = Literal["zeros"]
Count = Literal["fit", "per_hop", "nearest", "begun", "whole", "even"]

_PAD_MODES: dict[Edge, Literal["constant", "reflect", "symmetric"]] = {
    "zeros": "constant",
    "reflect": "reflect",
    "symmetric": "symmetric",
}


@dataclass(frozen=True)
class Frames(Stage):
    """Cut the sound: frame t covers [t·hop_length + offset, t·hop_length + offset + win_length)."""

    stage: ClassVar[str] = "frames"
    place: ClassVar[Place] = "frames"

    win_length: int = field(metadata=whole(2, unit=" samples"))
    """samples"""
    hop_length: int = field(metadata=whole(1, unit=" samples"))
    """samples"""
    offset: int = field(metadata=whole(1 - MAX_SAMPLES, unit=" samples"))
    """samples; −win_length//2 puts the centre of frame t at sample t·hop_length"""
    edge: Edge = field(default="zeros", metadata=one_of(Edge))
    """what stands for samples outside the signal; "reflect" does not repeat the outermost one,
    "symmetric" does"""
    count: Count = field(default="fit", metadata=one_of(Count))
    """how many columns N samples give: "fit" as many as −offset samples on both sides allow,
    "whole" only those that end within the sound, "per_hop" N//hop_length, "nearest"
    (N + hop_length//2)//hop_length, "begun" N/hop_length rounded up, "even" N//hop_length and one
    more where that is odd"""
    end: End | None = field(default=None, metadata=optional(one_of(End)))
    """what stands for samples behind the sound, where it is not `edge`"""
    followed_by: int = field(default=0, metadata=whole(0, unit=" samples"))
    """samples that must follow a frame for it to count, with "fit" and "whole\""""

    def __post_init__(self) -> None:
        if is_whole(self.win_length, 2) and not is_whole(self.offset, 1 - self.win_length):
            limits = f"1 - win_length (1 - {quoted(self.win_length)}) or more, so that frame 0 "
            raise FieldError("offset", self.offset, f"{limits}holds a sample")
        super().__post_init__()
        # A frame must not be complete before it is known to count.
        rests = {"per_hop": 0, "nearest": self.hop_length // 2, "even": 0}
        rest = rests.get(self.count, self.hop_length)
        if self.offset + self.win_length < self.hop_length - rest:
            limits = "'fit' where hop_length is so much longer than the window"
            raise FieldError("count", self.count, limits)
        if self.followed_by and self.count not in ("fit", "whole"):
            limits = f"0 with a count {self.count!r}"
            raise FieldError("followed_by", self.followed_by, limits)
        if self.offset > 0 and self.count != "whole":
            raise FieldError("count", self.count, "'whole' where offset is above 0")

    def n_columns(self, n_samples: int) -> int:
        """Return how many columns a clip of `n_samples` gives."""
        if self.count == "per_hop":
            return n_samples // self.hop_length
        if self.count == "even":
            return (n_samples // self.hop_length + 1) // 2 * 2
        if self.count == "nearest":
            return (n_samples + self.hop_length // 2) // self.hop_length
        if self.count == "begun":
            return -(-n_samples // self.hop_length)
        if n_samples == 0 and self.edge != "zeros":
            return 0
        padding = self.offset if self.count == "fit" else 0
        reach = self.offset + padding + self.win_length + self.followed_by
        return max(0, 1 + (n_samples - reach) // self.hop_length)

    def after(self, before: Layout) -> Layout:
        return replace(before, width=self.win_length, window_sum=float(self.win_length))

    def of_clip(self, xp: Any, samples: Array, first: int, last: int) -> Array:
        """Return frames `first` to before `last` of a whole clip.

        Args:
            xp: numpy or torch.
            samples: (n_channels, n_samples).

        Returns:
            (n_channels, last − first, win_length), on the samples' device.
        """
        n = samples.shape[1]
        starts = np.arange(first, last)[:, None] * self.hop_length + self.offset
        places = starts + np.arange(self.win_length)
        if self.end == "zeros" and self.edge != "zeros":
            outermost = 0 if self.edge == "reflect" else 1
            places = np.where(places < 0, -places - outermost, places)
            outside = places >= n
            places = np.where(outside, 0, places)
        elif self.edge == "symmetric":
            outside = np.zeros((), dtype=np.bool_)
            places = places % (2 * n)
            places = np.minimum(places, 2 * n - 1 - places)
        elif self.edge == "reflect" and n > 1:
            outside = np.zeros((), dtype=np.bool_)
            places = places % (2 * n - 2)
            places = np.minimum(places, 2 * n - 2 - places)
        else:
            outside = (places < 0) | (places >= n)
            places = np.where(outside, 0, places)
            # The reflection of one sample is that sample.
            outside &= self.edge == "zeros"
        if n == 0:
            shape = (len(samples), 1)
            samples = xp.zeros(shape, dtype=samples.dtype, device=samples.device)
        frames = samples[:, xp.asarray(places)]
        if outside.any():
            frames = frames * xp.asarray(~outside, dtype=frames.dtype, device=frames.device)
        return frames

    def state(self, arrays: Arrays, before: Layout, n_channels: int) -> StreamingFramer:
        return StreamingFramer(self, n_channels)


class StreamingFramer:
    """Frames of a signal that arrives in pieces: any split of the samples gives the same ones.

    A frame comes out with the very sample that completes it. What stands for samples before the
    first and, at `flush`, after the last is the stage's `edge`.
    """

    def __init__(self, stage: Frames, n_channels: int) -> None:
        self._stage = stage
        self._edge_length = max(0, -stage.offset)
        self._end = stage.end or stage.edge
        # What has to be seen before the samples before the first are known, and what has to be
        # kept for those after the last.
        outermost = 1 if stage.edge == "reflect" else 0
        mirrored = stage.edge != "zeros" and self._edge_length > 0
        self._needed = max(1, (self._edge_length + outermost) if mirrored else 0)
        self._kept = stage.win_length + outermost if self._end != "zeros" else 0
        self._started = False
        self._buffer: NDArray[np.float32] = np.zeros((n_channels, 0), dtype=np.float32)
        self._buffer_start = 0
        self._position = 0
        self.next_frame = 0
        """index t of the next frame that will come out"""

    def push(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Take (n_channels, n_samples); return the frames now complete.

        They are (n_channels, n_frames, win_length), a view of samples that neighbours share.
        """
        self._buffer = np.concatenate((self._buffer, samples), axis=1)
        self._position += samples.shape[1]
        if not self._started:
            if self._position < self._needed:
                return self._frames(0, 0)
            self._start()
        return self._cut(self._stage.followed_by)

    def flush(self) -> NDArray[np.float32]:
        """Return the frames that reach past the end, as `push` does. The signal ends here."""
        n_columns = self._stage.n_columns(self._position)
        if n_columns <= self.next_frame:
            return self._frames(0, 0)
        stage = self._stage
        end = (n_columns - 1) * stage.hop_length + stage.offset + stage.win_length
        missing = max(0, end - self._position)
        if not self._started:
            self._buffer_start = -self._edge_length
        elif self._buffer_start == -self._edge_length:
            self._buffer = self._buffer[:, self._edge_length :]
        else:
            self._buffer = self._padded(0, missing, self._end)
            return self._last(n_columns)
        # A clip this short may be mirrored more than once: from itself, not from its mirror.
        if self._end == stage.edge:
            self._buffer = self._padded(self._edge_length, missing, stage.edge)
        else:
            seen = max(missing, self._edge_length + 1 - self._buffer.shape[1])
            self._buffer = self._padded(0, max(0, seen), self._end)
            self._buffer = self._padded(self._edge_length, 0, stage.edge)
        return self._last(n_columns)

    def _last(self, n_columns: int) -> NDArray[np.float32]:
        """Return the frames up to the last that counts."""
        frames = self._cut(followed_by=0)
        return frames[:, : frames.shape[1] - max(0, self.next_frame - n_columns)]

    def skip(self, n_samples: int) -> int:
        """Note that `n_samples` were lost; return how many frames went with them.

        Only whole frames come out, and the grid of hops stays where it was, so the frames that
        touch the lost samples are missing and time stays true.
        """
        self._position += n_samples
        hop_length, offset = self._stage.hop_length, self._stage.offset
        first = max(self.next_frame, -((offset - self._position) // hop_length))
        lost = first - self.next_frame
        self.next_frame = first
        self._buffer = self._buffer[:, :0]
        self._buffer_start = self._position
        self._started = True
        return lost

    def _start(self) -> None:
        self._buffer = self._padded(self._edge_length, 0, self._stage.edge)
        self._buffer_start = -self._edge_length
        self._started = True

    def _padded(self, before: int, after: int, edge: Edge) -> NDArray[np.float32]:
        widths = ((0, 0), (before, after))
        mode = "constant" if self._buffer.shape[1] == 0 else _PAD_MODES[edge]
        return np.pad(self._buffer, widths, mode=mode)

    def _cut(self, followed_by: int) -> NDArray[np.float32]:
        win_length, hop_length = self._stage.win_length, self._stage.hop_length
        end = self._buffer_start + self._buffer.shape[1]
        start = self.next_frame * hop_length + self._stage.offset
        n_frames = max(0, 1 + (end - win_length - followed_by - start) // hop_length)
        frames = self._frames(start - self._buffer_start, n_frames)
        self.next_frame += n_frames
        start += n_frames * hop_length
        keep_from = min(start, end, end - self._kept)
        drop = max(0, keep_from - self._buffer_start)
        if drop:
            self._buffer = self._buffer[:, drop:]
            self._buffer_start += drop
        return frames

    def _frames(self, first: int, n_frames: int) -> NDArray[np.float32]:
        """Return `n_frames` from element `first` of the buffer on, without a copy."""
        win_length, hop_length = self._stage.win_length, self._stage.hop_length
        if n_frames == 0:
            return np.empty((len(self._buffer), 0, win_length), dtype=np.float32)
        if n_frames == 1:
            return self._buffer[:, None, first : first + win_length]
        span = self._buffer[:, first : first + win_length + (n_frames - 1) * hop_length]
        # Marked as writable, which torch insists on for what it only reads.
        views = sliding_window_view(span, win_length, axis=1, writeable=True)
        return views[:, ::hop_length]
