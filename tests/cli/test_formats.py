"""What is written of a stream that is not whole, byte for byte."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import numpy as np
import pytest

from visualizer.audio.source import SourceInfo
from visualizer.cli.formats import Arrays, Heading, Lines, Numbers, StreamColumn
from visualizer.errors import DeviceError
from visualizer.mel.presets import preset_for

VALUES = np.array([0.1, -2.5, 3e-12], np.float32)
COLUMN = StreamColumn(7, 0.0875, 2, 1, 1e9, 0.25, 0.5, VALUES)
SOURCE = SourceInfo("mic", "hand", None, 16_000, 2, None)


def test_a_line_reads_back_as_the_same_float32() -> None:
    [line] = Lines().column(COLUMN)
    assert line.endswith(b"}\n")
    fields = json.loads(line)
    np.testing.assert_array_equal(np.array(fields.pop("values"), np.float32), VALUES)
    assert fields == {
        "type": "column",
        "column": 7,
        "time_s": 0.0875,
        "gap": 2,
        "dropped": 1,
        "captured_at": 1e9,
        "wait_ms": 0.25,
        "kernel_ms": 0.5,
    }


def test_a_line_is_json_whatever_the_values() -> None:
    values = np.array([[np.nan, np.inf], [0, -np.inf]], np.float32)
    [line] = Lines().column(replace(COLUMN, values=values))
    assert json.loads(line)["values"] == [[None, None], [0.0, None]]


def test_missing_columns_are_nan_so_that_places_are_indexes() -> None:
    numbers = np.frombuffer(b"".join(Numbers().column(COLUMN)), "<f4").reshape(-1, 3)
    np.testing.assert_array_equal(numbers, [[np.nan] * 3] * 2 + [VALUES])
    file = io.BytesIO(b"".join(Arrays().column(COLUMN)))
    for expected in numbers:
        np.testing.assert_array_equal(np.load(file, allow_pickle=False), expected)
    assert file.read() == b""


@pytest.mark.parametrize("writer", [Numbers(), Arrays()])
def test_a_gap_of_hours_comes_in_pieces(writer: Numbers | Arrays) -> None:
    pieces = list(writer.column(replace(COLUMN, gap=100_000)))
    assert max(map(len, pieces)) < 1 << 16
    once = next(iter(writer.column(replace(COLUMN, gap=0))))
    assert sum(map(len, pieces)) == 100_001 * len(once)


def test_numbers_of_another_size_are_refused() -> None:
    mono = Heading(SOURCE, preset_for("simli", 16_000), 0.0, None)
    numbers = Numbers()
    assert list(numbers.heading(mono)) == []
    assert list(numbers.heading(replace(mono, mel=preset_for("simli", 48_000)))) == []
    with pytest.raises(DeviceError, match="f32 cannot express; use jsonl or npy"):
        list(numbers.heading(replace(mono, n_signals=2)))
