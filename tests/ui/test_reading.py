"""The picture read as numbers: cursor, markers, a region and what is saved of it."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from librosa import mel_frequencies
from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtGui import QGuiApplication
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QFileDialog, QMessageBox
from pytestqt.qtbot import QtBot

from tests.ui.helpers import (
    HOP_S,
    RATE_HZ,
    WAIT_MS,
    click,
    drag,
    freeze,
    have_answered,
    hear,
    hear_on,
    heard_columns,
    make_window,
    move_mouse_away,
    picture_pixels,
    point_of,
    press,
    running,
    tones_file,
    view_of,
)
from visualizer.audio.capture import CaptureConfig
from visualizer.engine.config import EngineConfig
from visualizer.export.region import Piece, save_piece
from visualizer.mel.presets import preset_for
from visualizer.ui.picture.display import DisplayConfig
from visualizer.ui.window import Window

SHIFT = Qt.KeyboardModifier.ShiftModifier
A_RGB, B_RGB = (0x5A, 0xD1, 0xFF), (0xFF, 0xD2, 0x4A)
PEAKS_HZ = mel_frequencies(82, fmin=55, fmax=7600, htk=True)
"""of simli's bands; that of band b is PEAKS_HZ[b + 1], its edges are the peaks beside it"""

LINE = 0.7
"""of the height, at least, that is seen of a marker's line: a text may lie on its foot"""


def reading(window: Window) -> str:
    return window.stack.reading.text()


def middle_column(window: Window, share: float = 0.5) -> int:
    """The column that lies so far across what is shown."""
    first_s, end_s = window.stack.shown
    start_s = window.stack.lanes[0].mel.cell_start_s
    return int((first_s + share * (end_s - first_s) - start_s) / HOP_S)


def level_db(window: Window, column: int, band: int) -> float:
    """Of simli's values, which are magnitudes, re those of a sine of full scale in that band.

    From the kept sound alone.
    """
    value = float(heard_columns(window, preset_for("simli", RATE_HZ))[column, band])
    return float(window.stack.lanes[0].unit(np.float32([[value]]))[0, 0])


def line_pixels(window: Window, rgb: tuple[int, int, int]) -> np.ndarray:
    """For each pixel column of the picture, in which share of its height it has a colour."""
    return (picture_pixels(window) == rgb).all(axis=2).mean(axis=0)


@pytest.fixture
def still(noisy: Window, qtbot: QtBot) -> Window:
    """A frozen second of noise."""
    hear(noisy, qtbot, 1.2)
    freeze(noisy, qtbot)
    return noisy


def test_the_mouse_reads_a_value_off_the_picture(still: Window, qtbot: QtBot) -> None:
    column = middle_column(still, 0.75)
    place = point_of(still, column, 20)
    QTest.mouseMove(view_of(still), place)
    qtbot.waitUntil(lambda: bool(reading(still)))
    low, peak, high = PEAKS_HZ[20:23]
    assert f"band 20 of 80: {low:.0f} to {high:.0f} Hz, peak {peak:.0f} Hz" in reading(still)
    seconds = float(reading(still).split(" s")[0])
    assert seconds == pytest.approx(-0.25, abs=HOP_S)
    assert reading(still).endswith(f"{level_db(still, column, 20):.1f} dB")
    qtbot.waitUntil(lambda: (picture_pixels(still)[place.y()] > 60).all())
    move_mouse_away(still, qtbot)
    qtbot.waitUntil(lambda: reading(still) == "")


