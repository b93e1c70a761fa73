"""The fast picture against a plain rendering in NumPy, pixel by pixel."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyqtgraph as pg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PyQt6.QtGui import QImage, QPainter, QTransform

from visualizer.columns import MelColumns
from visualizer.config import COLOUR_MAPS, REVERSED, DisplayConfig, MelConfig
from visualizer.mel.filterbank import full_scale, to_db
from visualizer.presets import preset
from visualizer.ui.spectrogram import SpectrogramItem, colour_table

LEVELS_DB = (-80.0, -20.0)
WIDTH, BANDS = 24, 7
SCALE_X, SCALE_Y = 3, 4
GAP = np.array([0x2F, 0x3B, 0x45])


@pytest.fixture
def config() -> MelConfig:
    return replace(preset("simli", 16_000), n_mels=BANDS)


@pytest.fixture
def item(qapp: object, config: MelConfig) -> SpectrogramItem:
    item = SpectrogramItem(DisplayConfig(WIDTH * config.hop_s), LEVELS_DB)
    item.set_config(config)
    return item


def columns(first: int, values: np.ndarray) -> MelColumns:
    return MelColumns(values, first, 1, 0.0, 0.0, 0.0, 0.0)


def rendered(item: SpectrogramItem) -> np.ndarray:
    """(height, width, 3) of the item drawn upright at whole multiples of its cells."""
    image = QImage(WIDTH * SCALE_X, BANDS * SCALE_Y, QImage.Format.Format_RGB32)
    image.fill(0xFFFFFFFF)
    rect = item.boundingRect()
    painter = QPainter(image)
    painter.setTransform(
        QTransform()
        .translate(0, image.height())
        .scale(image.width() / rect.width(), -image.height() / rect.height())
        .translate(-rect.left(), -rect.top())
    )
    item.paint(painter, None)
    painter.end()
    memory = image.constBits()
    assert memory is not None
    memory.setsize(image.sizeInBytes())
    bgra = np.array(memory).reshape(image.height(), image.width(), 4)
    return bgra[:, :, 2::-1]


def reference(known: dict[int, np.ndarray], end: int, config: MelConfig) -> np.ndarray:
    """What should be seen, from the definition alone."""
    table = pg.colormap.get("magma").getLookupTable(nPts=512, alpha=False)
    cells = np.zeros((BANDS, WIDTH, 3), np.uint8)
    for x, index in enumerate(range(end - WIDTH, end)):
        if index in known:
            decibels = 20 * np.log10(known[index].astype(float) / full_scale(config))
            place = (decibels - LEVELS_DB[0]) / (LEVELS_DB[1] - LEVELS_DB[0]) * 511
            cells[::-1, x] = table[np.clip(place, 0, 511).astype(int)]
        elif index >= 0:
            cells[:, x] = GAP
    return cells.repeat(SCALE_Y, axis=0).repeat(SCALE_X, axis=1)


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(1, 40)), min_size=1, max_size=8))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_pixel_is_right_through_wraps_and_gaps(
    config: MelConfig, qapp: object, steps: list[tuple[int, int]]
) -> None:
    item = SpectrogramItem(DisplayConfig(WIDTH * config.hop_s), LEVELS_DB)
    item.set_config(config)
    random = np.random.default_rng(1)
    known: dict[int, np.ndarray] = {}
    end = 0
    for gap, n in steps:
        decibels = random.uniform(-90, -10, (BANDS, n))
        values = (10 ** (decibels / 20) * full_scale(config)).astype(np.float32)
        item.append(columns(end + gap, values))
        item.colour_new()
        known |= {end + gap + i: values[:, i] for i in range(n)}
        end += gap + n
        # One colour step of tolerance: float32 against float64 at the edge between two.
        difference = np.abs(rendered(item).astype(int) - reference(known, end, config))
        assert difference.max() <= 3


def test_levels_and_colours_apply_to_what_is_already_there(
    item: SpectrogramItem, config: MelConfig
) -> None:
    item.append(columns(0, np.full((BANDS, WIDTH), 1e-3, np.float32)))
    item.colour_new()
    before = rendered(item)
    item.set_display(DisplayConfig(WIDTH * config.hop_s, "viridis"))
    recoloured = rendered(item)
    item.set_levels((-200.0, -100.0))
    relevelled = rendered(item)
    assert not (before == recoloured).all()
    assert not (recoloured == relevelled).all()
    assert (relevelled == pg.colormap.get("viridis").getLookupTable(nPts=512)[-1, :3]).all()


def test_a_longer_span_shows_what_was_out_of_sight(
    item: SpectrogramItem, config: MelConfig
) -> None:
    loud = np.full((BANDS, WIDTH), full_scale(config), np.float32)
    item.append(columns(0, loud))
    item.append(columns(WIDTH, np.zeros((BANDS, WIDTH), np.float32)))
    item.colour_new()
    assert rendered(item).max() < 10
    item.set_display(DisplayConfig(2 * WIDTH * config.hop_s))
    assert rendered(item)[:, : WIDTH * SCALE_X // 2].min() > 100


@pytest.mark.parametrize("name", COLOUR_MAPS)
def test_each_colour_map_goes_both_ways(name: str) -> None:
    forth, back = colour_table(name), colour_table(name + REVERSED)
    assert len(set(forth.tolist())) > 100
    np.testing.assert_array_equal(back, forth[::-1])
    np.testing.assert_array_equal(colour_table(name), forth)


def test_a_value_is_read_where_it_is_shown(item: SpectrogramItem, config: MelConfig) -> None:
    values = np.geomspace(1e-4, 1.0, BANDS * 5, dtype=np.float32).reshape(BANDS, 5)
    item.append(columns(0, values))
    item.append(columns(8, values[:, :1]))
    item.colour_new()
    shown = to_db(values, config, full_scale(config))
    hop_s = config.hop_s
    for band in range(BANDS):
        assert item.value_at(-0.01 * hop_s, band) == shown[band, 0]
        assert item.value_at(-4.01 * hop_s, band) == shown[band, 4]
        assert item.value_at(-4.99 * hop_s, band) == shown[band, 4]
        assert item.value_at(-8.5 * hop_s, band) == shown[band, 0]
    for seconds in (-1.5 * hop_s, -3.99 * hop_s, -9.01 * hop_s, -100.0):
        assert np.isnan(item.value_at(seconds, 0))


def test_silence_is_the_lowest_colour_not_a_gap(item: SpectrogramItem) -> None:
    item.append(columns(0, np.zeros((BANDS, WIDTH), np.float32)))
    item.colour_new()
    lowest = pg.colormap.get("magma").getLookupTable(nPts=512)[0, :3]
    assert (rendered(item) == lowest).all()
