"""The gain of the sound in the window: offered, in force, shown, kept, and recorded once."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PyQt6.QtWidgets import QInputDialog
from pytestqt.qtbot import QtBot

from tests.ui.helpers import WAIT_MS, hear, make_window, noise_file, running
from visualizer.audio.capture import CaptureConfig
from visualizer.audio.sanitize import integer_gain_db
from visualizer.engine.config import EngineConfig
from visualizer.engine.options import RecordingConfig
from visualizer.ui.controls.settings import Settings
from visualizer.ui.window import Window

GAIN_DB = round(integer_gain_db(16), 3)


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What the dialog offered; it is answered with that."""
    offered: list[float] = []

    def ask(_window: object, _title: str, _label: str, value: float, *_: object) -> object:
        offered.append(value)
        return round(value, 3), True

    monkeypatch.setattr(QInputDialog, "getDouble", ask)
    return offered


def integers_file(folder: Path) -> Path:
    """Noise as 16-bit integers that were stored as floats."""
    samples, rate = soundfile.read(noise_file(folder), dtype="float32")
    path = folder / "integers.wav"
    soundfile.write(path, np.rint(samples * 32768), rate, subtype="FLOAT")
    return path


def capture(window: Window) -> CaptureConfig:
    status = window.engine_status()
    assert status is not None
    return status.config.capture


def until(qtbot: QtBot, condition: Callable[[], bool]) -> None:
    qtbot.waitUntil(condition, timeout=WAIT_MS)


def test_the_gain_that_is_meant_is_offered_shown_kept_and_recorded_once(
    tmp_path: Path, qtbot: QtBot, answer: list[float]
) -> None:
    recordings = tmp_path / "recordings"
    recordings.mkdir()
    Settings().save_recording_config(RecordingConfig(str(recordings)))
    window = make_window(EngineConfig(CaptureConfig("file", path=str(integers_file(tmp_path)))))
    with running(window, qtbot):
        line = window.status_line
        until(qtbot, lambda: "16-bit integers stored as floats" in line.label.text())
        assert f"offers the {GAIN_DB} dB" in line.label.text()
        window.menus.actions["file.gain"].trigger()
        assert answer == [pytest.approx(GAIN_DB, abs=1e-3)]
        until(qtbot, lambda: capture(window).gain_db == GAIN_DB)
        until(qtbot, lambda: f"· gain −{-GAIN_DB:g} dB ·" in line.label.text())
        assert "stored as floats" not in line.label.text()
        hear(window, qtbot, 0.5)
        window.recordings.turn(True)
        hear(window, qtbot, 1.5)
        window.recordings.turn(False)
        until(qtbot, lambda: bool(list(recordings.glob("*.npz"))))
        # What is chosen once more is what is in force.
        window.menus.actions["file.gain"].trigger()
        assert answer[1:] == [GAIN_DB]
        (wav,) = recordings.glob("*.wav")
        window.open_file(wav)
        until(qtbot, lambda: capture(window).path == str(wav))
        assert capture(window).gain_db == 0.0
        assert "gain" not in line.label.text()
    samples, _ = soundfile.read(wav, dtype="float32")
    assert 0.1 < np.abs(samples).max() <= 1.0
    assert json.loads(wav.with_suffix(".json").read_text())["gain_db"] == GAIN_DB
    with np.load(wav.with_suffix(".npz"), allow_pickle=False) as archive:
        assert archive["gain_db"] == GAIN_DB


def test_a_gain_that_was_chosen_holds_in_the_next_window(tmp_path: Path, qtbot: QtBot) -> None:
    path = str(noise_file(tmp_path))
    window = make_window(EngineConfig(CaptureConfig("file", path=path)))
    with running(window, qtbot):
        window.controls.engine_picked.emit({"capture": CaptureConfig("file", path=path, gain_db=6)})
        until(qtbot, lambda: "gain +6 dB" in window.status_line.label.text())
    stored = Settings().engine_config()
    assert stored is not None
    assert stored.capture.gain_db == 6.0
