"""How late columns are, by stage."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np

from visualizer.columns import MelColumns

Stage = Literal["wait", "kernel", "draw", "total"]
STAGES: tuple[Stage, ...] = ("wait", "kernel", "draw", "total")

KEPT_COLUMNS = 1 << 16
"""Percentiles are over at most this many newest columns: 14 minutes of 80 a second."""


@dataclass(frozen=True)
class Percentiles:
    """Milliseconds."""

    p50: float
    p95: float
    p99: float
    max: float

    def to_dict(self) -> dict[str, float]:
        return {name: round(value, 3) for name, value in asdict(self).items()}


class LatencyLog:
    """The stages of the newest columns, from callback entry on.

    wait: callback entry to worker. kernel: worker to values ready. draw: values ready to paint
    finished. total: callback entry to the last stage there is.
    """

    def __init__(self, capacity: int = KEPT_COLUMNS) -> None:
        self._ms = np.full((capacity, len(STAGES)), np.nan)
        self._count = 0

    def clear(self) -> None:
        """Forget all: what follows is of another front-end or source."""
        self._count = 0
        self._ms.fill(np.nan)

    def record(self, columns: MelColumns, painted_at: float | None) -> None:
        """Note columns; `painted_at` (perf_counter s) is None where nothing is painted."""
        shown_at = columns.computed_at if painted_at is None else painted_at
        stages_s = (
            columns.dequeued_at - columns.captured_at,
            columns.computed_at - columns.dequeued_at,
            np.nan if painted_at is None else painted_at - columns.computed_at,
            shown_at - columns.captured_at,
        )
        end = self._count + columns.n_columns
        self._ms[np.arange(self._count, end) % len(self._ms)] = np.multiply(stages_s, 1e3)
        self._count = end

    def latest(self, stage: Stage) -> float | None:
        """The newest column's time in ms."""
        value = self._ms[(self._count - 1) % len(self._ms), STAGES.index(stage)]
        return None if np.isnan(value) else float(value)

    def percentiles(self, stage: Stage, newest: int = KEPT_COLUMNS) -> Percentiles | None:
        """Over the `newest` columns; None where the stage was never measured."""
        n = min(newest, self._count, len(self._ms))
        rows = np.arange(self._count - n, self._count) % len(self._ms)
        values = self._ms[rows, STAGES.index(stage)]
        values = values[~np.isnan(values)]
        if len(values) == 0:
            return None
        p50, p95, p99 = (float(value) for value in np.percentile(values, (50, 95, 99)))
        return Percentiles(p50, p95, p99, float(values.max()))
