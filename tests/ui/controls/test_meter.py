"""The level meter, by a clock that the test turns."""

from __future__ import annotations

import numpy as np
import pytest
from PyQt6.QtGui import QColor, QPaintEvent
from PyQt6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from visualizer.ui.controls.meter import LevelMeter


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def meter(qtbot: QtBot, clock: Clock) -> LevelMeter:
    meter = LevelMeter(clock)
    qtbot.addWidget(meter)
    meter.resize(400, meter.sizeHint().height())
    return meter


def run(meter: LevelMeter, clock: Clock, peak: float, seconds: float) -> None:
    for _ in range(round(seconds / 0.05)):
        clock.now_s += 0.05
        meter.set_peak(peak)


def test_the_peak_is_held_two_seconds_and_then_falls(meter: LevelMeter, clock: Clock) -> None:
    meter.set_peak(0.5)
    assert meter.text() == "−6.0 dBFS"
    run(meter, clock, 0.01, 1.9)
    assert meter.level_db == pytest.approx(-40.0)
    assert meter.text() == "−6.0 dBFS"
    run(meter, clock, 0.01, 0.6)
    assert meter.text() in ("−18.0 dBFS", "−18.1 dBFS")
    run(meter, clock, 0.01, 2.0)
    assert meter.text() == "−40.0 dBFS"
    meter.set_peak(0.25)
    assert meter.text() == "−12.0 dBFS"


def test_the_ends_of_the_scale_are_said(meter: LevelMeter, clock: Clock) -> None:
    assert meter.text() == "< −72 dBFS"
    meter.set_peak(0.0)
    assert meter.text() == "< −72 dBFS"
    meter.set_peak(1.7)
    assert meter.text() == "0.0 dBFS"


def test_the_light_is_red_for_a_while(meter: LevelMeter, clock: Clock) -> None:
    def light() -> QColor:
        image = meter.grab().toImage()
        return image.pixelColor(image.width() - meter.height() // 2, image.height() // 2)

    before = light()
    meter.set_peak(1.0)
    assert meter.clipping
    assert light().red() > 200 > 2 * light().green()
    run(meter, clock, 0.1, 1.6)
    assert not meter.clipping
    assert light() == before


def test_the_line_stands_where_the_held_peak_is(meter: LevelMeter, clock: Clock) -> None:
    """The bar falls to −36 dB, its middle; the line stays at −18 dB, three quarters."""
    meter.set_peak(10 ** (-18 / 20))
    run(meter, clock, 10 ** (-36 / 20), 1.5)
    image = meter.grab().toImage()
    row = [image.pixelColor(x, image.height() // 2) for x in range(image.width())]
    text = meter.palette().windowText().color()
    line = row.index(text)
    base = meter.palette().base().color()
    empty = np.array([colour == base for colour in row])
    bar_end = int(np.flatnonzero(empty)[0])
    assert bar_end / line == pytest.approx(0.5 / 0.75, abs=0.03)


def test_a_screen_reader_hears_the_peak(meter: LevelMeter, clock: Clock) -> None:
    clock.now_s += 1.0
    meter.set_peak(1.0)
    assert meter.accessibleName() == "Level meter"
    assert meter.accessibleDescription() == "Peak of the input: 0.0 dBFS, clipping"
    clock.now_s += 0.2
    meter.set_peak(0.5)
    assert "clipping" in meter.accessibleDescription()


def test_a_larger_font_makes_room_for_itself(meter: LevelMeter) -> None:
    before = meter.minimumSizeHint()
    font = meter.font()
    font.setPointSizeF(2 * font.pointSizeF())
    meter.setFont(font)
    assert meter.minimumSizeHint().width() > 1.7 * before.width()
    assert meter.minimumSizeHint().height() > 1.6 * before.height()


def test_it_is_painted_only_when_it_has_changed(qtbot: QtBot, clock: Clock) -> None:
    class Counted(LevelMeter):
        paints = 0

        def paintEvent(self, event: QPaintEvent | None) -> None:
            super().paintEvent(event)
            self.paints += 1

    meter = Counted(clock)
    qtbot.addWidget(meter)
    meter.set_peak(0.0)
    with qtbot.waitExposed(meter):
        meter.show()
    qtbot.waitUntil(lambda: meter.paints > 0)
    before = meter.paints
    run(meter, clock, 0.0, 1.0)
    QApplication.processEvents()
    assert meter.paints == before
    meter.set_peak(0.5)
    qtbot.waitUntil(lambda: meter.paints > before)
