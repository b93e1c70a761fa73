"""What nobody looks at is computed later, and there when it is looked at again."""

from __future__ import annotations

from pathlib import Path

from PyQt6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from tests.ui.helpers import (
    WAIT_MS,
    assert_shows_its_columns,
    freeze,
    hear_on,
    make_window,
    newest_index,
    noise_file,
    press,
    running,
    view_of,
)
from visualizer.audio.capture import CaptureConfig
from visualizer.engine.config import EngineConfig
from visualizer.engine.options import RecordingConfig
from visualizer.engine.status import EngineStatus
from visualizer.ui.window import Window


def status_of(window: Window) -> EngineStatus:
    status = window.engine_status()
    assert status is not None
    return status


def rest(window: Window, qtbot: QtBot) -> None:
    """Wait until the first batch has come."""
    before = status_of(window).batched_columns
    qtbot.waitUntil(lambda: status_of(window).batched_columns > before, timeout=WAIT_MS)


def wake(window: Window, qtbot: QtBot) -> None:
    """Wait until columns come at once again, and are painted."""
    paints, latency = window.stack.paints, len(window.latency.newest(1 << 16))
    qtbot.waitUntil(
        lambda: window.stack.paints > paints and len(window.latency.newest(1 << 16)) > latency,
        timeout=WAIT_MS,
    )


def test_of_a_hidden_window_nothing_is_painted_and_it_comes_back_whole(
    noisy: Window, qtbot: QtBot
) -> None:
    noisy.hide()
    rest(noisy, qtbot)
    paints, measured = noisy.stack.paints, len(noisy.latency.newest(1 << 16))
    # All of the second that the picture shows.
    hear_on(noisy, qtbot, 1.2)
    assert (noisy.stack.paints, len(noisy.latency.newest(1 << 16))) == (paints, measured)
    assert not any(timer.isActive() for timer in (noisy._texts, noisy._pace._timer))
    noisy.show()
    # With its very first paint, before anything else comes.
    qtbot.waitUntil(lambda: noisy.stack.paints > paints, timeout=WAIT_MS)
    raster = view_of(noisy)._raster
    assert raster is not None
    assert raster.first <= view_of(noisy)._view_first()
    wake(noisy, qtbot)
    noisy._texts.stop()
    noisy.stack.hold()
    QGuiApplication.processEvents()
    assert_shows_its_columns(noisy)
    assert status_of(noisy).gaps == 0


def test_a_frozen_picture_rests_until_it_is_live(noisy: Window, qtbot: QtBot) -> None:
    freeze(noisy, qtbot)
    rest(noisy, qtbot)
    assert not noisy._texts.isActive()
    # The line below goes on telling how loud it is.
    noisy.status_line.meter._held_db = -70.0
    qtbot.waitUntil(lambda: noisy.status_line.meter._held_db > -60, timeout=WAIT_MS)
    press(noisy, "Space")
    wake(noisy, qtbot)
    at_once = status_of(noisy).batched_columns
    hear_on(noisy, qtbot, 0.5)
    assert status_of(noisy).batched_columns == at_once


def test_of_a_sound_that_ended_a_frozen_window_still_tells(qtbot: QtBot, tmp_path: Path) -> None:
    """No column comes that the texts could come with."""
    sound = CaptureConfig("file", path=str(noise_file(tmp_path, 2.0)))
    window = make_window(EngineConfig(sound))
    with running(window, qtbot):
        freeze(window, qtbot)
        qtbot.waitUntil(lambda: status_of(window).state == "ended", timeout=WAIT_MS)
        qtbot.waitUntil(lambda: "ended" in window.status_line.label.text(), timeout=WAIT_MS)
        press(window, "P")
        qtbot.waitUntil(lambda: "p99" in window.panels.latency.bar.text(), timeout=WAIT_MS)


def test_what_is_recorded_comes_at_once_though_nobody_looks(
    noisy: Window, qtbot: QtBot, tmp_path: Path
) -> None:
    noisy.recordings.start(RecordingConfig(str(tmp_path)))
    freeze(noisy, qtbot)
    before = newest_index(noisy)
    hear_on(noisy, qtbot, 0.6)
    assert status_of(noisy).batched_columns == 0
    assert newest_index(noisy) > before
    noisy.recordings.turn(False)
    rest(noisy, qtbot)
