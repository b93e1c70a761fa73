"""The engine with sources of any number of channels, and with samples that are no sound."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from visualizer.audio.capture import CaptureConfig
from visualizer.audio.channels import SIDE_BY_SIDE_MAX, Channel
from visualizer.audio.ring import BlockRing
from visualizer.audio.sanitize import LIMIT, SoundFaults
from visualizer.audio.source import SourceInfo
from visualizer.engine.columns import MelColumns
from visualizer.engine.config import EngineConfig
from visualizer.engine.engine import Engine
from visualizer.engine.status import EngineStatus
from visualizer.mel.presets import preset_for
from visualizer.mel.stream import MelStream

RATE_HZ = 16_000


class Source:
    """Delivers what the test writes into its ring."""

    def __init__(self, channels: int) -> None:
        self.info = SourceInfo("mic", "array", None, RATE_HZ, channels, None)
        self.started = threading.Event()

    def start(self, ring: BlockRing) -> None:
        self.ring = ring
        self.started.set()

    def close(self) -> None: ...


class Run:
    """An engine on such a source."""

    def __init__(self, channels: int, channel: Channel) -> None:
        self.source, self.woken = Source(channels), threading.Event()
        self.columns: list[MelColumns] = []
        config = EngineConfig(CaptureConfig("mic"), channel=channel)
        self.engine = Engine(config, (), self.woken.set, open_source=lambda _: self.source)
        self.until(lambda status: status.state == "running")

    def until(self, condition: Callable[[EngineStatus], bool]) -> EngineStatus:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            self.columns += self.engine.drain()
            status = self.engine.status()
            if condition(status):
                self.columns += self.engine.drain()
                return status
            self.woken.wait(0.05)
            self.woken.clear()
        raise AssertionError(f"not reached: {self.engine.status()}")


@contextmanager
def running(channels: int, channel: Channel) -> Iterator[Run]:
    run = Run(channels, channel)
    try:
        yield run
    finally:
        run.engine.close()


def noise(n_samples: int, channels: int) -> np.ndarray:
    return np.random.default_rng().normal(0, 0.1, (n_samples, channels)).astype(np.float32)


def whole(samples: np.ndarray) -> np.ndarray:
    """(n_channels, n_mels, n_columns)"""
    return MelStream(preset_for("simli", RATE_HZ), RATE_HZ, samples.shape[1]).push(samples)


@pytest.mark.parametrize("channels", [1, 2, 5, 18, 32])
def test_any_number_of_channels_is_analysed(channels: int) -> None:
    samples = noise(4000, channels)
    last = channels - 1
    for channel, signals in (
        ("mean", samples.mean(axis=1, keepdims=True)),
        ((last,), samples[:, last:]),
        ("each", samples[:, :SIDE_BY_SIDE_MAX]),
    ):
        expected = whole(signals)
        with running(channels, channel) as run:
            for at in range(0, 4000, 80):
                run.source.ring.write(samples[at : at + 80], time.perf_counter())
            run.until(lambda status, n=expected.shape[2]: status.columns == n)
            came = np.concatenate([c.values for c in run.columns], axis=2)
            np.testing.assert_allclose(came, expected, rtol=1e-5, atol=1e-6)
            assert all(len(c.means) == channels for c in run.columns)


def test_what_was_wrong_is_counted_and_told_with_the_columns() -> None:
    samples = noise(4000, 2)
    samples[700, 0], samples[900, 1], samples[1000, 1] = np.nan, -np.inf, 1e30
    with running(2, "mean") as run:
        # A device may deliver nothing at all once.
        run.source.ring.write(samples[:0], time.perf_counter())
        for at in range(0, 4000, 80):
            run.source.ring.write(samples[at : at + 80], time.perf_counter())
        status = run.until(lambda status: status.sound is not None and status.sound.end == 4000)
        assert (status.state, status.columns) == ("running", 19)
        assert status.bad_samples == 3
        assert run.columns[0].faults == SoundFaults()
        assert run.columns[-1].faults == SoundFaults(not_finite=2, beyond_limit=1)
        assert max(c.peak for c in run.columns) == LIMIT
        assert status.sound is not None
        heard = status.sound.read(0, 4000)
        samples[[700, 900, 1000], [0, 1, 1]] = 0.0, 0.0, LIMIT
        np.testing.assert_array_equal(heard, samples)


def test_columns_tell_the_constant_offset_of_each_channel() -> None:
    with running(3, None) as run:
        samples = noise(RATE_HZ, 3) + np.float32([0.0, 0.12, -0.3])
        for at in range(0, RATE_HZ, 80):
            run.source.ring.write(samples[at : at + 80], time.perf_counter())
        run.until(lambda status: status.columns > 70)
        means = np.mean([c.means for c in run.columns], axis=0)
        np.testing.assert_allclose(means, [0.0, 0.12, -0.3], atol=0.01)
