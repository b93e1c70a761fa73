"""The program as a child process: on a screen with a microphone, and where those are missing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from PyQt6.QtGui import QImage

from tests.conftest import DEADLINE_S, ROOT, Finished, SoundServer

STAGES = ("wait", "kernel", "draw", "total")
MODEL = """
from visualizer import Model, Output

class Mean(Model):
    front_end, window = "kaldi", 10
    unpickles = "weights.pt"
    outputs = (Output("mean"),)

    def __call__(self, columns):
        return columns.mean()
"""
NO_DISPLAY: dict[str, str | None] = {"DISPLAY": None, "WAYLAND_DISPLAY": None}


def read_report(path: Path) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(path.read_text())
    return report


def wait_until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {DEADLINE_S} s"


def xdotool(*arguments: str) -> str:
    return subprocess.run(
        ["xdotool", *arguments], check=True, capture_output=True, text=True
    ).stdout.strip()


def recorded() -> list[tuple[str, int]]:
    """Name of the source and rate of every recording that the sound server serves now."""
    listing = subprocess.run(
        ["pactl", "--format=json", "list", "source-outputs"], capture_output=True, text=True
    ).stdout
    sources = subprocess.run(
        ["pactl", "list", "short", "sources"], check=True, capture_output=True, text=True
    ).stdout
    names = {int(line.split()[0]): line.split()[1] for line in sources.splitlines()}
    return [
        (names[o["source"]], int(o["sample_specification"].split()[-1].removesuffix("Hz")))
        for o in json.loads(listing or "[]")
    ]


def test_the_demo_in_a_window(
    display: str, program: Callable[..., Finished], tmp_path: Path
) -> None:
    done = program(
        *("--source", "demo", "--duration", 3, "--screenshot", "a.png", "--report", "a.json")
    )
    assert done.code == 0, done.err
    report = read_report(tmp_path / "a.json")
    assert report["source"]["kind"] == "demo"
    assert report["front_end"]["name"] == "simli"
    kernel = report["kernel"]
    assert (kernel["backend"], kernel["device"], kernel["candidates"]) == ("numpy", "cpu", [])
    assert "compiled kernels cannot be kept" in kernel["note"]
    assert 0 < kernel["relative_deviation"] < 1e-6
    assert report["gaps"] == report["dropped_blocks"] == report["dropped_columns"] == 0
    # On a busy machine the first is late, and those that waited meanwhile come with it.
    expected = report["duration_s"] / 0.0125
    assert 0.98 * expected <= report["columns"] <= expected + 40
    for stage in STAGES:
        assert 0 < report["latency_ms"][stage]["p50"] <= report["latency_ms"][stage]["max"]
    assert report["latency_ms"]["device"] is None
    assert report["paints"] > 100
    assert 0 < report["startup_ms"]["window"] < report["startup_ms"]["first_column"]
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    # Speech and sweep are bright in a picture that is dark without them.
    image = QImage(str(tmp_path / "a.png"))
    places = [(x, y) for x in range(0, image.width(), 4) for y in range(0, image.height(), 4)]
    bright = sum(image.pixelColor(x, y).lightness() > 128 for x, y in places)
    assert bright > 0.03 * len(places)


def test_a_model_in_a_window(
    display: str, program: Callable[..., Finished], tmp_path: Path
) -> None:
    (tmp_path / "mine.py").write_text(MODEL)
    wrong = program(*("--source", "demo", "--model", "mien.py"))
    assert (wrong.code, wrong.out) == (2, "")
    assert len(wrong.err.splitlines()) == 1
    assert "mine.py" in wrong.err
    run = ("--source", "demo", "--duration", 2, "--report", "a.json", "--model", "mine.py")
    done = program(*run, "--trust-model")
    assert (done.code, done.err) == (0, "")
    report = read_report(tmp_path / "a.json")
    assert report["front_end"]["name"] == "kaldi"
    model, late_ms = report["model"], report["latency_ms"]["model"]
    assert (model["name"], model["state"], model["lost"]) == ("Mean", "running", 0)
    assert model["calls"] > 5
    assert 0 < late_ms["p50"] <= late_ms["p99"]


def test_a_microphone_driven_by_the_keyboard(
    display: str, sound_server: SoundServer, tmp_path: Path
) -> None:
    """Another device and another rate are picked as a person would; the sound server is asked
    what is recorded then."""
    command = [sys.executable, str(ROOT / "run.py"), "--report", "a.json", "--screenshot", "a.png"]
    app = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    try:
        window = xdotool(
            "search", "--sync", "--onlyvisible", "--pid", str(app.pid), "--name", "Mel visualizer"
        )
        wait_until(lambda: [s for s, _ in recorded()] == ["sink_a.monitor"], "the default device")
        xdotool("windowfocus", "--sync", window)

        def change(shortcut: str, key: str, reached: Callable[[], bool], what: str) -> None:
            # The lists fill when the scan of the devices is through: an early key has no effect.
            for _ in range(10):
                xdotool("key", "--window", window, shortcut)
                xdotool("key", "--window", window, key)
                again_at = time.monotonic() + 2
                while time.monotonic() < again_at:
                    if reached():
                        return
            pytest.fail(f"{what} is not recorded: {recorded()}")

        change("alt+d", "Up", lambda: "sink_b.monitor" in [s for s, _ in recorded()], "mic_b")
        alone: list[tuple[str, int]] = []

        def is_alone() -> bool:
            alone[:] = recorded()
            return len(alone) == 1

        wait_until(is_alone, "the end of the scan")
        [(_, rate)] = alone
        change("alt+r", "Down", lambda: any(r > rate for _, r in recorded()), "a higher rate")
    finally:
        app.send_signal(signal.SIGINT)
        _, errors = app.communicate(timeout=DEADLINE_S)
    assert "Traceback" not in errors
    assert app.returncode == 130
    report = read_report(tmp_path / "a.json")
    assert report["source"]["kind"] == "mic"
    assert report["source"]["host_api"] == "ALSA"
    assert report["fault"] is None
    assert report["columns"] > 0
    assert (tmp_path / "a.png").stat().st_size > 10_000


def test_without_a_display_the_terminal_shows_it(
    program: Callable[..., Finished], tmp_path: Path
) -> None:
    done = program("--source", "demo", "--duration", 2, "--report", "a.json", env=NO_DISPLAY)
    assert done.code == 0, done.err
    [line] = done.err.splitlines()
    assert "no window" in line
    assert "Built-in demo 48000 Hz · simli" in done.out
    report = read_report(tmp_path / "a.json")
    assert report["latency_ms"]["draw"] is None
    assert report["latency_ms"]["total"]["p50"] > 0
    assert report["startup_ms"]["window"] is None
    assert report["columns"] == pytest.approx(160, abs=8)


def test_a_picture_without_a_display_is_refused(program: Callable[..., Finished]) -> None:
    done = program("--source", "demo", "--screenshot", "a.png", env=NO_DISPLAY)
    assert done.code == 2
    assert "--screenshot needs a window" in done.err


def test_headless_capture_from_the_sound_server(
    sound_server: SoundServer, program: Callable[..., Finished], tmp_path: Path
) -> None:
    done = program(*("--headless", "--sample-rate", 16_000, "--duration", 2, "--report", "a.json"))
    assert done.code == 0, done.err
    report = read_report(tmp_path / "a.json")
    assert (report["source"]["kind"], report["source"]["sample_rate"]) == ("mic", 16_000)
    assert report["latency_ms"]["device"] > 0
    assert report["columns"] == pytest.approx(160, abs=8)


def test_a_file_plays_to_its_end(program: Callable[..., Finished], tmp_path: Path) -> None:
    soundfile.write(tmp_path / "short.wav", np.zeros((8000, 1)), 8000)
    done = program("--headless", "--source", "short.wav", "--report", "a.json")
    assert done.code == 0
    report = read_report(tmp_path / "a.json")
    assert report["source"] == {
        "kind": "file",
        "name": "short.wav",
        "host_api": None,
        "sample_rate": 8000,
        "channels": 1,
        "resampled_from": None,
        "note": "",
    }
    assert report["columns"] == 1 + 8000 // 100


def test_a_broken_sound_configuration_is_said(
    program: Callable[..., Finished], tmp_path: Path
) -> None:
    broken = tmp_path / "alsa.conf"
    broken.write_text("pcm.!default {")
    done = program("--headless", "--duration", 1, env={"ALSA_CONFIG_PATH": str(broken)})
    assert done.code == 0
    assert "PortAudio does not start" in done.err
    assert "instead: Built-in demo" in done.err


def test_without_a_microphone_the_demo_runs_and_says_why(
    sound_server: SoundServer, program: Callable[..., Finished], tmp_path: Path
) -> None:
    env = {"PULSE_SERVER": "unix:/nowhere"}
    done = program("--headless", "--duration", 1, "--report", "a.json", env=env)
    assert done.code == 0
    assert "no microphone was found" in done.err
    assert "instead: Built-in demo" in done.err
    assert read_report(tmp_path / "a.json")["source"]["kind"] == "demo"


def test_bad_input_is_one_clear_line(
    sound_server: SoundServer, program: Callable[..., Finished], tmp_path: Path
) -> None:
    (tmp_path / "letter.txt").write_text("Dear reader, " * 100)
    (tmp_path / "empty.wav").touch()
    for arguments, words in (
        (("--front-end", "smili"), "did you mean simli"),
        (("--device", "no such"), "there is no input device 'no such'; choose one of"),
        (("--device", "mic"), "2 input devices fit 'mic'"),
        (("--device", "mic_a", "--channels", "99"), "has 32 input channels"),
        (("--device", "mic_a", "--sample-rate", "767999"), "refuses 767999 Hz"),
        (("--sample-rate", "12"), "sample_rate is 12; it must be from 1000"),
        (("--source", "letter.txt"), "is not an audio file"),
        (("--source", "empty.wav"), "is empty"),
        (("--source", "gone.wav"), "there is no file 'gone.wav'"),
        (("--source", "demo", "--sample-rate", "16000"), "has 48000 Hz, not 16000"),
        (("--source", "demo", "--device", "mic_a"), "--device goes with a microphone"),
        (("--report", "no/such/folder.json"), "the report cannot be written"),
        (("--screenshot", "a.gif"), "must end in .png"),
        (("--size", "9x9"), "--size: '9x9' is not a size from 480x300"),
        (("--size", "big"), "--size: 'big' is not WIDTHxHEIGHT, such as"),
        (("--duration", "-1"), "--duration: '-1' is not a number of seconds above 0"),
        (("--loop",), "--loop goes with --source FILE"),
        (("--source", str(tmp_path)), "is not a file"),
        (("--source", ""), "--source is empty"),
        (("--compute", "mps"), "'mps' is not available"),
        (("--headles",), "unrecognized arguments"),
        (("--front-end", "gone.json"), "cannot be read"),
        (("--duration", "abc"), "--duration: 'abc' is not a number of seconds"),
    ):
        done = program("--headless", *arguments)
        assert done.code == 2, (arguments, done)
        assert words in done.err, (arguments, done.err)
        assert done.err.startswith("visualizer: ")
    assert "unknown command 'devcies'; did you mean devices?" in program("devcies").err


def test_a_refused_rate_ends_the_window_too(
    display: str, sound_server: SoundServer, program: Callable[..., Finished]
) -> None:
    done = program("--device", "mic_a", "--sample-rate", "767999")
    assert done.code == 2
    assert "refuses 767999 Hz" in done.err


def test_lists_for_machines(sound_server: SoundServer, program: Callable[..., Finished]) -> None:
    devices = json.loads(program("devices", "--json").out)
    assert {"mic_a", "mic_b"} <= {d["name"] for d in devices}
    assert all(d["native_rate"] in d["sample_rates"] for d in devices)
    presets = json.loads(program("presets", "--json").out)
    assert [p["name"] for p in presets][:3] == ["simli", "simli-librosa", "librosa"]
    assert all(
        p["source"] and p["front_end"]["name"] == p["name"] == p["chain"]["name"] for p in presets
    )
    assert "mic_a" in program("devices").out
    assert "simli-librosa" in program("presets").out


def test_being_told_to_end_still_writes_the_report(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "run.py"), "--headless", "--source", "demo"]
    app = subprocess.Popen(
        [*command, "--report", "a.json"], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    assert app.stdout is not None
    app.stdout.readline()
    app.terminate()
    app.communicate(timeout=DEADLINE_S)
    assert app.returncode == 143
    assert read_report(tmp_path / "a.json")["columns"] > 0


def test_output_into_a_closed_pipe_ends_quietly(sound_server: SoundServer) -> None:
    reader = subprocess.run(
        f"{sys.executable} {ROOT / 'run.py'} presets --json | head -n 1",
        shell=True,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    assert reader.stdout == "[\n"
    assert reader.stderr == ""
