"""The process that builds a compiled kernel and times the candidates: nothing else waits for it.

Started by `start_builder`, it runs when nothing else wants the processor. It reads one JSON object
from standard input and writes one for each event to standard output: {"built": true} or
{"error": "..."} where there was something to build, then {"timings": [...]} as they grow.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from visualizer.errors import KernelError
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.kernels import artifacts, timing
from visualizer.mel.kernels.artifacts import Artifact
from visualizer.mel.kernels.host import Frames, HostKernel, NumpyKernel
from visualizer.mel.kernels.two_steps import needs_library
from visualizer.support.children import own_command, own_environment, run_when_idle

N_CALLS, N_WARM_UP = 150, 5


def start_builder(artifact: Artifact, device: str) -> subprocess.Popen[str]:
    """Start the process for an artifact; `events` tells what it says, `children.end` ends it.

    A kernel is built for the CPU only; on other devices, what runs there is timed.
    """
    builder = subprocess.Popen(
        own_command(__name__),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=own_environment(),
        # A session of its own, so that the compilers it starts end with it, and its priority is
        # one beside the window's.
        start_new_session=True,
    )
    order = {
        "front_end": artifact.front_end.to_dict(),
        "n_rows": artifact.n_rows,
        "folder": str(artifact.folder),
        "device": device,
    }
    assert builder.stdin is not None
    with suppress(BrokenPipeError):
        builder.stdin.write(json.dumps(order) + "\n")
        builder.stdin.close()
    return builder


def events(builder: subprocess.Popen[str]) -> Iterator[dict[str, Any]]:
    """What the process says, until it ends."""
    assert builder.stdout is not None
    return map(json.loads, builder.stdout)


def main() -> None:
    """Serve the one order on standard input."""
    run_when_idle()
    # One compiler, and one thread, at a time leave the other cores to the stream.
    os.environ |= {"TORCHINDUCTOR_COMPILE_THREADS": "1", "OMP_NUM_THREADS": "1"}
    warnings.simplefilter("ignore")
    order = json.loads(sys.stdin.readline())
    import torch

    torch.set_num_threads(1)
    front_end = FrontEnd.from_dict(order["front_end"])
    artifact = Artifact(front_end, order["n_rows"], Path(order["folder"]))
    from visualizer.mel.kernels.building import folder_that_compilers_take

    try:
        with folder_that_compilers_take(artifact.folder):
            _serve(artifact, order["device"])
    except KernelError as error:
        _say(error=str(error))


def _serve(artifact: Artifact, device: str) -> None:
    """Build where there is something to build, and time what there is."""
    kernel = None
    if device == "cpu" and not needs_library(artifact.front_end, artifact.n_rows):
        try:
            kernel = artifacts.obtain(artifact)
        except KernelError as error:
            _say(error=str(error))
        else:
            _say(built=True)
    _time(artifact, device, kernel)


def _time(artifact: Artifact, device: str, kernel: HostKernel | None) -> None:
    from visualizer.mel.kernels import building
    from visualizer.mel.kernels.torch_kernels import CudaGraphKernel, EagerKernel

    front_end, n_rows = artifact.front_end, artifact.n_rows
    candidates: dict[str, Callable[[], Callable[[Frames], object]]] = {
        "numpy": lambda: NumpyKernel(front_end)
    }
    # First what decides which one runs.
    if kernel is not None:
        candidates["compiled"] = lambda: kernel
    candidates["eager"] = lambda: EagerKernel(front_end, device)
    if device.startswith("cuda"):
        candidates["cuda-graph"] = lambda: CudaGraphKernel(front_end, n_rows, device)
    article = "torch.compile, reduce-overhead"
    candidates[article] = lambda: building.reduce_overhead(front_end, device)
    frames = timing.noise_frames(front_end, n_rows)
    timings: list[dict[str, Any]] = []
    for name, make in candidates.items():
        try:
            call = partial(make(), frames)
            timing.tight(call, N_WARM_UP)
            seconds = timing.paced(call, N_CALLS, front_end.hop_s)
        except Exception:
            # A candidate that this machine cannot run is none; the others still count.
            continue
        timings.append(timing.summary(name, seconds, front_end.hop_s).to_dict())
        _say(timings=timings)
    if device == "cpu":
        with suppress(KernelError):
            artifacts.write_record(artifact, {"timings": timings})


def _say(**event: object) -> None:
    print(json.dumps(event), flush=True)


if __name__ == "__main__":
    main()
