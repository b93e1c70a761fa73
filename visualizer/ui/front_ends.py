"""Front-ends of the user's own: opened from a file or a model's folder, and offered again.

Methods are called, and signals arrive, on the GUI thread. A file is read on a thread of Qt's pool,
since a model's may be large or lie on a slow disk.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from pathlib import Path

from PyQt6.QtCore import QObject, QThreadPool, pyqtSignal
from PyQt6.QtWidgets import QMenu, QWidget

from visualizer.errors import ConfigError, VisualizerError, quoted
from visualizer.mel.front_ends import Found, find_front_end
from visualizer.ui.controls.files import ask_for_front_end, ask_for_model, fill_recent
from visualizer.ui.controls.menus import Act
from visualizer.ui.controls.settings import RecentFrontEnd, Settings

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Answer:
    """What came of reading one."""

    request: int
    path: Path
    found: Found | None = None
    problem: str = ""
    is_gone: bool = False


class OwnFrontEnds(QObject):
    """Asks for front-ends, reads them, and remembers those that it could read."""

    found = pyqtSignal(object)
    """a Found to use from now on"""
    failed = pyqtSignal(str)
    """why there is none"""
    recent_changed = pyqtSignal(object)
    """a tuple of RecentFrontEnd, the newest first"""
    _read = pyqtSignal(object)

    def __init__(self, store: Settings, window: QWidget) -> None:
        super().__init__(window)
        self._store = store
        self._window = window
        self._request = 0
        self._threads = QThreadPool(self)
        self.menu = QMenu("Recent front-ends", window)
        self._read.connect(self._take)
        self.recent_changed.connect(self._fill_menu)
        self._fill_menu(store.recent_front_ends())

    def acts(self) -> dict[str, Act]:
        """Return, by command of the menu of files, what is done."""
        return {"file.front-end": self._ask_for_file, "file.model": self._ask_for_folder}

    def open(self, path: Path) -> None:
        """Read a front-end; `found` or `failed` tells what came of it, unless another is asked for.

        Args:
            path: of its file, or of a model's folder.
        """
        self._request += 1
        request = self._request
        self._threads.start(lambda: self._read.emit(_read_front_end(request, path)))

    def give_up(self) -> None:
        """Another front-end was chosen: what is still being read is of no use."""
        self._request += 1

    def close(self, give_up_at: float) -> None:
        """Let what is being read be read, until then (in s of `time.monotonic`)."""
        self.give_up()
        left_ms = round(max(0.0, give_up_at - time.monotonic()) * 1e3)
        if not self._threads.waitForDone(left_ms):
            _log.warning("a front-end is still being read")

    def _ask_for_file(self) -> None:
        self._open_if(ask_for_front_end(self._window))

    def _ask_for_folder(self) -> None:
        self._open_if(ask_for_model(self._window))

    def _open_if(self, path: Path | None) -> None:
        if path is not None:
            self.open(path)

    def _take(self, answer: _Answer) -> None:
        path = str(answer.path)
        if answer.is_gone:
            self._store.forget_recent_front_end(path)
        elif answer.found is not None:
            found = answer.found
            self._store.save_recent_front_end(RecentFrontEnd(path, found.name, found.whose))
        if answer.request == self._request:
            if answer.found is not None:
                self.found.emit(answer.found)
            else:
                self.failed.emit(answer.problem)
        self.recent_changed.emit(self._store.recent_front_ends())

    def _fill_menu(self, recent: tuple[RecentFrontEnd, ...]) -> None:
        entries = ((one.name, f"{one.whose}\n{one.path}".strip(), one.path) for one in recent)
        fill_recent(self.menu, entries, lambda path: self.open(Path(path)))


def _read_front_end(request: int, path: Path) -> _Answer:
    try:
        if not path.exists():
            raise ConfigError(f"there is no {quoted(path)} any more", "it is offered no longer")
        return _Answer(request, path, find_front_end(path))
    except VisualizerError as error:
        _log.warning("%s", error)
        return _Answer(request, path, problem=error.line, is_gone=not path.exists())
    except Exception as error:
        _log.exception("%s could not be read", path)
        return _Answer(request, path, problem=f"{quoted(path)} could not be read: {error!r}")
