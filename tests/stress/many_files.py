"""Memory and time of `mel` over many files, and what a run that is killed leaves, as a table.

Start it as `python -m tests.stress.many_files [--counts 1 10 100 1000] [--seconds 60] [--jobs 2]`.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import soundfile

_RATE_HZ = 16_000
_LOOK_S = 0.02


@dataclass(frozen=True)
class Run:
    """One run of the command."""

    took_s: float
    parent_mb: float
    """the most memory that it held (RSS)"""
    worker_mb: float
    """the same, of the largest worker"""
    exit_code: int


def make_sounds(folder: Path, n_files: int, seconds: float) -> None:
    """Make files of noise, as many names of one file."""
    folder.mkdir()
    samples = np.random.default_rng().normal(0, 0.1, round(seconds * _RATE_HZ))
    first = folder / "0.wav"
    soundfile.write(first, samples, _RATE_HZ)
    for i in range(1, n_files):
        os.link(first, folder / f"{i}.wav")


def run(sounds: Path, out: Path, n_jobs: int, kill_after_s: float | None = None) -> Run:
    """Run the command, looking at its memory; kill it after some time."""
    words = ["mel", str(sounds), "-o", str(out), "--jobs", str(n_jobs)]
    began_at = time.monotonic()
    process = psutil.Popen([sys.executable, "-m", "visualizer", *words], stdout=subprocess.DEVNULL)
    parent = worker = 0
    while process.poll() is None:
        with suppress(psutil.Error):
            parent = max(parent, process.memory_info().rss)
            for child in process.children():
                worker = max(worker, child.memory_info().rss)
        if kill_after_s is not None and time.monotonic() - began_at > kill_after_s:
            process.kill()
        time.sleep(_LOOK_S)
    took_s = time.monotonic() - began_at
    return Run(took_s, parent / 1e6, worker / 1e6, process.returncode)


def contents(folder: Path) -> dict[str, bytes]:
    """What is there, but for the list."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".jsonl"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--counts", type=int, nargs="+", default=[1, 10, 100, 1000])
    parser.add_argument("--seconds", type=float, default=60.0, help="of each file")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--kills", type=int, default=5, help="of the largest number of files")
    arguments = parser.parse_args()
    print("files      took    parent    worker")
    for n_files in arguments.counts:
        with tempfile.TemporaryDirectory() as name:
            sounds, out = Path(name, "sounds"), Path(name, "out")
            make_sounds(sounds, n_files, arguments.seconds)
            whole = run(sounds, out, arguments.jobs)
            assert whole.exit_code == 0
            figures = f"{whole.took_s:7.1f} s {whole.parent_mb:6.0f} MB {whole.worker_mb:6.0f} MB"
            print(f"{n_files:5d} {figures}", flush=True)
            if n_files < max(arguments.counts):
                continue
            again = Path(name, "again")
            for _ in range(arguments.kills):
                run(sounds, again, arguments.jobs, random.uniform(0.0, whole.took_s))
            assert run(sounds, again, arguments.jobs).exit_code == 0
            same = contents(again) == contents(out)
            print(f"killed {arguments.kills} times, then ended: {'the same' if same else 'OTHER'}")
            if not same:
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
