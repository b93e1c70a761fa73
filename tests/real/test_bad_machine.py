"""The program where files, folders and outputs cannot be used, and how it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PyQt6.QtGui import QImage

from tests.conftest import DEADLINE_S, ROOT, Finished
from tests.real.test_program import xdotool

DEMO = ("--source", "demo", "--duration", 1)


def test_where_nothing_can_be_kept_it_runs_and_says_so_once(
    display: str, program: Callable[..., Finished], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    nowhere = str(tmp_path / "file" / "folder")
    env = {"XDG_CONFIG_HOME": nowhere, "XDG_STATE_HOME": nowhere, "XDG_CACHE_HOME": nowhere}
    done = program(*DEMO, "--report", "a.json", env=env)
    assert done.code == 0
    log, settings = done.err.splitlines()
    assert "the log cannot be written to" in log
    assert "the settings cannot be read or saved" in settings
    report = json.loads((tmp_path / "a.json").read_text())
    assert report["columns"] > 40
    assert "compiled kernels cannot be kept" in report["kernel"]["note"]


def test_with_closed_outputs_the_window_runs(display: str, tmp_path: Path) -> None:
    """A file or a socket in the place of standard error would get what libraries print."""
    arguments = "--source demo --duration 1 --report a.json --screenshot a.png"
    done = subprocess.run(
        f"{sys.executable} {ROOT / 'run.py'} {arguments} <&- >&- 2>&-", shell=True, cwd=tmp_path
    )
    assert done.returncode == 0
    assert json.loads((tmp_path / "a.json").read_text())["paints"] > 10
    assert not QImage(str(tmp_path / "a.png")).isNull()


def test_on_a_full_disk_one_line_says_what_is_lost(
    display: str, program: Callable[..., Finished], tmp_path: Path
) -> None:
    (tmp_path / "full.png").symlink_to("/dev/full")
    done = program(*DEMO, "--report", "/dev/full", "--screenshot", "full.png")
    assert done.code == 2
    assert done.err == (
        "visualizer: the report cannot be written to '/dev/full': No space left on device; "
        "the picture cannot be written to 'full.png': No space left on device\n"
    )
    # One that cannot be written does not cost the other.
    done = program(*DEMO, "--report", "/dev/full", "--screenshot", "a.png")
    assert (done.code, len(done.err.splitlines())) == (2, 1)
    assert not QImage(str(tmp_path / "a.png")).isNull()


@pytest.mark.parametrize("arguments", ["presets", "presets --json", "--headless --source demo"])
def test_an_output_that_is_full_is_one_line(arguments: str, tmp_path: Path) -> None:
    done = subprocess.run(
        f"{sys.executable} {ROOT / 'run.py'} {arguments} >/dev/full",
        shell=True,
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert done.returncode == 2
    assert done.stderr == "visualizer: the output cannot be written: No space left on device\n"


def test_a_paint_that_fails_in_the_program_is_one_line(display: str, tmp_path: Path) -> None:
    script = """
import sys
from PyQt6.QtGui import QPainter
from visualizer import cli
from visualizer.ui.controls.meter import LevelMeter

def fail(meter, _):
    # While this one lives nobody else can paint: it must not outlive the call.
    painter = QPainter(meter)
    raise ZeroDivisionError("the meter")

LevelMeter.paintEvent = fail
sys.argv = ["visualizer", "run", "--source", "demo", "--duration", "1.5", "--report", "a.json"]
cli.main()
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert done.returncode == 0
    log = tmp_path / "state" / "mel-visualizer" / "log" / "visualizer.log"
    assert done.stderr == (
        "visualizer: a part of the window failed: ZeroDivisionError('the meter'); "
        f"the traceback is in {log}\n"
    )
    assert log.read_text().count("Traceback") == 1
    assert json.loads((tmp_path / "a.json").read_text())["paints"] > 10


def test_garbage_is_collected_by_the_thread_of_the_window_alone(
    display: str, tmp_path: Path
) -> None:
    """On any other, walking Qt's objects while they are taken apart ends the process."""
    script = """
import gc, sys, threading
from visualizer import cli

def tell(phase, _):
    if phase == "start":
        print(threading.current_thread().name)

gc.callbacks.append(tell)
sys.argv = ["visualizer", "run", "--source", "demo", "--duration", "4"]
cli.main()
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert done.returncode == 0
    assert set(done.stdout.split()) == {"MainThread"}


def test_closing_the_window_keeps_how_it_was(display: str, tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "run.py"), "--source", "demo"]
    app = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    try:
        window = xdotool(
            "search", "--sync", "--onlyvisible", "--pid", str(app.pid), "--name", "Mel visualizer"
        )
        xdotool("windowsize", "--sync", window, "1111", "555")
        xdotool("windowfocus", "--sync", window)
        deadline = time.monotonic() + DEADLINE_S
        # Until the window takes keys, one has no effect.
        while app.poll() is None and time.monotonic() < deadline:
            subprocess.run(["xdotool", "key", "ctrl+q"], check=True)
            time.sleep(0.2)
        _, errors = app.communicate(timeout=DEADLINE_S)
    finally:
        app.kill()
    assert (app.returncode, errors) == (0, "")
    again = [*command, "--duration", "0.5", "--screenshot", "a.png"]
    subprocess.run(again, cwd=tmp_path, check=True)
    image = QImage(str(tmp_path / "a.png"))
    assert (image.width(), image.height()) == (1111, 555)
