"""Still and moving: freeze, back in time, live again, the span, the time of day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import numpy as np
import pytest
from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtTest import QTest
from pytestqt.qtbot import QtBot

from tests.ui.helpers import (
    HOP_S,
    WAIT_MS,
    assert_shows_its_columns,
    columns_in_view,
    drag,
    freeze,
    hear,
    hear_on,
    move_mouse_away,
    newest_index,
    pick,
    picture_pixels,
    press,
    screen_pixels,
    turn_wheel,
    view_of,
)
from visualizer.ui.controls.settings import Settings
from visualizer.ui.window import Window


def newest_s(window: Window) -> float:
    return window.viewer.tracks.first[0].mel.cell_start_s + newest_index(window) * HOP_S


def shows_the_newest(window: Window) -> bool:
    return abs(window.stack.shown[1] - newest_s(window)) < 0.1


def click_live(window: Window) -> None:
    QTest.mouseClick(window.stack.live, Qt.MouseButton.LeftButton)


@pytest.mark.parametrize(
    "go_live",
    [click_live, lambda window: press(window, "End"), lambda window: press(window, "Space")],
    ids=["button", "End", "Space"],
)
def test_frozen_the_picture_stands_and_capture_goes_on(
    noisy: Window, qtbot: QtBot, go_live: Callable[[Window], None]
) -> None:
    hear(noisy, qtbot, 1.2)
    freeze(noisy, qtbot)
    assert "FROZEN" in noisy.status_line.label.text()
    assert noisy.stack.live.isVisible()
    frozen, paints = picture_pixels(noisy), noisy.stack.paints
    hear_on(noisy, qtbot, 0.7)
    np.testing.assert_array_equal(picture_pixels(noisy), frozen)
    assert noisy.stack.paints == paints
    go_live(noisy)
    assert not noisy.frozen
    assert not noisy.stack.live.isVisible()
    assert "FROZEN" not in noisy.status_line.label.text()
    qtbot.waitUntil(lambda: (picture_pixels(noisy) != frozen).any() and shows_the_newest(noisy))
    # All that was heard meanwhile is there.
    freeze(noisy, qtbot)
    press(noisy, "Left")
    qtbot.waitUntil(lambda: assert_shows_its_columns(noisy))


@pytest.mark.parametrize(
    ("leave", "come_back"),
    [(Window.showMinimized, Window.showNormal), (Window.hide, Window.show)],
    ids=["minimised", "hidden"],
)
def test_unseen_nothing_is_painted_and_capture_goes_on(
    noisy: Window,
    qtbot: QtBot,
    leave: Callable[[Window], None],
    come_back: Callable[[Window], None],
) -> None:
    leave(noisy)
    hear_on(noisy, qtbot, 0.1)
    paints = noisy.stack.paints
    hear_on(noisy, qtbot, 0.7)
    assert noisy.stack.paints == paints
    come_back(noisy)
    qtbot.waitUntil(lambda: noisy.stack.paints > paints and shows_the_newest(noisy))
    # With the mouse: a window that was away may not have the keys again.
    QTest.mouseClick(noisy.controls.freeze, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: noisy.frozen)
    qtbot.waitUntil(lambda: assert_shows_its_columns(noisy))


def test_a_drag_to_the_right_moves_what_was_heard_to_the_right(noisy: Window, qtbot: QtBot) -> None:
    hear(noisy, qtbot, 1.6)
    freeze(noisy, qtbot)
    before, middle = picture_pixels(noisy), view_of(noisy).rect().center()
    drag(view_of(noisy), middle, middle + QPoint(150, 3))
    move_mouse_away(noisy, qtbot)
    rows = slice(len(before) * 2 // 5, len(before) * 3 // 5)

    def moved_by(pixels: int) -> bool:
        after = picture_pixels(noisy)
        return bool((after[rows, pixels:] == before[rows, :-pixels]).all())

    qtbot.waitUntil(lambda: any(moved_by(150 + rounding) for rounding in (-1, 0, 1)))
    assert_shows_its_columns(noisy)
    heard = newest_index(noisy)
    qtbot.waitUntil(lambda: newest_index(noisy) > heard)


def test_the_live_picture_goes_back_and_stands_there(noisy: Window, qtbot: QtBot) -> None:
    hear(noisy, qtbot, 2.5)
    view, track = view_of(noisy), noisy.viewer.tracks.first[0]
    start, quarter = QPoint(200, 200), QPoint(view.width() // 4, 0)
    for go_back, by_s in (
        (lambda: drag(view, start, start + quarter), 0.25),
        (lambda: turn_wheel(view, 1), 0.1),
        (lambda: press(noisy, "Left"), 0.1),
        (lambda: press(noisy, "PgUp"), 1.0),
        (lambda: press(noisy, "Home"), None),
    ):
        qtbot.waitUntil(lambda: shows_the_newest(noisy))
        assert not noisy.stack.live.isVisible()
        now_s = noisy.stack.shown[1]
        go_back()
        move_mouse_away(noisy, qtbot)
        assert noisy.frozen
        assert noisy.stack.live.isVisible()
        first_s, end_s = noisy.stack.shown
        if by_s is None:
            oldest_s = track.mel.cell_start_s + track.columns.first * HOP_S
            assert first_s == pytest.approx(oldest_s)
        else:
            # A drag takes a moment, in which the picture moves on.
            assert now_s - end_s == pytest.approx(by_s, abs=0.06)
        hear_on(noisy, qtbot, 0.1)
        assert noisy.stack.shown == (first_s, end_s)
        qtbot.waitUntil(lambda: assert_shows_its_columns(noisy))
        press(noisy, "End")


def test_nothing_scrolls_beyond_the_oldest_or_now(noisy: Window, qtbot: QtBot) -> None:
    hear(noisy, qtbot, 2.5)
    press(noisy, "Home")
    oldest = noisy.stack.shown
    for _ in range(3):
        press(noisy, "PgUp")
        turn_wheel(view_of(noisy), 5)
    assert noisy.stack.shown == oldest
    for _ in range(100):
        press(noisy, "Right")
        assert noisy.stack.shown[1] <= newest_s(noisy) + 0.1
    assert shows_the_newest(noisy)
    assert noisy.frozen
    press(noisy, "PgDown")
    assert noisy.stack.shown[1] <= newest_s(noisy) + 0.1


def test_live_nothing_lies_after_now(noisy: Window, qtbot: QtBot) -> None:
    for keys in ("Right", "PgDown", "End"):
        press(noisy, keys)
        assert not noisy.frozen


def test_another_span_redraws_what_was_heard(noisy: Window, qtbot: QtBot) -> None:
    hear(noisy, qtbot, 1.5)
    for text, span_s in (("5 s", 5.0), ("1 s", 1.0), ("2 s", 2.0)):
        pick(noisy.controls.span, text, qtbot)
        assert noisy.viewer.display.span_s == span_s
        assert Settings().display_config().span_s == span_s
        assert not noisy.frozen
        freeze(noisy, qtbot)
        qtbot.waitUntil(lambda: assert_shows_its_columns(noisy))
        kept = columns_in_view(noisy)
        # At least all that had been heard before the choice, as far as it is in view.
        assert np.count_nonzero(kept >= 0) * HOP_S > min(1.4, span_s - 0.1)
        press(noisy, "Space")


def test_frozen_the_end_stays_where_it_is_when_the_span_changes(
    noisy: Window, qtbot: QtBot
) -> None:
    hear(noisy, qtbot, 2.5)
    press(noisy, "Left")
    end_s = noisy.stack.shown[1]
    turn_wheel(view_of(noisy), -1, Qt.KeyboardModifier.ControlModifier)
    assert noisy.stack.shown == pytest.approx((end_s - 2.0, end_s))
    qtbot.waitUntil(lambda: assert_shows_its_columns(noisy))
    turn_wheel(view_of(noisy), 1, Qt.KeyboardModifier.ControlModifier)
    assert noisy.stack.shown == pytest.approx((end_s - 1.0, end_s))
    qtbot.waitUntil(lambda: assert_shows_its_columns(noisy))


def test_a_frozen_picture_keeps_its_place_when_colours_change(noisy: Window, qtbot: QtBot) -> None:
    hear(noisy, qtbot, 1.2)
    freeze(noisy, qtbot)
    qtbot.waitUntil(lambda: assert_shows_its_columns(noisy))
    frozen = picture_pixels(noisy)
    hear_on(noisy, qtbot, 0.3)
    for key in ("[", "}", "U"):
        before = picture_pixels(noisy)
        press(noisy, key)
        qtbot.waitUntil(lambda before=before: (picture_pixels(noisy) != before).any())
        qtbot.waitUntil(lambda: assert_shows_its_columns(noisy))
    press(noisy, "U")
    press(noisy, "R")
    # At its end is what was still to come when it was frozen.
    qtbot.waitUntil(lambda: (picture_pixels(noisy) == frozen)[:, :-60].all())


def test_the_time_axis_counts_from_now(noisy: Window, qtbot: QtBot) -> None:
    axis, view = noisy.stack.time_axis, view_of(noisy)
    assert axis.title() == "Seconds before now"
    left = view.mapTo(noisy.stack, QPoint(0, 0)).x()
    places = {text: x for x, text in axis.ticks()}
    assert places["0"] == pytest.approx(left + view.width(), abs=1)
    assert places["−0.5"] == pytest.approx(left + view.width() / 2, abs=1)
    hear(noisy, qtbot, 1.5)
    press(noisy, "Left")
    assert axis.title() == "Seconds before the freeze"
    places = {text: x for x, text in axis.ticks()}
    assert places["−0.6"] == pytest.approx(left + view.width() / 2, abs=1)


def test_a_frozen_picture_does_not_claim_to_end_now(noisy: Window, qtbot: QtBot) -> None:
    freeze(noisy, qtbot)
    assert noisy.stack.time_axis.title() == "Seconds before the freeze"
    press(noisy, "Space")
    qtbot.waitUntil(lambda: noisy.stack.time_axis.title() == "Seconds before now")


def test_t_shows_the_time_of_day(noisy: Window, qtbot: QtBot) -> None:
    axis, view = noisy.stack.time_axis, view_of(noisy)
    hear(noisy, qtbot, 1.5)
    seconds = screen_pixels(noisy, axis)
    press(noisy, "T")
    qtbot.waitUntil(lambda: (screen_pixels(noisy, axis) != seconds).any())
    assert axis.title() == "Time of day"

    def end_is_now() -> None:
        left = view.mapTo(noisy.stack, QPoint(0, 0)).x()
        ticks = axis.ticks()
        assert len(ticks) >= 3
        now = datetime.now()
        for x, text in ticks:
            shown = datetime.combine(now.date(), datetime.strptime(text, "%H:%M:%S.%f").time())
            here = now - timedelta(seconds=1 - (x - left) / view.width())
            assert abs((shown - here).total_seconds()) < 0.3

    for _ in range(3):
        hear_on(noisy, qtbot, 0.1)
        end_is_now()
    # It moves with the sound, and stands when it stands.
    moving = screen_pixels(noisy, axis)
    qtbot.waitUntil(lambda: (screen_pixels(noisy, axis) != moving).any(), timeout=WAIT_MS)
    freeze(noisy, qtbot)
    ticks = axis.ticks()
    hear_on(noisy, qtbot, 0.5)
    assert axis.ticks() == ticks


def test_frozen_the_picture_is_whole_in_any_size(noisy: Window, qtbot: QtBot) -> None:
    hear(noisy, qtbot, 1.5)
    freeze(noisy, qtbot)
    for width, height in ((1590, 990), (900, 600), (1280, 720)):
        noisy.resize(width, height)
        qtbot.waitUntil(lambda: assert_shows_its_columns(noisy))
