"""Files that come into the window: sounds, and front-ends of the user's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from PyQt6.QtCore import QObject, pyqtSignal
from PyQt6.QtGui import QDropEvent
from PyQt6.QtWidgets import QFileDialog, QMenu, QWidget

from visualizer.audio.reader import SUFFIXES as SOUND_SUFFIXES
from visualizer.mel.front_ends import SUFFIXES
from visualizer.ui.controls.label import menu_text, plain_tip
from visualizer.ui.controls.settings import Settings


def ask_for_audio(window: QWidget) -> Path | None:
    """The audio file that a person picks, or None."""
    suffixes = " ".join(f"*{suffix}" for suffix in SOUND_SUFFIXES)
    path, _ = QFileDialog.getOpenFileName(
        window, "Open an audio file", "", f"Sound and videos ({suffixes});;All files (*)"
    )
    return Path(path) if path else None


def is_front_end(path: Path) -> bool:
    """Whether a front-end is to be read from there, and no sound: a folder, or such a file."""
    return path.suffix.lower() in SUFFIXES or path.is_dir()


def ask_for_front_end(window: QWidget) -> Path | None:
    """The file with a front-end that a person picks, or None."""
    suffixes = " ".join(f"*{suffix}" for suffix in SUFFIXES)
    path, _ = QFileDialog.getOpenFileName(
        window, "Open a front-end", "", f"Front-ends and models ({suffixes});;All files (*)"
    )
    return Path(path) if path else None


def ask_for_model(window: QWidget) -> Path | None:
    """The model's folder that a person picks, or None."""
    path = QFileDialog.getExistingDirectory(window, "Open a model's folder")
    return Path(path) if path else None


def is_model(path: Path) -> bool:
    """Whether a model of the user's own is to be loaded from there."""
    return path.suffix.lower() == ".py" and path.is_file()


def ask_for_model_code(window: QWidget) -> Path | None:
    """The Python file with a model that a person picks, or None."""
    path, _ = QFileDialog.getOpenFileName(
        window, "Analyse with a model", "", "Models in Python (*.py);;All files (*)"
    )
    return Path(path) if path else None


def dropped_file(event: QDropEvent) -> Path | None:
    """The one file or folder of this machine that is dragged, if that is what it is."""
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
        paths = self._store.recent_files()
        fill_recent(self.menu, ((Path(path).name, path, path) for path in paths), self._pick)

    def _pick(self, path: str) -> None:
        self.picked.emit(Path(path))


def fill_recent(
    menu: QMenu, entries: Iterable[tuple[str, str, str]], pick: Callable[[str], object]
) -> None:
    """Have a menu offer these (text, tip, what is picked)."""
    menu.clear()
    menu.setToolTipsVisible(True)
    for text, tip, what in entries:
        action = menu.addAction(menu_text(text))
        assert action is not None
        action.setToolTip(plain_tip(tip))
        action.triggered.connect(lambda *_, what=what: pick(what))
    menu.setEnabled(not menu.isEmpty())
