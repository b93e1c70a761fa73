"""Whether a window can be seen."""

from __future__ import annotations

from PyQt6.QtCore import QEvent, QObject, pyqtSignal
from PyQt6.QtGui import QWindow


class Sight(QObject):
    """Tells whether anything of a window can be seen, as far as the platform knows."""

    changed = pyqtSignal()
    """Before the window itself learns of it, so that what is seen first is up to date."""

    def __init__(self, handle: QWindow) -> None:
        super().__init__(handle)
        self._handle = handle
        self.is_open = True
        """whether somebody may see the window"""
        handle.visibilityChanged.connect(self._look)
        handle.installEventFilter(self)
        self._look()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if event is not None and event.type() == QEvent.Type.Expose:
            self._look()
        return False

    def _look(self) -> None:
        hidden = (QWindow.Visibility.Hidden, QWindow.Visibility.Minimized)
        is_open = self._handle.isExposed() and self._handle.visibility() not in hidden
        if is_open != self.is_open:
            self.is_open = is_open
            self.changed.emit()
