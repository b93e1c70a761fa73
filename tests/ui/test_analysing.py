"""A model beside the stream, as a person has it in the window; each is a real process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PyQt6.QtGui import QGuiApplication
from PyQt6.QtWidgets import QFileDialog, QMessageBox, QToolButton
from pytestqt.qtbot import QtBot

from tests.ui.controls.test_menus import choose
from tests.ui.helpers import (
    WAIT_MS,
    freeze,
    hear_on,
    newest_index,
    pick,
    pick_front_end,
    press,
    tones_file,
)
from tests.ui.test_front_ends import drag_in, running_name, wait_for
from visualizer.ui.controls.settings import RecentModel, Settings
from visualizer.ui.window import Window

Write = Callable[..., Path]

LOUDNESS = """
import numpy as np
from visualizer import Model, Output

class Loudness(Model):
    {fed}
    {more}
    outputs = (Output("loudness", unit="dB", range=(-80, 0)),)

    def __call__(self, block):
        {act}
        return 10 * np.log10(np.mean(block**2) + 1e-8)
"""
SAMPLES = "sample_rate, window = 16_000, 1_600"
BROKEN = 'raise ValueError("no such luck")'


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a model that tells how loud it is, 10 times a second."""

    def write(fed: str = SAMPLES, act: str = "pass", more: str = "pass") -> Path:
        path = tmp_path / "loudness.py"
        path.write_text(LOUDNESS.format(fed=fed, act=act, more=more))
        return path

    return write


def answers_of(window: Window) -> int:
    """How many are on the screen, of the stream that is heard."""
    shown = window.viewer.stack.answers
    if shown is None:
        return 0
    return int(shown.history.between(shown.history.first, shown.history.end)[1].sum())


def wait_for_answers(window: Window, qtbot: QtBot, more: int = 3) -> None:
    before = answers_of(window)
    qtbot.waitUntil(lambda: answers_of(window) >= before + more, timeout=WAIT_MS)


def test_a_model_picked_answers_for_what_is_heard_until_it_is_ended(
    noisy: Window, qtbot: QtBot, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write()
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(path), ""))
    menu, actions = noisy.menus.menus["model"], noisy.menus.actions
    assert "silero-vad" in [action.text() for action in menu.actions()]
    assert not actions["model.stop"].isEnabled()
    press(noisy, "Ctrl+M")
    wait_for_answers(noisy, qtbot)
    shown, sound = noisy.viewer.stack.answers, noisy.viewer.tracks.sound
    assert shown is not None
    assert sound is not None
    # It is a file, which can wait: of what came since, nothing is missing.
    first, end = shown.history.first, shown.history.end
    values, are_there = shown.history.between(first, end)
    assert are_there.all()
    for k, value in zip(range(first, end), values[:, 0], strict=True):
        heard = sound.read(1600 * k, 1600 * (k + 1)).mean(axis=1)
        assert value == pytest.approx(10 * np.log10(np.mean(heard**2) + 1e-8), abs=1e-3)
    # The front-end is the one that was chosen, and how late answers are is told.
    assert running_name(noisy) == "simli"
    press(noisy, "L")
    qtbot.waitUntil(lambda: "model behind" in noisy.stack.latency.text(), timeout=WAIT_MS)
    # Frozen, it goes on: nothing is to be missing when the picture does.
    freeze(noisy, qtbot)
    wait_for_answers(noisy, qtbot)
    press(noisy, "Space")
    assert Settings().recent_models() == (RecentModel(str(path), "Loudness"),)
    choose(noisy, menu, "Stop analysing", qtbot)
    assert noisy.viewer.stack.answers is None
    assert noisy.analysing.status is None
    assert noisy.latency.model.answers == 0
    hear_on(noisy, qtbot, 0.2)
    recent = next(action.menu() for action in menu.actions() if action.text() == "Recent models")
    choose(noisy, recent, "Loudness", qtbot)
    wait_for_answers(noisy, qtbot)


def test_the_front_end_that_it_is_fed_is_shown_and_another_source_is_heard(
    noisy: Window, qtbot: QtBot, write: Write, tmp_path: Path
) -> None:
    drag_in(noisy, write('front_end, window = "whisper-80", 10'))
    wait_for(noisy, "whisper-80", qtbot)
    wait_for_answers(noisy, qtbot)
    # It is not remembered as a choice, and another one may be looked at meanwhile.
    assert Settings().engine_config() is None
    pick_front_end(noisy, "simli")
    wait_for(noisy, "simli", qtbot)
    qtbot.waitUntil(lambda: Settings().engine_config() is not None, timeout=WAIT_MS)
    wait_for_answers(noisy, qtbot)
    noisy.open_file(tones_file(tmp_path, 440.0, 880.0))
    qtbot.waitUntil(lambda: "tones.wav" in noisy.status_line.label.text(), timeout=WAIT_MS)
    wait_for_answers(noisy, qtbot)
    assert running_name(noisy) == "simli"
    assert "mean of the channels" not in noisy.status_line.label.text()
    pick(noisy.controls.channel, "each", qtbot)
    qtbot.waitUntil(
        lambda: "mean of the channels" in noisy.status_line.label.text(), timeout=WAIT_MS
    )
    wait_for_answers(noisy, qtbot)


