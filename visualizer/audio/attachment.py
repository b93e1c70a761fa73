"""Watch which of the sound server's sources this process records, for as long as it does.

When a source goes away, or a user moves a recording, the server lets the recording go on with the
sound of another source, without a gap and without a word to whoever records. But it announces the
change to those that subscribed to its events before it delivers any sound of the other source. So
once such sound has arrived, its event has too: on the watch's connection, not yet read, or read
and not yet looked into.

Threads: "attachment", one for each opening, owned here, has a connection of its own and may hang
with the server. `changes` is called on PortAudio's.
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
from visualizer.audio.server import connected, own_recording, read_sources

_FOUND_LIMIT_S = 2.0
_FOUND_RETRY_S = 0.02
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

    def __init__(
        self, opening: str, node: str | None, on_source: Callable[[Device | None], None]
    ) -> None:
        """Begin to watch.

        Args:
            opening: The value of the property `OPENING` of the recording's client.
            node: What the server calls the source that is to be recorded. None: the one that is
                recorded when the recording is found; where none is found, the server is not in
                the way, and nothing is watched.
            on_source: Called on the watch's thread with the source that is recorded, when it is
                found and whenever it is another one, before any sound of that is certain; None
                where the source is gone and nothing has come in its place yet.
        """
        self._opening, self._node, self._on_source = opening, node, on_source
        # Without letting go of the interpreter's lock, for which the callback would have to wait.
        self._poll_now = ctypes.PyDLL(None).poll
        self._unread: tuple[Any, int] = _NOTHING_TO_READ
        self._is_watched = self._in_doubt = self._is_open = node is not None
        self._is_new = self._was_told = False
        self._changes = 0
        self._at: int | None = None
        self._output: Any = None
        self._found = threading.Event()
        self._over = False
        threading.Thread(target=self._run, name="attachment", daemon=True).start()

    def wait_until_found(self) -> bool:
        """Return whether, soon enough, the recording turns out to be of the node."""
        self._found.wait(_FOUND_LIMIT_S)
        return self._at is not None

    def changes(self) -> int | None:
        """Return how often the source may have changed until now; None: that is being asked.

        All that was recorded since this returned the same number last is of the source that was
        told last. Never waits.
        """
        if not self._is_watched:
            return self._changes
        # In this order: what the watch takes from the connection, it doubts before.
        descriptors, n = self._unread
        if self._poll_now(descriptors, n, 0) or self._in_doubt:
            return None
        return self._changes

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
        deadline = time.monotonic() + _FOUND_LIMIT_S
        while not self._over and time.monotonic() < deadline:
            self._is_new = False
            sources, output = read_sources(pulse), own_recording(pulse, self._opening)
            source = sources.get(output.source) if output is not None else None
            if source is not None and self._node in (None, source.server_source):
                self._at, self._output = output.source, output
                self._on_source(source)
                self._is_open, self._is_watched = self._is_new, True
                return True
            time.sleep(_FOUND_RETRY_S)
        return False

    def _watch(self, pulse: Any) -> None:
        while not self._over:
            # What happens while the server is asked is noted, too, but stops no listening.
            while self._is_new:
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
                self._on_source(None)
        if source is None:
            return
        if output.source != self._at:
            self._at = output.source
            self._on_source(source)
            self._changes += 1
        elif _looks(output) == _looks(before) and was_told:
            # Nothing else explains the event: it may have been elsewhere meanwhile.
            self._changes += 1
        self._output = output
        self._is_open = self._is_new

    def _on_event(self, event: Any) -> None:
        import pulsectl

        is_recording, output = event.facility == "source_output", self._output
        is_own = output is None or event.index == output.index
        if is_recording and (is_own or event.t == "new"):
            self._was_told |= is_own
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
    """What a user may change of a recording, but for its source."""
    return output.index, output.name, output.mute, output.volume.values
