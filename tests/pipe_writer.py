"""A microphone with a clock of its own: writes a tone into the FIFO of PulseAudio's pipe source.

A process, so that nothing else delays it. Its faults are ordered on standard input, a line each:
"ppm X" and "speed X" (its clock from now on), "stall S" (nothing for S seconds, then all at once),
"lose S" (nothing, and never), "nan N", "inf N" and "denormal N" (the next N samples).
"""

from __future__ import annotations

import os
import selectors
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from tests.sound import SoundServer

RATE_HZ = 48_000
TONE_HZ = 1000.0
SOURCE = "pipe"
_STEP_S = 0.005
_BAD = {"nan": np.nan, "inf": np.inf, "denormal": 1e-42}


class Writer:
    def __init__(self, pipe: int) -> None:
        self._pipe = pipe
        self._speed = 1.0
        self._began_at, self._before = time.monotonic(), 0.0
        self._written = 0
        self._spoilt: dict[str, int] = dict.fromkeys(_BAD, 0)

    def obey(self, order: str) -> None:
        what, amount = order.split()
        if what in _BAD:
            self._spoilt[what] += int(amount)
        elif what == "stall":
            time.sleep(float(amount))
        elif what == "lose":
            time.sleep(float(amount))
            self._set_speed(self._speed)
        else:
            value = float(amount)
            self._set_speed(1 + 1e-6 * value if what == "ppm" else value)

    def _set_speed(self, speed: float) -> None:
        self._speed, self._began_at, self._before = speed, time.monotonic(), float(self._written)

    def write(self) -> None:
        """All that is due."""
        elapsed_s = time.monotonic() - self._began_at
        due = round(self._before + elapsed_s * RATE_HZ * self._speed)
        time_s = np.arange(self._written, due) / RATE_HZ
        samples = (0.2 * np.sin(2 * np.pi * TONE_HZ * time_s)).astype(np.float32)
        at = 0
        for what, value in _BAD.items():
            n = min(self._spoilt[what], len(samples) - at)
            samples[at : at + n] = value
            self._spoilt[what] -= n
            at += n
        view = memoryview(samples.tobytes())
        while view:
            view = view[os.write(self._pipe, view) :]
        self._written = due


def main(path: Path) -> None:
    writer = Writer(os.open(path, os.O_WRONLY))
    orders = selectors.DefaultSelector()
    orders.register(sys.stdin, selectors.EVENT_READ)
    while True:
        if orders.select(_STEP_S):
            # Not by line: what is buffered, the selector does not see.
            lines = os.read(sys.stdin.fileno(), 4096).decode()
            if not lines:
                return
            for line in lines.splitlines():
                writer.obey(line)
        writer.write()


class PipeSource:
    """The default source of a server, and the orders for it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def order(self, text: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(text + "\n")
        self._process.stdin.flush()


@contextmanager
def pipe_source(server: SoundServer) -> Iterator[PipeSource]:
    path = server.folder / "pipe"
    module = server.pactl(
        "load-module",
        "module-pipe-source",
        f"source_name={SOURCE}",
        f"file={path}",
        f"rate={RATE_HZ}",
        "channels=1",
        "format=float32le",
    ).stdout.strip()
    server.pactl("set-default-source", SOURCE)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.pipe_writer", str(path)],
        stdin=subprocess.PIPE,
        # Not those of a parent whose output somebody waits for.
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield PipeSource(process)
    finally:
        process.kill()
        process.communicate()
        server.pactl("unload-module", module, check=False)
        server.choose_defaults()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
