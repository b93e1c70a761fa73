"""Watch which of the sound server's sources this process records, until it is another one.

When a source goes away, or a user moves a recording, the server lets the recording go on with the
sound of another source, without a gap and without a word to whoever records. But it announces the
change to those that subscribed to its events before it delivers any sound of the other source. So
once such sound has arrived, its event has too: on the watch's connection, not yet read, or read
and not yet looked into. What comes after it is of no use: the server's resampler and the buffers
on the way still hold the old sound, so the recording must be opened anew.

Threads: "attachment", one for each opening, owned here, has a connection of its own and may hang
with the server. `is_certain` is called on PortAudio's.
"""

from __future__ import annotations

import ctypes
import itertools
import logging
import os
import select
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from visualizer.audio.devices import Device
from visualizer.audio.server import PULSEAUDIO, connected, own_recording, read_sources

_FOUND_LIMIT_S = 2.0
_FOUND_RETRY_S = 0.02
_ELSEWHERE_LOOKS = 5
"""It was moved before it was watched, if it is found with another source so often in a row."""
_ASK_AGAIN_S = 0.1
"""Where the server does not say what is recorded: on its way from one source to another."""
_END_S = 0.25
"""A watch that is no longer wanted ends so soon."""

_numbers = itertools.count()
_log = logging.getLogger(__name__)


class _PollFd(ctypes.Structure):
    """C's struct pollfd."""

    _fields_ = (
        ("fd", ctypes.c_int),
        ("events", ctypes.c_short),
        ("revents", ctypes.c_short),
    )


_NOTHING_TO_READ = ((_PollFd * 0)(), 0)


def new_opening() -> str:
    """Return a name for an opening that no other has."""
    return f"{os.getpid()}-{next(_numbers)}"


class Attachment:
    """Watches one recording of this process."""

    def __init__(self, opening: str, node: str, on_moved: Callable[[Device | None], None]) -> None:
        """Begin to watch.

        Args:
            opening: The value of the property `OPENING` of the recording's client.
            node: What the server calls the source that is to be recorded.
            on_moved: Called on the watch's thread once the recording has been moved, with the
                source that it is of now: the same again, if it was another one only for a while.
                Before that with None, if the source is gone and nothing is in its place yet.
        """
        self._opening, self._node, self._on_moved = opening, node, on_moved
        # Without letting go of the interpreter's lock, for which the callback would have to wait.
        self._poll_now = ctypes.PyDLL(None).poll
        self._unread: tuple[Any, int] = _NOTHING_TO_READ
        self._in_doubt = self._is_open = True
        self._is_new = self._was_told = False
        self._at: int | None = None
        self._output: Any = None
        self._found = threading.Event()
        self._over = False
        threading.Thread(target=self._run, name="attachment", daemon=True).start()

    def wait_until_found(self) -> bool:
        """Return whether, soon enough, the recording turns out to be of the node."""
        self._found.wait(_FOUND_LIMIT_S)
        return self._at is not None

    def is_certain(self) -> bool:
        """Return whether all that was recorded until now is of the node. Never waits."""
        # In this order: what the watch takes from the connection, it doubts before.
        descriptors, n = self._unread
        return not (self._poll_now(descriptors, n, 0) or self._in_doubt)

    def close(self) -> None:
        """End the watch; does not wait for it."""
        self._over = True

    def _run(self) -> None:
        try:
            with connected(self._poll) as pulse:
                pulse.event_callback_set(self._on_event)
                pulse.event_mask_set("source", "source_output")
                if self._find(pulse):
                    self._found.set()
                    self._watch(pulse)
        except Exception as error:
            _log.debug("what is recorded is not watched any more: %r", error)
        finally:
            self._in_doubt = True
            # The numbers of the descriptors may become others'.
            self._unread = _NOTHING_TO_READ
            self._found.set()

    def _find(self, pulse: Any) -> bool:
        deadline, n_elsewhere = time.monotonic() + _FOUND_LIMIT_S, 0
        while not self._over and time.monotonic() < deadline:
            self._is_new = False
            sources, output = read_sources(pulse), own_recording(pulse, self._opening)
            source = sources.get(output.source) if output is not None else None
            if source is not None and source.server_source == self._node:
                self._at, self._output = output.source, output
                self._is_open = self._is_new
                return True
            n_elsewhere = 0 if source is None else n_elsewhere + 1
            if n_elsewhere == _ELSEWHERE_LOOKS:
                self._on_moved(source)
                break
            time.sleep(_FOUND_RETRY_S)
        return False

    def _watch(self, pulse: Any) -> None:
        while not self._over:
            # What happens while the server is asked is noted, too, but stops no listening.
            while self._is_new and not self._over:
                self._is_new = False
                self._ask(pulse)
            pulse.event_listen(_ASK_AGAIN_S if self._is_open else _END_S)
            self._is_new |= self._is_open

    def _ask(self, pulse: Any) -> None:
        was_told, self._was_told = self._was_told, False
        sources, output, before = (
            read_sources(pulse),
            own_recording(pulse, self._opening),
            self._output,
        )
        source = sources.get(output.source) if output is not None else None
        if self._at is not None and self._at not in sources:
            self._at = None
            if source is None:
                self._on_moved(None)
        if source is None:
            return
        # Where nothing else explains PulseAudio's event, it was elsewhere meanwhile. PipeWire has
        # such events for other reasons, too.
        was_away = was_told and source.host_api == PULSEAUDIO and _looks(output) == _looks(before)
        if output.source != self._at or was_away:
            self._over = True
            self._on_moved(source)
            return
        self._output = output
        self._is_open = self._is_new

    def _on_event(self, event: Any) -> None:
        import pulsectl

        is_recording, output = event.facility == "source_output", self._output
        is_own = output is None or event.index == output.index
        if is_recording and (is_own or event.t == "new"):
            self._was_told |= is_own and event.t == "change"
        elif is_recording or event.t != "remove" or event.index != self._at:
            return
        self._is_new = self._is_open = True
        raise pulsectl.PulseLoopStop

    def _poll(self, watched: list[Any], timeout_s: float) -> int:
        """Wait for the server as libpulse would, and doubt before anything is read."""
        if sys.platform == "win32":
            raise OSError("there are no such servers")
        poller = select.poll()
        for one in watched:
            poller.register(one.fd, one.events)
        fds = [_PollFd(one.fd, select.POLLIN, 0) for one in watched]
        self._unread = (_PollFd * len(fds))(*fds), len(fds)
        ready = poller.poll(0)
        if not (ready or self._is_open):
            self._in_doubt = False
        ready = ready or poller.poll(1e3 * timeout_s if timeout_s >= 0 else None)
        if ready:
            self._in_doubt = True
        found = dict(ready)
        for one in watched:
            one.revents = found.get(one.fd, 0)
        return len(ready)


def _looks(output: Any) -> tuple[object, ...]:
    """What may change of a recording, but for its source."""
    properties = tuple(sorted(output.proplist.items()))
    return output.index, output.name, output.mute, output.corked, output.volume.values, properties
