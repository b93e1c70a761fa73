"""PortAudio ends the whole process when it is closed after a JACK server that is gone."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import DEADLINE_S, ROOT, wait_for_line
from tests.sound import SoundServer


@contextmanager
def jack_server(name: str) -> Iterator[subprocess.Popen[bytes]]:
    """One of the tests' own, without a sound card."""
    server = subprocess.Popen(
        ["jackd", "-n", name, "-r", "-d", "dummy", "-r", "48000", "-p", "256"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield server
    finally:
        server.terminate()
        server.wait()


def listed(environment: dict[str, str]) -> str:
    command = [sys.executable, str(ROOT / "run.py"), "devices"]
    return subprocess.run(command, env=environment, capture_output=True, text=True).stdout


@contextmanager
def beside_jack(
    folder: Path, device: str
) -> Iterator[tuple[subprocess.Popen[str], Callable[[], None]]]:
    """The program on a device, with a column already, and how to end the JACK server."""
    environment = os.environ | {
        "JACK_DEFAULT_SERVER": f"mel-{os.getpid()}",
        "XDG_CONFIG_HOME": str(folder),
        "XDG_STATE_HOME": str(folder),
    }

    with jack_server(environment["JACK_DEFAULT_SERVER"]) as server:

        def end() -> None:
            server.terminate()
            server.wait()

        deadline = time.monotonic() + DEADLINE_S
        while "JACK" not in listed(environment):
            assert time.monotonic() < deadline, "the JACK server does not answer"
        command = [sys.executable, str(ROOT / "run.py"), "run", "--headless"]
        command += ["--source", "mic", "--device", device]
        with subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as program:
            wait_for_line(program.stdout, lambda line: " columns · " in line, "column")
            yield program, end
            program.send_signal(signal.SIGINT)
            program.communicate(timeout=DEADLINE_S)
    assert program.returncode == 130


needs_jack = pytest.mark.skipif(shutil.which("jackd") is None, reason="jackd is not installed")


@needs_jack
def test_a_jack_server_that_is_recorded_from_may_end(tmp_path: Path) -> None:
    with beside_jack(tmp_path, "system") as (program, end):
        end()
        said = wait_for_line(program.stderr, lambda line: "JACK server" in line, "message")
        assert said.startswith("'system' delivers no sound")


@needs_jack
def test_a_jack_server_that_was_only_there_may_end(
    tmp_path: Path, sound_server: SoundServer
) -> None:
    with beside_jack(tmp_path, "mic_a") as (program, end):
        end()
        # Now PortAudio is started anew.
        sound_server.pactl("suspend-sink", "sink_a", "1")
        try:
            wait_for_line(program.stderr, lambda line: "delivers no sound" in line, "message")
        finally:
            sound_server.pactl("suspend-sink", "sink_a", "0")
        wait_for_line(program.stderr, lambda line: "it goes on" in line, "message")
