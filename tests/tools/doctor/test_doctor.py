"""The doctor on machines where something is missing: real child processes, on real broken parts."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from tests.conftest import ROOT, Finished, SoundServer, wait_for_line
from tests.real.test_capture import AMPLITUDE, tone
from tests.real.test_program import NO_DISPLAY, recorded, wait_until
from visualizer.audio.capture import CaptureConfig
from visualizer.audio.notices import SILENCE
from visualizer.engine.config import EngineConfig
from visualizer.tools.doctor import machine
from visualizer.tools.doctor.check import Check
from visualizer.tools.doctor.examination import describe
from visualizer.tools.doctor.parts import PARTS
from visualizer.tools.doctor.self_check import judge

NAMES = ["Python", *(name for part in PARTS.values() for name in part.checks)][:-1]
# The second, since a JACK server of the user's would be found as well.
NO_SOUND: dict[str, str | None] = {"PULSE_SERVER": "unix:/nowhere", "JACK_DEFAULT_SERVER": "none"}

Doctor = Callable[..., tuple[dict[str, Check], dict[str, Any]]]


@pytest.fixture
def doctor(program: Callable[..., Finished]) -> Doctor:
    """Run `doctor --json`; return its checks by name and all it printed."""

    def run(*arguments: str, **env: str | None) -> tuple[dict[str, Check], dict[str, Any]]:
        done = program("doctor", "--json", *arguments, env=env)
        assert done.err == ""
        report = json.loads(done.out)
        return checks_of(report, done.code), report

    return run


def checks_of(report: dict[str, Any], code: int) -> dict[str, Check]:
    checks = {row.pop("name"): Check(**row) for row in report["checks"]}
    problems = [check for check in checks.values() if check.state == "problem"]
    assert (code, report["ok"]) == ((1, False) if problems else (0, True))
    assert all(check.remedy for check in problems), problems
    assert [name for name in checks if name != "self-check"] == NAMES
    return checks


@contextmanager
def frozen_server() -> Iterator[None]:
    (server,) = (p for p in psutil.Process().children() if p.name() == "pulseaudio")
    server.suspend()
    try:
        yield
    finally:
        server.resume()


# The whole


def test_a_machine_that_has_all_of_it(
    sound_server: SoundServer, display: str, doctor: Doctor
) -> None:
    with tone(sound_server, "sink_a"):
        checks, report = doctor()
    # A busy machine may lose sound.
    assert {name for name, c in checks.items() if c.state == "problem"} <= {"self-check"}
    assert "mic_a (ALSA, 32 ch" in checks["microphones"].value
    assert "default 'default'" in checks["microphones"].value
    assert checks["display"].value == "xcb, 1600x1000"
    assert "PyQt6 6." in checks["Qt"].value
    capture = report["capture"]
    assert capture["source"]["name"] == "default"
    assert capture["expected_columns"] >= 400
    assert capture["columns"] == pytest.approx(capture["expected_columns"], rel=0.5)
    rate = capture["source"]["sample_rate"]
    assert capture["samples_per_s"] == pytest.approx(rate, rel=0.5)
    assert capture["peak_dbfs"] == pytest.approx(20 * np.log10(AMPLITUDE), abs=0.5)
    assert capture["latency_ms"]["device"] > 0
    assert capture["max_lag_ms"] >= capture["latency_ms"]["wait"]["p50"] > 0
    assert f"{capture['columns']} columns in " in checks["self-check"].value


def test_without_screen_and_microphone_the_rest_is_told(
    sound_server: SoundServer, program: Callable[..., Finished]
) -> None:
    done = program("doctor", env=NO_DISPLAY | NO_SOUND)
    assert (done.code, done.err) == (1, "")
    lines = [line.split(maxsplit=1) for line in done.out.splitlines() if line[:1] not in " "]
    found = {text: state for state, text in lines}
    states = {name: next(found[t] for t in found if t.startswith(name)) for name in NAMES}
    problems = {name for name, state in states.items() if state == "problem"}
    assert problems == {"display", "microphones"}
    assert "neither DISPLAY nor WAYLAND_DISPLAY is set; the app goes on" in done.out
    assert "what to do: start it in a desktop session" in done.out
    assert "what to do: plug one in" in done.out
    assert "not tried, since there is no microphone" in done.out
    assert done.out.endswith("\nProblems: display, microphones.\n")


def test_a_sound_configuration_that_ends_the_process(
    display: str, doctor: Doctor, tmp_path: Path
) -> None:
    (tmp_path / "alsa.conf").touch()
    checks, report = doctor(ALSA_CONFIG_PATH=str(tmp_path / "alsa.conf"))
    microphones = checks["microphones"]
    assert microphones.state == "problem"
    assert "PortAudio crashes with this sound configuration (Aborted)" in microphones.value
    assert "arecord -l" in (microphones.remedy or "")
    others = [c for name, c in checks.items() if name != "microphones"]
    assert all(c.state != "problem" for c in others)
    assert checks["PortAudio"].value.startswith("V19")
    assert report["capture"] is None


def test_a_sound_server_that_is_frozen(
    sound_server: SoundServer, display: str, doctor: Doctor
) -> None:
    with frozen_server():
        checks, _ = doctor()
    assert "does the sound server answer" in checks["microphones"].value
    assert checks["self-check"].value.startswith("not tried")
    assert checks["settings"].state == "ok"


def test_a_sound_server_that_freezes_during_the_self_check(
    sound_server: SoundServer, display: str, tmp_path: Path
) -> None:
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "run.py"), "doctor", "--json"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    )
    wait_until(lambda: recorded() != [], "the recording")
    with frozen_server():
        out, _ = process.communicate(timeout=90)
    check = checks_of(json.loads(out), process.returncode)["self-check"]
    assert check.state == "problem"
    assert "sound" in check.value.splitlines()[0]


def test_ctrl_c_leaves_no_process(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "run.py"), "doctor"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for_line(process.stdout, lambda line: "Python" in line, "first line")
    children = psutil.Process(process.pid).children()
    assert children
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    assert process.stderr is not None
    assert process.stderr.read() == ""
    assert not any(child.is_running() for child in children)


# Parts that are broken


def stand_in(folder: Path, package: str, code: str) -> str:
    """A PYTHONPATH on which `package` runs `code` when it is imported."""
    (folder / package).mkdir()
    (folder / package / "__init__.py").write_text(code)
    return f"{folder}:{ROOT}"


NO_CUDA = "import torch; torch.version.cuda = None\n"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (
            NO_CUDA + "raise OSError('libc10_cuda.so: cannot open shared object file')",
            ("is built for CUDA, torch 2.", "libc10_cuda.so: cannot open"),
        ),
        ("raise ImportError('made up')", ("is installed but does not load: made up",)),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", ("Segmentation fault",)),
        (
            "import os, sys; print('the last word', file=sys.stderr); os._exit(3)",
            ("ended with code 3: the last word",),
        ),
    ],
)
def test_a_torchaudio_that_does_not_load(
    code: str, words: tuple[str, ...], doctor: Doctor, tmp_path: Path
) -> None:
    path = stand_in(tmp_path, "torchaudio", code)
    checks, _ = doctor("--no-capture", PYTHONPATH=path)
    check = checks["torchaudio"]
    assert check.state == "problem"
    assert all(word in check.value for word in words), check.value
    assert "-m pip install --force-reinstall 'torch" in str(check.remedy)
    assert (checks["torch"].state, checks["Qt"].state) == ("ok", "ok")
    assert "self-check" not in checks


def test_torch_and_qt_that_do_not_load(doctor: Doctor, tmp_path: Path) -> None:
    path = stand_in(tmp_path, "torch", "print('noise'); raise ImportError('no torch')")
    stand_in(tmp_path, "pyqtgraph", "raise ImportError('no pyqtgraph')")
    checks, _ = doctor("--no-capture", PYTHONPATH=path)
    assert checks["torch"].value.endswith("does not load: no torch")
    assert "--force-reinstall 'torch" in str(checks["torch"].remedy)
    assert {checks[n].value for n in ("CUDA", "MPS", "kernel cache", "torchaudio")} == {
        "not looked at, since torch failed"
    }
    assert "no pyqtgraph" in checks["Qt"].value
    assert "pyqtgraph" in str(checks["Qt"].remedy)
    assert checks["settings"].state == "ok"
    assert checks["C++ compiler"].state == "ok"


# Single looks


def look(name: str) -> Check:
    return next(part.checks[name]() for part in PARTS.values() if name in part.checks)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Return a function that puts a program on a PATH that has nothing else."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("CXX", raising=False)

    def put(name: str, script: str) -> None:
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)

    return put


def test_no_compiler_is_a_note_with_its_remedy(programs: Callable[[str, str], None]) -> None:
    assert look("C++ compiler") == Check(
        "note",
        "there is no g++; no kernel is compiled, and NumPy's kernel runs",
        "the package manager of this system installs it",
    )
    programs("apt-get", "")
    assert "apt-get install -y --no-install-recommends g++" in str(look("C++ compiler").remedy)
    programs("clang++", "echo clang version 99")
    assert look("C++ compiler").remedy == "CXX=clang++ python3 run.py"


def test_a_compiler_is_the_one_that_torch_would_take(
    programs: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    programs("g++", "echo made-up g++ 99; echo more")
    assert look("C++ compiler") == Check("ok", "made-up g++ 99")
    programs("own", "exit 1")
    monkeypatch.setenv("CXX", "own")
    assert "own does not run" in look("C++ compiler").value


def test_a_cache_that_others_may_write_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "cache/mel-visualizer/kernels"
    assert look("kernel cache") == Check("ok", str(folder))
    folder.chmod(0o777)
    check = look("kernel cache")
    assert check.state == "note"
    assert "others may write there; NumPy's kernel runs" in check.value
    assert "chmod 700" in str(check.remedy)
    folder.chmod(0o700)
    assert look("kernel cache").state == "ok"


def test_little_room_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert look("disk space").state == "ok"
    monkeypatch.setattr(machine, "LITTLE_ROOM_GB", 1e9)
    assert look("disk space").state == "note"


def test_settings_that_cannot_be_used(own_settings: Path) -> None:
    from visualizer.ui.controls.settings import Settings

    path = own_settings / "mel-visualizer/settings.json"
    assert look("settings") == Check("ok", f"{path}, which the window will make")
    assert not path.exists()
    Settings().save_engine_config(EngineConfig(CaptureConfig("demo")))
    assert look("settings") == Check("ok", str(path))
    path.write_text(path.read_text().replace("simli", "of-next-year"))
    assert "what does not fit is left out\nunknown preset" in look("settings").value
    path.write_bytes(b"\x00]nonsense[\xff")
    assert "damaged" in look("settings").value
    path.unlink()
    path.mkdir()
    assert "cannot be used; the window forgets what you choose" in look("settings").value
    path.rmdir()
    path.parent.rmdir()
    path.parent.touch()
    assert "cannot be made" in look("settings").value


GOOD: dict[str, Any] = {
    "source": {"name": "mic", "host_api": "ALSA", "channels": 1, "sample_rate": 16_000},
    "duration_s": 5.0,
    "columns": 398,
    "expected_columns": 400,
    "samples_per_s": 48_000,
    "peak_dbfs": -12.0,
    "notice": None,
    "gaps": 0,
    "dropped_blocks": 0,
    "dropped_columns": 0,
    "input_overflows": 0,
    "max_lag_ms": 2.5,
    "latency_ms": {
        "device": None,
        "wait": {"p50": 0.1, "p99": 0.25},
        "kernel": {"p50": 0.3, "p99": 0.5},
    },
    "startup_ms": {"first_column": 100.0},
    "fault": None,
}


def test_a_good_capture_is_told_in_figures() -> None:
    check = judge(GOOD)
    assert (check.state, check.remedy) == ("ok", None)
    for words in (
        "398 columns in 5.0 s, 400 expected",
        "peak -12.0 dBFS",
        "largest lag 2.5 ms",
        "device: not reported",
        "wait: p50 0.10 ms, p99 0.25 ms",
        "kernel: p50 0.30 ms, p99 0.50 ms",
    ):
        assert words in check.value


@pytest.mark.parametrize(
    ("changes", "state", "words"),
    [
        ({"gaps": 1}, "note", "sound was lost"),
        ({"input_overflows": 2}, "note", "sound was lost"),
        ({"dropped_columns": 3}, "note", "sound was lost"),
        ({"notice": "clipping: once"}, "note", "clipping: once"),
        ({"columns": 300}, "problem", "too little sound came"),
        ({"fault": "it is gone"}, "problem", "it is gone"),
        ({"startup_ms": {"first_column": None}}, "problem", "no column came within 25 s"),
        (
            {"startup_ms": {"first_column": None}, "fault": "it refuses"},
            "problem",
            "it refuses",
        ),
    ],
)
def test_a_capture_that_is_not_good(changes: dict[str, Any], state: str, words: str) -> None:
    check = judge(GOOD | changes)
    assert (check.state, check.value.splitlines()[0]) == (state, words)


def test_too_little_sound_on_a_busy_machine_is_no_fault_of_the_sound_server() -> None:
    few = GOOD | {"columns": 300}
    assert "pulseaudio" in str(judge(few).remedy)
    assert "busy" in str(judge(few | {"gaps": 9}).remedy)


def test_silence_comes_with_what_to_do(sound_server: SoundServer) -> None:
    part = [sys.executable, "-m", "visualizer.tools.doctor.parts", "capture"]
    said = subprocess.run(part, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    capture = json.loads(said)["figures"]
    assert capture["notice"] == SILENCE
    assert capture["peak_dbfs"] is None
    check = judge(GOOD | {"notice": capture["notice"], "peak_dbfs": capture["peak_dbfs"]})
    assert (check.state, check.value.splitlines()[0]) == ("note", SILENCE)
    assert "unmute it" in str(check.remedy)
    assert "peak: every sample is 0" in check.value


def test_findings_are_aligned() -> None:
    lines = [
        describe("torch", Check("ok", "2.14")),
        *describe("Qt's libraries", Check("problem", "two\nlines", "this")).splitlines(),
    ]
    assert [
        line.index(word)
        for line, word in zip(lines, ("2", "two", "lines", "what to do: this"), strict=True)
    ] == [25] * 4
