"""Regions of the picture that leave the window as files."""

from __future__ import annotations

from pathlib import Path

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QFileDialog, QMessageBox, QWidget

from visualizer.engine.status import EngineStatus
from visualizer.errors import ConfigError
from visualizer.export.region import Piece, answers_path, save_piece, sound_path
from visualizer.ui.picture.readings import region_times_s
from visualizer.ui.picture.viewer import Viewer
from visualizer.ui.saver import Saver

_SUFFIX = ".npy"


def _may_replace(window: QWidget, paths: list[Path]) -> bool:
    """Ask whether these may be written over."""
    names = " and ".join(str(path) for path in paths)
    button = QMessageBox.StandardButton
    words = f"There is {names} already. Replace it?"
    question = QMessageBox.Icon.Question
    box = QMessageBox(question, "Replace?", words, button.Yes | button.No, window)
    # A file's name may look like markup.
    box.setTextFormat(Qt.TextFormat.PlainText)
    return bool(box.exec() == button.Yes)


def save_region(viewer: Viewer, status: EngineStatus, window: QWidget, saver: Saver) -> None:
    """Ask where to, and have the viewer's region written and its code put on the clipboard."""
    try:
        piece = piece_of(viewer, status)
    except ConfigError as error:
        saver.failed.emit(str(error))
        return
    if piece is None:
        saver.failed.emit("there is no region to save; Shift+drag over the picture marks one")
        return
    chosen, _ = QFileDialog.getSaveFileName(
        window, "Save the region's values, with its sound as .wav", "region.npy", "*.npy"
    )
    if not chosen:
        return
    path = Path(chosen if chosen.endswith(_SUFFIX) else chosen + _SUFFIX)
    sound = sound_path(path)
    beside = [sound] if piece.answers is None else [sound, answers_path(path)]
    # The dialog asked of the name as it was typed, and of no other.
    others = [p for p in (path, *beside) if p.exists() and p != Path(chosen)]
    if others and not _may_replace(window, others):
        return
    told = ", with the model's answers, ".join(p.name for p in beside)
    words = (
        f"{path} and its sound, {told}; the Python code that computes the values from it is "
        "on the clipboard"
    )
    saver.save("the region", lambda: (words, save_piece(piece, path)))


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
    answers, lane = viewer.stack.answers, viewer.stack.lanes[region.lane]
    during = None if answers is None else answers.history.during(*region_times_s(lane, region))
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
        answers=during,
    )
