"""Front-ends of the user's own: opened, dragged in, offered again, and whose they are."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from PyQt6.QtCore import QMimeData, Qt, QUrl
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication, QFileDialog, QPushButton
from pytestqt.qtbot import QtBot

from tests.ui.controls.test_menus import choose, dropped
from tests.ui.helpers import (
    WAIT_MS,
    assert_shows_its_columns,
    freeze,
    hear,
    make_window,
    newest_index,
    pick,
    pick_front_end,
    press,
    running,
    tones_file,
    view_of,
)
from visualizer.audio.capture import CaptureConfig
from visualizer.engine.config import EngineConfig
from visualizer.errors import VisualizerError
from visualizer.mel.front_ends import find_front_end
from visualizer.mel.presets import preset_for
from visualizer.support.faults import Faults
from visualizer.ui.controls.details import make_details
from visualizer.ui.controls.settings import Settings
from visualizer.ui.window import Window

EXTRACTOR = {
    "chunk_length": 30,
    "dither": 0.0,
    "feature_extractor_type": "WhisperFeatureExtractor",
    "feature_size": 128,
    "hop_length": 160,
    "n_fft": 400,
    "padding_side": "right",
    "padding_value": 0.0,
    "return_attention_mask": False,
    "sampling_rate": 16000,
}
"""As transformers saves that of Whisper large-v3."""


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """The folder of a model."""
    folder = tmp_path / "my-whisper"
    folder.mkdir()
    (folder / "preprocessor_config.json").write_text(json.dumps(EXTRACTOR))
    return folder


@pytest.fixture
def chain(tmp_path: Path) -> Path:
    """A JSON file with a front-end that no preset is."""
    values = preset_for("kaldi").to_dict() | {"name": "mine"}
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(values))
    return path


def drag_in(window: Window, path: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    assert dropped(view_of(window), data)


def running_name(window: Window) -> str:
    status = window.engine_status()
    assert status is not None
    return "" if status.mel is None else status.mel.name


def wait_for(window: Window, name: str, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: running_name(window) == name, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: f" · {name}" in window.status_line.label.text(), timeout=WAIT_MS)
    qtbot.waitUntil(lambda: window.controls.preset.currentText() == name, timeout=WAIT_MS)


def wait_for_banner(window: Window, qtbot: QtBot) -> str:
    qtbot.waitUntil(window.banner.isVisible, timeout=WAIT_MS)
    return window.banner.text()


def recent(window: Window) -> list[str]:
    return [action.text() for action in window.front_ends.menu.actions()]


def test_a_models_folder_dragged_in_shows_what_was_heard_through_it(
    noisy: Window, qtbot: QtBot, model: Path, log_folder: Path
) -> None:
    hear(noisy, qtbot, 1.5)
    before = newest_index(noisy) * noisy.viewer.tracks.first[0].mel.hop_s
    drag_in(noisy, model)
    name = find_front_end(model).name
    wait_for(noisy, name, qtbot)
    track = noisy.viewer.tracks.first[0]
    assert track.mel == find_front_end(model).at(None)
    qtbot.waitUntil(lambda: track.columns.end > 0 and track.columns.first == 0, timeout=WAIT_MS)
    assert track.columns.end * track.mel.hop_s > before - 0.1
    freeze(noisy, qtbot)
    qtbot.waitUntil(lambda: assert_shows_its_columns(noisy))
    badge = noisy.status_line.front_end
    assert badge.isVisible()
    assert badge.text() == f"{name} · WhisperFeatureExtractor of transformers"
    assert str(model / "preprocessor_config.json") in badge.toolTip()
    assert recent(noisy) == [name]
    assert not noisy.banner.isVisible()
    with Faults(log_folder) as faults:
        details = make_details(noisy.engine_status(), faults)
    assert f"front-end: {find_front_end(model).whose}" in details


def test_a_preset_picked_then_is_nobodys(noisy: Window, qtbot: QtBot, model: Path) -> None:
    drag_in(noisy, model)
    name = find_front_end(model).name
    wait_for(noisy, name, qtbot)
    pick(noisy.controls.preset, "whisper-80", qtbot)
    wait_for(noisy, "whisper-80", qtbot)
    assert not noisy.status_line.front_end.isVisible()
    status = noisy.engine_status()
    assert status is not None
    assert (status.config.mel, status.config.whose) == (None, "")
    # The list offers it again.
    pick(noisy.controls.preset, name, qtbot)
    wait_for(noisy, name, qtbot)
    assert noisy.status_line.front_end.isVisible()


def test_a_json_file_dragged_in_is_a_front_end_and_a_sound_still_plays(
    noisy: Window, qtbot: QtBot, chain: Path, tmp_path: Path
) -> None:
    drag_in(noisy, chain)
    wait_for(noisy, "mine", qtbot)
    drag_in(noisy, tones_file(tmp_path, 440.0))
    qtbot.waitUntil(lambda: "tones.wav" in noisy.status_line.label.text(), timeout=WAIT_MS)
    assert running_name(noisy) == "mine"
    assert recent(noisy) == ["mine"]


def test_one_that_was_changed_is_picked_again_to_be_read_again(
    noisy: Window, qtbot: QtBot, chain: Path
) -> None:
    drag_in(noisy, chain)
    wait_for(noisy, "mine", qtbot)
    chain.write_text(json.dumps(preset_for("nemo").to_dict() | {"name": "mine"}))
    pick(noisy.controls.preset, "mine", qtbot)
    nemo = preset_for("nemo").stages
    qtbot.waitUntil(lambda: noisy.viewer.tracks.first[0].mel.stages == nemo, timeout=WAIT_MS)
    assert recent(noisy) == ["mine"]


def test_the_menu_and_the_list_open_a_file_or_a_folder(
    noisy: Window, qtbot: QtBot, chain: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The dialogs are the system's own; what they return is what is ours to test.
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(chain), ""))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(model))
    press(noisy, "Ctrl+Shift+O")
    wait_for(noisy, "mine", qtbot)
    press(noisy, "Ctrl+Alt+O")
    wait_for(noisy, find_front_end(model).name, qtbot)
    offered = noisy.controls.preset.list
    button = next(b for b in offered.findChildren(QPushButton) if b.text() == "Open front-end…")
    noisy.controls.preset.showPopup()
    assert (button.accessibleName(), bool(button.toolTip())) == ("Open front-end…", True)
    button.click()
    assert not offered.isVisible()
    wait_for(noisy, "mine", qtbot)
    # A dialog that is given up changes nothing.
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: ("", ""))
    press(noisy, "Ctrl+Shift+O")
    assert running_name(noisy) == "mine"


def test_another_start_offers_it_and_shows_whose_it_is(
    noisy: Window, qtbot: QtBot, chain: Path, model: Path
) -> None:
    name = find_front_end(model).name
    drag_in(noisy, model)
    wait_for(noisy, name, qtbot)
    drag_in(noisy, chain)
    wait_for(noisy, "mine", qtbot)
    qtbot.waitUntil(lambda: Settings().engine_config() == noisy._choice)
    noisy.close()
    kept = Settings().engine_config()
    assert kept is not None
    again = make_window(EngineConfig(CaptureConfig("demo"), mel=kept.mel, whose=kept.whose))
    with running(again, qtbot):
        assert again.controls.preset.currentText() == "mine"
        assert again.status_line.front_end.text().startswith("mine")
        assert recent(again) == ["mine", name]
        choose(again, again.front_ends.menu, name, qtbot)
        wait_for(again, name, qtbot)
        assert recent(again) == [name, "mine"]


def test_one_that_is_gone_is_said_and_offered_no_longer(
    noisy: Window, qtbot: QtBot, model: Path
) -> None:
    drag_in(noisy, model)
    name = find_front_end(model).name
    wait_for(noisy, name, qtbot)
    pick_front_end(noisy, "simli")
    wait_for(noisy, "simli", qtbot)
    shutil.rmtree(model)
    pick(noisy.controls.preset, name, qtbot)
    assert str(model) in wait_for_banner(noisy, qtbot)
    qtbot.waitUntil(lambda: recent(noisy) == [])
    assert Settings().recent_front_ends() == ()
    # What runs goes on, and the list says so.
    assert running_name(noisy) == noisy.controls.preset.currentText() == "simli"
    assert noisy.controls.preset.findText(name) == -1


@pytest.mark.parametrize(
    "content", ["{", json.dumps(EXTRACTOR | {"feature_extractor_type": "MyExtractor"})]
)
def test_one_that_cannot_be_read_is_one_line_and_what_runs_goes_on(
    noisy: Window, qtbot: QtBot, model: Path, content: str
) -> None:
    (model / "preprocessor_config.json").write_text(content)
    with pytest.raises(VisualizerError) as refused:
        find_front_end(model)
    drag_in(noisy, model)
    text = wait_for_banner(noisy, qtbot)
    assert text == refused.value.line
    assert len(text.splitlines()) == 1
    before = newest_index(noisy)
    qtbot.waitUntil(lambda: newest_index(noisy) > before + 10, timeout=WAIT_MS)
    assert (running_name(noisy), recent(noisy)) == ("simli", [])
    assert not noisy.status_line.front_end.isVisible()


def test_what_is_picked_while_a_file_is_read_stays(
    noisy: Window, qtbot: QtBot, model: Path
) -> None:
    noisy.front_ends.open(model)
    pick_front_end(noisy, "whisper-80")
    name = find_front_end(model).name
    # It was read, and is only offered.
    qtbot.waitUntil(lambda: recent(noisy) == [name], timeout=WAIT_MS)
    wait_for(noisy, "whisper-80", qtbot)
    QApplication.processEvents()
    assert running_name(noisy) == "whisper-80"


def test_letters_typed_in_the_list_are_no_keys_of_the_window(noisy: Window, qtbot: QtBot) -> None:
    overlay, display = noisy.stack.latency.visible, noisy.viewer.display
    QTest.keyClick(noisy.controls.preset, Qt.Key.Key_F4)
    offered = noisy.controls.preset.list
    qtbot.waitUntil(offered.isVisible)
    for text in ("simli", " ", "librosa"):
        QTest.keyClicks(QApplication.focusWidget(), text)
    assert offered.search.text() == "simli librosa"
    assert not noisy.frozen
    assert (noisy.stack.latency.visible, noisy.viewer.display) == (overlay, display)
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Return)
    wait_for(noisy, "simli-librosa", qtbot)
