"""How long a kernel takes: called again and again, and called once an hop as in real life."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch

from visualizer.config import MelConfig
from visualizer.mel.kernels import EagerKernel, Rows
from visualizer.mel.transform import MelTransform

Call = Callable[[Rows], object]


@dataclass(frozen=True)
class Timing:
    """Percentiles over many calls, in microseconds."""

    name: str
    n_calls: int
    p50_us: float
    p99_us: float
    period_ms: float | None = None
    """of the calls; None: without a pause"""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def tight(name: str, call: Call, frames: Rows, n_calls: int) -> Timing:
    """Time calls that follow each other at once; caches and branches are then at their best."""
    return _timing(name, [_seconds(call, frames) for _ in range(n_calls)], None)


def paced(name: str, call: Call, frames: Rows, n_calls: int, period_s: float) -> Timing:
    """Time calls that come once every `period_s`, which is what a live stream does."""
    seconds = []
    due = time.perf_counter()
    for _ in range(n_calls):
        due += period_s
        time.sleep(max(0.0, due - time.perf_counter()))
        seconds.append(_seconds(call, frames))
    return _timing(name, seconds, period_s)


def reduce_overhead(config: MelConfig) -> Call:
    """The transform as the article compiles its own: torch.compile(mode="reduce-overhead").

    Takes many seconds at its first call and needs a C++ compiler.
    """
    compiled = torch.compile(MelTransform(config), mode="reduce-overhead")

    def call(frames: Rows) -> object:
        with torch.inference_mode():
            return compiled(torch.from_numpy(frames)).numpy()

    return call


def eager(config: MelConfig) -> Call:
    """The kernel that runs where nothing was compiled."""
    kernel = EagerKernel(config)

    def call(frames: Rows) -> object:
        with torch.inference_mode():
            return kernel(frames)

    return call


def noise_frames(config: MelConfig, n_rows: int = 1) -> Rows:
    """Something to compute: (n_rows, win_length)."""
    shape = (n_rows, config.win_length)
    return np.random.default_rng().normal(0.0, 0.1, shape).astype(np.float32)


def _seconds(call: Call, frames: Rows) -> float:
    started_at = time.perf_counter()
    call(frames)
    return time.perf_counter() - started_at


def _timing(name: str, seconds: list[float], period_s: float | None) -> Timing:
    p50, p99 = (float(value) * 1e6 for value in np.percentile(seconds, (50, 99)))
    period_ms = None if period_s is None else period_s * 1e3
    return Timing(name, len(seconds), round(p50, 2), round(p99, 2), period_ms)
