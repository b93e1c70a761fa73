from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from visualizer.engine.history import HISTORY_S, ColumnHistory, SoundHistory

CAPACITY = 20
COLUMN_BYTES = 4 * 3


def columns(first: int, n: int) -> np.ndarray:
    """(3, n): each value is its own index on the grid."""
    return np.tile(np.arange(first, first + n, dtype=np.float32), (3, 1))


def small_history() -> ColumnHistory:
    return ColumnHistory(3, 0.01, memory_bytes=CAPACITY * COLUMN_BYTES)


def assert_holds(history: ColumnHistory, known: set[int], end: int) -> None:
    window = history.between(-5, end + 5)
    for index, row in zip(range(-5, end + 5), window, strict=True):
        if index in known and index >= end - CAPACITY:
            assert (row == index).all(), index
        else:
            assert np.isnan(row).all(), index


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 30)), max_size=12))
def test_what_was_appended_comes_back_and_gaps_are_nan(steps: list[tuple[int, int]]) -> None:
    history = small_history()
    known: set[int] = set()
    end = 0
    for gap, n in steps:
        known |= set(range(end + gap, end + gap + n))
        history.append(end + gap, columns(end + gap, n))
        end += gap + n
        assert history.end == end
    assert_holds(history, known, end)
    assert history.first >= end - CAPACITY


@given(st.integers(0, 40), st.lists(st.tuples(st.integers(0, 3), st.integers(1, 9)), max_size=9))
def test_what_came_before_is_filled_in_and_what_is_there_stays(
    start: int, steps: list[tuple[int, int]]
) -> None:
    history = small_history()
    history.append(start, columns(start, 4))
    history.append(start + 6, columns(start + 6, 3))
    known = set(range(start, start + 4)) | set(range(start + 6, start + 9))
    at = 0
    for gap, n in steps:
        at += gap
        # Other values: only where there is none may they be taken.
        wrong = columns(at, n)
        wrong[:, [index in known for index in range(at, at + n)]] = -1
        history.fill(at, wrong)
        known |= {index for index in range(at, at + n) if index < start + 9}
        at += n
    assert history.end == start + 9
    assert_holds(history, known, start + 9)


def test_twenty_minutes_are_kept_and_the_memory_has_an_end() -> None:
    history = ColumnHistory(80, 0.0125)
    n = round(HISTORY_S / 0.0125)
    history.append(0, np.zeros((80, n + 10), np.float32))
    assert history.first == 10
    assert history.end - history.first == 96_000
    bounded = ColumnHistory(80, 0.0125, memory_bytes=80 * 4 * 100)
    bounded.append(0, np.zeros((80, 1000), np.float32))
    assert bounded.end - bounded.first == 100


def numbered(first: int, n: int) -> np.ndarray:
    return np.arange(first, first + n, dtype=np.float32)[:, None] * np.array([[1.0, -1.0]])


@given(st.lists(st.tuples(st.integers(0, 70), st.integers(1, 70)), min_size=1, max_size=12))
def test_sound_comes_back_on_its_clock_and_what_was_lost_is_nan(
    steps: list[tuple[int, int]],
) -> None:
    capacity = 50
    sound = SoundHistory(1000, 2, memory_bytes=capacity * 8)
    known: set[int] = set()
    end = 7
    for lost, n in steps:
        end += lost
        sound.append(end, numbered(end, n).astype(np.float32))
        known |= set(range(end, end + n))
        end += n
    assert sound.end == end
    assert sound.first >= end - capacity
    read = sound.read(-3, end + 3)
    for index, row in zip(range(-3, end + 3), read, strict=True):
        if index in known and index >= end - capacity:
            assert row.tolist() == [index, -index]
        else:
            assert np.isnan(row).all()


@pytest.mark.parametrize(("first", "end"), [(5, 5), (9, 2)])
def test_nothing_is_read_of_nothing(first: int, end: int) -> None:
    sound = SoundHistory(1000, 2)
    assert sound.read(first, end).shape == (0, 2)
    assert sound.first == sound.end == 0
