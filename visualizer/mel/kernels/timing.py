"""How long a kernel takes: called without a pause, and once per hop as in a live stream."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from visualizer.mel.front_end import FrontEnd
from visualizer.mel.kernels.host import Frames

Call = Callable[[], object]


@dataclass(frozen=True)
class Timing:
    """Percentiles over many calls, in microseconds."""

    name: str
    n_calls: int
    p50_us: float
    p99_us: float
    period_ms: float | None = None
    """of the calls; None: without a pause"""
    measured_at: str | None = None
    """date and time, ISO 8601"""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def tight(call: Call, n_calls: int) -> list[float]:
    """Return the seconds of calls without a pause; caches and branches are at their best."""
    return [_seconds(call) for _ in range(n_calls)]


def paced(call: Call, n_calls: int, period_s: float) -> list[float]:
    """Return the seconds of calls that come once every `period_s`, as in a live stream."""
    seconds = []
    due = time.perf_counter()
    for _ in range(n_calls):
        due += period_s
        time.sleep(max(0.0, due - time.perf_counter()))
        seconds.append(_seconds(call))
    return seconds


def summary(name: str, seconds: list[float], period_s: float | None = None) -> Timing:
    """Return the percentiles of what `tight` or, with its period, `paced` measured."""
    p50, p99 = (float(value) * 1e6 for value in np.percentile(seconds, (50, 99)))
    period_ms = None if period_s is None else period_s * 1e3
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Timing(name, len(seconds), round(p50, 2), round(p99, 2), period_ms, now)


def noise_frames(front_end: FrontEnd, n_rows: int = 1) -> Frames:
    """Return something to compute: (n_rows, win_length)."""
    shape = (n_rows, front_end.win_length)
    return np.random.default_rng().normal(0.0, 0.1, shape).astype(np.float32)


def _seconds(call: Call) -> float:
    started_at = time.perf_counter()
    call()
    return time.perf_counter() - started_at
