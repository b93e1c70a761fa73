"""Files that come into the window, and regions that leave it."""

from __future__ import annotations

import logging
from pathlib import Path

from PyQt6.QtCore import QObject, QThreadPool, pyqtSignal
from PyQt6.QtGui import QDropEvent, QGuiApplication
from PyQt6.QtWidgets import QFileDialog, QMenu, QMessageBox, QWidget

from visualizer.errors import VisualizerError
from visualizer.export.region import Piece, save_piece, sound_path
from visualizer.ui.controls.settings import Settings

SAVING_END_S = 3.0
"""So long a window that is closed waits for a region to be written."""
_SUFFIX = ".npy"
_log = logging.getLogger(__name__)


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


def _may_replace(window: QWidget, paths: list[Path]) -> bool:
    """Ask whether these may be written over."""
    names = " and ".join(str(path) for path in paths)
    button = QMessageBox.StandardButton
    answer = QMessageBox.question(window, "Replace?", f"There is {names} already. Replace it?")
    return bool(answer == button.Yes)


class RegionSaver(QObject):
    """Writes regions on a thread of its own: minutes of sound take a while."""

    saved = pyqtSignal(str)
    """what was written, in words"""
    failed = pyqtSignal(str)
    """why nothing was"""
    _done = pyqtSignal(str, str)

    def __init__(self) -> None:
        super().__init__()
        self._threads = QThreadPool(self)
        self._done.connect(self._finish)

    def save(self, piece: Piece | None, window: QWidget) -> None:
        """Ask where to, write it, and put its code on the clipboard."""
        if piece is None:
            self.failed.emit("there is no region to save; Shift+drag over the picture marks one")
            return
        chosen, _ = QFileDialog.getSaveFileName(
            window, "Save the region's values; its sound goes beside them", "region.npy", "*.npy"
        )
        if not chosen:
            return
        path = Path(chosen if chosen.endswith(_SUFFIX) else chosen + _SUFFIX)
        sound = sound_path(path)
        # The dialog asked of the name as it was typed, and of no other.
        others = [p for p in (path, sound) if p.exists() and p != Path(chosen)]
        if others and not _may_replace(window, others):
            return
        words = (
            f"saved: {path} and its sound, {sound.name}; the Python code that makes the one of "
            "the other is on the clipboard"
        )

        def work() -> None:
            try:
                self._done.emit(save_piece(piece, path), words)
            except VisualizerError as error:
                # Where the window goes meanwhile, nobody sees the words.
                _log.warning("%s", error)
                self._done.emit("", str(error))
            except Exception as error:
                # Left alone it would be handled on this thread, which is not the window's.
                _log.exception("the region could not be saved")
                self._done.emit("", f"the region could not be saved: {error!r}")

        self._threads.start(work)

    def close(self) -> None:
        """Let what is being written be written; the window goes."""
        if not self._threads.waitForDone(round(SAVING_END_S * 1e3)):
            _log.warning("a region takes too long to save, and may be missing")

    def _finish(self, code: str, words: str) -> None:
        clipboard = QGuiApplication.clipboard()
        if not code:
            self.failed.emit(words)
            return
        if clipboard is not None:
            clipboard.setText(code)
        self.saved.emit(words)
