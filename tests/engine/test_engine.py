"""The engine with a source under the test's own hand, and with the real demo."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from visualizer.audio.capture import CaptureConfig
from visualizer.audio.health import Patience
from visualizer.audio.ring import BlockRing, SourceEnd
from visualizer.audio.sample_clock import SampleClock
from visualizer.audio.source import LATE_LIMIT_S, SourceInfo
from visualizer.engine.columns import MelColumns
from visualizer.engine.config import EngineConfig
from visualizer.engine.engine import Engine
from visualizer.engine.keeper import KernelChoice, KernelPlan
from visualizer.engine.latency import LatencyLog
from visualizer.engine.outbox import OUTBOX_LENGTH
from visualizer.engine.pipeline import Pipeline
from visualizer.engine.status import EngineStatus
from visualizer.errors import DeviceError
from visualizer.mel.compute import available_devices
from visualizer.mel.kernels.host import NumpyKernel
from visualizer.mel.presets import preset_for
from visualizer.mel.stream import MelStream

RATE_HZ = 16_000
HOP = 200
MIC = CaptureConfig("mic")
FILE = CaptureConfig("file", path="hand.wav")
CALM = Patience(first_sound_s=600, sound_s=600, rate_s=600)
"""No hand writes as evenly as a device."""
IMPATIENT = Patience(
    first_sound_s=0.3, sound_s=0.3, rate_s=600, call_s=0.3, close_s=0.3, retries_s=(0.05,)
)


class HandSource:
    """A source that delivers what the test writes into its ring."""

    def __init__(self, capture: CaptureConfig) -> None:
        self.info = SourceInfo(capture.kind, capture.device or "hand", None, RATE_HZ, 2, 0.01)
        self.closed = False
        self.ring: BlockRing | None = None

    def start(self, ring: BlockRing) -> None:
        self.ring = ring

    def close(self) -> None:
        self.closed = True


class Bench:
    """An engine, the sources it opened and the columns it gave."""

    def __init__(self, config: EngineConfig, fallbacks: tuple[CaptureConfig, ...] = ()) -> None:
        self.sources: list[HandSource] = []
        self.columns: list[MelColumns] = []
        self.refused: set[str | None] = set()
        self.server: dict[str, Any] = {}
        self.config = config
        self.fallbacks = fallbacks
        self.strict = False
        self.kernels: Path | None = None
        self.choice: KernelChoice | None = None
        self.patience = CALM
        self.woken = threading.Event()
        self.deadline_s = 30.0

    def start(self) -> Bench:
        self.engine = Engine(
            self.config,
            self.fallbacks,
            self.woken.set,
            strict=self.strict,
            kernels=KernelPlan(self.choice or ("auto" if self.kernels else "numpy"), self.kernels),
            open_source=self._open,
            patience=self.patience,
        )
        return self

    def _open(self, capture: CaptureConfig) -> HandSource:
        if capture.device in self.refused:
            raise DeviceError(f"{capture.device} is refused")
        source = HandSource(capture)
        source.info = replace(source.info, **self.server)
        self.sources.append(source)
        return source

    def write(self, samples: np.ndarray, lost: int = 0) -> None:
        ring = self.sources[-1].ring
        assert ring is not None
        ring.write(samples, time.perf_counter(), lost)

    def until(self, condition: Callable[[EngineStatus], bool]) -> EngineStatus:
        deadline = time.monotonic() + self.deadline_s
        while time.monotonic() < deadline:
            self.columns += self.engine.drain()
            status = self.engine.status()
            if condition(status):
                return status
            self.woken.wait(0.05)
            self.woken.clear()
        raise AssertionError(f"not reached: {self.engine.status()}")

    def values(self, config_id: int) -> dict[int, np.ndarray]:
        """The columns of one setting by their index."""
        return {
            c.first_column + i: c.values[0, :, i]
            for c in self.columns
            if c.config_id == config_id
            for i in range(c.n_columns)
        }


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench(EngineConfig(MIC))
    yield bench
    bench.engine.close()


def noise(n_samples: int) -> np.ndarray:
    return np.random.default_rng().normal(0, 0.1, (n_samples, 2)).astype(np.float32)


def expected(samples: np.ndarray, name: str = "simli") -> np.ndarray:
    return MelStream(preset_for(name, RATE_HZ), RATE_HZ, 1).push(samples)[0]


def test_blocks_that_are_parts_of_a_hop_end_with_the_samples_that_complete_columns(
    bench: Bench,
) -> None:
    """Of the first block so much is left out that they do."""
    hop, block, first = 160, 80, 200
    bench.config, bench.server = EngineConfig(MIC, preset="whisper-80"), {"block_length": block}
    bench.start().until(lambda s: s.state == "running")
    samples = noise(40 * block)
    for piece in np.split(samples, 40):
        bench.write(piece)
    left_out = -first % block
    n_columns = 1 + (len(samples) - left_out - first) // hop
    status = bench.until(lambda s: s.columns >= n_columns)
    came = bench.values(status.config_id)
    whole = expected(samples[left_out:].mean(axis=1, keepdims=True), "whisper-80")
    assert (len(samples) - left_out - first) % block == 0
    np.testing.assert_array_equal(np.array([came[t] for t in range(len(came))]).T, whole)


def test_columns_equal_those_of_the_whole_and_carry_their_times(bench: Bench) -> None:
    bench.start().until(lambda s: s.state == "running")
    samples = noise(4000)
    for at in range(0, 4000, 80):
        bench.write(samples[at : at + 80])
    whole = expected(samples.mean(axis=1, keepdims=True))
    status = bench.until(lambda s: s.columns == whole.shape[1])
    came = bench.values(status.config_id)
    np.testing.assert_array_equal(np.array([came[t] for t in range(len(came))]).T, whole)
    for columns in bench.columns:
        assert columns.captured_at <= columns.dequeued_at <= columns.computed_at
    assert max(c.peak for c in bench.columns) <= np.abs(samples).max()
    assert (status.gaps, status.dropped_blocks, status.dropped_columns) == (0, 0, 0)


def test_what_is_needed_later_comes_in_batches_and_at_once_when_it_is_needed_now(
    bench: Bench,
) -> None:
    bench.start().until(lambda s: s.state == "running")
    samples, log = noise(24_000), LatencyLog()

    def write(first: int, end: int) -> None:
        """As evenly as a device does."""
        for at in range(first, end, HOP):
            bench.write(samples[at : at + HOP])
            time.sleep(HOP / RATE_HZ)

    write(0, 4_000)
    bench.engine.need("later")
    write(4_000, 20_000)
    bench.engine.need("now")
    write(20_000, 24_000)
    columns = expected(samples.mean(axis=1, keepdims=True))
    status = bench.until(lambda s: s.columns == columns.shape[1])
    found = bench.values(status.config_id)
    np.testing.assert_allclose(np.stack(list(found.values()), axis=1), columns, atol=1e-6)
    batches = [c.n_columns for c in bench.columns if c.in_batch]
    # A quarter of a second is 20 hops, or fewer on a machine that is busy.
    assert len(batches) < sum(batches) / 4
    assert {c.n_columns for c in bench.columns if not c.in_batch} <= {1, 2, 3}
    assert status.batched_columns == sum(batches) >= 60
    for delivery in bench.columns:
        log.record(delivery, None)
    assert len(log.newest(1000)) == status.columns - status.batched_columns


def test_a_jump_of_the_clock_becomes_a_gap_of_the_right_length(bench: Bench) -> None:
    bench.start().until(lambda s: s.state == "running")
    samples = noise(16_000)
    bench.write(samples[:4000])
    bench.write(samples[8000:], lost=4000)
    last = (16_000 - 400) // HOP
    status = bench.until(lambda s: last in bench.values(s.config_id))
    whole = expected(samples.mean(axis=1, keepdims=True))
    came = bench.values(status.config_id)
    # Frame t covers t·200 − 400 … t·200 + 400: none may touch samples 4000 … 7999.
    lost = set(range((4000 - 400) // HOP + 1, (8000 + 400) // HOP))
    assert set(range(last + 1)) - came.keys() == lost
    for t, column in came.items():
        np.testing.assert_allclose(column, whole[:, t], rtol=1e-5)
    assert status.gaps == 1


def test_one_channel_can_be_chosen_while_it_runs(bench: Bench) -> None:
    bench.start().until(lambda s: s.state == "running")
    before = bench.engine.status()
    bench.engine.configure(replace(before.config, channel=(1,)))
    status = bench.until(lambda s: s.config_id > before.config_id)
    samples = noise(2000)
    bench.write(samples)
    whole = expected(samples[:, 1:])
    bench.until(lambda s: len(bench.values(status.config_id)) == whole.shape[1])
    came = bench.values(status.config_id)
    np.testing.assert_array_equal(np.array([came[t] for t in range(len(came))]).T, whole)
    assert len(bench.sources) == 1


def test_all_channels_are_analysed_side_by_side(bench: Bench) -> None:
    bench.config = EngineConfig(MIC, channel="each")
    bench.start().until(lambda s: s.state == "running")
    samples = noise(2000)
    bench.write(samples)
    whole = expected(samples[:, :1]).shape[1]
    bench.until(lambda s: s.columns == whole)
    [columns] = bench.columns
    for channel in (0, 1):
        alone = expected(samples[:, channel : channel + 1])
        np.testing.assert_array_equal(columns.values[channel], alone)


def test_a_front_end_is_swapped_without_stopping_the_stream(bench: Bench) -> None:
    """The new one's columns lie on the grid that began with the stream."""
    bench.start().until(lambda s: s.state == "running")
    before = bench.engine.status()
    samples = noise(4000)
    bench.write(samples[:1700])
    bench.until(lambda s: s.columns > 0)
    bench.engine.configure(replace(before.config, preset="simli-librosa"))
    status = bench.until(lambda s: s.config_id > before.config_id)
    assert status.mel is not None
    assert status.mel.name == "simli-librosa"
    assert status.stream_id == before.stream_id
    assert status.front_end_since == 1700
    bench.write(samples[1700:])
    whole = expected(samples.mean(axis=1, keepdims=True), "simli-librosa")
    last = whole.shape[1] - 1
    bench.until(lambda s: last in bench.values(s.config_id))
    came = bench.values(status.config_id)
    # Of the windows that lie in what it was fed, the first begins with sample 1800.
    assert min(came) == (1800 + 400) // HOP
    for t, column in came.items():
        np.testing.assert_array_equal(column, whole[:, t])
    assert status.gaps == 0
    sound = bench.engine.status().sound
    assert sound is not None
    np.testing.assert_array_equal(sound.read(0, 4000), samples)
    assert len(bench.sources) == 1
    assert not bench.sources[0].closed


