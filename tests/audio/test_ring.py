from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from visualizer.audio.ring import BlockRing


def ramp(start: int, n_samples: int) -> np.ndarray:
    return np.arange(start, start + n_samples, dtype=np.float32)[:, None]


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 7)), max_size=60))
def test_blocks_come_out_as_they_went_in_or_are_counted(steps: list[tuple[bool, int]]) -> None:
    """Any mix of writes and reads; each sample carries its own place in the stream."""
    ring = BlockRing(1, 10, lambda _: None)
    clock, waiting, dropped = 0, [], 0
    for is_write, n_samples in steps:
        if is_write:
            if sum(waiting) + n_samples <= 10:
                waiting.append(n_samples)
            else:
                dropped += 1
            ring.write(ramp(clock, n_samples), captured_at=0.0)
            clock += n_samples
        else:
            block = ring.read()
            assert (block is None) == (not waiting)
            if block is not None:
                expected = ramp(block.start_sample, waiting.pop(0))
                np.testing.assert_array_equal(block.samples, expected)
    assert ring.dropped_blocks == dropped


def test_a_dropped_block_shows_as_a_jump_of_the_clock() -> None:
    ring = BlockRing(1, 10, lambda _: None)
    for start in (0, 6, 12):
        ring.write(ramp(start, 6), captured_at=0.0)
        if start == 6:
            ring.read()
    block = ring.read()
    assert ring.dropped_blocks == 1
    assert block is not None
    assert block.start_sample == 12


def test_the_reader_is_woken_for_each_block_and_for_the_end() -> None:
    woken: list[BlockRing] = []
    ring = BlockRing(1, 10, woken.append)
    ring.write(ramp(0, 3), captured_at=0.0)
    ring.finish("unplugged")
    assert woken == [ring, ring]
    assert ring.fault == "unplugged"


def test_samples_lost_by_the_device_are_counted_in() -> None:
    ring = BlockRing(1, 10, lambda _: None)
    ring.write(ramp(0, 4), captured_at=0.0)
    ring.write(ramp(4, 4), captured_at=0.0, lost=100)
    ring.read()
    block = ring.read()
    assert block is not None
    assert block.start_sample == 104


def test_the_reader_sleeps_until_what_it_wants_is_there() -> None:
    woken: list[BlockRing] = []
    ring = BlockRing(1, 100, woken.append)
    ring.want(10)
    for start in (0, 4, 8):
        ring.write(ramp(start, 4), captured_at=float(start))
        assert len(woken) == (start == 8)
    ring.finish("the end")
    assert len(woken) == 2


def test_blocks_up_to_the_wanted_sample_come_as_one() -> None:
    ring = BlockRing(1, 100, lambda _: None)
    for start in (0, 4, 8, 12):
        ring.write(ramp(start, 4), captured_at=float(start))
    ring.want(7)
    block = ring.read()
    assert block is not None
    np.testing.assert_array_equal(block.samples, ramp(0, 8))
    # The moment of the block that brought it, not of those before.
    assert (block.start_sample, block.captured_at) == (0, 4.0)
    ring.want(100)
    rest = ring.read()
    assert rest is not None
    np.testing.assert_array_equal(rest.samples, ramp(8, 8))


def test_what_is_left_out_at_the_start_is_before_the_clock_begins() -> None:
    woken: list[BlockRing] = []
    ring = BlockRing(1, 100, woken.append)
    ring.write(ramp(0, 4), captured_at=0.0)
    ring.begin_at(3)
    ring.want(5)
    block = ring.read()
    assert block is not None
    assert block.start_sample == 0
    np.testing.assert_array_equal(block.samples, ramp(3, 1))
    woken.clear()
    ring.write(ramp(4, 3), captured_at=0.0)
    assert not woken
    ring.write(ramp(7, 1), captured_at=0.0)
    assert woken
    rest = ring.read()
    assert rest is not None
    assert rest.start_sample == 1
    np.testing.assert_array_equal(rest.samples, ramp(4, 4))


def test_what_was_lost_is_never_joined() -> None:
    ring = BlockRing(1, 100, lambda _: None)
    ring.write(ramp(0, 4), captured_at=0.0)
    ring.write(ramp(9, 4), captured_at=0.0, lost=5)
    ring.want(100)
    first, second = ring.read(), ring.read()
    assert first is not None
    assert second is not None
    assert (len(first.samples), second.start_sample) == (4, 9)


def test_what_is_held_back_comes_with_the_next_block() -> None:
    woken: list[BlockRing] = []
    ring = BlockRing(1, 20, woken.append)
    ring.hold(ramp(0, 4), captured_at=1.0)
    assert (ring.read(), woken, ring.held_since) == (None, [], 1.0)
    ring.write(ramp(4, 4), captured_at=2.0)
    assert woken == [ring]
    assert ring.held_since is None
    ring.want(8)
    block = ring.read()
    assert block is not None
    np.testing.assert_array_equal(block.samples, ramp(0, 8))
    assert (block.start_sample, block.captured_at) == (0, 2.0)


def test_what_is_held_back_when_it_ends_is_missing_from_the_stream() -> None:
    ring = BlockRing(1, 10, lambda _: None)
    ring.hold(ramp(0, 8), captured_at=0.0)
    ring.resume()
    assert ring.room == 10
    ring.write(ramp(8, 8), captured_at=0.0)
    block = ring.read()
    assert block is not None
    assert block.start_sample == 8
    np.testing.assert_array_equal(block.samples, ramp(8, 8))
    assert (ring.read(), ring.dropped_blocks, ring.delivered) == (None, 0, 16)
