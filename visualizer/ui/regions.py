"""Regions of the picture that leave the window as files."""

from __future__ import annotations

import logging
from pathlib import Path

from PyQt6.QtCore import QObject, QThreadPool, pyqtSignal
from PyQt6.QtGui import QGuiApplication
from PyQt6.QtWidgets import QFileDialog, QMessageBox, QWidget

from visualizer.engine.status import EngineStatus
from visualizer.errors import ConfigError, VisualizerError
from visualizer.export.region import Piece, save_piece, sound_path
from visualizer.ui.picture.viewer import Viewer

SAVING_END_S = 3.0
"""How long a window that is closed waits for a region to be written."""
_SUFFIX = ".npy"
_log = logging.getLogger(__name__)


def _may_replace(window: QWidget, paths: list[Path]) -> bool:
    """Ask whether these may be written over."""
    names = " and ".join(str(path) for path in paths)
    button = QMessageBox.StandardButton
    answer = QMessageBox.question(window, "Replace?", f"There is {names} already. Replace it?")
    return bool(answer == button.Yes)


class RegionSaver(QObject):
    """Writes regions on a thread of its own: minutes of sound take a while."""

    saved = pyqtSignal(str)
    """what was written"""
    failed = pyqtSignal(str)
    """why nothing was"""
    _done = pyqtSignal(str, str)

    def __init__(self) -> None:
        super().__init__()
        self._threads = QThreadPool(self)
        self._done.connect(self._finish)

    def save(self, viewer: Viewer, status: EngineStatus, window: QWidget) -> None:
        """Ask where to, write the viewer's region, and put its code on the clipboard."""
        try:
            piece = piece_of(viewer, status)
        except ConfigError as error:
            self.failed.emit(str(error))
            return
        if piece is None:
            self.failed.emit("there is no region to save; Shift+drag over the picture marks one")
            return
        chosen, _ = QFileDialog.getSaveFileName(
            window, "Save the region's values, with its sound as .wav", "region.npy", "*.npy"
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
            f"saved: {path} and its sound, {sound.name}; the Python code that computes the values "
            "from it is on the clipboard"
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


def piece_of(viewer: Viewer, status: EngineStatus) -> Piece | None:
    """Return the region that is marked; None where there is none, or one of a difference.

    Raises:
        ConfigError: No single front-end has computed all of it.
    """
    region, tracks = viewer.inspector.marks.region, viewer.tracks
    track = viewer.stack.lanes[region.lane].track if region is not None else None
    if region is None or track is None or tracks.sound is None:
        return None
    columns = region.first_column, region.end_column
    return Piece(
        sound=tracks.sound,
        mel=track.mel,
        channel=track.channel,
        fed_since=tracks.fed_since(track, *columns, status.front_end_since),
        ended=status.state == "ended",
        first_column=region.first_column,
        end_column=region.end_column,
        first_band=region.first_band,
        end_band=region.end_band,
    )
