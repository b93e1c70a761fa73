"""The process that builds a compiled kernel and times the candidates: nothing else waits for it.

Started by KernelKeeper as `python -m visualizer.kernel_builder`, at the lowest priority. Reads one
JSON object from standard input and writes one for each event to standard output: {"built": true},
then {"timings": [...]} as they grow, or {"error": "..."} and the end.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

N_CALLS, N_WARM_UP = 150, 5


def main() -> None:
    _yield_to_others()
    # One compiler at a time leaves the other cores to the stream.
    os.environ["TORCHINDUCTOR_COMPILE_THREADS"] = "1"
    warnings.simplefilter("ignore")
    order = json.loads(sys.stdin.readline())

    import torch

    from visualizer.config import MelConfig
    from visualizer.errors import KernelError
    from visualizer.mel import artifacts, timing

    torch.set_num_threads(1)
    config = MelConfig.from_dict(order["config"])
    artifact = artifacts.Artifact(config, order["n_rows"], Path(order["folder"]))
    try:
        artifacts.build(artifact)
        kernel = artifacts.load(artifact)
        if kernel is None:
            raise KernelError("the kernel was removed as soon as it was built")
    except KernelError as error:
        _say(error=str(error))
        return
    _say(built=True)
    frames = timing.noise_frames(config, artifact.n_rows)
    timings: list[dict[str, Any]] = []
    candidates: tuple[tuple[str, Callable[[], timing.Call]], ...] = (
        ("eager", lambda: timing.eager(config)),
        ("compiled", lambda: kernel),
        ("torch.compile, reduce-overhead", lambda: timing.reduce_overhead(config)),
    )
    for name, make in candidates:
        try:
            call = make()
            for _ in range(N_WARM_UP):
                call(frames)
        except Exception as error:
            # A candidate that this machine cannot run is none; the others still count.
            print(f"{name}: {error}", file=sys.stderr)
            continue
        timings.append(timing.paced(name, call, frames, N_CALLS, config.hop_s).to_dict())
        _say(timings=timings)
    artifacts.write_record(artifact, {"timings": timings})


def _yield_to_others() -> None:
    if sys.platform == "win32":
        psutil.Process().nice(psutil.IDLE_PRIORITY_CLASS)
    else:
        psutil.Process().nice(19)


def _say(**event: object) -> None:
    print(json.dumps(event), flush=True)


if __name__ == "__main__":
    main()
