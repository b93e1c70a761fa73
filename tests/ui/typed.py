"""A window in which a keyboard is used for real; prints as JSON which keys did what they should.

    python -m tests.ui.typed

A process of its own, on a screen with a keyboard layout of its own, under a window manager.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable

from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication

from tests.ui.helpers import make_window
from tests.ui.sizes import wait
from visualizer.audio.capture import CaptureConfig
from visualizer.engine.config import EngineConfig
from visualizer.ui.app import make_application
from visualizer.ui.window import Window

Look = Callable[[Window], object]

STEPS: tuple[tuple[str, str, Look], ...] = (
    # By the places of the keys: their X codes.
    ("L", "46", lambda window: window.stack.latency.visible),
    ("W", "25", lambda window: window.stack.waveform.isVisible()),
    ("[", "34", lambda window: window.stack.pictures[0].limits),
    ("{", "shift+34", lambda window: window.stack.pictures[0].limits),
    ("Space", "65", lambda window: window.frozen),
    ("Ctrl+Shift+C", "ctrl+shift+54", lambda window: clipboard()),
    ("Alt+F", "alt+41", lambda window: window.menus.menus["file"].isVisible()),
)


def clipboard() -> str:
    found = QApplication.clipboard()
    assert found is not None
    return found.text()


def main() -> None:
    application = make_application(["test"])
    window = make_window(EngineConfig(CaptureConfig("demo")))
    window.show()
    wait(lambda: window.stack.paints > 20 and window.isActiveWindow())
    did = {}
    for name, keys, look in STEPS:
        before = look(window)
        subprocess.run(["xdotool", "key", keys], check=True)
        QTest.qWait(500)
        did[name] = look(window) != before
    print(json.dumps(did))
    window.close()
    application.quit()


if __name__ == "__main__":
    main()
