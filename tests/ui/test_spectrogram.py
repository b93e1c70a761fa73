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
from visualizer.config import MelConfig
from visualizer.mel.filterbank import full_scale
from visualizer.presets import preset
from visualizer.ui.spectrogram import SpectrogramItem

LEVELS_DB = (-80.0, -20.0)
WIDTH, BANDS = 24, 7
SCALE_X, SCALE_Y = 3, 4
GAP = np.array([0x2F, 0x3B, 0x45])


@pytest.fixture
def config() -> MelConfig:
    return replace(preset("simli", 16_000), n_mels=BANDS)


@pytest.fixture
def item(qapp: object, config: MelConfig) -> SpectrogramItem:
    item = SpectrogramItem(WIDTH * config.hop_s, LEVELS_DB, "magma")
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
    item = SpectrogramItem(WIDTH * config.hop_s, LEVELS_DB, "magma")
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


def test_levels_and_colours_apply_to_what_is_already_there(item: SpectrogramItem) -> None:
    item.append(columns(0, np.full((BANDS, WIDTH), 1e-3, np.float32)))
    item.colour_new()
    before = rendered(item)
    item.set_colour_map("viridis")
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
    item.set_span(2 * WIDTH * config.hop_s)
    assert rendered(item)[:, : WIDTH * SCALE_X // 2].min() > 100


def test_silence_is_the_lowest_colour_not_a_gap(item: SpectrogramItem) -> None:
    item.append(columns(0, np.zeros((BANDS, WIDTH), np.float32)))
    item.colour_new()
    lowest = pg.colormap.get("magma").getLookupTable(nPts=512)[0, :3]
    assert (rendered(item) == lowest).all()
