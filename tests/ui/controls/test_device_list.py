"""The list of microphones in a real window, while devices come and go and the server freezes."""

from __future__ import annotations

import html
from collections.abc import Iterator

import pytest
from PyQt6.QtCore import QProcess, Qt
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QComboBox
from pytestqt.qtbot import QtBot

from tests.conftest import SoundServer
from tests.ui.helpers import WAIT_MS, hear_on, make_window, pick, press, running, watchers
from visualizer.audio.capture import CaptureConfig
from visualizer.audio.devices import Device, DeviceList
from visualizer.engine.config import EngineConfig
from visualizer.ui.controls.device_watch import LIMIT_S, DeviceWatch
from visualizer.ui.window import Window

SPEAKERS = "  Speakers (what it plays)"


@pytest.fixture
def listening(sound_server: SoundServer, qtbot: QtBot) -> Iterator[Window]:
    """A window on the system's default microphone, with its list, rates included."""
    window = make_window(EngineConfig(CaptureConfig("mic")))
    rates: list[object] = []
    window.devices.found.connect(lambda found: rates.extend(d.sample_rates for d in found.devices))
    with running(window, qtbot):
        qtbot.waitUntil(lambda: any(rates), timeout=WAIT_MS)
        yield window


@pytest.fixture
def watch(sound_server: SoundServer, qtbot: QtBot) -> Iterator[DeviceWatch]:
    """A list that is kept, without a window, and of which nothing more is to come."""

    def has_rates(found: DeviceList) -> bool:
        return any(device.sample_rates for device in found.devices)

    watch = DeviceWatch()
    with qtbot.waitSignal(watch.found, timeout=WAIT_MS, check_params_cb=has_rates):
        watch.ask(None)
    yield watch
    watch.close()
    qtbot.waitUntil(lambda: not watchers(), timeout=WAIT_MS)


def texts(combo: QComboBox) -> list[str]:
    return [combo.itemText(row) for row in range(combo.count())]


def many(names: list[str]) -> DeviceList:
    devices = (Device(i, name, "ALSA", 2, 48_000, None, False) for i, name in enumerate(names))
    return DeviceList(tuple(devices), 0)


def test_devices_come_and_go_beside_a_stream_without_gaps(
    listening: Window, sound_server: SoundServer, qtbot: QtBot
) -> None:
    combo = listening.controls.device
    before, current = texts(combo), combo.currentText()
    assert current == "  default (system default)"
    with sound_server.sink("speakers", "Speakers"):
        qtbot.waitUntil(lambda: SPEAKERS in texts(combo), timeout=WAIT_MS)
        assert combo.currentText() == current
    qtbot.waitUntil(lambda: texts(combo) == before, timeout=WAIT_MS)
    assert combo.currentText() == current
    hear_on(listening, qtbot, 0.5)
    status = listening.engine_status()
    assert status is not None
    assert (status.gaps, status.dropped_blocks, status.input_overflows) == (0, 0, 0)
    assert status.fault is None


def test_what_the_speakers_play_is_picked_with_the_mouse(
    listening: Window, sound_server: SoundServer, qtbot: QtBot
) -> None:
    with sound_server.sink("speakers", "Speakers"):
        combo = listening.controls.device
        qtbot.waitUntil(lambda: SPEAKERS in texts(combo), timeout=WAIT_MS)
        pick(combo, SPEAKERS, qtbot)

        def is_open() -> bool:
            status = listening.engine_status()
            assert status is not None
            source = status.source
            return source is not None and source.name == SPEAKERS.strip()

        qtbot.waitUntil(is_open, timeout=WAIT_MS)
        qtbot.waitUntil(lambda: combo.currentText() == SPEAKERS, timeout=WAIT_MS)
        assert {"16000 Hz", "48000 Hz"} <= {
            text.removesuffix(" · native") for text in texts(listening.controls.rate)
        }


def test_an_open_list_stays_as_it_is_until_it_is_closed(
    listening: Window, sound_server: SoundServer, qtbot: QtBot
) -> None:
    combo = listening.controls.device
    before = texts(combo)
    QTest.mouseClick(combo, Qt.MouseButton.LeftButton)
    view = combo.view()
    assert view is not None
    qtbot.waitUntil(view.isVisible)
    with sound_server.sink("speakers", "Speakers"):
        with qtbot.waitSignal(listening.devices.found, timeout=WAIT_MS):
            pass
        assert view.isVisible()
        assert texts(combo) == before
        # A choice is the line that was clicked, though there is a newer list.
        row = before.index("  mic_b")
        with qtbot.waitSignal(listening.controls.engine_picked) as picked:
            view.setCurrentIndex(combo.model().index(row, 0))  # type: ignore[union-attr]
            QTest.keyClick(view, Qt.Key.Key_Return)
        assert picked.args is not None
        assert picked.args[0]["capture"].device == "mic_b"
        qtbot.waitUntil(lambda: SPEAKERS in texts(combo), timeout=WAIT_MS)
    qtbot.waitUntil(lambda: combo.currentText() == "  mic_b", timeout=WAIT_MS)


