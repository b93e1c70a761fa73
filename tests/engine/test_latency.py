from __future__ import annotations

import numpy as np
import pytest

from visualizer.engine.columns import MelColumns
from visualizer.engine.latency import LatencyLog


def columns(wait_ms: float, kernel_ms: float, n: int = 1, at_s: float = 100.0) -> MelColumns:
    dequeued_at = at_s + wait_ms / 1e3
    return MelColumns(
        np.zeros((1, 2, n), np.float32), 0, 1, at_s, dequeued_at, dequeued_at + kernel_ms / 1e3, 0.0
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


def test_the_newest_columns_come_oldest_first_and_around_the_ring() -> None:
    log = LatencyLog(capacity=10)
    for wait_ms in range(24):
        came = columns(wait_ms, 1.0)
        log.record(came, came.computed_at + 0.002)
    rows = log.newest(6)
    assert rows[:, 0] == pytest.approx(np.arange(18, 24))
    assert rows[-1] == pytest.approx([23.0, 1.0, 2.0, 26.0])
    assert log.newest(10**6)[:, 0] == pytest.approx(np.arange(14, 24))
    log.record(columns(99.0, 1.0), None)
    assert rows[-1, 0] == pytest.approx(23.0), "what was handed out changed afterwards"
    assert np.isnan(log.newest(1)[0, 2])
    log.clear()
    assert log.newest(5).shape == (0, 4)


@pytest.mark.parametrize("capacity", [4000, 10_000])
def test_since_a_moment_are_all_columns_that_were_over_later(capacity: int) -> None:
    log = LatencyLog(capacity)
    for second in range(5000):
        log.record(columns(second % 7, 0.0, at_s=1000.0 + second), 1000.5 + second)
    for wanted in (1, 900, 1025, 3999):
        times_s, stages_ms = log.since(6000.0 - wanted)
        np.testing.assert_array_equal(times_s, np.arange(6000 - wanted, 6000) + 0.5)
        assert stages_ms[:, 0] == pytest.approx(np.arange(5000 - wanted, 5000) % 7, abs=1e-6)
    assert len(log.since(0.0)[0]) == min(capacity, 5000)
    assert len(log.since(6000.0)[0]) == 0
    assert len(LatencyLog().since(0.0)[0]) == 0


def test_more_columns_at_once_than_are_kept_leave_the_newest() -> None:
    log = LatencyLog(capacity=3)
    log.record(columns(1.0, 1.0, n=8), None)
    assert log.newest(10)[:, 0] == pytest.approx([1.0, 1.0, 1.0])
