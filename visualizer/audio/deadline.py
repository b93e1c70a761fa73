"""Calls that may never return.

Threads: "caller", which makes one call after the other. One that hangs is left alone, and after a
while another takes its place, to make calls beside it. ALSA's plugin for PulseAudio was seen to
lock up for ever when its server was killed; a frozen server holds every call up.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from functools import partial
from typing import Any, TypeVar

from visualizer.errors import DeviceError

HUNG_S = 1.5
"""A call that was given up so long ago may hang for ever: the next is made beside it."""
MOST_HUNG = 4
_LOOK_S = 0.05

T = TypeVar("T")


class HungError(DeviceError):
    """A call has not returned in time; what comes of it is undone by itself."""


class _Caller:
    """A thread that makes calls until it is told that there are no more.

    A daemon: Python would wait at its end for an executor's threads, also for one that hangs.
    """

    def __init__(self) -> None:
        self._calls: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = (
            queue.SimpleQueue()
        )
        self.thread = threading.Thread(target=self._run, name="caller", daemon=True)
        self.thread.start()

    def make(self, function: Callable[[], T]) -> Future[T]:
        future: Future[T] = Future()
        self._calls.put((future, function))
        return future

    def retire(self) -> None:
        """End after the call that is being made, if that ever ends."""
        self._calls.put(None)

    def _run(self) -> None:
        while (call := self._calls.get()) is not None:
            future, function = call
            try:
                future.set_result(function())
            except BaseException as error:
                future.set_exception(error)


class Calls:
    """Makes calls one after the other, on one thread, and waits for each only so long."""

    def __init__(self, what: str) -> None:
        """`what` names, for a message, what does not answer when a call hangs."""
        self._what = what
        self._caller: _Caller | None = None
        self._hung: list[_Caller] = []
        self._hung_since = 0.0

    @property
    def may_call(self) -> bool:
        """Whether a call that is made now would be made at once."""
        self._hung = [caller for caller in self._hung if caller.thread.is_alive()]
        waited_s = time.monotonic() - self._hung_since
        return not self._hung or (len(self._hung) < MOST_HUNG and waited_s > HUNG_S)

    def make(
        self,
        function: Callable[[], T],
        limit_s: float,
        undo: Callable[[T], object] = lambda _: None,
        is_unwanted: Callable[[], bool] = lambda: False,
    ) -> T:
        """What the function returns, or raises.

        Raises HungError where it has not returned after `limit_s`, or is unwanted by now, or could
        not be called since earlier ones still hang; `undo` is then called with what it returns in
        the end.
        """
        give_up_at = time.monotonic() + limit_s

        def waits() -> bool:
            return time.monotonic() < give_up_at and not is_unwanted()

        while not self.may_call and waits():
            self._hung[-1].thread.join(_LOOK_S)
        if self.may_call:
            caller = self._caller = self._caller or _Caller()
            future = caller.make(function)
            while wait([future], _LOOK_S).not_done and waits():
                pass
            if future.done():
                return future.result()
            future.add_done_callback(partial(_undo, undo))
            caller.retire()
            self._caller = None
            self._hung.append(caller)
            self._hung_since = time.monotonic()
        if len(self._hung) >= MOST_HUNG:
            raise HungError(f"{self._what} hangs", "start this program again when it answers")
        raise HungError(
            f"{self._what} has not answered for {limit_s:g} s",
            "it is waited for, and something else can be played meanwhile",
        )

    def close(self) -> None:
        """End the thread, if it does not hang."""
        if self._caller is not None:
            self._caller.retire()
            self._caller = None


def _undo(undo: Callable[[T], object], future: Future[T]) -> None:
    if future.exception() is None:
        undo(future.result())
