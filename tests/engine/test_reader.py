"""The reader, over an engine that says just what a test lets it say."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import cast

import numpy as np
import pytest

from visualizer.audio.capture import CaptureConfig
from visualizer.engine import reader as reader_module
from visualizer.engine.columns import MelColumns
from visualizer.engine.config import EngineConfig
from visualizer.engine.engine import Engine
from visualizer.engine.reader import EngineReader
from visualizer.engine.status import EngineStatus
from visualizer.errors import DeviceError

RUNNING = EngineStatus("running", EngineConfig(CaptureConfig("demo")), config_id=1)


def columns(config_id: int, first_column: int = 0) -> MelColumns:
    values = np.zeros((1, 80, 1), np.float32)
    return MelColumns(values, first_column, config_id, 0.0, 0.0, 0.0, 0.0)


class FakeEngine:
    def __init__(self, wake: Callable[[], None]) -> None:
        self.wake = wake
        self.statuses = [RUNNING]
        """the last one goes on"""
        self.deliveries: list[list[MelColumns]] = []

    def counted(self, status: EngineStatus) -> EngineStatus:
        return replace(status, columns=7)

    def uncounted(self) -> EngineStatus:
        return self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]

    def drain(self) -> list[MelColumns]:
        return self.deliveries.pop(0) if self.deliveries else []

    def close(self) -> None:
        self.statuses = [replace(RUNNING, state="closed")]


def make(
    duration_s: float | None = None, on_news: Callable[[], None] | None = None
) -> tuple[EngineReader, FakeEngine]:
    engines: list[FakeEngine] = []

    def start(wake: Callable[[], None]) -> Engine:
        engines.append(FakeEngine(wake))
        return cast(Engine, engines[0])

    return EngineReader(start, duration_s=duration_s, on_news=on_news), engines[0]


def test_columns_come_with_a_status_that_knows_their_front_end() -> None:
    reader, engine = make()
    engine.statuses = [RUNNING, replace(RUNNING, config_id=2)]
    engine.deliveries = [[columns(1), columns(2)]]
    assert len(reader.drain()) == 2
    assert reader.status.config_id == 2


def test_it_goes_on_until_the_last_columns_of_an_engine_that_has_ended() -> None:
    reader, engine = make()
    engine.statuses = [replace(RUNNING, state="ended")]
    engine.deliveries = [[columns(1, 0)], [columns(1, 1)]]
    taken = [delivery.first_column for deliveries in reader for delivery in deliveries]
    assert taken == [0, 1]
    assert reader.is_over
    reader.require_success()


def test_the_time_counts_from_the_first_column(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader_module, "FIRST_COLUMN_LIMIT_S", 1000.0)
    reader, engine = make(duration_s=0.05)
    began_at = time.perf_counter()
    assert reader.deadline > began_at + 900
    engine.deliveries = [[columns(1)]]
    for _ in reader:
        pass
    assert reader.first_at is not None
    assert reader.deadline == reader.first_at + 0.05
    assert not reader.is_over


def test_without_a_column_it_says_why_or_that_none_came() -> None:
    reader, engine = make()
    with pytest.raises(DeviceError, match="no column came in time"):
        reader.require_success()
    engine.statuses = [replace(RUNNING, state="failed", fault="it is unplugged")]
    reader.drain()
    with pytest.raises(DeviceError, match="it is unplugged"):
        reader.require_success()


def test_what_was_there_last_stays_known_after_the_end() -> None:
    reader, _ = make()
    reader.close()
    assert reader.drain() == []
    assert (reader.status.state, reader.status.columns) == ("running", 7)
    assert reader.is_over


def test_news_ends_a_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader_module, "LOOK_S", 1000.0)
    reader, engine = make()
    waiting = threading.Thread(target=reader.wait, daemon=True)
    waiting.start()
    engine.wake()
    waiting.join(20.0)
    assert not waiting.is_alive()


def test_one_that_does_not_wait_is_called_for_news() -> None:
    called: list[None] = []
    _, engine = make(on_news=lambda: called.append(None))
    engine.wake()
    assert len(called) == 1
