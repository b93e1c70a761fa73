from __future__ import annotations

import numpy as np
import pytest

from visualizer.columns import MelColumns
from visualizer.latency import LatencyLog


def columns(wait_ms: float, kernel_ms: float, n: int = 1) -> MelColumns:
    dequeued_at = 100.0 + wait_ms / 1e3
    return MelColumns(
        np.zeros((2, n), np.float32), 0, 1, 100.0, dequeued_at, dequeued_at + kernel_ms / 1e3, 0.0
    )


def test_stages_add_up_to_the_total() -> None:
    log = LatencyLog()
    came = columns(2.0, 0.5)
    log.record(came, came.computed_at + 0.004)
    stages = [log.latest(stage) for stage in ("wait", "kernel", "draw", "total")]
    assert stages == pytest.approx([2.0, 0.5, 4.0, 6.5])


def test_without_a_paint_the_total_ends_at_the_column() -> None:
    log = LatencyLog()
    log.record(columns(2.0, 0.5), None)
    assert log.latest("total") == pytest.approx(2.5)
    assert log.latest("draw") is None
    assert log.percentiles("draw") is None


def test_percentiles_are_over_the_newest_columns() -> None:
    log = LatencyLog(capacity=100)
    for wait_ms in range(250):
        log.record(columns(wait_ms, 1.0), None)
    all_kept = log.percentiles("wait")
    newest = log.percentiles("wait", newest=11)
    assert all_kept is not None
    assert newest is not None
    assert all_kept.p50 == pytest.approx(199.5)
    assert all_kept.max == pytest.approx(249.0)
    assert newest.p50 == pytest.approx(244.0)


def test_columns_that_came_together_count_each() -> None:
    log = LatencyLog(capacity=8)
    log.record(columns(1.0, 1.0), None)
    log.record(columns(9.0, 1.0, n=3), None)
    percentiles = log.percentiles("wait")
    assert percentiles is not None
    assert percentiles.p50 == pytest.approx(9.0)


def test_nothing_measured_is_none() -> None:
    assert LatencyLog().percentiles("total") is None
    assert LatencyLog().latest("total") is None