def test_markers_tell_where_they_are_and_how_far_apart(still: Window, qtbot: QtBot) -> None:
    columns, bands = (middle_column(still, 0.3), middle_column(still, 0.7)), (20, 50)
    places = [point_of(still, c, b) for c, b in zip(columns, bands, strict=True)]
    click(view_of(still), places[0])
    click(view_of(still), places[1], SHIFT)
    move_mouse_away(still, qtbot)
    levels = [level_db(still, c, b) for c, b in zip(columns, bands, strict=True)]

    def are_read() -> None:
        lines = reading(still).splitlines()
        assert [line.split()[0] for line in lines] == ["A", "B", "B−A"]
        for line, band, level in zip(lines[:2], bands, levels, strict=True):
            assert f"band {band} of 80" in line
            assert f"peak {PEAKS_HZ[band + 1]:.0f} Hz" in line
            assert line.endswith(f"{level:.1f} dB")
        distance_hz = PEAKS_HZ[bands[1] + 1] - PEAKS_HZ[bands[0] + 1]
        assert f"Δt {(columns[1] - columns[0]) * HOP_S:+.3f} s" in lines[2]
        assert f"Δf {distance_hz:+.0f} Hz" in lines[2]
        difference = float(re.findall(r"Δ ([+-]\d+\.\d) dB", lines[2])[0])
        assert difference == pytest.approx(levels[1] - levels[0], abs=0.051)

    qtbot.waitUntil(are_read)

    def are_drawn() -> None:
        for rgb, place in ((A_RGB, places[0]), (B_RGB, places[1])):
            line = line_pixels(still, rgb)
            near = line[place.x() - 2 : place.x() + 3]
            assert near.max() > LINE, (rgb, near)
            others = np.delete(line, np.arange(place.x() - 15, place.x() + 16))
            assert others.max() < 0.1

    qtbot.waitUntil(are_drawn)
    press(still, "Esc")
    assert reading(still) == ""
    qtbot.waitUntil(lambda: not line_pixels(still, A_RGB).any())
    assert not line_pixels(still, B_RGB).any()


def test_markers_move_with_what_they_mark(noisy: Window, qtbot: QtBot) -> None:
    hear(noisy, qtbot, 1.2)
    click(view_of(noisy), QPoint(view_of(noisy).width() - 40, 100))
    move_mouse_away(noisy, qtbot)
    qtbot.waitUntil(lambda: line_pixels(noisy, A_RGB).max() > LINE)
    first = int(line_pixels(noisy, A_RGB).argmax())
    seconds = float(reading(noisy).split()[1])
    hear_on(noisy, qtbot, 0.4)
    width = view_of(noisy).width()
    assert first - int(line_pixels(noisy, A_RGB).argmax()) > 0.3 * width
    # The numbers come five times a second.
    qtbot.waitUntil(lambda: float(reading(noisy).split()[1]) < seconds - 0.3)


def test_a_region_tells_its_size_mean_and_maximum(still: Window, qtbot: QtBot) -> None:
    first, last = middle_column(still, 0.4), middle_column(still, 0.6)
    for unit in ("dB", "own"):
        drag(view_of(still), point_of(still, last, 30), point_of(still, first, 49), SHIFT)
        move_mouse_away(still, qtbot)
        qtbot.waitUntil(lambda: reading(still).startswith("region"))
        columns = heard_columns(still, preset_for("simli", RATE_HZ))[first : last + 1, 30:50]
        values = columns.astype(np.float64)
        if unit == "dB":
            lane = still.stack.lanes[0]
            all_bands = np.zeros((len(columns), 80), np.float32)
            all_bands[:, 30:50] = columns
            values = lane.unit(all_bands)[:, 30:50].astype(np.float64)
        text = reading(still)
        size = f"{(last + 1 - first) * HOP_S:.3f} s × 20 bands, "
        assert size + f"{PEAKS_HZ[30]:.0f} to {PEAKS_HZ[51]:.0f} Hz" in text
        mean, most = (float(word) for word in re.findall(r"(?:mean|max) (-?[\d.e+-]+)", text))
        assert mean == pytest.approx(values.mean(), rel=6e-3)
        assert most == pytest.approx(values.max(), rel=6e-3)
        assert ("dB" in text) == (unit == "dB")
        press(still, "U")
    assert still.stack.lanes[0].unit.unit == "db"


