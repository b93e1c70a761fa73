"""The panels in their docks: when they are made, and what is not seen is left alone."""

from __future__ import annotations

from PyQt6.QtWidgets import QApplication, QDockWidget
from pytestqt.qtbot import QtBot

from tests.ui.helpers import WAIT_MS, hear_on, press
from visualizer.ui.controls.key_sheet import KeySheet
from visualizer.ui.panels.latency_panel import LatencyPanel
from visualizer.ui.panels.spectrum_panel import SpectrumPanel
from visualizer.ui.window import Window


def test_what_may_be_opened_is_made_before(window: Window, qtbot: QtBot) -> None:
    def is_made() -> bool:
        kinds = (LatencyPanel, SpectrumPanel, KeySheet)
        made = QApplication.allWidgets()
        return all(any(isinstance(widget, kind) for widget in made) for kind in kinds)

    qtbot.waitUntil(is_made, timeout=WAIT_MS)
    assert not window.panels.latency.isVisible()
    assert not window.panels.spectrum.isVisible()
    press(window, "P")
    qtbot.waitUntil(window.panels.latency.isVisible)


def test_a_panel_behind_another_is_left_alone(window: Window, qtbot: QtBot) -> None:
    bar, title = window.panels.latency.bar, window.panels.spectrum.title
    for keys in ("P", "S"):
        press(window, keys)
    qtbot.waitUntil(lambda: "p99" in bar.text() and title.text() == "now", timeout=WAIT_MS)
    docks = {dock.objectName(): dock for dock in window.findChildren(QDockWidget)}
    window.tabifyDockWidget(docks["Latency"], docks["Spectrum"])
    docks["Spectrum"].raise_()
    qtbot.waitUntil(lambda: docks["Latency"].visibleRegion().isEmpty(), timeout=WAIT_MS)
    before = bar.text()
    hear_on(window, qtbot, 1.0)
    assert bar.text() == before
    docks["Latency"].raise_()
    qtbot.waitUntil(lambda: bar.text() != before, timeout=WAIT_MS)
