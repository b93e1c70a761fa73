"""The bar beside the picture: its colours, and handles that a person drags."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from tests.ui.test_theme import lane
from visualizer.ui.picture.picture import Picture
from visualizer.ui.picture.spectrogram import colour_table


@pytest.fixture
def picture(qtbot: QtBot) -> Picture:
    picture = Picture()
    qtbot.addWidget(picture)
    picture.resize(700, 420)
    picture.show_lane(*lane())
    picture.range_changed.connect(picture.set_range)
    picture.show()
    qtbot.waitExposed(picture)
    return picture


def test_it_shows_the_colours_from_low_to_high(picture: Picture) -> None:
    image, area = picture.grab().toImage(), picture._colour_bar.sceneBoundingRect()
    table = colour_table("magma")
    # Between the frame, the handles at both quarters, and the ticks at the right.
    x = round(area.left() + 0.3 * area.width())
    for share in (0.05, 0.4, 0.6, 0.95):
        y = round(area.bottom() - share * area.height())
        expected, shown = table[int(share * 512)], image.pixel(x, y)
        for shift in (0, 8, 16):
            assert int(expected) >> shift & 0xFF == pytest.approx(shown >> shift & 0xFF, abs=6)


def test_a_drag_of_a_handle_moves_its_limit_the_more_the_farther(picture: Picture) -> None:
    low, high = picture.limits
    upper = picture._colour_bar._handles.lines[1]
    rest = upper.value()

    def drag_to(share: float) -> float:
        """Return by how much the upper limit moved."""
        before = picture.limits[1]
        for step in (0.3, 0.6, 1.0):
            upper.setValue(rest + step * (share * 512 - rest))
        upper.sigPositionChangeFinished.emit(upper)
        return picture.limits[1] - before

    little = drag_to(0.80)
    assert 0 < little < 0.1 * (high - low)
    # Meanwhile it is back where it was.
    assert upper.value() == rest
    assert drag_to(0.95) > 5 * little
    assert drag_to(0.70) < 0
    assert picture.limits[0] == low
