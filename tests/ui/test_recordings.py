"""Recording from the window, as a person does it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PyQt6.QtCore import Qt, QTimer
from PyQt6.QtGui import QImage
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from tests.engine.test_engine import HandSource
from tests.ui.helpers import (
    WAIT_MS,
    freeze,
    have_answered,
    hear_on,
    make_window,
    noise_file,
    press,
    running,
)
from visualizer.audio.capture import CaptureConfig
from visualizer.audio.ring import SourceEnd
from visualizer.engine.config import EngineConfig
from visualizer.engine.engine import Engine
from visualizer.engine.options import RecordingConfig
from visualizer.mel.flat import MelConfig
from visualizer.mel.stream import MelStream
from visualizer.ui.controls.settings import Settings
from visualizer.ui.window import Window


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "recordings"
    folder.mkdir()
    return folder


@pytest.fixture
def settled(folder: Path, noisy: Window) -> Window:
    """A window that knows where recordings go."""
    Settings().save_recording_config(RecordingConfig(str(folder)))
    return noisy


def wait_saved(window: Window, qtbot: QtBot) -> str:
    qtbot.waitUntil(lambda: "saved: " in window.banner.text(), timeout=WAIT_MS)
    assert window.banner.is_news
    return window.banner.text()


def test_a_button_records_and_says_so_all_the_while(
    settled: Window, folder: Path, qtbot: QtBot
) -> None:
    record, label = settled.controls.record, settled.recordings.label
    assert not label.isVisible()
    QTest.mouseClick(record, Qt.MouseButton.LeftButton)
    assert record.isChecked()
    qtbot.waitUntil(lambda: label.isVisible() and "REC 0:01" in label.text(), timeout=WAIT_MS)
    sound = settled.viewer.tracks.sound
    assert sound is not None
    answered_s = have_answered(settled, sound.end / sound.sample_rate - 0.1)
    QTest.mouseClick(record, Qt.MouseButton.LeftButton)
    text = wait_saved(settled, qtbot)
    assert not label.isVisible()
    assert not record.isChecked()
    assert {path.suffix for path in folder.iterdir()} == {".wav", ".npz", ".png", ".json"}
    (wav,) = folder.glob("*.wav")
    assert str(wav) in text
    picture = QImage(str(wav.with_suffix(".png")))
    assert picture.width() == settled.viewer.width()
    assert picture.height() >= settled.viewer.height()
    samples, rate = soundfile.read(wav, dtype="float32", always_2d=True)
    with np.load(wav.with_suffix(".npz"), allow_pickle=False) as archive:
        found = dict(archive)
    config = MelConfig.from_dict(json.loads(str(found["config"])))
    columns = MelStream(config, rate, 1).push(samples)[0]
    assert found["model"].tolist() == [[0.5]]
    start = json.loads(wav.with_suffix(".json").read_text())["start_sample"]
    assert found["model_times_s"].tolist() == [pytest.approx(answered_s - start / rate)]
    inside = found["column"] < columns.shape[1]
    assert inside.sum() >= 75
    np.testing.assert_allclose(
        found["mel"][:, inside], columns[:, found["column"][inside]], rtol=1e-6, atol=1e-6
    )


def test_the_key_records_until_the_sound_ends(folder: Path, tmp_path: Path, qtbot: QtBot) -> None:
    Settings().save_recording_config(RecordingConfig(str(folder), "int16"))
    sound = CaptureConfig("file", path=str(noise_file(tmp_path, 3.0)))
    window = make_window(EngineConfig(sound))
    with running(window, qtbot):
        press(window, "Ctrl+R")
        assert window.controls.record.isChecked()
        wait_saved(window, qtbot)
        assert not window.controls.record.isChecked()
    (wav,) = folder.glob("*.wav")
    assert soundfile.info(wav).subtype == "PCM_16"


def test_the_last_seconds_are_saved(settled: Window, folder: Path, qtbot: QtBot) -> None:
    hear_on(settled, qtbot, 1.0)
    press(settled, "Ctrl+Shift+S")
    wait_saved(settled, qtbot)
    (wav,) = folder.glob("*.wav")
    status = settled.engine_status()
    assert status is not None
    assert status.sound is not None
    samples, rate = soundfile.read(wav, dtype="float32", always_2d=True)
    assert len(samples) > rate
    # Less than 30 s were heard, so it is all there was.
    np.testing.assert_array_equal(samples, status.sound.read(0, len(samples)))


def test_where_to_is_asked_once(
    noisy: Window, folder: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: Iterator[str] = iter(["", str(folder)])
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: next(answers))
    press(noisy, "Ctrl+R")
    # Nobody said where to, so nothing is recorded.
    assert not noisy.controls.record.isChecked()
    assert not noisy.recordings.is_on
    for _ in range(2):
        press(noisy, "Ctrl+R")
        qtbot.waitUntil(noisy.recordings.label.isVisible, timeout=WAIT_MS)
        noisy.banner.hide()
        noisy.banner.show_text("")
        press(noisy, "Ctrl+R")
        wait_saved(noisy, qtbot)
    assert len(list(folder.glob("*.wav"))) == 2


def test_a_window_that_is_closed_ends_its_recording_well(
    folder: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    Settings().save_recording_config(RecordingConfig(str(folder)))
    sound = CaptureConfig("file", path=str(noise_file(tmp_path)))
    window = make_window(EngineConfig(sound))
    with running(window, qtbot):
        press(window, "Ctrl+R")
        qtbot.waitUntil(lambda: "REC 0:01" in window.recordings.label.text(), timeout=WAIT_MS)
    (about,) = folder.glob("*.json")
    assert json.loads(about.read_text())["finished"] is True
    assert len(list(folder.iterdir())) == 4


def test_a_folder_that_goes_away_is_said(settled: Window, folder: Path, qtbot: QtBot) -> None:
    press(settled, "Ctrl+R")
    qtbot.waitUntil(settled.recordings.label.isVisible, timeout=WAIT_MS)
    # At once, since files are being written there.
    folder.rename(folder.with_name("elsewhere"))
    qtbot.waitUntil(lambda: "the recording ended: " in settled.banner.text(), timeout=WAIT_MS)
    assert not settled.banner.is_news
    assert not settled.recordings.label.isVisible()
    assert not settled.controls.record.isChecked()


def test_what_was_saved_does_not_hide_what_went_wrong(
    folder: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    Settings().save_recording_config(RecordingConfig(str(folder)))
    played = noise_file(tmp_path)
    samples, rate = soundfile.read(played, dtype="float32")
    # So many bytes a second that little more is read ahead than what plays.
    soundfile.write(played, np.repeat(samples[: 8 * rate, None], 8, axis=1), rate, "FLOAT")
    window = make_window(EngineConfig(CaptureConfig("file", path=str(played))))
    with running(window, qtbot):
        press(window, "Ctrl+R")
        qtbot.waitUntil(lambda: "REC 0:01" in window.recordings.label.text(), timeout=WAIT_MS)
        os.truncate(played, 4 * rate * 8 * 4)
        qtbot.waitUntil(lambda: "saved: " in window.banner.text(), timeout=WAIT_MS)
        assert window.banner.text().startswith("'noise.wav' ends after 4.00 s")
        assert not window.banner.is_news


def test_a_device_of_another_rate_begins_files_of_its_own_and_says_what_it_ends(
    folder: Path, qtbot: QtBot
) -> None:
    Settings().save_recording_config(RecordingConfig(str(folder)))
    opened: list[HandSource] = []

    def open_source(capture: CaptureConfig) -> HandSource:
        source = HandSource(capture)
        chosen, rate = (("two", "Two"), 48_000) if opened else (("one", "One"), 16_000)
        source.info = replace(source.info, chosen=chosen, sample_rate=rate)
        opened.append(source)
        return source

    def speak() -> None:
        ring = opened[-1].ring if opened else None
        if ring is not None:
            n_samples = opened[-1].info.sample_rate // 20
            ring.write(np.full((n_samples, 2), 0.1, np.float32), time.perf_counter(), 0)

    microphone = EngineConfig(CaptureConfig("mic"))
    window = Window(lambda wake: Engine(microphone, (), wake, open_source=open_source), Settings())
    speaking = QTimer()
    speaking.timeout.connect(speak)
    speaking.start(50)
    with running(window, qtbot):
        press(window, "Ctrl+R")
        qtbot.waitUntil(lambda: any(folder.glob("*.wav")), timeout=WAIT_MS)
        freeze(window, qtbot)
        ring = opened[0].ring
        assert ring is not None
        ring.finish("moved", SourceEnd.MOVED)
        qtbot.waitUntil(lambda: len(list(folder.glob("*.wav"))) == 2, timeout=WAIT_MS)
        assert window.banner.text() == (
            "'hand' now records 'Two' instead of 'One', at 48000 Hz with 2 channels · the picture "
            "began anew, and the frozen one is gone · the recording goes on in a second file"
        )
        press(window, "Ctrl+R")
        wait_saved(window, qtbot)
        assert len(list(folder.glob("*.png"))) == 2