def test_a_region_does_not_scroll_and_a_drag_marks_nothing(still: Window, qtbot: QtBot) -> None:
    shown = still.stack.shown
    drag(view_of(still), QPoint(200, 200), QPoint(300, 260), SHIFT)
    assert still.stack.shown == shown
    press(still, "Esc")
    drag(view_of(still), QPoint(200, 200), QPoint(300, 260))
    assert still.viewer.inspector.marks.region is None
    assert still.viewer.inspector.marks.a is None


def test_a_saved_region_and_the_code_for_it(
    still: Window, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, last = middle_column(still, 0.4), middle_column(still, 0.6)
    drag(view_of(still), point_of(still, first, 10), point_of(still, last, 29), SHIFT)
    move_mouse_away(still, qtbot)
    answered_s = have_answered(still, (first + last) / 2 * HOP_S)
    path = tmp_path / "piece.npy"
    # The file dialog is the system's own; what it returns is what is ours to test.
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    hear_on(still, qtbot, 0.5)
    press(still, "Ctrl+S")
    qtbot.waitUntil(still.banner.isVisible, timeout=WAIT_MS)
    assert "saved" in still.banner.text()
    assert still.banner.is_news
    assert path.with_suffix(".wav").exists()
    saved = np.load(path)
    kept = heard_columns(still, preset_for("simli", RATE_HZ))[first : last + 1, 10:30].T
    np.testing.assert_allclose(saved, kept, rtol=1e-4, atol=1e-6)
    clipboard = QGuiApplication.clipboard()
    assert clipboard is not None
    names: dict[str, Any] = {}
    exec(clipboard.text(), names)
    np.testing.assert_array_equal(names["mel"], saved)
    assert names["model"] == [[0.5]]
    sound = still.viewer.tracks.sound
    assert sound is not None
    # Where in the stream the saved sound begins.
    begins = np.flatnonzero(sound.read(0, sound.end)[:, 0] == names["samples"][0, 0])[0]
    assert names["model_times_s"] == pytest.approx([answered_s - begins / RATE_HZ])


def test_a_region_is_written_whole_before_the_window_goes(
    still: Window, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, last = middle_column(still, 0.1), middle_column(still, 0.9)
    drag(view_of(still), point_of(still, first, 10), point_of(still, last, 29), SHIFT)
    path = tmp_path / "piece.npy"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))

    def save_to_a_slow_drive(piece: Piece, path: Path) -> str:
        time.sleep(1.0)
        return save_piece(piece, path)

    monkeypatch.setattr("visualizer.ui.regions.save_piece", save_to_a_slow_drive)
    press(still, "Ctrl+S")
    still.close()
    assert np.load(path).shape == (20, last - first + 1)


