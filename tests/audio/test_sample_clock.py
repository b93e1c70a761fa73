"""A device's deliveries, made up from the truth: when each was due, and how late it came."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import numpy as np
import pytest

from visualizer.audio.sample_clock import DRIFT_AFTER_S, SampleClock

RATE_HZ = 16_000
BLOCK = 80
BLOCK_S = BLOCK / RATE_HZ


class Device:
    """Delivers blocks of its own clock, and remembers where each was put."""

    def __init__(self, ppm: float = 0.0, seed: int = 1) -> None:
        self.clock = SampleClock(RATE_HZ)
        self.ppm = ppm
        self.random = np.random.default_rng(seed)
        self.now_s = 100.0
        self.position = 0
        self.gaps: list[int] = []
        self.stale = 0

    def deliver(self, late_s: float = 0.0, *, told: bool = False) -> None:
        """One block, at once."""
        jitter_s = self.random.uniform(0, 0.004)
        place = self.clock.place(BLOCK, self.now_s + late_s + jitter_s, told)
        self.stale += place.is_stale
        if not place.is_stale:
            self.position += place.lost + BLOCK
            if place.lost:
                self.gaps.append(place.lost)

    def run(self, seconds: float, *, late_s: float = 0.0) -> None:
        for _ in range(round(seconds / BLOCK_S)):
            self.now_s += BLOCK_S / (1 + 1e-6 * self.ppm)
            self.deliver(late_s)

    @property
    def error_s(self) -> float:
        """By how much the stream's clock is ahead of the time that has gone by."""
        return self.position / RATE_HZ - (self.now_s - 100.0)


@pytest.mark.parametrize("ppm", [-1000.0, -50.0, 0.0, 200.0, 1000.0])
def test_drift_is_measured_and_is_no_loss(ppm: float) -> None:
    device = Device(ppm)
    device.run(DRIFT_AFTER_S - 1)
    assert device.clock.drift_ppm is None
    device.run(90)
    assert device.gaps == []
    assert device.clock.drift_ppm == pytest.approx(ppm, abs=10)


@pytest.mark.parametrize("lost_s", [0.06, 0.2, 0.3, 1.5, 8.2, 60.0])
@pytest.mark.parametrize("heard_s", [3.0, 40.0])
def test_a_loss_that_is_not_told_becomes_a_gap_of_its_length(heard_s: float, lost_s: float) -> None:
    device = Device(ppm=100.0)
    device.run(heard_s)
    device.now_s += lost_s
    device.run(3)
    assert len(device.gaps) == 1
    assert device.gaps[0] / RATE_HZ == pytest.approx(lost_s, abs=0.01)
    assert device.error_s == pytest.approx(0.0, abs=0.02)


def test_a_small_loss_is_believed_where_the_device_tells_of_it() -> None:
    for told in (False, True):
        device = Device()
        device.run(5)
        device.now_s += 0.03
        device.deliver(told=told)
        device.run(3)
        assert len(device.gaps) == int(told)
    assert device.gaps[0] / RATE_HZ == pytest.approx(0.03, abs=0.006)


def test_a_told_overflow_without_a_loss_is_no_gap() -> None:
    device = Device()
    device.run(5)
    device.deliver(told=True)
    device.run(5)
    assert device.gaps == []


@pytest.mark.parametrize("held_s", [0.05, 0.2])
def test_what_was_only_late_is_no_loss(held_s: float) -> None:
    """Held up, and then delivered in a burst."""
    device = Device()
    device.run(5)
    for late_s in np.arange(held_s, 0, -BLOCK_S):
        device.now_s += BLOCK_S
        device.deliver(float(late_s))
    device.run(5)
    assert device.gaps == []
    assert device.stale == 0


@pytest.mark.parametrize(("held_s", "kept_s"), [(2.0, 2.0), (30.0, 21.8)])
def test_what_is_too_late_is_given_up_for_now(held_s: float, kept_s: float) -> None:
    """The server kept some of it, which comes in a burst; the rest is lost, and nobody says so."""
    device = Device()
    device.run(5)
    device.now_s += held_s
    n_kept = round(kept_s / BLOCK_S)
    for _ in range(n_kept):
        device.now_s += 1e-4
        device.deliver()
    device.run(5)
    assert device.error_s == pytest.approx(0.0, abs=0.04)
    assert sum(device.gaps) / RATE_HZ == pytest.approx(held_s, abs=0.05)
    # Of the burst hardly anything is shown as if it were of now.
    assert device.stale > 0.9 * n_kept


def test_the_machine_under_load_loses_nothing() -> None:
    """Callbacks up to 100 ms late, one in twenty of them in time."""
    device = Device(ppm=-300.0)
    for block in itertools.count():
        if device.now_s > 160:
            break
        device.now_s += BLOCK_S
        device.deliver(0.0 if block % 20 == 0 else float(device.random.uniform(0, 0.1)))
    assert device.gaps == []
    assert device.stale == 0


@pytest.mark.parametrize("held_s", [0.3, 1.5])
def test_what_happens_again_and_again_does_not_add_up(held_s: float) -> None:
    """Held up every 5 s and then delivered in a burst: nothing is ever lost by the device."""
    device = Device()
    device.run(5)
    for _ in range(20):
        device.now_s += held_s
        for _ in range(round(held_s / BLOCK_S)):
            device.now_s += 1e-5
            device.deliver()
        device.now_s = round((device.now_s - 100) / BLOCK_S) * BLOCK_S + 100
        device.run(5)
    assert device.error_s == pytest.approx(0.0, abs=0.05)


