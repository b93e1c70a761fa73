"""Reads what an engine gives: the loop of everyone who runs one.

A reader is of one thread, that which waits and drains; the worker only wakes it, and any thread may
ask for its deadline.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator

from visualizer.engine.columns import MelColumns
from visualizer.engine.engine import Engine
from visualizer.engine.status import EngineStatus
from visualizer.errors import DeviceError

FIRST_COLUMN_LIMIT_S = 20.0
"""A run with a duration ends this much later when no column comes at all."""
LOOK_S = 0.1
"""A reader looks at least this often, whether it is woken or not."""


class EngineReader:
    """Starts an engine, waits for its news, and takes columns with the status they came under.

    >>> from visualizer.audio.capture import CaptureConfig
    >>> from visualizer.engine.config import EngineConfig
    >>> config = EngineConfig(CaptureConfig("demo"))
    >>> reader = EngineReader(lambda wake: Engine(config, (), wake), duration_s=0.1)
    >>> for deliveries in reader:
    ...     source, columns = reader.status.source, [d.values for d in deliveries]
    >>> reader.close()
    >>> source.name
    'Built-in demo'
    """

    def __init__(
        self,
        start: Callable[[Callable[[], None]], Engine],
        *,
        duration_s: float | None = None,
        on_news: Callable[[], None] | None = None,
    ) -> None:
        """Start the engine.

        Args:
            start: makes the engine, given what it shall call for each update.
            duration_s: how long to read, counted from the first column; None: until the end.
            on_news: called on the worker's thread for each update, for a reader that does not
                `wait`; must not block.
        """
        self._news = threading.Event()
        self._duration_s = duration_s
        self._started_at = time.perf_counter()
        self.engine = start(on_news or self._news.set)
        self.uncounted = self.engine.uncounted()
        """The status as of the last `drain` before the engine was closed, without its counts."""
        self._last: EngineStatus | None = None
        self.first_at: float | None = None
        """s, perf_counter when the first column was taken; None: there was none yet"""
        self.is_over = False
        """Whether the engine has ended and all of its columns were taken."""

    @property
    def status(self) -> EngineStatus:
        """As of the last `drain` before the engine was closed, with the counts of now."""
        return self._last or self.engine.counted(self.uncounted)

    @property
    def deadline(self) -> float:
        """When to stop reading: perf_counter seconds, infinity where there is no such moment."""
        if self._duration_s is None:
            return math.inf
        if self.first_at is None:
            return self._started_at + self._duration_s + FIRST_COLUMN_LIMIT_S
        return self.first_at + self._duration_s

    def wait(self) -> None:
        """Wait until there is news, the deadline has come, or it is time to look anyway."""
        self._news.wait(max(0.0, min(LOOK_S, self.deadline - time.perf_counter())))
        self._news.clear()

    def wake(self) -> None:
        """End a `wait`; called on any thread."""
        self._news.set()

    def drain(self) -> list[MelColumns]:
        """Return the columns that came since the last call, oldest first, and renew the status.

        No column is of a front-end newer than that of the status.
        """
        # Before the columns, so that none comes between the last look at them and the end.
        status = self.engine.uncounted()
        columns = self.engine.drain()
        if columns and columns[-1].config_id > status.config_id:
            status = self.engine.uncounted()
        self.is_over = not columns and status.state in ("ended", "failed", "closed")
        if status.state != "closed":
            self.uncounted = status
        if columns and self.first_at is None:
            self.first_at = time.perf_counter()
        return columns

    def __iter__(self) -> Iterator[list[MelColumns]]:
        """Yield what `drain` returns after each wait, be it nothing, until the deadline or end."""
        while not self.is_over and time.perf_counter() < self.deadline:
            self.wait()
            yield self.drain()

    def require_success(self) -> None:
        """Raise DeviceError where the source failed, or gave no column."""
        status = self.status
        if self.first_at is None or (status.state != "running" and status.fault is not None):
            raise DeviceError(status.fault or "no column came in time")

    def close(self) -> None:
        """Note the last status and end the engine; again has no effect."""
        status = self.engine.uncounted()
        if status.state != "closed":
            self.uncounted = status
        if self._last is None:
            self._last = self.engine.counted(self.uncounted)
        self.engine.close()