def test_a_frozen_server_holds_up_no_window(sound_server: SoundServer, qtbot: QtBot) -> None:
    window = make_window(EngineConfig(CaptureConfig("demo")))
    with running(window, qtbot):
        qtbot.waitUntil(lambda: "  mic_b" in texts(window.controls.device), timeout=WAIT_MS)
        with sound_server.frozen():
            press(window, "F5")
            hear_on(window, qtbot, 1.0)
            status = window.engine_status()
            assert status is not None
            assert (status.gaps, status.dropped_columns) == (0, 0)
            assert len(watchers()) == 1
            window.close()
            qtbot.waitUntil(lambda: not watchers(), timeout=WAIT_MS)


def test_a_list_that_does_not_come_is_said_and_made_again(
    watch: DeviceWatch, sound_server: SoundServer, qtbot: QtBot
) -> None:
    watch.limit_s = 1.5
    with sound_server.frozen():
        with qtbot.waitSignal(watch.failed, timeout=WAIT_MS) as failed:
            watch.ask(None)
        assert failed.args == [
            "the sound system did not answer within 1.5 s; it is asked again in 2 s"
        ]
        watch.limit_s = LIMIT_S
    with qtbot.waitSignal(watch.found, timeout=WAIT_MS) as found:
        pass
    assert found.args is not None
    assert "mic_a" in [d.name for d in found.args[0].devices]
    assert len(watchers()) == 1


def test_a_process_that_dies_is_replaced_without_a_word(watch: DeviceWatch, qtbot: QtBot) -> None:
    said: list[str] = []
    watch.failed.connect(said.append)
    [process] = watchers()
    with qtbot.waitSignal(watch.found, timeout=WAIT_MS):
        process.kill()
    assert watchers() != [process]
    assert said == []


def test_a_list_that_is_being_made_is_not_cut_off(sound_server: SoundServer, qtbot: QtBot) -> None:
    """That could lock JACK's database, and nobody's PortAudio would start any more."""
    watch = DeviceWatch()
    watch.ask(None)
    watch.close()
    process = watch.findChild(QProcess)
    assert process is not None
    process.waitForFinished(WAIT_MS)
    assert process.exitStatus() == QProcess.ExitStatus.NormalExit
    assert process.exitCode() == 0


def test_f5_asks_for_a_list_although_nothing_changed(listening: Window, qtbot: QtBot) -> None:
    with qtbot.waitSignal(listening.devices.found, timeout=WAIT_MS):
        press(listening, "F5")
    with qtbot.waitSignal(listening.devices.found, timeout=WAIT_MS):
        QTest.mouseClick(listening.controls.refresh, Qt.MouseButton.LeftButton)


def test_any_name_fits_and_is_shown_as_it_is(window: Window, qtbot: QtBot) -> None:
    long, markup = "long " * 60 + "end", "<b>loud</b> & clear"
    width = window.width()
    names = [long, markup, *(f"{i}" * 200 for i in range(100))]
    window.controls.show_devices(many(names))
    combo = window.controls.device
    assert max(map(len, texts(combo))) <= 60
    assert texts(combo)[2].startswith("  long long")
    assert texts(combo)[2].endswith("long end")
    tips = [combo.itemData(row, Qt.ItemDataRole.ToolTipRole) for row in (2, 3)]
    assert " ".join(tips[0].split()) == long
    assert max(map(len, tips[0].splitlines())) <= 80
    assert html.escape(markup, quote=False) in tips[1]
    assert texts(combo)[3] == f"  {markup}"
    QTest.mouseClick(combo, Qt.MouseButton.LeftButton)
    view = combo.view()
    assert view is not None
    qtbot.waitUntil(view.isVisible)
    popup = view.window()
    screen = window.screen()
    assert popup is not None
    assert screen is not None
    qtbot.waitUntil(lambda: screen.geometry().contains(popup.frameGeometry()))
    combo.hidePopup()
    window.show_fault(f"there is no input device {'x' * 300!r}")
    qtbot.waitUntil(window.banner.isVisible)
    assert window.minimumSizeHint().width() <= width
    assert window.width() == width


def test_what_is_left_out_is_said_in_the_list(window: Window) -> None:
    window.controls.show_devices(DeviceList(many(["Desk"]).devices, 1))
    combo = window.controls.device
    assert texts(combo)[-1] == "1 device with an unreadable name is left out"
    model = combo.model()
    assert model is not None
    last = model.index(combo.count() - 1, 0)
    assert not model.flags(last) & Qt.ItemFlag.ItemIsEnabled