def test_nothing_is_replaced_without_a_question(
    still: Window, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A recording beside the new file, or a name typed without its end, is never lost."""
    drag(view_of(still), QPoint(400, 100), QPoint(500, 200), SHIFT)
    recording = tmp_path / "piece.wav"
    recording.write_bytes(b"my own")
    asked: list[str] = []
    answers = iter((QMessageBox.StandardButton.No, QMessageBox.StandardButton.Yes))

    def ask(box: QMessageBox) -> QMessageBox.StandardButton:
        # A name that looks like markup is shown as it is.
        assert box.textFormat() == Qt.TextFormat.PlainText
        asked.append(box.text())
        return next(answers)

    monkeypatch.setattr(QMessageBox, "exec", ask)
    chosen = (str(tmp_path / "piece"), "")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: chosen)
    press(still, "Ctrl+S")
    assert len(asked) == 1
    assert str(recording) in asked[0]
    assert recording.read_bytes() == b"my own"
    assert not (tmp_path / "piece.npy").exists()
    press(still, "Ctrl+S")
    qtbot.waitUntil(lambda: (tmp_path / "piece.npy").exists(), timeout=WAIT_MS)
    qtbot.waitUntil(lambda: "saved" in still.banner.text(), timeout=WAIT_MS)


def test_the_reading_is_of_what_is_under_a_mouse_that_stands_still(
    still: Window, qtbot: QtBot
) -> None:
    view = view_of(still)
    QTest.mouseMove(view, QPoint(300, 200))
    qtbot.waitUntil(lambda: "band" in reading(still))
    before = reading(still)
    press(still, "Left")
    place = view.pointed_place()
    assert place is not None
    seconds = still.stack.lanes[0].grid.middle_s(place.column) - still.stack.reference_s
    assert reading(still) != before
    assert reading(still).startswith(f"{seconds:.3f} s")
    # A key takes the cursor over, until the mouse moves again.
    press(still, "Ctrl+Right")
    cursor = still.viewer.inspector.marks.cursor
    assert cursor is not None
    assert cursor.column == place.column + 1


def test_without_a_region_there_is_nothing_to_save(
    noisy: Window, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> tuple[str, str]:
        raise AssertionError("asked for a file to save nothing in")

    monkeypatch.setattr(QFileDialog, "getSaveFileName", never)
    press(noisy, "Ctrl+S")
    qtbot.waitUntil(noisy.banner.isVisible)
    assert "there is no region to save" in noisy.banner.text()
    assert not noisy.banner.is_news


def test_keys_alone_mark_a_region(still: Window, qtbot: QtBot) -> None:
    press(still, "Ctrl+Up")
    marks = still.viewer.inspector
    start = marks.marks.cursor
    assert start is not None
    assert (start.column, start.band) == (middle_column(still), 40)
    press(still, "A")
    for keys, times in (("Ctrl+Right", 12), ("Ctrl+Left", 2), ("Ctrl+Down", 8), ("Ctrl+Up", 3)):
        for _ in range(times):
            press(still, keys)
    press(still, "B")
    press(still, "G")
    lines = reading(still).splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["A", "B", "B−A", "region"]
    assert f"band 40 of 80: {PEAKS_HZ[40]:.0f}" in lines[1]
    assert f"band 35 of 80: {PEAKS_HZ[35]:.0f}" in lines[2]
    assert f"Δt +{10 * HOP_S:.3f} s" in lines[3]
    assert f"{11 * HOP_S:.3f} s × 6 bands" in lines[4]
    values = heard_columns(still, preset_for("simli", RATE_HZ))[start.column : start.column + 11]
    in_db = still.stack.lanes[0].unit(values)[:, 35:41]
    assert lines[4].endswith(f"max {in_db.max():.1f} dB")
    qtbot.waitUntil(lambda: line_pixels(still, A_RGB).max() > LINE)
    assert line_pixels(still, B_RGB).max() > LINE
    press(still, "Esc")
    assert reading(still) == ""


def test_after_the_end_of_a_file_marks_are_drawn_and_read(tmp_path: Path, qtbot: QtBot) -> None:
    """Nothing comes any more that would paint the picture by the way."""
    sound = CaptureConfig("file", path=str(tones_file(tmp_path, 440.0, seconds=1.2)))
    window = make_window(EngineConfig(sound), display=DisplayConfig(span_s=1.0))
    with running(window, qtbot):
        press(window, "L")
        qtbot.waitUntil(lambda: "ended" in window.status_line.label.text(), timeout=WAIT_MS)
        click(view_of(window), QPoint(400, 200))
        move_mouse_away(window, qtbot)
        qtbot.waitUntil(lambda: line_pixels(window, A_RGB).max() > LINE)
        before = picture_pixels(window)
        press(window, "}")
        qtbot.waitUntil(lambda: (picture_pixels(window) != before).any())
        press(window, "Esc")
        qtbot.waitUntil(lambda: not line_pixels(window, A_RGB).any())
