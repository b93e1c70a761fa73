"""How often the picture is painted, by the refresh rate of the screen that the window is on."""

from __future__ import annotations

import numpy as np
import pytest
from PyQt6.QtCore import QObject, pyqtSignal
from PyQt6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from visualizer.engine.columns import MelColumns
from visualizer.engine.latency import LatencyLog
from visualizer.ui import pace

STEP_S = 1e-4


class Screen(QObject):
    """What a QScreen tells of its refresh rate."""

    refreshRateChanged = pyqtSignal(float)  # noqa: N815

    def __init__(self, rate_hz: float) -> None:
        super().__init__()
        self._rate_hz = rate_hz

    def refreshRate(self) -> float:
        return self._rate_hz


class Stack(QWidget):
    """Counts its paints."""

    paints = 0

    def show_new(self) -> bool:
        self.paints += 1
        return True


class Clock:
    """Moves on when it is told to."""

    now_s = 1.0

    def perf_counter(self) -> float:
        return self.now_s


def paint_interval_s(paced: pace.PaintPace, stack: Stack, clock: Clock) -> float:
    """The time between two paints, where columns come at each moment."""
    painted_at: list[float] = []
    while len(painted_at) < 2:
        clock.now_s += STEP_S
        before = stack.paints
        paced.add(MelColumns(np.zeros((1, 1, 1), np.float32), 0, 1, 0.0, 0.0, 0.0, 0.0))
        paced.paint_soon()
        # Its timer goes by another clock.
        paced._timer.stop()
        if stack.paints > before:
            painted_at.append(clock.now_s)
    return painted_at[1] - painted_at[0]


def test_it_is_painted_at_most_twice_a_refresh_of_the_screen_it_is_on(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, stack = Clock(), Stack()
    qtbot.addWidget(stack)
    monkeypatch.setattr(pace, "time", clock)
    paced = pace.PaintPace(stack, LatencyLog())  # type: ignore[arg-type]

    def assert_painted_for(rate_hz: float) -> None:
        interval_s = paint_interval_s(paced, stack, clock)
        assert 0 <= interval_s - 0.5 / rate_hz < 1.5 * STEP_S

    # Before it is on any.
    assert_painted_for(60)
    screens = [Screen(rate_hz) for rate_hz in (60.0, 75.0, 100.0, 120.0, 144.0, 165.0)]
    for screen in screens:
        paced.limit_to(screen)  # type: ignore[arg-type]
        assert_painted_for(screen.refreshRate())
    screens[-1].refreshRateChanged.emit(75.0)
    assert_painted_for(75)
    # One that it has left tells it nothing.
    screens[0].refreshRateChanged.emit(144.0)
    assert_painted_for(75)
    paced.limit_to(None)
    assert_painted_for(60)