def test_a_fault_is_told_and_mended_while_the_picture_goes_on(
    noisy: Window, qtbot: QtBot, write: Write
) -> None:
    banner = noisy.analysing.banner
    noisy.offer_details(lambda: "what runs")
    drag_in(noisy, write(act=BROKEN))
    qtbot.waitUntil(banner.isVisible, timeout=WAIT_MS)
    assert "no such luck" in banner.text()
    assert "has stopped" in noisy.analysing.words
    before = newest_index(noisy)
    qtbot.waitUntil(lambda: newest_index(noisy) > before + 10, timeout=WAIT_MS)
    buttons = {button.text(): button for button in banner.findChildren(QToolButton)}
    buttons["Copy details"].click()
    clipboard = QGuiApplication.clipboard()
    assert clipboard is not None
    assert BROKEN in clipboard.text()
    assert clipboard.text().endswith("what runs")
    # Started again as it is, it fails again; once mended, it runs.
    buttons["Start again"].click()
    assert not banner.isVisible()
    qtbot.waitUntil(banner.isVisible, timeout=WAIT_MS)
    write()
    press(noisy, "F9")
    wait_for_answers(noisy, qtbot)
    assert not banner.isVisible()
    # What it is fed may be another then, too.
    write('front_end, window = "whisper-80", 10')
    press(noisy, "F9")
    wait_for(noisy, "whisper-80", qtbot)
    wait_for_answers(noisy, qtbot)


def test_loaded_anew_after_the_end_only_the_new_one_answers(
    noisy: Window, qtbot: QtBot, write: Write, tmp_path: Path
) -> None:
    noisy.open_file(tones_file(tmp_path, 440.0, seconds=1.0))
    qtbot.waitUntil(lambda: "ended" in noisy.status_line.label.text(), timeout=WAIT_MS)
    drag_in(noisy, write())
    qtbot.waitUntil(lambda: answers_of(noisy) == 10, timeout=WAIT_MS)
    write(act="return -1.0")
    press(noisy, "F9")

    def are_new() -> bool:
        shown = noisy.viewer.stack.answers
        return shown is not None and (shown.history.between(0, 10)[0] == -1.0).all()

    qtbot.waitUntil(are_new, timeout=WAIT_MS)


def test_one_that_is_slow_is_told_and_keeps_back_a_sound_that_can_wait(
    noisy: Window, qtbot: QtBot, write: Write
) -> None:
    drag_in(noisy, write(act="import time; time.sleep(0.4)"))
    words = "Loudness ", "s behind, and the sound waits for it · "
    line = noisy.status_line.label
    qtbot.waitUntil(lambda: all(part in line.text() for part in words), timeout=WAIT_MS)
    wait_for_answers(noisy, qtbot)
    assert noisy.analysing.status.lost == 0
    shown = noisy.viewer.stack.answers
    assert shown is not None
    assert shown.history.between(shown.history.first, shown.history.end)[1].all()


def test_whether_it_may_unpickle_is_asked_once(noisy: Window, qtbot: QtBot, write: Write) -> None:
    path = write(more='unpickles = "weights.pt"')

    def asked() -> QMessageBox:
        qtbot.waitUntil(lambda: noisy.findChild(QMessageBox) is not None, timeout=WAIT_MS)
        box = noisy.findChild(QMessageBox)
        assert "weights.pt" in box.text()
        return box

    def answer(box: QMessageBox, words: str) -> None:
        next(button for button in box.buttons() if button.text() == words).click()
        qtbot.waitUntil(lambda: noisy.findChild(QMessageBox) is None, timeout=WAIT_MS)

    drag_in(noisy, path)
    answer(asked(), "Do not load it")
    assert noisy.analysing.status is None
    drag_in(noisy, path)
    answer(asked(), "Trust it")
    wait_for_answers(noisy, qtbot)
    noisy.analysing.stop()
    drag_in(noisy, path)
    wait_for_answers(noisy, qtbot)
    assert noisy.findChild(QMessageBox) is None
