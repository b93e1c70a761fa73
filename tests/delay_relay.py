"""A way from one null sink to another that delays every second click by an exact number of samples.

What parec records from the one's monitor goes through this process to pacat, which plays it to the
other. As many samples leave it as come in, each time: so it is a delay line, and what the sound
server buffers on both sides stays as it is while the line becomes longer or shorter. It does so in
the silence after each click.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from tests.sound import SERVER_RATE_HZ, SoundServer

_FORMAT = [f"--rate={SERVER_RATE_HZ}", "--channels=1", "--format=float32le", "--raw"]
_LOUD = 0.001
_SILENCE = SERVER_RATE_HZ // 12
"""Samples: longer than a click lasts with its delay, shorter than from one to the next"""
_READY = "relaying"


def main(delay: int) -> None:
    left, quiet, was_loud = b"", 0, False
    line = np.zeros(0, dtype=np.float32)
    print(_READY, file=sys.stderr, flush=True)
    while data := os.read(0, 1 << 12):
        data = left + data
        whole = len(data) // 4 * 4
        left, samples = data[whole:], np.frombuffer(data[:whole], dtype=np.float32)
        if np.abs(samples).max(initial=0.0) > _LOUD:
            quiet, was_loud = 0, True
        else:
            quiet += len(samples)
        if was_loud and quiet > _SILENCE:
            was_loud = False
            line = np.zeros(0 if len(line) else delay, dtype=np.float32)
        waiting = np.concatenate((line, samples))
        view, line = memoryview(waiting[: len(samples)].tobytes()), waiting[len(samples) :]
        while view:
            view = view[os.write(1, view) :]


@contextmanager
def relay(server: SoundServer, source: str, sink: str, delay: int) -> Iterator[None]:
    """The sound of a source in a sink, every second click `delay` samples later."""
    environment = os.environ | server.environment
    with (
        subprocess.Popen(
            ["parec", f"--device={source}", "--latency-msec=20", *_FORMAT],
            env=environment,
            stdout=subprocess.PIPE,
        ) as recorder,
        subprocess.Popen(
            [sys.executable, "-m", "tests.delay_relay", str(delay)],
            stdin=recorder.stdout,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as line,
        subprocess.Popen(
            ["pacat", f"--device={sink}", "--latency-msec=200", *_FORMAT],
            env=environment,
            stdin=line.stdout,
        ) as player,
    ):
        try:
            assert line.stderr is not None
            assert line.stderr.readline().strip() == _READY
            yield
        finally:
            for process in (player, line, recorder):
                process.kill()


if __name__ == "__main__":
    main(int(sys.argv[1]))
