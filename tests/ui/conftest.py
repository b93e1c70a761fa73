"""Real windows on a real screen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from tests.ui.helpers import make_window, noise_file, press, running
from visualizer.config import CaptureConfig, DisplayConfig, EngineConfig
from visualizer.ui.window import Window


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
