"""Where the program's own faults go, with the real log file and processes that really crash."""

from __future__ import annotations

import gc
import logging
import os
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.conftest import ROOT
from visualizer.support.faults import LOG_BYTES, LOG_NAME, OLD_LOGS, Fault, Faults


def fail(number: int = 0) -> None:
    raise ValueError(f"number {number}")


def caught(number: int = 0) -> BaseException:
    try:
        fail(number)
    except ValueError as error:
        return error
    raise AssertionError


def read(folder: Path) -> str:
    return (folder / LOG_NAME).read_text(encoding="utf-8")


def test_a_run_tells_the_log_what_it_runs_on(
    log_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(__version__="2.99"))
    with Faults(log_folder):
        pass
    first, last = read(log_folder).splitlines()
    for words in ("starts: mel-visualizer 0.", "Python 3."):
        assert words in first
    assert "torch 2.99" in last


def test_the_same_again_and_again_is_in_full_once(
    log_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Faults(log_folder) as faults:
        for number in range(1000):
            # What it says changes; where it happens does not.
            faults.report("a paint failed", caught(number))
            faults.warn("a library complains")
        assert faults.reported() == (Fault("a paint failed: ValueError('number 0')", 1000),)
    text = read(log_folder)
    assert text.count("Traceback (most recent call last)") == 1
    assert text.count("in fail\n") == 1
    assert "(1000 times)" in text
    assert text.count("a library complains") == 2
    assert len(text.splitlines()) < 20
    line, warning = capsys.readouterr().err.splitlines()
    assert line == (
        "visualizer: a paint failed: ValueError('number 0'); "
        f"the traceback is in {log_folder / LOG_NAME}"
    )
    assert warning == "visualizer: a library complains"


def test_kinds_without_end_take_bounded_memory(log_folder: Path) -> None:
    with Faults(log_folder) as faults:
        for number in range(200):
            faults.report(f"part {number} failed", caught(number))
        assert len(faults.reported()) == 32
        assert faults.reported()[-1].text.startswith("part 199 failed")
        assert faults.details().count("Traceback") == 5
        assert "part 199 failed\nTraceback" in faults.details()
        assert "part 194 failed\nTraceback" not in faults.details()


def test_the_log_takes_bounded_room(log_folder: Path) -> None:
    with Faults(log_folder):
        for _ in range(6 * LOG_BYTES // 10_000):
            logging.getLogger("visualizer.test").info("x" * 10_000)
    logs = sorted(path.name for path in log_folder.iterdir())
    assert logs == [LOG_NAME, *(f"{LOG_NAME}.{n}" for n in range(1, OLD_LOGS + 1))]
    assert all(path.stat().st_size <= LOG_BYTES for path in log_folder.iterdir())


def test_what_no_thread_catches_is_reported(log_folder: Path) -> None:
    class Broken:
        def __del__(self) -> None:
            fail()

    with Faults(log_folder) as faults:
        thread = threading.Thread(target=fail, name="lonely")
        thread.start()
        thread.join()
        Broken()
        gc.collect()
        texts = [fault.text for fault in faults.reported()]
    assert texts == [
        "the thread 'lonely' failed: ValueError('number 0')",
        "a call that nobody waits for failed: ValueError('number 0')",
    ]
    assert read(log_folder).count("Traceback") == 2


def test_a_log_that_cannot_be_written_is_said_once(
    tmp_path: Path, log_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    with Faults(tmp_path / "file" / "log") as faults:
        faults.report("a paint failed", caught())
        details = faults.details()
    said = capsys.readouterr().err
    assert said.count("the log cannot be written to") == 1
    assert "Not a directory; going on without" in said
    # Nowhere else is it kept.
    assert "Traceback" in said
    assert "no log: the log cannot be written to" in details
    assert "Traceback" in details


def test_without_a_home_nothing_is_made_in_the_folder_one_is_in(
    tmp_path: Path, log_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = set(tmp_path.iterdir())
    with Faults(Path("~", "mel-visualizer")) as faults:
        assert faults.problem is not None
        assert "has no home folder" in faults.problem
    assert set(tmp_path.iterdir()) == before


def start(folder: Path, end: str) -> subprocess.CompletedProcess[str]:
    script = f"""
import ctypes, sys
from pathlib import Path
from visualizer.support.faults import Faults
with Faults(Path(sys.argv[1])):
    {end}
"""
    command = [sys.executable, "-c", script, str(folder)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_a_crash_is_told_of_at_the_next_start_and_only_then(tmp_path: Path) -> None:
    assert start(tmp_path, "pass").stderr == ""
    assert list(tmp_path.glob("*crash*")) == []
    assert start(tmp_path, "ctypes.string_at(0)").returncode < 0
    told = start(tmp_path, "pass").stderr
    report = tmp_path / "last-crash.txt"
    assert told == f"visualizer: the last run crashed; details in {report}\n"
    assert "Segmentation fault" in report.read_text()
    assert "string_at" in report.read_text()
    assert start(tmp_path, "pass").stderr == ""


def test_what_a_killed_run_left_is_cleared_away(tmp_path: Path) -> None:
    assert start(tmp_path, "import os; os.kill(os.getpid(), 9)").returncode == -9
    [left] = tmp_path.glob("crash-*.txt")
    other = tmp_path / f"crash-{os.getpid()}.txt"
    other.touch()
    assert start(tmp_path, "pass").stderr == ""
    assert not left.exists()
    # Of one that still runs.
    assert other.exists()
