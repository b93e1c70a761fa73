"""At each scale, on X11 and on Wayland, the picture on the screen is right to the pixel."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.conftest import ROOT, require_real_parts
from tests.screen import screen
from tests.weston import weston

# One worker starts the desktops.
pytestmark = pytest.mark.xdist_group("scales")


@pytest.fixture(scope="module")
def desktops() -> Iterator[dict[str, dict[str, str]]]:
    """The variables that lead a program to each."""
    require_real_parts()
    with ExitStack() as stack:
        display = stack.enter_context(screen())
        wayland = stack.enter_context(weston("1120x720"))
        yield {"x11": {"DISPLAY": display, "QT_QPA_PLATFORM": "xcb"}, "wayland": wayland}


@pytest.mark.parametrize(
    ("scale", "names"),
    [
        ("1", ("wayland",)),
        ("1.25", ("x11", "wayland")),
        ("1.5", ("x11", "wayland")),
        ("1.75", ("x11", "wayland")),
    ],
)
def test_each_pixel_of_the_screen_is_right(
    desktops: dict[str, dict[str, str]], scale: str, names: tuple[str, ...]
) -> None:
    """Two lanes that have moved for more than a span, the second at any place between pixels."""
    windows = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.ui.picture.scaled"],
            cwd=ROOT,
            env={**os.environ, **desktops[name], "QT_SCALE_FACTOR": scale},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in names
    ]
    for window in windows:
        out, fault = window.communicate(timeout=90)
        assert window.returncode == 0, fault
        found = json.loads(out.splitlines()[-1])
        assert found["scale"] == float(scale)
        assert not any(found["holes"])
        assert found["wrong"] == [0, 0]