def test_a_refused_device_is_said_and_the_one_that_worked_comes_back(bench: Bench) -> None:
    bench.start().until(lambda s: s.state == "running")
    bench.refused = {"broken"}
    config = bench.engine.status().config
    bench.engine.configure(replace(config, capture=replace(MIC, device="broken")))
    status = bench.until(lambda s: s.fault is not None)
    assert status.fault == "broken is refused · instead: hand"
    assert status.state == "running"
    assert status.config.capture == MIC
    assert [s.closed for s in bench.sources] == [True, False]
    bench.write(noise(1000))
    bench.until(lambda s: bool(bench.values(s.config_id)))


def test_what_cannot_be_opened_at_start_is_replaced_by_the_fallback(bench: Bench) -> None:
    bench.refused, bench.fallbacks = {None}, (CaptureConfig("mic", device="spare"),)
    status = bench.start().until(lambda s: s.state == "running")
    assert status.source is not None
    assert status.source.name == "spare"
    assert status.fault == "None is refused · instead: spare"


def test_without_a_fallback_the_engine_says_why_it_failed(bench: Bench) -> None:
    bench.refused = {None}
    status = bench.start().until(lambda s: s.state == "failed")
    assert status.fault == "None is refused"


def test_a_compute_device_that_is_not_there_is_said_and_the_old_one_goes_on(bench: Bench) -> None:
    bench.start().until(lambda s: s.state == "running")
    before = bench.engine.status()
    absent = next(c for c in ("mps", "cuda") if c not in before.compute_choices)
    bench.engine.configure(replace(before.config, compute=absent))  # type: ignore[arg-type]
    status = bench.until(lambda s: s.fault is not None)
    assert "not available" in (status.fault or "")
    assert (status.device, status.config.compute) == ("cpu", "auto")


