"""Names that look like markup, mnemonics or placeholders are shown as they are, everywhere."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QTextDocumentFragment
from PyQt6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot

from tests.ui.helpers import WAIT_MS, press, tones_file
from visualizer.audio.devices import Device, DeviceList
from visualizer.mel.flat import written
from visualizer.mel.presets import preset_for
from visualizer.ui.window import Window

NAME = "[*] [b]a&b &amp; &lt;i> <b>c <i>d"


def shown_by_qt(text: str) -> str:
    """What a person reads of a tool tip, which Qt takes for HTML where it looks like it."""
    if not Qt.mightBeRichText(text):  # type: ignore[attr-defined]
        return text
    return QTextDocumentFragment.fromHtml(text).toPlainText()


def assert_as_they_are(window: Window) -> int:
    """Return how many texts with the name were looked at."""
    looked_at = 0
    for label in window.findChildren(QLabel):
        if "[b]" in label.text():
            assert label.textFormat() == Qt.TextFormat.PlainText, label.text()
            assert NAME in label.text()
            looked_at += 1
    for widget in window.findChildren(QWidget):
        if "[b]" in widget.toolTip():
            assert NAME in shown_by_qt(widget.toolTip())
            looked_at += 1
    for action in window.recent.menu.actions() + window.front_ends.menu.actions():
        # Of two ampersands a menu shows one.
        assert NAME in action.text().replace("&&", "\0").replace("&", "").replace("\0", "&")
        assert NAME in shown_by_qt(action.toolTip())
        looked_at += 1
    return looked_at


def test_names_are_shown_as_they_are(noisy: Window, qtbot: QtBot, tmp_path: Path) -> None:
    sound = tones_file(tmp_path, 440.0).rename(tmp_path / f"{NAME}.wav")
    noisy.open_file(sound)
    qtbot.waitUntil(lambda: NAME in noisy.status_line.label.text(), timeout=WAIT_MS)
    file = tmp_path / f"{NAME}.json"
    file.write_text(json.dumps(written(replace(preset_for("simli", 16_000), name=NAME))))
    noisy._store._save("recent", [str(sound)])
    noisy.recent._show()
    noisy.front_ends.open(file)
    qtbot.waitUntil(lambda: noisy.status_line.front_end.isVisible(), timeout=WAIT_MS)
    press(noisy, "S")
    press(noisy, "U")
    qtbot.waitUntil(lambda: NAME in noisy.stack.pictures[0]._colour_bar.axis.label.toPlainText())
    spectrum = noisy.panels.spectrum
    qtbot.waitUntil(
        lambda: NAME in spectrum.plot.left.label.toPlainText(),
        timeout=WAIT_MS,
    )
    noisy.controls.show_devices(DeviceList((Device(0, NAME, "ALSA", 2, 48_000),), 0))
    assert NAME in noisy.controls.source.currentText()
    assert noisy.controls.preset.currentText() == NAME
    assert any(NAME in noisy.controls.device.itemText(n) for n in range(5))
    noisy.show_fault(f"{NAME} cannot be opened")
    assert assert_as_they_are(noisy) >= 6
