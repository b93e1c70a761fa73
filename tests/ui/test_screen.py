"""What is on the screen is what a painting of the whole picture gives, however it came there."""

from __future__ import annotations

import numpy as np
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QImage
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from tests.ui.helpers import hear, hear_on, screen_pixels, view_of
from visualizer.ui.window import Window


def pixels(image: QImage) -> np.ndarray:
    image = image.convertToFormat(QImage.Format.Format_RGB32)
    memory = image.constBits()
    assert memory is not None
    memory.setsize(image.sizeInBytes())
    return np.array(memory).reshape(image.height(), image.width(), 4)[:, :, 2::-1]


def assert_screen_is_right(window: Window, widget: QWidget) -> None:
    """After the very last update of the stream, with nothing painted since."""
    seen = screen_pixels(window, widget)
    np.testing.assert_array_equal(seen, pixels(widget.grab().toImage()))


def stop_updates(window: Window) -> None:
    """Let no column come any more; what came is painted yet."""
    window._bridge.woken.disconnect()
    window._texts.stop()


def test_a_picture_that_moved_on_is_whole(noisy: Window, qtbot: QtBot) -> None:
    """With the plate of latencies on it, whose text changes while the picture moves."""
    QTest.keyClick(noisy, Qt.Key.Key_L)
    assert noisy.stack.latency.visible
    hear(noisy, qtbot, 2.5)
    assert noisy.stack.latency.text()
    stop_updates(noisy)
    qtbot.waitUntil(lambda: assert_screen_is_right(noisy, view_of(noisy)))


def test_so_are_two_lanes_and_what_was_marked_before(noisy: Window, qtbot: QtBot) -> None:
    noisy.controls.display_picked.emit({"second": "full-band"})
    hear(noisy, qtbot, 1.5)
    QTest.mouseClick(view_of(noisy), Qt.MouseButton.LeftButton)
    hear_on(noisy, qtbot, 0.2)
    QTest.keyClick(noisy, Qt.Key.Key_Escape)
    hear_on(noisy, qtbot, 1.0)
    stop_updates(noisy)
    for lane in (0, 1):
        view = noisy.stack.pictures[lane].view
        qtbot.waitUntil(lambda view=view: assert_screen_is_right(noisy, view))


def test_latencies_that_change_after_the_last_column_are_seen(noisy: Window, qtbot: QtBot) -> None:
    QTest.keyClick(noisy, Qt.Key.Key_L)
    hear(noisy, qtbot, 0.5)
    noisy._bridge.woken.disconnect()
    noisy.latency.clear()
    noisy._show_texts()
    noisy._texts.stop()
    qtbot.waitUntil(lambda: assert_screen_is_right(noisy, view_of(noisy)))