def test_asked_for_strictly_nothing_stands_in_at_the_start(bench: Bench) -> None:
    bench.refused, bench.strict = {None}, True
    bench.fallbacks = (CaptureConfig("mic", device="spare"),)
    status = bench.start().until(lambda s: s.state == "failed")
    assert status.fault == "None is refused"
    assert bench.sources == []


def test_a_compute_device_that_is_gone_gives_way_to_the_cpu(bench: Bench) -> None:
    absent = next(c for c in ("mps", "cuda") if c not in available_devices())
    bench.config = EngineConfig(MIC, compute=absent)  # type: ignore[arg-type]
    status = bench.start().until(lambda s: s.state == "running")
    assert status.device == "cpu"
    assert "not available" in (status.fault or "")


def test_of_two_quick_choices_the_last_one_holds(bench: Bench) -> None:
    bench.start().until(lambda s: s.state == "running")
    config = bench.engine.status().config
    bench.engine.configure(replace(config, capture=replace(MIC, device="other")))
    bench.engine.configure(config)
    asked = bench.engine.status().revision
    bench.until(lambda s: s.revision > asked and s.config.capture == MIC)
    bench.engine.configure(replace(config, preset="simli-librosa"))
    status = bench.until(lambda s: s.config.preset == "simli-librosa")
    assert status.source is not None
    assert status.source.name == "hand"
    assert [s.closed for s in bench.sources[:-1]] == [True] * (len(bench.sources) - 1)


