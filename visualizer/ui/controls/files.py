"""Audio files that come into the window."""

from __future__ import annotations

from pathlib import Path

from PyQt6.QtCore import QObject, pyqtSignal
from PyQt6.QtGui import QDropEvent
from PyQt6.QtWidgets import QFileDialog, QMenu, QWidget

from visualizer.ui.controls.settings import Settings


def ask_for_audio(window: QWidget) -> Path | None:
    """The audio file that a person picks, or None."""
    path, _ = QFileDialog.getOpenFileName(
        window, "Open an audio file", "", "Audio (*.wav *.flac *.ogg *.mp3 *.aiff);;All files (*)"
    )
    return Path(path) if path else None


def dropped_file(event: QDropEvent) -> Path | None:
    """The one file of this machine that is dragged, if that is what it is."""
    data = event.mimeData()
    urls = data.urls() if data is not None else []
    if len(urls) == 1 and urls[0].isLocalFile():
        return Path(urls[0].toLocalFile())
    return None


class RecentFiles(QObject):
    """A menu of the audio files that were played last."""

    picked = pyqtSignal(object)
    """a Path"""

    def __init__(self, store: Settings, menu: QMenu) -> None:
        super().__init__(menu)
        self._store = store
        self.menu = menu
        self._show()

    def remember(self, path: str) -> None:
        """This one is played now."""
        if self._store.recent_files()[:1] != [path]:
            self._store.save_recent_file(path)
            self._show()

    def _show(self) -> None:
        self.menu.clear()
        for path in self._store.recent_files():
            # An ampersand would underline what follows.
            action = self.menu.addAction(Path(path).name.replace("&", "&&"))
            assert action is not None
            action.setToolTip(path)
            action.triggered.connect(lambda *_, path=path: self.picked.emit(Path(path)))
        self.menu.setEnabled(not self.menu.isEmpty())
