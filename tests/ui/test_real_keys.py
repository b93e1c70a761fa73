"""Keys as they come from a keyboard: for buttons and menus, and where no letter is Latin."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QAbstractButton, QApplication, QLabel, QMenu
from pytestqt.qtbot import QtBot

from tests.conftest import ROOT, require_real_parts
from tests.screen import screen, window_manager
from tests.ui.helpers import freeze
from visualizer.ui.window import Window


@pytest.mark.parametrize("layout", ["us", "ru", "gr", "us,ru"])
def test_keys_work_on_any_layout(tmp_path: Path, layout: str) -> None:
    require_real_parts()
    with screen() as display, window_manager(display, tmp_path):
        environment = {**os.environ, "DISPLAY": display}
        subprocess.run(["setxkbmap", "-layout", layout], env=environment, check=True)
        if "," in layout:
            subprocess.run(["xdotool", "key", "ISO_Next_Group"], env=environment, check=True)
        done = subprocess.run(
            [sys.executable, "-m", "tests.ui.typed"],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=90,
        )
    assert done.returncode == 0, done.stderr
    did = json.loads(done.stdout.splitlines()[-1])
    assert all(did.values()), did


def key(window: Window, code: Qt.Key) -> None:
    """As the system sends it: to the window, and not to one of its widgets."""
    QTest.keyClick(window.windowHandle(), code)


@pytest.mark.parametrize("code", [Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter])
def test_the_button_with_the_focus_is_pressed(noisy: Window, qtbot: QtBot, code: Qt.Key) -> None:
    overlay = noisy.controls.overlay
    overlay.setFocus()
    before = overlay.isChecked()
    key(noisy, code)
    assert overlay.isChecked() != before
    assert not noisy.frozen
    # So is one in a banner, which has no text.
    noisy.show_fault("to be closed")
    buttons = noisy.banner.findChildren(QAbstractButton)
    next(button for button in buttons if button.accessibleName() == "Close message").setFocus()
    key(noisy, code)
    assert noisy.banner.isHidden()
    assert not noisy.frozen


def test_a_click_on_a_button_leaves_the_space_bar_to_the_picture(
    noisy: Window, qtbot: QtBot
) -> None:
    assert not isinstance(QApplication.focusWidget(), QAbstractButton)
    overlay = noisy.controls.overlay
    QTest.mouseClick(overlay, Qt.MouseButton.LeftButton)
    before = overlay.isChecked()
    key(noisy, Qt.Key.Key_Space)
    assert noisy.frozen
    assert overlay.isChecked() == before


def mnemonics(texts: list[str]) -> list[str]:
    return [found[1].upper() for text in texts if (found := re.search(r"&([^&])", text))]


def test_no_two_things_have_one_mnemonic(noisy: Window, qtbot: QtBot) -> None:
    freeze(noisy, qtbot)
    noisy.show_fault("for its button")
    bar = noisy.menuBar()
    assert bar is not None
    window = [action.text() for action in bar.actions()]
    # What lies behind More, too.
    window += [label.text() for label in noisy.findChildren(QLabel) if label.buddy() is not None]
    sheet = noisy._key_sheet.findChildren(QAbstractButton)
    buttons = [one for one in noisy.findChildren(QAbstractButton) if one not in sheet]
    window += [button.text() for button in buttons]
    groups = [window, *([a.text() for a in menu.actions()] for menu in noisy.findChildren(QMenu))]
    groups.append([button.text() for button in sheet])
    assert "F" in mnemonics(window)
    for texts in groups:
        letters = mnemonics(texts)
        assert len(letters) == len(set(letters)), texts