def test_after_a_failed_choice_the_last_that_worked_comes_back_with_its_channel(
    bench: Bench,
) -> None:
    bench.start().until(lambda s: s.state == "running")
    other = EngineConfig(replace(MIC, device="other"), channel=(1,))
    bench.engine.configure(other)
    bench.until(lambda s: s.config == other)
    bench.refused = {"broken"}
    bench.engine.configure(EngineConfig(replace(MIC, device="broken")))
    status = bench.until(lambda s: s.fault is not None)
    assert status.config == other


def test_a_kernel_that_fails_is_said_and_another_front_end_goes_on(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.start().until(lambda s: s.state == "running")

    def broken(*_: object) -> None:
        raise RuntimeError("no kernel image")

    # Stands for a GPU that this torch has no code for.
    monkeypatch.setattr(NumpyKernel, "__call__", broken)
    bench.write(noise(1000))
    status = bench.until(lambda s: s.state == "failed")
    assert "no kernel image" in (status.fault or "")
    monkeypatch.undo()
    bench.engine.configure(EngineConfig(MIC, preset="simli-librosa"))
    status = bench.until(lambda s: s.state == "running")
    assert status.fault is None


def test_an_analysis_that_fails_once_is_said_and_goes_on(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = bench.start().until(lambda s: s.state == "running")
    push = Pipeline.push

    def fail_once(*_: object) -> None:
        monkeypatch.setattr(Pipeline, "push", push)
        raise RuntimeError("out of memory")

    monkeypatch.setattr(Pipeline, "push", fail_once)
    bench.write(noise(1000))
    status = bench.until(lambda s: s.fault is not None)
    assert status.fault == "the analysis failed: RuntimeError('out of memory'); it was begun anew"
    assert status.state == "running"
    assert status.config_id > before.config_id
    bench.write(noise(4000))
    bench.until(lambda s: s.columns > 0)


def test_orders_come_before_a_backlog_of_sound(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.start().until(lambda s: s.state == "running")
    inside, go_on = threading.Event(), threading.Event()
    push = Pipeline.push

    def slow(pipeline: Pipeline, start_sample: int, samples: np.ndarray) -> tuple[int, np.ndarray]:
        inside.set()
        go_on.wait(20)
        return push(pipeline, start_sample, samples)

    monkeypatch.setattr(Pipeline, "push", slow)
    for _ in range(40):
        bench.write(noise(HOP))
    assert inside.wait(20)
    bench.engine.configure(replace(bench.engine.status().config, preset="simli-librosa"))
    go_on.set()
    bench.until(lambda s: s.config.preset == "simli-librosa")
    first_of_new = bench.until(lambda s: bool(bench.values(s.config_id))).config_id
    assert len(bench.values(first_of_new - 1)) <= 2


def test_samples_that_are_no_numbers_are_silence_and_counted(bench: Bench) -> None:
    bench.start().until(lambda s: s.state == "running")
    samples = noise(2000)
    samples[700, 0], samples[900, 1] = np.nan, np.inf
    bench.write(samples)
    status = bench.until(lambda s: s.columns > 0)
    assert status.bad_samples == 2
    assert all(np.isfinite(c.values).all() for c in bench.columns)


def test_a_source_that_ends_at_once_is_not_taken_for_running(bench: Bench) -> None:
    bench.config = EngineConfig(FILE)
    start = HandSource.start

    def start_and_end(source: HandSource, ring: BlockRing) -> None:
        start(source, ring)
        ring.write(noise(1000), time.perf_counter())
        ring.finish()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(HandSource, "start", start_and_end)
        status = bench.start().until(lambda s: s.state == "ended")
    assert status.columns == 1 + 1000 // HOP
    assert status.fault is None


def test_of_a_sound_that_ended_another_front_end_looks_at_what_was_heard(bench: Bench) -> None:
    bench.config = EngineConfig(FILE)
    bench.start().until(lambda s: s.state == "running")
    bench.write(noise(4000))
    ring = bench.sources[-1].ring
    assert ring is not None
    ring.finish()
    before = bench.until(lambda s: s.state == "ended")
    bench.engine.configure(replace(before.config, preset="simli-librosa"))
    status = bench.until(lambda s: s.config_id > before.config_id)
    assert (status.state, status.stream_id) == ("ended", before.stream_id)
    assert len(bench.sources) == 1
    # The same again is a wish to hear it again.
    bench.engine.configure(status.config)
    bench.until(lambda s: s.stream_id > before.stream_id and s.state == "running")
    assert len(bench.sources) == 2


def test_a_sound_too_short_for_a_column_is_said(bench: Bench) -> None:
    bench.config = EngineConfig(FILE, preset="kaldi")
    bench.start().until(lambda s: s.state == "running")
    bench.write(noise(300))
    ring = bench.sources[0].ring
    assert ring is not None
    ring.finish()
    status = bench.until(lambda s: s.state == "ended")
    assert "too short" in (status.fault or "")


def test_a_device_that_delivers_nothing_is_said_and_opened_again(bench: Bench) -> None:
    bench.patience = IMPATIENT
    bench.start()
    status = bench.until(lambda s: s.state == "waiting")
    assert status.fault == (
        "'hand' delivers no sound; is it suspended, or in use elsewhere? · opening it again"
    )
    bench.until(lambda _: len(bench.sources) > 1)
    assert bench.sources[0].closed
    deadline = time.monotonic() + bench.deadline_s
    while not (status.columns and status.state == "running"):
        assert time.monotonic() < deadline
        if bench.sources[-1].ring is not None:
            bench.write(noise(80))
        bench.woken.wait(0.01)
        status = bench.engine.status()
    assert status.fault is None
    assert status.reopened >= 1


def test_a_device_that_is_lost_goes_on_with_a_gap_of_the_right_length(bench: Bench) -> None:
    """The real clock: the stream's position is the time that has gone by."""
    bench.patience = replace(IMPATIENT, sound_s=600.0, first_sound_s=600.0)
    before = bench.start().until(lambda s: s.state == "running")
    bench.write(noise(4000))
    lost_at = time.perf_counter()
    ring = bench.sources[0].ring
    assert ring is not None
    bench.refused = {None}
    ring.finish("'hand' stopped delivering; was it unplugged?")
    status = bench.until(lambda s: s.state == "waiting")
    assert status.fault == "'hand' stopped delivering; was it unplugged? · opening it again"
    bench.woken.wait(0.4)
    bench.refused = set()
    bench.until(lambda _: len(bench.sources) == 2 and bench.sources[1].ring is ring)
    clock = SampleClock(RATE_HZ, lost_at)
    now = time.perf_counter()
    ring.write(noise(400), now, clock.place(400, now, overflow=False).lost)
    status = bench.until(lambda s: s.state == "running" and s.gaps == 1)
    assert status.lost_s == pytest.approx(now - lost_at - 400 / RATE_HZ, abs=1e-3)
    # The same stream, front-end and history.
    assert (status.stream_id, status.config_id) == (before.stream_id, before.config_id)
    assert (status.reopened, status.fault) == (1, None)


def test_what_was_asked_for_takes_the_place_of_what_stands_in(bench: Bench) -> None:
    bench.patience = replace(IMPATIENT, sound_s=600.0, first_sound_s=600.0)
    bench.refused = {"away"}
    bench.config = EngineConfig(CaptureConfig("mic", device="away"), channel=(1,))
    bench.fallbacks = (FILE,)
    status = bench.start().until(lambda s: s.state == "running")
    assert status.config.capture == FILE
    assert status.fault == "away is refused · instead: hand"
    bench.engine.configure(replace(status.config, preset="simli-librosa"))
    bench.until(lambda s: s.config.preset == "simli-librosa")
    bench.refused = set()
    status = bench.until(lambda s: s.config.capture.device == "away")
    # What was chosen meanwhile stays.
    assert (status.state, status.fault, status.config.preset) == ("running", None, "simli-librosa")
    # A choice after it does not open it once more.
    n_sources = len(bench.sources)
    bench.engine.configure(replace(status.config, channel=(0,)))
    bench.until(lambda s: s.config.channel == (0,))
    assert len(bench.sources) == n_sources


def test_a_device_that_hangs_is_said_and_something_else_can_be_played(bench: Bench) -> None:
    bench.patience = IMPATIENT
    answers = threading.Event()
    open_by_hand = bench._open

    def hang(capture: CaptureConfig) -> HandSource:
        if capture.kind == "mic":
            answers.wait()
        return open_by_hand(capture)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bench, "_open", hang)
        status = bench.start().until(lambda s: s.fault is not None)
        assert "the sound system has not answered for 0.3 s" in (status.fault or "")
        bench.engine.configure(replace(status.config, capture=FILE))
        bench.until(lambda s: s.state == "running")
        n_threads = threading.active_count()
        bench.engine.configure(replace(status.config, capture=MIC))
        status = bench.until(lambda s: s.fault is not None)
        assert status.config.capture == FILE
        assert threading.active_count() == n_threads
        answers.set()
        bench.until(lambda s: s.config.capture.kind == "mic")
    # What was opened too late is not left open.
    bench.until(
        lambda _: [s.closed for s in bench.sources if s.info.kind == "mic"].count(False) == 1
    )


def test_a_device_at_the_wrong_rate_is_said(bench: Bench) -> None:
    bench.patience = Patience(rate_s=1.0, retries_s=(600.0,))
    bench.start().until(lambda s: s.state == "running")
    while bench.engine.status().state == "running":
        bench.write(noise(40))
        bench.woken.wait(0.01)
    assert "instead of 16000" in (bench.engine.status().fault or "")


def test_sound_that_waited_too_long_is_dropped_and_counted(bench: Bench) -> None:
    bench.start().until(lambda s: s.state == "running")
    ring = bench.sources[0].ring
    assert ring is not None
    bench.write(noise(800))
    bench.until(lambda s: s.columns > 0)
    bench.until(lambda _: time.perf_counter() - bench.engine._ready_at > 2 * LATE_LIMIT_S)
    ring.want(10 * RATE_HZ)
    bench.until(lambda _: len(ring) == 0)
    ring.want(10 * RATE_HZ)
    now = time.perf_counter()
    for age_s in (0.6, 0.5, 0.4):
        ring.write(noise(400), now - age_s)
    ring.want(0)
    bench.write(noise(4000))
    status = bench.until(lambda s: s.gaps == 1)
    assert status.dropped_blocks == 3
    assert status.lost_s == pytest.approx(3 * 400 / RATE_HZ)
    assert status.lag_s < LATE_LIMIT_S


def test_a_front_end_of_another_rate_is_fed_by_a_resampler(bench: Bench) -> None:
    bench.config = EngineConfig(MIC, preset="panns")
    status = bench.start().until(lambda s: s.state == "running")
    assert status.resampling_s > 0
    samples = noise(16_000)
    for at in range(0, len(samples), 80):
        bench.write(samples[at : at + 80])
        if at % 1600 == 0:
            # A microphone's sound that waits too long is given up.
            bench.until(lambda s, end=at + 80: s.sound is not None and s.sound.end >= end)
    bench.until(lambda s: s.columns >= 95)
    import torch
    import torchaudio

    mono = torch.from_numpy(samples.mean(axis=1))
    resampled = torchaudio.functional.resample(mono, RATE_HZ, 32_000).numpy()
    whole = MelStream(preset_for("panns"), 32_000, 1).push(resampled[:, None])[0]
    for t, column in bench.values(status.config_id).items():
        np.testing.assert_allclose(column, whole[:, t], atol=1e-2)


def test_a_reader_that_stalls_loses_the_oldest_columns_and_they_are_counted(bench: Bench) -> None:
    bench.start().until(lambda s: s.state == "running")
    ring = bench.sources[0].ring
    assert ring is not None
    wanted = OUTBOX_LENGTH + 50
    deadline = time.monotonic() + 60
    # Not drained meanwhile: each block of one hop gives one column.
    while bench.engine.status().columns < wanted:
        assert time.monotonic() < deadline
        if len(ring) < 10:
            bench.write(np.zeros((HOP, 2), np.float32))
        else:
            bench.woken.wait(1.0)
            bench.woken.clear()
    status = bench.until(lambda s: s.columns >= wanted)
    kept = sum(c.n_columns for c in bench.columns)
    assert status.dropped_columns > 0
    assert kept + status.dropped_columns == status.columns


def test_a_file_waits_for_a_reader_that_stalls(bench: Bench, monkeypatch: Any) -> None:
    monkeypatch.setattr("visualizer.engine.outbox.OUTBOX_LENGTH", 8)
    bench.config = EngineConfig(FILE)
    bench.start().until(lambda s: s.state == "running")
    ring = bench.sources[0].ring
    assert ring is not None
    samples = noise(100 * HOP)
    for block in np.split(samples, 100):
        bench.write(block)
    ring.finish()
    deadline = time.monotonic() + bench.deadline_s
    # Not drained meanwhile.
    while bench.engine.status().columns < 8:
        assert time.monotonic() < deadline
        bench.woken.wait(1.0)
        bench.woken.clear()
    assert len(ring) > 80
    status = bench.until(lambda s: s.state == "ended")
    bench.columns += bench.engine.drain()
    assert (status.columns, status.dropped_columns, status.fault) == (101, 0, None)
    assert sorted(bench.values(status.config_id)) == list(range(101))


def test_blocks_that_find_the_ring_full_are_counted_and_marked(bench: Bench) -> None:
    bench.start().until(lambda s: s.state == "running")
    ring = bench.sources[0].ring
    assert ring is not None
    for block in np.split(noise(600 * HOP), 600):
        bench.write(block)
    bench.until(lambda _: len(ring) == 0)
    bench.write(noise(10 * HOP))
    status = bench.until(lambda s: s.gaps == 1)
    assert ring.dropped_blocks > 0
    assert status.dropped_blocks == ring.dropped_blocks + ring.skipped_blocks


def test_a_file_that_stops_by_itself_is_said(bench: Bench) -> None:
    bench.config = EngineConfig(FILE)
    bench.start().until(lambda s: s.state == "running")
    ring = bench.sources[0].ring
    assert ring is not None
    ring.finish("hand.wav cannot be read on")
    status = bench.until(lambda s: s.state == "ended")
    assert status.fault == "hand.wav cannot be read on"


def test_closing_again_has_no_effect(bench: Bench) -> None:
    bench.start().until(lambda s: s.state == "running")
    bench.engine.close()
    bench.engine.close()
    assert bench.sources[0].closed
    assert bench.engine.status().state == "closed"


def test_the_demo_runs_through_the_real_sources() -> None:
    woken = threading.Event()
    engine = Engine(EngineConfig(CaptureConfig("demo")), (), woken.set)
    try:
        deadline = time.monotonic() + 30
        while engine.status().columns < 40:
            assert time.monotonic() < deadline
            woken.wait(0.1)
            woken.clear()
        status = engine.status()
        assert status.source is not None
        assert (status.source.kind, status.gaps) == ("demo", 0)
    finally:
        engine.close()


@pytest.mark.parametrize("rate", [RATE_HZ, 3 * RATE_HZ])
def test_what_the_sound_server_moves_is_opened_anew_at_once(bench: Bench, rate: int) -> None:
    bench.patience = replace(CALM, retries_s=(600.0,))
    bench.server = {"chosen": ("one", "One")}
    bench.start()
    opened = bench.until(lambda s: s.state == "running")
    ring = bench.sources[-1].ring
    assert ring is not None
    bench.server = {"chosen": ("two", "Two"), "sample_rate": rate}
    ring.due_at = time.perf_counter()
    ring.finish("moved", SourceEnd.MOVED)
    told = bench.until(lambda s: s.note != "" or s.state == "waiting")
    goes_on = rate == RATE_HZ
    anew = "" if goes_on else f", at {rate} Hz with 2 channels"
    assert told.note == f"'hand' now records 'Two' instead of 'One'{anew}"
    assert (told.state, told.fault) == ("running", None)
    assert told.reopened == 1
    # Of a stream that goes on, its own clock tells what was lost.
    assert (told.gaps == 1) == (told.lost_s > 0) == (not goes_on)
    assert told.stream_id == opened.stream_id + (not goes_on)
    assert (bench.sources[-1].ring is ring) == goes_on
    assert [source.closed for source in bench.sources] == [True, False]


def test_sound_of_which_nobody_says_whose_it_is_is_a_fault(bench: Bench) -> None:
    bench.patience = replace(CALM, sound_s=0.2)
    bench.start()
    bench.until(lambda s: s.state == "running")
    ring = bench.sources[-1].ring
    assert ring is not None
    ring.hold(noise(RATE_HZ // 10), time.perf_counter())
    lost = bench.until(lambda s: s.state == "waiting")
    assert lost.fault is not None
    assert "does not say any more whether it records 'hand'" in lost.fault
    assert lost.columns == 0
