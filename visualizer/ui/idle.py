"""What is made after the start, before somebody asks for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PyQt6.QtCore import QObject, QTimer, pyqtSignal

_PAUSE_MS = 100
"""Between two pieces, for columns to be painted and what a person does to be done."""


class IdleWork(QObject):
    """Does pieces of work one by one, each so short that no column is late for it."""

    done = pyqtSignal()

    def __init__(self, pieces: Sequence[Callable[[], object]], parent: QObject) -> None:
        super().__init__(parent)
        self._pieces = list(pieces)
        self._timer = QTimer(self)
        self._timer.setInterval(_PAUSE_MS)
        self._timer.timeout.connect(self._go_on)

    def begin(self) -> None:
        self._timer.start()

    def stop(self) -> None:
        """Leave the rest undone."""
        self._timer.stop()

    def _go_on(self) -> None:
        if self._pieces:
            self._pieces.pop(0)()
        else:
            self.stop()
            self.done.emit()
