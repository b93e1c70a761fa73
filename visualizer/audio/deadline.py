"""Calls that may never return.

Threads: each call has one of its own, which lives on where the call hangs. There is one at a time,
since PortAudio, for which this is, does not like two.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from visualizer.errors import DeviceError

T = TypeVar("T")


class _Call(Generic[T]):
    def __init__(self, function: Callable[[], T], undo: Callable[[T], object]) -> None:
        self._function = function
        self._undo = undo
        self._lock = threading.Lock()
        self._given_up = False
        self._result: list[T] = []
        self._error: BaseException | None = None
        self.thread = threading.Thread(target=self._run, name="portaudio", daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            result = self._function()
        except BaseException as error:
            self._error = error
            return
        with self._lock:
            if not self._given_up:
                self._result.append(result)
                return
        self._undo(result)

    def give_up(self) -> bool:
        """Undo whatever comes of it; False where it has returned just now."""
        with self._lock:
            self._given_up = not self._result and self._error is None
            return self._given_up

    def result(self) -> T:
        if self._error is not None:
            raise self._error
        return self._result[0]


class Calls:
    """Makes calls, one after the other, and waits for each only so long."""

    def __init__(self) -> None:
        self._hung: threading.Thread | None = None

    @property
    def hang(self) -> bool:
        """Whether a call that nobody waits for any more has still not returned."""
        return self._hung is not None and self._hung.is_alive()

    def make(
        self,
        function: Callable[[], T],
        limit_s: float,
        undo: Callable[[T], object] = lambda _: None,
    ) -> T:
        """What the function returns, or raises.

        Raises DeviceError where it has not returned after `limit_s`, or could not be called since
        an earlier one still hangs; `undo` is then called with what it returns in the end.
        """
        began_at = time.monotonic()
        if self._hung is not None:
            self._hung.join(limit_s)
        if not self.hang:
            call = _Call(function, undo)
            call.thread.join(max(0.0, began_at + limit_s - time.monotonic()))
            if not call.thread.is_alive() or not call.give_up():
                return call.result()
            self._hung = call.thread
        raise DeviceError(
            f"the sound system has not answered for {limit_s:g} s; it is waited for, and a file "
            "or the demo can be played meanwhile"
        )
