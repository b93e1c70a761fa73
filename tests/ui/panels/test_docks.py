"""The panels in their docks: when they are made, and what is not seen is left alone."""

from __future__ import annotations

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QDockWidget
from pytestqt.qtbot import QtBot

from tests.ui.helpers import WAIT_MS, hear_on, make_window, press, running
from visualizer.audio.capture import CaptureConfig
from visualizer.engine.config import EngineConfig
from visualizer.ui.window import Window


def test_what_may_be_opened_is_made_before(window: Window, qtbot: QtBot) -> None:
    docks = window.findChildren(QDockWidget)

    def is_made() -> bool:
        # To ask for one would have it made.
        return "_key_sheet" in vars(window) and all("panel" in vars(dock) for dock in docks)

    assert len(docks) == 2
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


def test_a_panel_comes_back_as_it_was_when_the_window_was_closed(qtbot: QtBot) -> None:
    config = EngineConfig(CaptureConfig("demo"))
    window = make_window(config)

    def shows_latencies(window: Window) -> bool:
        panel = window.panels.latency
        return panel.isVisible() and "p99" in panel.bar.text()

    with running(window, qtbot):
        press(window, "P")
        qtbot.waitUntil(lambda: shows_latencies(window), timeout=WAIT_MS)
        panel = window.panels.latency
        width = panel.width() + 60
        [dock] = [d for d in window.findChildren(QDockWidget) if d.widget() is panel]
        window.resizeDocks([dock], [width], Qt.Orientation.Horizontal)
        qtbot.waitUntil(lambda: panel.width() == width, timeout=WAIT_MS)
    again = make_window(config)
    with running(again, qtbot):
        qtbot.waitUntil(lambda: shows_latencies(again), timeout=WAIT_MS)
        assert again.panels.latency.width() == width
        assert not again.panels.spectrum.isVisible()


def test_panels_leave_the_picture_half_of_a_small_window_and_cut_nothing(
    window: Window, qtbot: QtBot
) -> None:
    window.resize(900, 600)
    for keys in ("P", "S"):
        press(window, keys)
    qtbot.waitUntil(lambda: window.viewer.height() * 2 >= window.height(), timeout=WAIT_MS)
    panel = window.panels.latency
    body, viewport = panel.widget(), panel.viewport()
    assert body is not None
    assert viewport is not None
    assert body.height() > viewport.height()
    assert body.width() == viewport.width()
    panel.ensureWidgetVisible(panel.copy)
    assert panel.copy.visibleRegion().boundingRect() == panel.copy.rect()
