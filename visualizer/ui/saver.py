"""Files that leave the window: written on threads of their own, since minutes of sound take time.

Its methods are called, and its signals arrive, on the GUI thread.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from PyQt6.QtCore import QObject, QThreadPool, pyqtSignal
from PyQt6.QtGui import QGuiApplication

from visualizer.errors import VisualizerError

_log = logging.getLogger(__name__)


class Saver(QObject):
    """Writes what it is given, and tells how that went."""

    saved = pyqtSignal(str)
    """what was written"""
    failed = pyqtSignal(str)
    """why something was not, or not all of it"""
    _written = pyqtSignal(str, str)

    def __init__(self) -> None:
        super().__init__()
        self._threads = QThreadPool(self)
        self._written.connect(self._finish)

    def save(self, what: str, write: Callable[[], tuple[str, str]]) -> None:
        """Call `write` on another thread; `what` it saves is for the words where that fails.

        It returns what was written, and a text for the clipboard or an empty one.
        """

        def work() -> None:
            try:
                self._written.emit(*write())
            except VisualizerError as error:
                # Where the window goes meanwhile, nobody sees the words.
                _log.warning("%s", error)
                self.failed.emit(str(error))
            except Exception as error:
                # Left alone it would be handled on this thread, which is not the window's.
                _log.exception("%s could not be saved", what)
                self.failed.emit(f"{what} could not be saved: {error!r}")

        self._threads.start(work)

    def close(self, give_up_at: float) -> None:
        """Let what is being written be written, until then (in s of `time.monotonic`)."""
        left_ms = round(max(0.0, give_up_at - time.monotonic()) * 1e3)
        if not self._threads.waitForDone(left_ms):
            _log.warning("what is being saved takes too long; its files may be incomplete")

    def _finish(self, words: str, copied: str) -> None:
        clipboard = QGuiApplication.clipboard()
        if copied and clipboard is not None:
            clipboard.setText(copied)
        self.saved.emit(f"saved: {words}")
