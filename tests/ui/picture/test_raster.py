"""The fast picture against a plain rendering in NumPy, pixel by pixel."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pyqtgraph as pg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from visualizer.engine.history import ColumnHistory
from visualizer.mel.picture import PictureUnit
from visualizer.mel.presets import preset
from visualizer.ui.picture.display import COLOUR_MAPS, REVERSED
from visualizer.ui.picture.raster import (
    EMPTY_COLOUR,
    GAP_COLOUR,
    N_COLOURS,
    Grid,
    Raster,
    as_it_is,
    farthest,
)
from visualizer.ui.picture.spectrogram import SOURCES, colour_table

LEVELS_DB = (-80.0, -20.0)
BANDS = 7
CONFIG = replace(preset("simli", 16_000), n_mels=BANDS).front_end
FULL_SCALE = CONFIG.values.level.full_scale
GRID = Grid(CONFIG.cell_start_s, CONFIG.hop_s, BANDS)
WIDTH = 40


def all_coloured(raster: Raster, view_end: int) -> np.ndarray:
    """(height, width) of the picture that ends before a pixel of the grid."""
    while not raster.colour(view_end):
        pass
    return seen(raster, view_end)


def seen(raster: Raster, view_end: int) -> np.ndarray:
    index = np.arange(view_end - raster.width, view_end)
    picture = raster._pixels[:, index % raster.width].copy()
    picture[:, (index < raster.first) | (index >= raster.end)] = EMPTY_COLOUR
    return picture


def reference(
    known: dict[int, np.ndarray], end: int, view_end: int, height: int, pixel_s: float
) -> np.ndarray:
    """What should be seen, from the definition alone, as places in the colour table."""
    first_known = min(known, default=end)

    def place(index: int, band: int) -> int:
        if index < first_known or index >= end:
            return 0
        if index not in known:
            return N_COLOURS + 1
        decibels = 20 * math.log10(float(known[index][band]) / FULL_SCALE)
        share = (decibels - LEVELS_DB[0]) / (LEVELS_DB[1] - LEVELS_DB[0])
        return 1 + int(min(max(share * (N_COLOURS - 1), 0), N_COLOURS - 1))

    def spans(starts: list[int]) -> list[range]:
        pairs = itertools.pairwise(starts)
        return [range(a, max(b, a + 1)) for a, b in pairs]

    edges = range(view_end - WIDTH, view_end + 1)
    columns = spans([math.floor((p * pixel_s - GRID.start_s) / GRID.hop_s) for p in edges])
    bands = spans([row * BANDS // height for row in range(height + 1)])
    return np.array(
        [
            [max(place(c, b) for c in columns[x] for b in bands[y]) for x in range(WIDTH)]
            for y in reversed(range(height))
        ]
    )


TABLE = np.concatenate(([EMPTY_COLOUR], colour_table("magma"), [GAP_COLOUR])).astype(np.uint32)


def assert_shows(picture: np.ndarray, places: np.ndarray) -> None:
    """One colour step of tolerance: float32 against float64 at the edge between two."""
    allowed = [TABLE[np.clip(places + step, 0, N_COLOURS + 1)] for step in (-1, 0, 1)]
    is_colour = (places > 0) & (places <= N_COLOURS)
    same = picture == allowed[1]
    near = is_colour & ((picture == allowed[0]) | (picture == allowed[2]))
    assert (same | near).all()


def raster_of(history: ColumnHistory, height: int, pixel_s: float) -> Raster:
    unit = PictureUnit(CONFIG, "db")
    raster = Raster(np.zeros((height, WIDTH), np.uint32), pixel_s, GRID, history, unit)
    raster.set_colours(colour_table("magma"), LEVELS_DB)
    return raster


@given(
    st.lists(st.tuples(st.integers(0, 8), st.integers(1, 40)), min_size=1, max_size=8),
    st.sampled_from([0.3, 1.0, 1.7, 6.4]),
    st.sampled_from([3, 7, 20]),
    st.lists(st.integers(-60, 20), min_size=8, max_size=8),
)
@settings(max_examples=120)
def test_every_pixel_is_right_through_wraps_gaps_and_scrolling(
    steps: list[tuple[int, int]], hops_per_pixel: float, height: int, moves: list[int]
) -> None:
    """Pixels narrower and wider than columns, rows fewer and more than bands."""
    history = ColumnHistory(BANDS, CONFIG.hop_s)
    pixel_s = hops_per_pixel * CONFIG.hop_s
    raster = raster_of(history, height, pixel_s)
    random = np.random.default_rng(1)
    known: dict[int, np.ndarray] = {}
    end = 0
    for (gap, n), move in zip(steps, moves, strict=False):
        decibels = random.uniform(-90, -10, (BANDS, n))
        values = (10 ** (decibels / 20) * CONFIG.values.level.full_scale).astype(np.float32)
        gap = gap if known else 0
        history.append(end + gap, values)
        known |= {end + gap + i: values[:, i] for i in range(n)}
        end += gap + n
        newest = raster.pixel_at(GRID.start_s + end * GRID.hop_s) + 1
        for view_end in (newest, newest + min(move, 5), newest):
            picture = all_coloured(raster, view_end)
            assert_shows(picture, reference(known, end, view_end, height, pixel_s))


def test_what_came_before_is_seen_when_it_is_known() -> None:
    history = ColumnHistory(BANDS, CONFIG.hop_s)
    raster = raster_of(history, 7, CONFIG.hop_s)
    loud = np.full((BANDS, 10), CONFIG.values.level.full_scale, np.float32)
    history.append(20, loud)
    view_end = raster.pixel_at(GRID.start_s + 30 * GRID.hop_s)
    assert (all_coloured(raster, view_end)[:, :25] == EMPTY_COLOUR).all()
    history.fill(0, np.tile(loud, 2))
    raster.forget()
    assert (all_coloured(raster, view_end)[:, 12:] == TABLE[N_COLOURS]).all()


def test_much_work_is_done_in_parts_the_newest_first() -> None:
    """Ten minutes in forty pixels: what is near to now is seen at once."""
    history = ColumnHistory(BANDS, CONFIG.hop_s)
    n = round(600 / CONFIG.hop_s)
    history.append(0, np.full((BANDS, n), CONFIG.values.level.full_scale, np.float32))
    raster = raster_of(history, 400, 600 / WIDTH)
    view_end = WIDTH
    assert not raster.colour(view_end)
    loud = seen(raster, view_end) == TABLE[N_COLOURS]
    assert loud[:, -1].all()
    assert not loud[:, 0].any()
    assert (all_coloured(raster, view_end) == TABLE[N_COLOURS]).all()


@pytest.mark.parametrize("name", COLOUR_MAPS)
def test_each_colour_map_goes_both_ways(name: str) -> None:
    forth, back = colour_table(name), colour_table(name + REVERSED)
    assert len(set(forth.tolist())) > 100
    np.testing.assert_array_equal(back, forth[::-1])
    # What pyqtgraph keeps for others is as it was.
    theirs = pg.colormap.get(SOURCES.get(name, name)).getLookupTable(nPts=N_COLOURS)
    np.testing.assert_array_equal(theirs[:, 0], forth >> 16 & 0xFF)


def test_silence_is_the_lowest_colour_not_a_gap() -> None:
    history = ColumnHistory(BANDS, CONFIG.hop_s)
    history.append(0, np.zeros((BANDS, 3 * WIDTH), np.float32))
    lowest = pg.colormap.get("magma").getLookupTable(nPts=N_COLOURS)[0, :3].astype(int)
    picture = all_coloured(raster_of(history, 9, CONFIG.hop_s), 2 * WIDTH)
    red, green, blue = lowest
    assert (picture == 0xFF000000 | red << 16 | green << 8 | blue).all()


def test_of_many_differences_in_a_pixel_the_farthest_from_zero_is_seen() -> None:
    history = ColumnHistory(2, 1.0)
    values = np.zeros((1000, 2), np.float32)
    values[500, 0], values[501, 1], values[900, 1] = -1.0, 1.0, np.nan
    history.append(0, values.T)
    pixels = np.zeros((2, 11), np.uint32)
    raster = Raster(pixels, 100.0, Grid(0.0, 1.0, 2), history, as_it_is, farthest)
    raster.set_colours(np.arange(N_COLOURS, dtype=np.uint32), (-1.0, 1.0))
    bottom, top = all_coloured(raster, 11)[::-1].tolist()
    assert bottom == [255] * 5 + [0] + [255] * 4 + [EMPTY_COLOUR]
    assert top == [255] * 5 + [511] + [255] * 3 + [GAP_COLOUR, EMPTY_COLOUR]


def test_a_view_without_a_column_is_whole_at_once() -> None:
    """However wide it is: else the window would colour it for ever."""
    pixels = np.zeros((200, 4000), np.uint32)
    history = ColumnHistory(200, 0.01)
    raster = Raster(pixels, 0.01, Grid(0.0, 0.01, 200), history, as_it_is)
    raster.set_colours(np.arange(N_COLOURS, dtype=np.uint32), (-1.0, 1.0))
    for _ in range(20):
        if raster.colour(9000):
            break
    assert raster.colour(9000)
    assert (pixels == EMPTY_COLOUR).all()
