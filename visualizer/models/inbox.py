"""Sound on its way from the worker to a model: bounded, and nobody waits for the other."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from visualizer.audio.channels import Channel
from visualizer.audio.source import SourceInfo

QUEUE_S = 1.0
"""Of sound, kept for a model that is slow. Then the oldest is dropped; but a source that can wait
does so."""
LOADING_S = 0.1
"""The same while it is loaded: with more, its first answers would be late."""


@dataclass(frozen=True)
class Begin:
    """A stream begins, or goes on by another channel rule."""

    source: SourceInfo
    channel: Channel
    stream_id: int
    start_sample: int
    """of the first sound, even if that was dropped"""


@dataclass(frozen=True, eq=False)
class Sound:
    """Sound of the stream that began last."""

    start_sample: int
    samples: NDArray[np.float32]
    """(n_samples, n_channels)"""
    ready_at: float
    end_s: float
    """where it ends on the stream's clock"""
    seconds: float
    follows_drop: bool = False
    """whether what lies before it was dropped here"""


@dataclass(frozen=True)
class End:
    """The stream has ended, and all of it was put."""


class SoundInbox:
    """The tap of a model: the worker calls what `SoundTap` has, the model's thread the rest.

    At first it is deaf: it keeps nothing, and no source waits for it.
    """

    def __init__(self) -> None:
        self._news = threading.Condition()
        self._items: deque[Begin | Sound | End] = deque()
        self._seconds = 0.0
        """of the sound among them"""
        self._stream: tuple[SourceInfo, Channel, int] | None = None
        self._is_told = self._has_ended = False
        """whether that stream has begun for the model, and has ended"""
        self._is_deaf, self._is_ready = True, False
        self._is_woken = False
        self._on_room: Callable[[], None] | None = None
        self.end_s = 0.0
        """where the newest sound ends on the stream's clock"""

    def begin(self, source: SourceInfo, channel: Channel, stream_id: int) -> None:
        """See `SoundTap`."""
        with self._news:
            self._stream = source, channel, stream_id
            self._is_told = self._has_ended = False

    def put(self, start_sample: int, samples: NDArray[np.float32], ready_at: float) -> None:
        """See `SoundTap`."""
        with self._news:
            if self._is_deaf or self._stream is None:
                return
            if not self._is_told:
                self._is_told = True
                self._items.append(Begin(*self._stream, start_sample))
            source = self._stream[0]
            seconds = len(samples) / source.sample_rate
            self.end_s = start_sample / source.sample_rate + seconds
            self._items.append(Sound(start_sample, samples, ready_at, self.end_s, seconds))
            self._seconds += seconds
            if source.is_live:
                self._make_room(QUEUE_S if self._is_ready else LOADING_S)
            self._news.notify()

    def has_room(self, on_room: Callable[[], None]) -> bool:
        """See `SoundTap`."""
        with self._news:
            if self._is_deaf or (self._is_ready and self._seconds < QUEUE_S):
                return True
            self._on_room = on_room
            return False

    def end(self) -> None:
        """See `SoundTap`."""
        with self._news:
            if self._has_ended:
                return
            self._has_ended = True
            if not self._is_deaf:
                self._items.append(End())
                self._news.notify()

    def listen(self) -> None:
        """Keep what comes from now on, for a model that is being loaded; sources wait for it."""
        with self._news:
            self._clear()
            self._is_deaf = self._is_ready = self._is_told = False
            if self._has_ended:
                self._items.append(End())

    def ready(self) -> None:
        """Let sources go on: the model is there."""
        with self._news:
            self._is_ready = True
        self._call_on_room()

    def deafen(self) -> None:
        """Keep nothing any more, and let sources go on."""
        with self._news:
            self._clear()
            self._is_deaf = True
        self._call_on_room()

    def take(self) -> Begin | Sound | End | None:
        """Wait for the oldest that is there, and return it; None: it was woken."""
        with self._news:
            self._news.wait_for(lambda: self._items or self._is_woken)
            if self._is_woken:
                return None
            item = self._items.popleft()
            if isinstance(item, Sound):
                self._seconds -= item.seconds
            has_room = self._seconds < QUEUE_S / 2
        if has_room:
            self._call_on_room()
        return item

    def wake(self) -> None:
        """Let nothing be taken, until `sleep`; called on any thread."""
        with self._news:
            self._is_woken = True
            self._news.notify()

    def sleep(self) -> None:
        """Let `take` wait again."""
        with self._news:
            self._is_woken = False

    def _make_room(self, most_s: float) -> None:
        """Drop the oldest sound while there is too much, but the newest delivery never."""
        while self._seconds > most_s:
            # At the front, or right after a stream's beginning.
            at = next(i for i, item in enumerate(self._items) if isinstance(item, Sound))
            if at == len(self._items) - 1:
                return
            dropped = self._items[at]
            assert isinstance(dropped, Sound)
            del self._items[at]
            self._seconds -= dropped.seconds
            following = self._items[at] if at < len(self._items) else None
            if isinstance(following, Sound):
                self._items[at] = replace(following, follows_drop=True)

    def _clear(self) -> None:
        self._items.clear()
        self._seconds = 0.0

    def _call_on_room(self) -> None:
        with self._news:
            on_room, self._on_room = self._on_room, None
        if on_room is not None:
            on_room()
