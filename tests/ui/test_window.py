"""The window's sources, settings and foot, and that a stall of it loses nothing."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication, QFileDialog
from pytestqt.qtbot import QtBot

from tests.ui.helpers import (
    WAIT_MS,
    freeze,
    hear,
    hear_on,
    heard_columns,
    make_window,
    newest_index,
    pick,
    pick_front_end,
    picture_pixels,
    press,
    running,
    tones_file,
)
from visualizer.audio.capture import CaptureConfig
from visualizer.audio.devices import Device, DeviceList
from visualizer.engine.config import EngineConfig
from visualizer.ui.controls.settings import Settings
from visualizer.ui.picture.display import DisplayConfig
from visualizer.ui.window import Window


def test_the_overlay_tells_every_stage(window: Window, qtbot: QtBot) -> None:
    overlay = window.stack.latency
    qtbot.waitUntil(lambda: "total" in overlay.text() and "–" not in overlay.text())
    lines = {line.split()[0]: line for line in overlay.text().splitlines()}
    assert "not reported" in lines["device"]
    assert "numpy on cpu" in lines["hop"]
    for stage in ("wait", "kernel", "draw", "total"):
        numbers = [float(word) for word in lines[stage].split()[1:]]
        assert len(numbers) == 4
        assert all(number > 0 for number in numbers)
    assert overlay.text().splitlines()[-1] == "overflows 0 · drops 0 · gaps 0"


def test_another_front_end_is_picked_with_the_mouse(window: Window, qtbot: QtBot) -> None:
    pick(window.controls.preset, "librosa", qtbot)
    qtbot.waitUntil(lambda: "128 mels" in window.status_line.label.text(), timeout=WAIT_MS)
    status = window.engine_status()
    assert status is not None
    assert status.config.preset == "librosa"
    assert status.fault is None
    before = newest_index(window)
    qtbot.waitUntil(lambda: newest_index(window) > before + 10, timeout=WAIT_MS)
    stored = Settings().engine_config()
    assert stored is not None
    assert stored.preset == status.config.preset


def test_of_two_quick_choices_neither_is_lost(window: Window, qtbot: QtBot) -> None:
    pick_front_end(window, "whisper-80")
    window.controls.engine_picked.emit({"compute": "cpu"})

    def both_hold() -> bool:
        status = window.engine_status()
        assert status is not None
        return (status.config.preset, status.config.compute) == ("whisper-80", "cpu")

    qtbot.waitUntil(both_hold, timeout=WAIT_MS)


def test_the_axis_has_hertz_where_the_bands_are(window: Window) -> None:
    status = window.engine_status()
    assert status is not None
    assert status.mel is not None
    axis = window.stack.pictures[0].left
    [(_, positions)] = axis.tickValues(0, status.mel.n_rows, 600)
    labels = axis.tickStrings(positions, 1, 1)
    assert {"100", "1000", "5000"} <= set(labels)
    hertz = np.array([float(label) for label in labels])
    np.testing.assert_allclose(positions, status.mel.rows.position(hertz))
    assert np.diff(positions).min() > 1.5


def test_the_tones_of_a_file_lie_at_their_hertz(tmp_path: Path, qtbot: QtBot) -> None:
    """A file of 440 Hz left and 3 kHz right: the picture's brightest rows are those bands."""
    path = tones_file(tmp_path, 440.0, 3000.0)
    window = make_window(EngineConfig(CaptureConfig("file", path=str(path), loop=True)))
    with running(window, qtbot):
        press(window, "L")
        for channel, hertz in (("1", 440.0), ("2", 3000.0)):
            pick(window.controls.channel, channel, qtbot)
            qtbot.waitUntil(
                lambda n=channel: window.engine_status().config.channel == (int(n) - 1,)
            )
            status = window.engine_status()
            assert status is not None
            assert status.mel is not None
            enough = status.columns + 60
            qtbot.waitUntil(lambda n=enough: window.engine_status().columns > n, timeout=WAIT_MS)
            pixels = picture_pixels(window)
            brightness = pixels[:, -40:-10].astype(int).sum(axis=(1, 2))
            row = float(np.flatnonzero(brightness[2:-2] == brightness[2:-2].max()).mean()) + 2
            expected = 1 - float(status.mel.rows.position(hertz)) / status.mel.n_rows
            assert row / len(pixels) == pytest.approx(expected, abs=1.0 / status.mel.n_rows)


def test_a_microphone_that_is_not_there_leaves_the_demo_and_a_banner(qtbot: QtBot) -> None:
    absent = CaptureConfig("mic", device="no such device", host_api="none")
    window = make_window(EngineConfig(absent), (CaptureConfig("demo"),))
    with running(window, qtbot):
        assert window.banner.isVisible()
        assert "instead: Built-in demo" in window.banner.text()
        assert window.controls.source.currentText() == "Demo"
        close = window.banner.findChild(type(window.controls.refresh))
        QTest.mouseClick(close, Qt.MouseButton.LeftButton)
        assert not window.banner.isVisible()


