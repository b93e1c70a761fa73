"""A tap: it hears all that the engine does, and sound that can wait waits for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from tests.engine.test_engine import FILE, MIC, Bench, bench, noise  # noqa: F401
from visualizer.audio.channels import Channel
from visualizer.audio.ring import SourceEnd
from visualizer.audio.source import SourceInfo
from visualizer.engine.config import EngineConfig


class Recorder:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.begun: list[tuple[str, Channel, int]] = []
        self.sound: list[tuple[int, np.ndarray]] = []
        self.ended = False
        self.room = True
        self.on_room: Callable[[], None] | None = None
        self.asked = threading.Event()

    def begin(self, source: SourceInfo, channel: Channel, stream_id: int) -> None:
        self.begun.append((source.name, channel, stream_id))

    def put(self, start_sample: int, samples: np.ndarray, ready_at: float) -> None:
        self.sound.append((start_sample, samples))

    def has_room(self, on_room: Callable[[], None]) -> bool:
        if not self.room:
            self.on_room = on_room
            self.asked.set()
        return self.room

    def end(self) -> None:
        self.ended = True

    @property
    def heard(self) -> np.ndarray:
        return np.concatenate([samples for _, samples in self.sound])


def test_it_hears_what_comes_while_it_is_attached(bench: Bench) -> None:  # noqa: F811
    bench.start().until(lambda s: s.state == "running")
    pieces, tap = np.split(noise(4 * 4000), 4), Recorder()

    def write(n: int) -> None:
        bench.write(pieces[n])
        end = 4000 * (n + 1)
        bench.until(lambda s: s.sound is not None and s.sound.end == end)

    write(0)
    # What nobody looks at waits, but for a model there is somebody.
    bench.engine.need("later")
    bench.engine.attach(tap)
    bench.until(lambda _: bool(tap.begun))
    write(1)
    bench.engine.configure(replace(bench.config, channel="each"))
    bench.until(lambda s: s.config.channel == "each")
    write(2)
    bench.engine.attach(None)
    # After that order.
    bench.engine.configure(bench.config)
    bench.until(lambda s: s.config.channel == "mean")
    write(3)
    assert tap.begun == [("hand", "mean", 1), ("hand", "each", 1)]
    assert [at for at, _ in tap.sound] == [4000, 8000]
    np.testing.assert_array_equal(tap.heard, np.concatenate(pieces[1:3]))
    assert not tap.ended
    bench.until(lambda s: s.columns == sum(c.n_columns for c in bench.columns))
    assert [c.in_batch for c in bench.columns] == [False, False, False, True]


def test_sound_that_can_wait_waits_for_it(bench: Bench) -> None:  # noqa: F811
    bench.config, tap = EngineConfig(FILE), Recorder()
    tap.room = False
    bench.start().engine.attach(tap)
    bench.until(lambda s: s.state == "running")
    samples = noise(4000)
    bench.write(samples)
    ring = bench.sources[-1].ring
    assert ring is not None
    ring.finish(None, SourceEnd.COMPLETE)
    assert tap.asked.wait(bench.deadline_s)
    assert bench.engine.status().columns == 0
    tap.room = True
    assert tap.on_room is not None
    tap.on_room()
    bench.until(lambda s: s.state == "ended")
    assert tap.ended
    np.testing.assert_array_equal(tap.heard, samples)
    # That wait is not counted as latency.
    bench.until(lambda s: s.columns == sum(c.n_columns for c in bench.columns))
    assert bench.columns[0].in_batch
    assert bench.engine.status().max_lag_s == 0.0


def test_what_the_device_lost_is_a_jump_and_another_source_begins_anew(
    bench: Bench,  # noqa: F811
) -> None:
    tap = Recorder()
    bench.start().engine.attach(tap)
    bench.until(lambda s: s.state == "running")
    bench.write(noise(1600))
    bench.write(noise(1600), lost=800)
    bench.until(lambda s: s.gaps == 1 and s.columns > 10)
    bench.engine.configure(EngineConfig(replace(MIC, device="other")))
    bench.until(lambda s: s.stream_id == 2)
    assert tap.begun == [("hand", "mean", 1), ("other", "mean", 2)]
    ends = [at + len(samples) for at, samples in tap.sound]
    assert [at for at, _ in tap.sound if at not in ends] == [0, 2400]


def test_of_sound_that_has_ended_it_gets_what_is_kept(bench: Bench) -> None:  # noqa: F811
    bench.config, tap = EngineConfig(FILE), Recorder()
    bench.start().until(lambda s: s.state == "running")
    samples = noise(8000)
    bench.write(samples[:3000])
    bench.write(samples[4000:], lost=1000)
    ring = bench.sources[-1].ring
    assert ring is not None
    ring.finish(None, SourceEnd.COMPLETE)
    bench.until(lambda s: s.state == "ended")
    tap.room = False
    bench.engine.attach(tap)
    assert tap.asked.wait(bench.deadline_s)
    assert tap.sound == []
    tap.room = True
    assert tap.on_room is not None
    tap.on_room()
    bench.until(lambda _: tap.ended)
    np.testing.assert_array_equal(tap.heard, np.delete(samples, range(3000, 4000), axis=0))
    ends = [at + len(piece) for at, piece in tap.sound]
    assert [at for at, _ in tap.sound if at not in ends] == [0, 4000]
