"""The curves of a model's answers, pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest

from visualizer.ui.picture.curves import CurveColours, CurveRaster, Steps
from visualizer.ui.picture.raster import GAP_COLOUR, Grid

GROUND, A, B = 1, 2, 3
COLOURS = CurveColours(GROUND, (A, B))
HEIGHT, WIDTH = 11, 60
LOST = np.float32(-1)


class Told:
    """Answers that come one by one; those of before `first` never did."""

    def __init__(self, numbers: np.ndarray, first: int) -> None:
        self.numbers = numbers
        self.first, self.end = first, len(numbers)

    def read(self, first: int, end: int) -> tuple[np.ndarray, np.ndarray]:
        indices = np.arange(first, end)
        inside = (indices >= self.first) & (indices < self.end)
        rows = np.full((end - first, self.numbers.shape[1]), np.nan, np.float32)
        rows[inside] = self.numbers[indices[inside]]
        are_there = inside & (rows[:, 0] != LOST)
        rows[~are_there] = np.nan
        return rows, are_there

    def raster(self, pixel_s: float) -> tuple[CurveRaster, np.ndarray]:
        ranges = np.float32([[0, 1]] * self.numbers.shape[1])
        linear = np.zeros(self.numbers.shape[1], np.bool_)
        steps = Steps(lambda: (self.first, self.end), self.read, ranges, linear)
        pixels = np.zeros((HEIGHT, WIDTH), np.uint32)
        grid = Grid(0.0, 1.0, self.numbers.shape[1])
        return CurveRaster(pixels, pixel_s, grid, steps, COLOURS, 1), pixels


def test_steps_joins_gaps_and_nothing() -> None:
    numbers = np.float32([[0], [0], [0.5], [1], [np.nan], [LOST], [2], [0.1]])
    raster, pixels = Told(numbers, 1).raster(0.25)
    assert raster.colour(WIDTH)

    def rows(pixel: int) -> list[int]:
        """Where a pixel column has the curve, from the bottom."""
        return (HEIGHT - 1 - np.flatnonzero(pixels[:, pixel] == A))[::-1].tolist()

    # Before the first answer there is nothing; then each is four pixels wide, and joined.
    assert [rows(pixel) for pixel in range(4)] == [[]] * 4
    assert [rows(pixel) for pixel in range(4, 8)] == [[0]] * 4
    assert [rows(pixel) for pixel in range(8, 12)] == [[0, 1, 2, 3, 4, 5], [5], [5], [5]]
    assert [rows(pixel) for pixel in range(12, 16)] == [[5, 6, 7, 8, 9, 10], [10], [10], [10]]
    # Without a number; lost, a gap; beyond its range; joined to what is there alone.
    assert (pixels[:, 16:20] == GROUND).all()
    assert (pixels[:, 20:24] == GAP_COLOUR).all()
    assert [rows(pixel) for pixel in range(24, 28)] == [[10]] * 4
    assert [rows(pixel) for pixel in range(28, 32)] == [list(range(1, 11)), [1], [1], [1]]
    assert (pixels[:, 32:] == GROUND).all()
    raster.set_away(True)
    assert raster.colour(WIDTH)
    assert (pixels[:, 32:] == GAP_COLOUR).all()


def test_a_pitch_of_many_octaves_rises_as_much_with_each() -> None:
    told = Told(np.float32([[50], [100], [200], [400], [800], [0], [-1]]), 0)
    ranges, yes = np.float32([[50, 800]]), np.ones(1, np.bool_)
    steps = Steps(lambda: (0, 7), told.read, ranges, yes)
    shares = steps.between(0, 7)[:, 0].tolist()
    # Where there is no octave, there is no pitch.
    assert shares[:5] == [0, 0.25, 0.5, 0.75, 1]
    assert np.isnan(shares[5])
    assert np.isinf(shares[6])


@pytest.mark.parametrize("pixel_s", [0.3, 1.0, 3.7])
def test_what_comes_bit_by_bit_is_as_if_it_had_been_there(pixel_s: float) -> None:
    random = np.random.default_rng(6)
    numbers = random.random((400, 2)).astype(np.float32)
    numbers[random.random((400, 2)) < 0.1] = np.nan
    numbers[random.random(400) < 0.05] = LOST
    told = Told(numbers, 20)
    raster, pixels = told.raster(pixel_s)
    told.end = 0
    # The picture moves on, and answers come a little later than their columns.
    while told.end < len(numbers):
        told.end = min(told.end + int(random.integers(0, 9)), len(numbers))
        view_end = int((told.end + random.integers(0, 5)) / pixel_s) + 1
        assert raster.colour(view_end)
        fresh, expected = told.raster(pixel_s)
        assert fresh.colour(view_end)
        # The pixels before the stream are of no meaning.
        shown = np.arange(max(0, view_end - WIDTH), view_end) % WIDTH
        np.testing.assert_array_equal(pixels[:, shown], expected[:, shown])
