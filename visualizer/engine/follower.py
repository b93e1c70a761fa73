"""Another look at what was heard: the kept sound through a front-end, the newest included.

Thread "follower" (owned here): reads the kept sound and computes; it may be late, since nothing
waits for it, and loses nothing while the sound is kept. The user's thread starts, drains, wakes
and closes it.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from visualizer.audio.channels import Channel
from visualizer.engine.history import SoundHistory
from visualizer.engine.pipeline import Pipeline
from visualizer.mel.front_end import FrontEnd

_STEP_S = 4.0
"""of sound at once: some milliseconds of work, after which others have their turn"""
_OUTBOX_LENGTH = 64
"""When this many deliveries wait to be fetched, the follower waits too."""
_LOOK_S = 0.25

_log = logging.getLogger(__name__)


FollowedColumns = tuple[int, NDArray[np.float32]]
"""The index of the first column on the stream's grid of hops, and the columns (n_channels, n_rows,
n_columns) in the front-end's own unit."""


class Follower:
    """The kept sound of a stream as a front-end's columns, oldest first."""

    def __init__(
        self,
        sound: SoundHistory,
        mel: FrontEnd,
        channel: Channel,
        on_columns: Callable[[], None],
        until_column: int | None = None,
        *,
        is_over: bool = False,
    ) -> None:
        """Start at once; end before `until_column`, or else go on with what comes.

        `is_over` says that no more sound will come, so that the last columns reach past its end.
        `on_columns` is called on the follower's thread and must not block.
        """
        self._sound = sound
        self._mel = mel
        self._channel = channel
        self._on_columns = on_columns
        self._until_column = until_column
        self._is_over = is_over
        self._outbox: queue.Queue[FollowedColumns] = queue.Queue(_OUTBOX_LENGTH)
        self._woken = threading.Event()
        self._closed = threading.Event()
        self.fault: str | None = None
        """why it ended early"""
        self._thread = threading.Thread(target=self._run, name="follower", daemon=True)
        self._thread.start()

    @property
    def ended(self) -> bool:
        """Whether nothing more will come than what waits to be drained."""
        return not self._thread.is_alive()

    def end(self) -> None:
        """No more sound will come: end with the columns that reach past the last."""
        self._is_over = True
        self._woken.set()

    def wake(self) -> None:
        """Look for new sound now."""
        self._woken.set()

    def drain(self) -> list[FollowedColumns]:
        """The columns that came since the last call, oldest first."""
        return [self._outbox.get_nowait() for _ in range(self._outbox.qsize())]

    def close(self) -> None:
        """End the thread soon; what it still brings is of no use."""
        self._closed.set()
        self._woken.set()

    def _run(self) -> None:
        try:
            self._follow()
        except Exception as error:
            _log.exception("%s could not be followed", self._mel.name)
            self.fault = f"{self._mel.name} failed: {error!r}"
            if not self._closed.is_set():
                self._on_columns()

    def _follow(self) -> None:
        sound = self._sound
        pipeline = Pipeline(self._mel, sound.sample_rate, sound.n_channels, self._channel)
        at = sound.first
        while not self._closed.is_set():
            end = min(sound.end, at + round(_STEP_S * sound.sample_rate))
            if end == at and self._is_over:
                self._put(pipeline.flush())
                return
            if end == at:
                self._woken.wait(_LOOK_S)
                self._woken.clear()
                continue
            for start, samples in unbroken(at, sound.read(at, end)):
                columns = pipeline.push(start, samples)
                if columns[1].shape[2] and not self._put(columns):
                    return
            at = end
            until = self._until_column
            if until is not None and pipeline.stream.next_column >= until:
                return

    def _put(self, columns: FollowedColumns) -> bool:
        """False when it was closed meanwhile."""
        while not self._closed.is_set():
            try:
                self._outbox.put(columns, timeout=_LOOK_S)
            except queue.Full:
                continue
            if not self._closed.is_set():
                self._on_columns()
            return True
        return False


def heard(sound: SoundHistory) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """The kept sound of a stream that has ended, piece by piece, as `unbroken` has it."""
    step = round(_LOOK_S * sound.sample_rate)
    for at in range(sound.first, sound.end, step):
        yield from unbroken(at, sound.read(at, min(sound.end, at + step)))


def unbroken(first: int, samples: NDArray[np.float32]) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """The stretches of (n_samples, n_channels) without NaN, each with the index of its start."""
    for start, end in stretches(~np.isnan(samples).any(axis=1)):
        yield first + start, samples[start:end]


def stretches(flags: ArrayLike) -> list[tuple[int, int]]:
    """Return where flags (n,) that are set begin, and end before, in their order."""
    edges = np.flatnonzero(np.diff(flags, prepend=False, append=False)).tolist()
    return list(zip(edges[::2], edges[1::2], strict=True))
