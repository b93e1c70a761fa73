"""Calls that may never return.

Threads: each call has one of its own, which lives on where the call hangs. They are made one at a
time, since PortAudio, for which this is, does not like two; only beside one that hangs there may be
another. ALSA's plugin for PulseAudio was seen to lock up for ever when its server was killed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from visualizer.errors import DeviceError

HUNG_S = 1.5
"""A call that has been given up for so long may hang for ever: the next is made beside it."""
MOST_HUNG = 4
_LOOK_S = 0.05

T = TypeVar("T")


class HungError(DeviceError):
    """A call has not returned in time; what comes of it is undone by itself."""


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
    """Makes calls, one after the other, and waits for each only so long.

    One that hangs is left alone, and after a while the next is made beside it; a few may hang.
    """

    def __init__(self) -> None:
        self._hung: list[threading.Thread] = []
        self._hung_since = 0.0

    @property
    def may_call(self) -> bool:
        """Whether a call that is made now would be made at once."""
        self._hung = [thread for thread in self._hung if thread.is_alive()]
        waited_s = time.monotonic() - self._hung_since
        return not self._hung or (len(self._hung) < MOST_HUNG and waited_s > HUNG_S)

    def make(
        self,
        function: Callable[[], T],
        limit_s: float,
        undo: Callable[[T], object] = lambda _: None,
    ) -> T:
        """What the function returns, or raises.

        Raises HungError where it has not returned after `limit_s`, or could not be called since
        earlier ones still hang; `undo` is then called with what it returns in the end.
        """
        give_up_at = time.monotonic() + limit_s
        while not self.may_call and time.monotonic() < give_up_at:
            self._hung[-1].join(_LOOK_S)
        if self.may_call:
            call = _Call(function, undo)
            call.thread.join(max(_LOOK_S, give_up_at - time.monotonic()))
            if not call.thread.is_alive() or not call.give_up():
                return call.result()
            self._hung.append(call.thread)
            self._hung_since = time.monotonic()
        raise HungError(
            f"the sound system has not answered for {limit_s:g} s; it is waited for, and a file "
            "or the demo can be played meanwhile"
        )
