"""What a model prints: kept in a log, and its end in memory."""

from __future__ import annotations

import os
import re
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

from visualizer.support.folders import log_folder

LOG_NAME = "model.log"
LOG_BYTES = 1 << 20
"""of the log, and of the one before it"""
_KEPT_BYTES, _KEPT_LINES = 1 << 14, 30
_PIECE_BYTES = 1 << 16
_PAUSE_S = 0.002
"""after a full piece, so that one who prints without end takes no processor from the stream"""
_OWN = f'File "{Path(__file__).with_name("child.py")}"', 'File "<frozen runpy>"'
"""the lines of a traceback that are this program's own"""
_HANGS = re.compile(r"^Timeout \(\d+:\d\d:\d\d[^)]*\)!\nThread 0x", re.MULTILINE)
"""how Python begins to say where a process is that has run out of time"""


class Words:
    """Reads a pipe on a thread of its own, "model words", until all have closed it."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe
        self._kept = b""
        self._thread = threading.Thread(target=self._read, name="model words", daemon=True)
        self._thread.start()

    def join(self, timeout_s: float) -> None:
        """Wait for the last of it, though not for long: what left the group may hold the pipe."""
        self._thread.join(timeout_s)

    def last(self) -> str:
        """Return the last lines."""
        return "\n".join(_others(self._text().strip())[-_KEPT_LINES:])

    def where_it_hangs(self) -> str:
        """Return what Python said of where the main thread is; "" where it was not asked."""
        text = self._text()
        found = list(_HANGS.finditer(text))
        if not found:
            return ""
        # The main thread is the oldest, and so the last.
        lines = _others(text[found[-1].start() :].rpartition("Thread 0x")[2])
        # The innermost call comes first here, unlike in a traceback.
        calls = [line for line in reversed(lines) if line.startswith("  File")]
        return "\n".join(["Traceback (most recent call last):", *calls])

    def _text(self) -> str:
        return self._kept.decode(errors="replace")

    def _read(self) -> None:
        log = _Log(log_folder() / LOG_NAME)
        with self._pipe, log:
            while came := os.read(self._pipe.fileno(), _PIECE_BYTES):
                self._kept = (self._kept + came)[-_KEPT_BYTES:]
                log.write(came)
                if len(came) == _PIECE_BYTES:
                    time.sleep(_PAUSE_S)


def _others(text: str) -> list[str]:
    """Return the lines of a text that are not on this program's own part."""
    return [line for line in text.splitlines() if not any(own in line for own in _OWN)]


class _Log:
    """A file of bounded length, opened once there is something to write; it may be impossible."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[bytes] | None = None

    def __enter__(self) -> _Log:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def write(self, data: bytes) -> None:
        # Where there is no room or no right to write, its end is still kept in memory.
        with suppress(OSError):
            if self._file is None:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._file = self._path.open("ab", buffering=0)
            if self._file.tell() + len(data) > LOG_BYTES:
                self._file.close()
                self._file = None
                self._path.replace(self._path.with_suffix(".old.log"))
                self._file = self._path.open("ab", buffering=0)
            self._file.write(data)
