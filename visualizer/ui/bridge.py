"""Brings the calls of other threads to the GUI thread."""

from __future__ import annotations

from PyQt6.QtCore import QObject, pyqtSignal


class Bridge(QObject):
    """Many calls become one."""

    woken = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self._queued = False

    def wake(self) -> None:
        """Called on any thread."""
        if not self._queued:
            self._queued = True
            self.woken.emit()

    def accept(self) -> None:
        """Called on the GUI thread before it looks for what is new."""
        self._queued = False
