"""What a window does with faults of its own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PyQt6.QtCore import Qt, QTimer
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication, QToolButton
from pytestqt.qtbot import QtBot

from tests.ui.helpers import WAIT_MS, newest_index, pick_front_end
from visualizer.support.faults import LOG_NAME, Faults
from visualizer.ui.app import FaultWatch
from visualizer.ui.controls.banner import Banner
from visualizer.ui.controls.details import make_details
from visualizer.ui.controls.meter import LevelMeter
from visualizer.ui.window import Window


@pytest.fixture
def faults(window: Window, log_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Faults]:
    """Of the window, as the program connects them."""
    with Faults(log_folder) as faults:
        monkeypatch.setattr(sys, "excepthook", faults.on_exception)
        window.offer_details(lambda: make_details(window.engine_status(), faults))
        watch = FaultWatch(window, faults)
        yield faults
        watch.close()


def button(banner: Banner, name: str) -> QToolButton:
    return next(b for b in banner.findChildren(QToolButton) if b.accessibleName() == name)


def test_a_paint_that_always_fails_costs_only_itself(
    window: Window, faults: Faults, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(meter: LevelMeter, _: object) -> None:
        raise ZeroDivisionError("the meter")

    monkeypatch.setattr(LevelMeter, "paintEvent", fail)
    window.status_line.meter.update()
    banner = window.failures
    qtbot.waitUntil(banner.isVisible, timeout=WAIT_MS)

    def failed() -> int:
        return faults.reported()[0].times

    before, paints, newest = failed(), window.stack.paints, newest_index(window)
    qtbot.waitUntil(lambda: failed() >= before + 5, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: newest_index(window) > newest + 20, timeout=WAIT_MS)
    assert window.stack.paints > paints
    qtbot.waitUntil(lambda: f"({failed()} times)" in banner.text(), timeout=WAIT_MS)
    assert banner.text().startswith("a part of the window failed: ZeroDivisionError('the meter')")
    assert faults.path.read_text(encoding="utf-8").count("Traceback") == 1
    # Closed, it stays so, though the same goes on.
    QTest.mouseClick(button(banner, "Close message"), Qt.MouseButton.LeftButton)
    before = failed()
    qtbot.waitUntil(lambda: failed() >= before + 5, timeout=WAIT_MS)
    assert banner.isHidden()


def test_a_slot_that_fails_can_be_reported_with_a_click(
    window: Window, faults: Faults, qtbot: QtBot
) -> None:
    def fail() -> None:
        raise KeyError("in a slot")

    QTimer.singleShot(0, fail)
    banner = window.failures
    qtbot.waitUntil(banner.isVisible, timeout=WAIT_MS)
    copy = button(banner, "Copy details of the fault")
    assert window.isAncestorOf(copy)
    assert copy.isVisible()
    assert copy.text() == "Copy details"
    QTest.mouseClick(copy, Qt.MouseButton.LeftButton)
    assert copy.text() == "Copied"
    clipboard = QApplication.clipboard()
    assert clipboard is not None
    text = clipboard.text()
    for words in (
        "the engine: running · Built-in demo · 48000 Hz · simli",
        "kernel: numpy on cpu",
        "overflows 0 · drops 0 · gaps 0",
        "mel-visualizer 0.",
        "Python 3.",
        # It is loaded only where a kernel needs it.
        *(["torch 2."] if "torch" in sys.modules else []),
        "Qt 6.",
        f"log: {faults.path}",
        "a part of the window failed: KeyError('in a slot') (1 times)",
        "Traceback (most recent call last)",
        "in fail\n",
    ):
        assert words in text
    assert faults.path.name == LOG_NAME
    qtbot.waitUntil(lambda: copy.text() == "Copy details", timeout=WAIT_MS)


def test_what_the_engine_says_does_not_cover_what_failed(
    window: Window, faults: Faults, qtbot: QtBot
) -> None:
    faults.report("a part failed", ValueError("of the program"))
    qtbot.waitUntil(window.failures.isVisible, timeout=WAIT_MS)
    pick_front_end(window, "whisper-80")
    qtbot.waitUntil(lambda: "whisper-80" in window.status_line.label.text(), timeout=WAIT_MS)
    assert "of the program" in window.failures.text()
    assert window.failures.isVisible()


def test_what_is_no_fault_has_no_details(qtbot: QtBot) -> None:
    banner = Banner()
    qtbot.addWidget(banner)
    copy = button(banner, "Copy details of the fault")
    banner.show_fault("the microphone is gone")
    assert not copy.isVisible()
    banner.offer_details(lambda: "what runs")
    banner.show_fault("the microphone is gone")
    assert copy.isVisible()
    banner.show_text("saved")
    assert banner.isVisible()
    assert not copy.isVisible()
    banner.show_text("")
    assert not banner.isVisible()
