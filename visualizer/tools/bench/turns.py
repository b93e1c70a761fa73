"""Candidates timed in turns, with nothing but NumPy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from visualizer.mel.kernels.timing import Call, tight

_WARM_UP_CALLS = 10

Case = tuple[str, int]
"""A name and the number of rows."""


def in_turns(
    calls: dict[Case, Call], rounds: int, time_calls: Callable[[Call], list[float]]
) -> dict[Case, tuple[float, float]]:
    """Return p50 and p99 of each; in turns, so that a slow phase of the machine meets all alike."""
    seconds: dict[Case, list[float]] = {case: [] for case in calls}
    for _ in range(rounds):
        for case, call in calls.items():
            tight(call, _WARM_UP_CALLS)
            seconds[case] += time_calls(call)
    return {case: percentiles_us(taken) for case, taken in seconds.items()}


def percentiles_us(seconds: list[float]) -> tuple[float, float]:
    """Return p50 and p99 in µs."""
    p50, p99 = np.percentile(seconds, (50, 99)) * 1e6
    return round(float(p50), 2), round(float(p99), 2)
