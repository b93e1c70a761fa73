"""Every key of the window."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PyQt6.QtGui import QGuiApplication
from PyQt6.QtWidgets import (
    QApplication,
    QDockWidget,
    QFileDialog,
)
from pytestqt.qtbot import QtBot

from tests.ui.helpers import (
    WAIT_MS,
    have_answered,
    hear,
    pick,
    press,
    screen_pixels,
    tones_file,
)
from visualizer.ui.window import Window

Look = Callable[[Window], object]


def display(name: str) -> Look:
    return lambda window: getattr(window.viewer.display, name)


def marks(name: str) -> Look:
    return lambda window: getattr(window.viewer.inspector.marks, name)


def dock(name: str) -> Look:
    return lambda window: window.findChild(QDockWidget, name).isVisible()


def shown(window: Window) -> object:
    return window.stack.shown


def limits(window: Window) -> object:
    return window.stack.pictures[0].limits


def threshold(window: Window) -> object:
    assert window.stack.answers is not None
    return window.stack.answers.rules["speech"].threshold


def copied(window: Window) -> object:
    clipboard = QApplication.clipboard()
    assert clipboard is not None
    return clipboard.text()


STEPS: tuple[tuple[str, Look], ...] = (
    ("L", lambda window: window.stack.latency.visible),
    ("Space", lambda window: window.frozen),
    ("Left", shown),
    ("PgUp", shown),
    ("Right", shown),
    ("Home", shown),
    ("PgDown", shown),
    ("T", lambda window: window.stack.time_axis.title()),
    ("N", lambda window: axis_labels(window)),
    ("U", lambda window: window.stack.lanes[0].unit.unit),
    ("[", limits),
    ("]", limits),
    ("{", limits),
    ("}", limits),
    ("R", limits),
    ("M", display("auto_range")),
    ("-", display("span_s")),
    ("+", display("span_s")),
    ("-", display("span_s")),
    ("=", display("span_s")),
    (",", threshold),
    (".", threshold),
    ("Ctrl+Shift+M", copied),
    ("W", lambda window: window.stack.waveform.isVisible()),
    ("D", display("difference")),
    ("Ctrl+Up", marks("cursor")),
    ("Ctrl+Left", marks("cursor")),
    ("A", marks("a")),
    ("Ctrl+Right", marks("cursor")),
    ("Ctrl+Down", marks("cursor")),
    ("B", marks("b")),
    ("G", marks("region")),
    ("Esc", marks("region")),
    ("P", dock("Latency")),
    ("S", dock("Spectrum")),
    ("F11", Window.isFullScreen),
    ("End", lambda window: window.frozen),
)
"""In this order each key changes what is looked at. What each does in full is tested beside."""
ELSEWHERE = {
    *("Ctrl+O", "Ctrl+Shift+O", "Ctrl+Alt+O", "Ctrl+S", "F5", "Ctrl+Q"),
    *("Ctrl+Shift+C", "?", "Ctrl+R", "Ctrl+Shift+S", "Ctrl+M", "F9"),
}
"""tested in functions of their own below, or in test_reading.py, test_recordings.py,
test_front_ends.py and test_analysing.py"""


def axis_labels(window: Window) -> list[str]:
    axis = window.stack.pictures[0].left
    [(_, positions)] = axis.tickValues(0, 80, 600)
    return list(axis.tickStrings(positions, 1, 1))


def test_each_key_changes_what_it_says(noisy: Window, qtbot: QtBot) -> None:
    hear(noisy, qtbot, 2.5)
    have_answered(noisy, 1.0)
    clipboard = QGuiApplication.clipboard()
    assert clipboard is not None
    clipboard.setText("of before")
    for keys, look in STEPS:
        before = look(noisy)
        press(noisy, keys)

        def changed(keys: str = keys, look: Look = look, before: object = before) -> None:
            assert look(noisy) != before, keys

        qtbot.waitUntil(changed)


def test_no_key_of_the_menus_is_left_out(noisy: Window) -> None:
    table = [keys for command in noisy.menus.table for keys in command.keys.split()]
    assert len(table) == len(set(table)), "a key has two meanings"
    assert {keys for keys, _ in STEPS} | ELSEWHERE == set(table)
    # Each also stands in a menu, with a tip.
    for command in noisy.menus.table:
        assert noisy.menus.actions[command.id].toolTip() == command.tip


def test_keys_reach_the_window_from_the_toolbar(noisy: Window, qtbot: QtBot) -> None:
    """After a choice the list of choices has the keyboard."""
    pick(noisy.controls.colours, "viridis", qtbot)
    assert QApplication.focusWidget() is noisy.controls.colours
    press(noisy.controls.colours, "Space")
    assert noisy.frozen
    press(noisy.controls.colours, "Left")
    press(noisy.controls.colours, "End")
    assert not noisy.frozen
    assert noisy.viewer.display.colour_map == "viridis"


def test_n_names_notes_where_they_are(noisy: Window, qtbot: QtBot) -> None:
    axis = noisy.stack.pictures[0]
    before = screen_pixels(noisy, axis)[:, :60]
    hertz = axis_labels(noisy)
    assert "1000" in hertz
    press(noisy, "N")
    notes = axis_labels(noisy)
    assert {"A4", "A5"} & set(notes) or {"C4", "C5"} & set(notes)
    qtbot.waitUntil(lambda: (screen_pixels(noisy, axis)[:, :60] != before).any())
    press(noisy, "N")
    assert axis_labels(noisy) == hertz


def test_the_keys_of_the_colours_move_the_range_by_its_hundredths(
    noisy: Window, qtbot: QtBot
) -> None:
    low, high = noisy.stack.pictures[0].limits
    assert (low, high) == (-90.0, -10.0)
    for keys, end, step in (("[", 0, -1), ("]", 0, 1), ("{", 1, -1), ("}", 1, 1)):
        press(noisy, "R")
        press(noisy, keys)
        expected = [low, high]
        expected[end] += step * 0.02 * (high - low)
        assert noisy.stack.pictures[0].limits == pytest.approx(expected)
    press(noisy, "R")
    assert noisy.stack.pictures[0].limits == (low, high)
    # M lets the range follow the sound, until R.
    press(noisy, "M")
    qtbot.waitUntil(lambda: noisy.stack.pictures[0].limits != (low, high), timeout=WAIT_MS)
    press(noisy, "R")
    assert noisy.stack.pictures[0].limits == (low, high)
    assert not noisy.viewer.display.auto_range


def test_ctrl_o_plays_a_file(
    noisy: Window, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tones_file(tmp_path, 440.0)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(path), ""))
    press(noisy, "Ctrl+O")
    qtbot.waitUntil(lambda: "tones.wav" in noisy.status_line.label.text(), timeout=WAIT_MS)


def test_ctrl_shift_c_copies_the_latencies(noisy: Window, qtbot: QtBot) -> None:
    clipboard = QGuiApplication.clipboard()
    assert clipboard is not None
    clipboard.setText("")
    press(noisy, "Ctrl+Shift+C")
    assert all(stage in clipboard.text() for stage in ("wait", "kernel", "draw", "total"))


def test_the_question_mark_shows_all_keys(noisy: Window, qtbot: QtBot) -> None:
    press(noisy, "?")
    qtbot.waitUntil(noisy._key_sheet.isVisible)
    noisy._key_sheet.close()
    listed = [keys for _, entries in noisy.menus.sheet() for keys, _ in entries]
    assert len(listed) == sum(bool(command.keys) for command in noisy.menus.table)


def test_ctrl_q_closes_the_window(noisy: Window, qtbot: QtBot) -> None:
    press(noisy, "Ctrl+Q")
    assert not noisy.isVisible()
    status = noisy.engine_status()
    assert status is not None
    qtbot.waitUntil(lambda: noisy.engine_status().state == "closed")