def test_a_delay_that_comes_and_goes_does_not_add_up() -> None:
    """As with Bluetooth: 80 ms more for 3 s of every 10, and nothing is lost."""
    device = Device()
    device.run(10)
    for _ in range(12):
        device.run(3, late_s=0.08)
        device.run(7)
    assert device.error_s == pytest.approx(0.0, abs=0.05)


def test_a_delay_that_settles_after_the_start_is_no_loss() -> None:
    device = Device()
    device.run(0.3)
    device.run(20, late_s=0.06)
    assert device.gaps == []
    assert device.stale == 0


@pytest.mark.parametrize("period_s", [0.02, 0.1, 0.2, 0.26, 0.5])
def test_a_device_that_delivers_in_batches_loses_nothing(period_s: float) -> None:
    """PortAudio gives what came at once in blocks, one right after the other."""
    device = Device(ppm=100.0)

    def run(seconds: float) -> None:
        for _ in range(round(seconds / period_s)):
            device.now_s += period_s
            for _ in range(round(period_s / BLOCK_S)):
                device.deliver()

    run(20)
    assert (device.gaps, device.stale) == ([], 0)
    device.now_s += 2.0
    run(20)
    assert device.error_s == pytest.approx(0.0, abs=0.05)
    assert sum(device.gaps) / RATE_HZ == pytest.approx(2.0, abs=0.06)
    assert device.stale * BLOCK_S < 0.06
    # Opened again, it is known to do so.
    device.clock = SampleClock(RATE_HZ, device.clock.due_at, device.clock.spread_s)
    device.gaps, device.stale = [], 0
    device.now_s += 1.0
    run(20)
    assert device.error_s == pytest.approx(0.0, abs=0.05)
    assert device.stale * BLOCK_S < 0.06


def test_an_opening_goes_on_where_the_one_before_ended() -> None:
    clock = SampleClock(RATE_HZ, since=50.0)
    assert clock.place(BLOCK, 53.0, overflow=False) == (3 * RATE_HZ - BLOCK, False)
    assert clock.place(BLOCK, 53.0 + BLOCK_S, overflow=False) == (0, False)
    # What a server kept for it meanwhile is of the gap.
    burst = [clock.place(BLOCK, 53.0 + BLOCK_S, overflow=False) for _ in range(400)]
    assert [place.is_stale for place in burst[10:]] == [True] * 390
    assert clock.place(BLOCK, 53.0 + 12 * BLOCK_S, overflow=False) == (0, False)


def test_a_burst_into_an_opening_that_knows_its_batches_is_stale() -> None:
    """All that a server kept, 20 times as fast as it was heard."""
    clock = SampleClock(RATE_HZ, since=50.0, spread_s=0.0124)
    places = [clock.place(BLOCK, 52.5 + block * BLOCK_S / 20, False) for block in range(500)]
    kept = sum(not place.is_stale for place in places)
    # As much as goes by meanwhile, and what cannot be told from a batch.
    assert kept * BLOCK_S < 500 * BLOCK_S / 20 + 0.05


def test_an_opening_that_ended_late_is_remembered() -> None:
    first = SampleClock(RATE_HZ)
    for block in range(1000):
        first.place(BLOCK, 10.0 + block * BLOCK_S, overflow=False)
    # Slower and slower, but not yet given up.
    newest_at = 10.0 + 1000 * BLOCK_S + 0.2
    assert first.place(BLOCK, newest_at, overflow=False) == (0, False)
    assert first.due_at == pytest.approx(newest_at - 0.2)
    second = SampleClock(RATE_HZ, first.due_at)
    lost = second.place(BLOCK, newest_at + 1.0, overflow=False).lost
    assert lost / RATE_HZ == pytest.approx(1.2, abs=2 * BLOCK_S)


def test_a_loss_is_counted_in_whole_blocks() -> None:
    clock = SampleClock(RATE_HZ, since=9.0, block_length=BLOCK)
    assert clock.place(BLOCK, 10.0, overflow=False).lost % BLOCK == 0
    now_s, lost = 10.0, []
    for block in range(2000):
        now_s += BLOCK_S + (0.0777 if block == 800 else 0.0)
        lost.append(clock.place(BLOCK, now_s, overflow=False).lost)
    assert [n % BLOCK for n in lost if n] == [0]
    assert sum(lost) / RATE_HZ == pytest.approx(0.0777, abs=BLOCK_S)


def blocks(*sizes: int) -> Iterable[int]:
    return itertools.cycle(sizes)


def test_blocks_of_any_size_are_placed_alike() -> None:
    clock = SampleClock(RATE_HZ)
    now_s, position, lost = 10.0, 0, 0
    for size in blocks(1, 799, 64, 4096):
        now_s += size / RATE_HZ
        lost += clock.place(size, now_s, overflow=False).lost
        position += size
        if now_s > 40:
            break
    assert lost == 0
    assert clock.drift_ppm == pytest.approx(0.0, abs=10)
