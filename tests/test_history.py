from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from visualizer.columns import MelColumns
from visualizer.history import ColumnHistory


def columns(first: int, n: int) -> MelColumns:
    """Each value is its own index on the grid."""
    values = np.tile(np.arange(first, first + n, dtype=np.float32), (3, 1))
    return MelColumns(values, first, 1, 0.0, 0.0, 0.0, 0.0)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 30)), max_size=12))
def test_what_was_appended_comes_back_and_gaps_are_nan(steps: list[tuple[int, int]]) -> None:
    history = ColumnHistory(3, 20)
    known: set[int] = set()
    end = 0
    for gap, n in steps:
        known |= set(range(end + gap, end + gap + n))
        assert history.append(columns(end + gap, n)) == end
        end += gap + n
    assert history.end == end
    window = history.between(-5, end + 5)
    for index, row in zip(range(-5, end + 5), window, strict=True):
        if index in known and index >= end - 20:
            assert (row == index).all()
        else:
            assert np.isnan(row).all()
