"""While a device is away the picture moves on, and what is missing grows at its right edge."""

from __future__ import annotations

import time
from contextlib import ExitStack

import numpy as np
from PyQt6.QtGui import QColor
from pytestqt.qtbot import QtBot

from tests.sound import SoundServer
from tests.ui.helpers import (
    WAIT_MS,
    freeze,
    hear,
    make_window,
    newest_index,
    picture_pixels,
    press,
    running,
    screen_pixels,
)
from visualizer.audio.capture import CaptureConfig
from visualizer.engine.config import EngineConfig
from visualizer.ui.picture.display import DisplayConfig
from visualizer.ui.picture.raster import GAP_COLOUR
from visualizer.ui.picture.tints import GAP
from visualizer.ui.window import Window

SPAN_S = 10.0
DEVICE = "Away (what it plays)"


def colours(pixels: np.ndarray, colour: int) -> np.ndarray:
    """Which pixels of the picture's lower half, where no text lies, have a colour."""
    wanted = QColor(colour)
    lower = pixels[len(pixels) // 2 :]
    found: np.ndarray = (lower == (wanted.red(), wanted.green(), wanted.blue())).all(axis=2)
    return found


def gap_s(window: Window) -> float:
    """The time that is shown as missing, as it is on the screen."""
    gap = colours(picture_pixels(window), GAP_COLOUR).all(axis=0)
    return float(np.count_nonzero(gap) / len(gap) * SPAN_S)


def state(window: Window) -> str:
    status = window.engine_status()
    assert status is not None
    return status.state


def test_the_gap_grows_and_has_its_true_length_at_the_end(
    sound_server: SoundServer, qtbot: QtBot
) -> None:
    config = EngineConfig(CaptureConfig("mic", device=DEVICE))
    display = DisplayConfig(span_s=SPAN_S, waveform=True)
    window = make_window(config, display=display)
    stack = window.stack
    plugged_in = ExitStack()
    plugged_in.enter_context(sound_server.sink("away", "Away"))
    with plugged_in, running(window, qtbot):
        hear(window, qtbot, 1.0)
        plugged_in.close()
        qtbot.waitUntil(lambda: state(window) == "waiting", timeout=WAIT_MS)
        qtbot.waitUntil(lambda: gap_s(window) > 0.3, timeout=WAIT_MS)
        # It grows with the time, with few paints, and its end is the right edge.
        gap, end_s, paints, began = gap_s(window), stack.shown[1], stack.paints, time.monotonic()
        qtbot.waitUntil(lambda: gap_s(window) > gap + 0.9, timeout=WAIT_MS)
        took_s = time.monotonic() - began
        assert abs(stack.shown[1] - end_s - took_s) < 0.3
        assert stack.paints - paints < 15 * took_s + 5
        assert colours(picture_pixels(window), GAP_COLOUR)[:, -3:].all()
        strip = screen_pixels(window, stack.waveform)
        assert (strip[:, -3:] == (GAP.red(), GAP.green(), GAP.blue())).all()
        # Frozen it stands still, and nothing is painted.
        freeze(window, qtbot)
        qtbot.wait(300)
        shown, paints = stack.shown, stack.paints
        qtbot.wait(600)
        assert (stack.shown, stack.paints) == (shown, paints)
        press(window, "End")
        qtbot.waitUntil(lambda: stack.shown[1] > shown[1] + 0.8, timeout=WAIT_MS)
        last = newest_index(window)
        with sound_server.sink("away", "Away"):
            qtbot.waitUntil(lambda: newest_index(window) > last, timeout=WAIT_MS)
            before_s = stack.shown[1]
            qtbot.waitUntil(lambda: state(window) == "running", timeout=WAIT_MS)
            hop_s = window.viewer.tracks.first[0].mel.hop_s
            newest_s = newest_index(window) * hop_s
            # What was shown as now is where the stream is.
            assert abs(before_s - newest_s) < 0.5
            qtbot.wait(500)
            status = window.engine_status()
            assert status is not None
            assert abs(gap_s(window) - status.lost_s) < 0.1
            assert not stack.is_away


def test_it_grows_too_where_the_device_went_while_nobody_looked(
    sound_server: SoundServer, qtbot: QtBot
) -> None:
    config = EngineConfig(CaptureConfig("mic", device=DEVICE))
    window = make_window(config, display=DisplayConfig(span_s=SPAN_S))
    plugged_in = ExitStack()
    plugged_in.enter_context(sound_server.sink("away", "Away"))
    with plugged_in, running(window, qtbot):
        hear(window, qtbot, 0.5)
        window.hide()
        plugged_in.close()
        # Columns of the last batch may come after the word that the device is away, or before it.
        qtbot.waitUntil(lambda: is_away(window), timeout=WAIT_MS)
        window.stack.set_away(False)
        window.show()
        qtbot.waitUntil(lambda: gap_s(window) > 1.0, timeout=WAIT_MS)


def is_away(window: Window) -> bool:
    """Whether the window has been told so."""
    return window.banner.isVisibleTo(window)
