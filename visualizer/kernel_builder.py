"""The process that builds a compiled kernel and times the candidates: nothing else waits for it.

Started by `start_builder`, and at once of the lowest priority. Reads one JSON object from standard
input and writes one for each event to standard output: {"built": true}, then {"timings": [...]} as
they grow, or {"error": "..."} and the end.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import torch

from visualizer.config import MelConfig
from visualizer.errors import KernelError
from visualizer.mel import artifacts, timing
from visualizer.mel.artifacts import Artifact
from visualizer.mel.kernels import EagerKernel, Rows

N_CALLS, N_WARM_UP = 150, 5


def start_builder(artifact: Artifact) -> subprocess.Popen[str]:
    """Start the process for an artifact; `events` tells what it says, `kill` ends it."""
    builder = subprocess.Popen(
        [sys.executable, "-m", __name__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    order = {
        "config": artifact.config.to_dict(),
        "n_rows": artifact.n_rows,
        "folder": str(artifact.folder),
    }
    assert builder.stdin is not None
    builder.stdin.write(json.dumps(order) + "\n")
    builder.stdin.close()
    return builder


def events(builder: subprocess.Popen[str]) -> Iterator[dict[str, Any]]:
    """What the process says, until it ends."""
    assert builder.stdout is not None
    return map(json.loads, builder.stdout)


def main() -> None:
    _yield_to_others()
    # One compiler at a time leaves the other cores to the stream.
    os.environ["TORCHINDUCTOR_COMPILE_THREADS"] = "1"
    warnings.simplefilter("ignore")
    order = json.loads(sys.stdin.readline())

    torch.set_num_threads(1)
    config = MelConfig.from_dict(order["config"])
    artifact = Artifact(config, order["n_rows"], Path(order["folder"]))
    try:
        artifacts.build(artifact)
        kernel = artifacts.load(artifact)
        if kernel is None:
            raise KernelError("the kernel was removed as soon as it was built")
    except KernelError as error:
        _say(error=str(error))
        return
    _say(built=True)
    candidates: tuple[tuple[str, Callable[[], Callable[[Rows], object]]], ...] = (
        ("eager", lambda: EagerKernel(config)),
        ("compiled", lambda: kernel),
        ("torch.compile, reduce-overhead", lambda: timing.reduce_overhead(config)),
    )
    frames = timing.noise_frames(config, artifact.n_rows)
    timings: list[dict[str, Any]] = []
    for name, make in candidates:
        try:
            with torch.inference_mode():
                call = partial(make(), frames)
                timing.tight(call, N_WARM_UP)
                seconds = timing.paced(call, N_CALLS, config.hop_s)
        except Exception as error:
            # A candidate that this machine cannot run is none; the others still count.
            print(f"{name}: {error}", file=sys.stderr)
            continue
        timings.append(timing.summary(name, seconds, config.hop_s).to_dict())
        artifacts.write_record(artifact, {"timings": timings})
        _say(timings=timings)


def _yield_to_others() -> None:
    if sys.platform == "win32":
        psutil.Process().nice(psutil.IDLE_PRIORITY_CLASS)
    else:
        psutil.Process().nice(19)


def _say(**event: object) -> None:
    print(json.dumps(event), flush=True)


if __name__ == "__main__":
    main()
