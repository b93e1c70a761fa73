"""How late columns are, by stage."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from visualizer.audio.ring import Circular
from visualizer.engine.columns import MelColumns

Stage = Literal["wait", "kernel", "draw", "total"]
STAGES: tuple[Stage, ...] = ("wait", "kernel", "draw", "total")

KEPT_COLUMNS = 1 << 16
"""Percentiles are over at most this many newest columns: 14 minutes of 80 a second."""

_WRITTEN_AT_ONCE = 256
_CATCH_UP_S = 1.0


@dataclass(frozen=True)
class Percentiles:
    """Milliseconds."""

    p50: float
    p95: float
    p99: float
    max: float

    def to_dict(self) -> dict[str, float]:
        return {name: round(value, 3) for name, value in asdict(self).items()}


def percentile(rising: NDArray[np.float64], percent: float) -> float:
    """Of (n,) sorted values, as np.percentile has it, at a tenth of its cost."""
    place = (len(rising) - 1) * percent / 100
    below = math.floor(place)
    low, high = float(rising[below]), float(rising[min(below + 1, len(rising) - 1)])
    return low + (high - low) * (place - below)


class LatencyLog:
    """The stages of the newest columns, from callback entry on.

    wait: callback entry to worker. kernel: worker to values ready. draw: values ready to paint
    finished. total: callback entry to the last stage there is.
    """

    def __init__(self, capacity: int = KEPT_COLUMNS) -> None:
        self._rows = _TimedRows(len(STAGES), capacity)
        self.model = ModelLog()
        """beside them: the answers of a model, where there is one"""

    def clear(self) -> None:
        """Forget all columns: what follows is of another front-end or source."""
        self._rows.clear()

    def record(self, columns: MelColumns, painted_at: float | None) -> None:
        """Note columns, except those of a batch.

        `painted_at`, in s of perf_counter, is when their paint was done; None: they have none.
        """
        if columns.in_batch:
            return
        shown_at = columns.computed_at if painted_at is None else painted_at
        stages = (
            1e3 * (columns.dequeued_at - columns.captured_at),
            1e3 * (columns.computed_at - columns.dequeued_at),
            math.nan if painted_at is None else 1e3 * (painted_at - columns.computed_at),
            1e3 * (shown_at - columns.captured_at),
        )
        self._rows.add(stages, shown_at, columns.n_columns)

    def latest(self, stage: Stage) -> float | None:
        """The newest column's time in ms."""
        values = self.newest(1)[:, STAGES.index(stage)]
        return None if np.isnan(values).all() else float(values[0])

    def newest(self, n: int) -> NDArray[np.float64]:
        """At most n columns, oldest first: (columns, len(STAGES)) ms; NaN: not measured."""
        return self._rows.newest(n)[:, :-1]

    def since(self, moment_s: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """What was over after `moment_s` (perf_counter s), oldest first, as far as it is kept.

        Returns when each column was over, (columns,) s, and its stages, (columns, len(STAGES)) ms.
        """
        return self._rows.since(moment_s)

    def percentiles(self, stage: Stage, newest: int = KEPT_COLUMNS) -> Percentiles | None:
        """Over the `newest` columns; None where the stage was never measured."""
        return _percentiles(self._rows.newest(newest)[:, STAGES.index(stage)])


class ModelLog:
    """The stage beside the others: from the newest sound of a block to the model's answer.

    An answer is behind where the next block was there before it. The first second is left out, in
    which a model catches up with what came while it was loaded.
    """

    def __init__(self, capacity: int = KEPT_COLUMNS) -> None:
        self._rows = _TimedRows(1, capacity)
        self.clear()

    def clear(self) -> None:
        """Forget all: what follows is of another model."""
        self._rows.clear()
        self._measures_from = math.inf
        self.step_ms = 0.0
        """from one block to the next; 0.0 before the first answer"""
        self.answers = 0
        self.behind = 0
        """how many of the answers"""
        self.lost = 0
        """blocks that nobody answered"""

    def record(self, late_ms: float, answered_at: float, step_s: float) -> None:
        """Note what one call answered at a moment (perf_counter s), `late_ms` after its sound."""
        self._measures_from = min(self._measures_from, answered_at + _CATCH_UP_S)
        if answered_at < self._measures_from:
            return
        self.step_ms = 1e3 * step_s
        self.answers += 1
        self.behind += late_ms > self.step_ms
        self._rows.add((late_ms,), answered_at)

    @property
    def latest(self) -> float | None:
        """The newest answer's time in ms."""
        newest = self._rows.newest(1)
        return float(newest[0, 0]) if len(newest) else None

    def since(self, moment_s: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """As `LatencyLog.since` does, return (answers,) s and (answers, 1) ms."""
        return self._rows.since(moment_s)

    def percentiles(self, newest: int = KEPT_COLUMNS) -> Percentiles | None:
        """Over the `newest` answers; None where there are none."""
        return _percentiles(self._rows.newest(newest)[:, 0])


class _TimedRows:
    """Rows of numbers in ms, the newest of them, each with the moment it was over."""

    def __init__(self, n_numbers: int, capacity: int) -> None:
        # With the moment in the last place, so that a row is one write.
        self._width = n_numbers + 1
        self._kept = Circular(capacity, self._width, np.float64)
        self._count = 0
        self._fresh: list[tuple[float, ...]] = []
        """rows that are not written yet: many at once take hardly longer than one"""

    def clear(self) -> None:
        self._count = 0
        self._fresh.clear()

    def add(self, numbers: tuple[float, ...], over_at: float, times: int = 1) -> None:
        self._fresh.extend([(*numbers, over_at)] * times)
        if len(self._fresh) >= _WRITTEN_AT_ONCE:
            self._write()

    def newest(self, n: int) -> NDArray[np.float64]:
        """At most n, oldest first: (rows, n_numbers + 1), the moment last."""
        self._write()
        rows = np.empty((min(n, self._count, len(self._kept)), self._width))
        self._kept.read(self._count - len(rows), rows)
        return rows

    def since(self, moment_s: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        self._write()
        n = 1024
        while n < min(self._count, len(self._kept)) and self.newest(n)[0, -1] > moment_s:
            n *= 4
        rows = self.newest(n)
        rows = rows[np.searchsorted(rows[:, -1], moment_s, side="right") :]
        return rows[:, -1], rows[:, :-1]

    def _write(self) -> None:
        if self._fresh:
            self._kept.write(self._count, np.array(self._fresh))
            self._count += len(self._fresh)
            self._fresh.clear()


def _percentiles(values: NDArray[np.float64]) -> Percentiles | None:
    values = values[~np.isnan(values)]
    if len(values) == 0:
        return None
    values.sort()
    p50, p95, p99 = (percentile(values, percent) for percent in (50, 95, 99))
    return Percentiles(p50, p95, p99, float(values[-1]))