def test_a_file_that_is_not_a_sound_is_said_and_the_old_source_stays(
    window: Window, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear reader" * 100)
    # The file dialog is the system's own; what it returns is what is ours to test.
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(path), ""))
    pick(window.controls.source, "Audio file…", qtbot)
    qtbot.waitUntil(window.banner.isVisible, timeout=WAIT_MS)
    assert "letter.txt' is not an audio file" in window.banner.text()
    assert window.controls.source.currentText() == "Demo"


def test_devices_are_grouped_by_host_api_and_their_native_rate_is_marked(
    window: Window, qtbot: QtBot
) -> None:
    devices = (
        Device(0, "Desk", "ALSA", 2, 48_000, (16_000, 48_000), True),
        Device(1, "Desk", "JACK", 2, 44_100, (44_100,), False),
    )
    window.controls.show_devices(DeviceList(devices, 0))
    combo = window.controls.device
    texts = [combo.itemText(row) for row in range(combo.count())]
    assert texts == ["not in use", "ALSA", "  Desk (system default)", "JACK", "  Desk"]
    model = combo.model()
    assert model is not None
    can_choose = [
        bool(model.flags(model.index(row, 0)) & Qt.ItemFlag.ItemIsEnabled) for row in range(5)
    ]
    assert can_choose == [True, False, True, False, True]


def test_what_does_not_fit_in_the_foot_ends_in_dots(window: Window, qtbot: QtBot) -> None:
    label, badge = window.status_line.label, window.status_line.badge
    text = "a front-end with a long description " * 20
    label.setText(text)
    assert label.toolTip() == text
    window.resize(window.minimumSize())
    qtbot.waitUntil(lambda: window.width() == window.minimumWidth())
    assert label.geometry().right() < badge.geometry().left() or badge.isHidden()
    assert label.width() < label.fontMetrics().horizontalAdvance(text)


def test_cancelling_the_file_dialog_changes_nothing(
    window: Window, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: ("", ""))
    pick(window.controls.source, "Audio file…", qtbot)
    qtbot.waitUntil(lambda: window.controls.source.currentText() == "Demo")


def test_span_and_colours_are_picked_and_kept(window: Window, qtbot: QtBot) -> None:
    hear(window, qtbot, 1.5)
    freeze(window, qtbot)
    pick(window.controls.colours, "gray, reversed", qtbot)

    def is_gray() -> bool:
        pixels = picture_pixels(window)[50:-50, -120:-20].astype(int)
        return bool((np.ptp(pixels, axis=2) <= 1).all() and np.ptp(pixels) > 100)

    qtbot.waitUntil(is_gray, timeout=WAIT_MS)
    pick(window.controls.span, "30 s", qtbot)
    qtbot.waitUntil(lambda: np.ptp(window.stack.shown) == 30.0)
    assert window.stack.shown[1] == window.stack.reference_s
    assert Settings().display_config() == DisplayConfig(30.0, "gray_r")


def test_choices_are_kept_by_value(window: Window, qtbot: QtBot) -> None:
    pick(window.controls.preset, "simli-librosa", qtbot)
    # The demo was not picked in the window, so it is not kept.
    kept = EngineConfig(CaptureConfig("mic"), preset="simli-librosa")
    qtbot.waitUntil(lambda: Settings().engine_config() == kept, timeout=WAIT_MS)
    window.close()
    assert Settings().engine_config() == kept


def test_the_level_meter_shows_the_peak_and_clipping(window: Window, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: window.status_line.meter.level_db > -30, timeout=WAIT_MS)
    assert not window.status_line.meter.clipping
    window.status_line.meter.set_peak(1.0)
    assert window.status_line.meter.clipping
    assert window.status_line.meter.level_db == 0.0


def test_a_stall_of_the_window_loses_nothing(noisy: Window, qtbot: QtBot) -> None:
    hear(noisy, qtbot, 1.2)
    track, before = noisy.viewer.tracks.first[0], newest_index(noisy)
    # What is tested: another part of the program, or of the system, that takes this long.
    time.sleep(0.5)
    paints = noisy.stack.paints
    QApplication.processEvents()
    assert noisy.stack.paints > paints
    assert newest_index(noisy) > before + 30
    newest_s = track.mel.cell_start_s + newest_index(noisy) * track.mel.hop_s
    screen = noisy.screen()
    assert screen is not None
    behind_s = noisy.stack.shown[1] - newest_s
    assert abs(behind_s) <= 1 / screen.refreshRate() + track.mel.hop_s
    hear_on(noisy, qtbot, 0.3)
    status = noisy.engine_status()
    assert status is not None
    assert (status.gaps, status.dropped_blocks, status.dropped_columns) == (0, 0, 0)
    columns = track.columns.between(0, newest_index(noisy))
    assert not np.isnan(columns).any()
    heard = heard_columns(noisy, track.mel)[: len(columns)]
    np.testing.assert_allclose(columns[: len(heard)], heard, rtol=1e-3, atol=1e-5)
