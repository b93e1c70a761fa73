"""Real windows on a real screen."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
from PyQt6.QtCore import QEvent
from PyQt6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from tests.ui.helpers import WAIT_MS, make_window, noise_file, press, running, watchers
from visualizer.audio.capture import CaptureConfig
from visualizer.engine.config import EngineConfig
from visualizer.ui.picture.display import DisplayConfig
from visualizer.ui.window import Window


@pytest.fixture(autouse=True)
def nothing_is_left(request: pytest.FixtureRequest) -> None:
    """Of the windows before, which slots and pytest let go only now.

    PyQt does not know when Qt frees objects of its own, such as the lists of combo boxes. What
    Python still holds of them it would take for what is made next at the same addresses.
    """
    if "qapp" in request.fixturenames:
        # Else what lists devices is killed in the midst of it.
        qtbot: QtBot = request.getfixturevalue("qtbot")
        qtbot.waitUntil(lambda: not watchers(), timeout=WAIT_MS)
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        gc.collect()


@pytest.fixture
def window(qtbot: QtBot) -> Iterator[Window]:
    """Plays the built-in demo."""
    window = make_window(EngineConfig(CaptureConfig("demo")))
    with running(window, qtbot):
        yield window


@pytest.fixture
def noisy(qtbot: QtBot, tmp_path: Path) -> Iterator[Window]:
    """Plays noise of which no column is like another; shows 1 s, and no latencies."""
    sound = CaptureConfig("file", path=str(noise_file(tmp_path)))
    window = make_window(EngineConfig(sound), display=DisplayConfig(span_s=1.0))
    with running(window, qtbot):
        press(window, "L")
        yield window
