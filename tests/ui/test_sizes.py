"""On any screen, under a window manager, the window fits and all of it can be read and reached."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT, require_real_parts
from tests.screen import screen, window_manager

SCREENS = (
    ("800x480", "1"),
    ("1024x768", "1"),
    ("1280x800", "1.25"),
    ("1920x1080", "1.5"),
    ("1920x1080", "2"),
)


def seen(tmp_path: Path, size: str, scale: str, *stored: int) -> dict[str, Any]:
    """Start a window on a screen of its own, and return what it tells of itself."""
    require_real_parts()
    with screen(size) as display, window_manager(display, tmp_path):
        done = subprocess.run(
            [sys.executable, "-m", "tests.ui.sizes", *map(str, stored)],
            cwd=ROOT,
            env={**os.environ, "DISPLAY": display, "QT_SCALE_FACTOR": scale},
            capture_output=True,
            text=True,
            timeout=90,
        )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert found["scale"] == float(scale)
    return found


def assert_all_is_there(found: dict[str, Any]) -> None:
    assert found["the window is on the screen"], found
    assert found["the newest column is"]
    assert found["Record is"]
    assert found.get("Record stays", True)
    assert not found["cut"]
    assert not found["outside"]
    assert not found["missed"]
    # The overlay leaves most of the picture to be seen, and the controls most of the window.
    width, height = found["plate's shares"]
    assert width * height < 0.2
    assert height < 0.5
    assert found["picture's share"] > 0.5


@pytest.mark.parametrize(("size", "scale"), SCREENS)
def test_the_first_window_fits_the_screen(tmp_path: Path, size: str, scale: str) -> None:
    found = seen(tmp_path, size, scale)
    assert_all_is_there(found)
    if size == "800x480":
        # As large as there is room for, less the frame.
        assert found["window"][2:] == [800, 480]


def test_so_does_one_that_was_on_a_larger_monitor(tmp_path: Path) -> None:
    assert_all_is_there(seen(tmp_path, "1024x768", "1", 3000, 200, 1900, 1400))
