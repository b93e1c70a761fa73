"""Blocks of any size with gaps and garbage in them, through the cleaner and every front-end."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.stress.fuzz.values import Refused
from visualizer.audio.channels import channel_rule
from visualizer.audio.sanitize import LIMIT, SMALLEST, Cleaner
from visualizer.engine.pipeline import Pipeline
from visualizer.mel.presets import PRESETS, preset_for

_RATES_HZ = (1_000, 8_000, 11_025, 16_000, 22_050, 44_100, 44_101, 48_000, 96_000, 192_000)
_GARBAGE = np.array(
    [np.nan, np.inf, -np.inf, 1e38, -1e30, 3.4e38, 1e-42, -1e-45, 1e-30, 32768.0, 100.1, 0.0],
    dtype=np.float32,
)


def run(random: np.random.Generator, _folder: Path) -> str:
    """Return what came of it: "analysed" or "refused"."""
    name, rate = str(random.choice(list(PRESETS))), int(random.choice(_RATES_HZ))
    n_channels = int(random.integers(1, 33))
    several = random.choice(n_channels, random.integers(1, min(4, n_channels + 1)), replace=False)
    channel = channel_rule((None, "each", several.tolist())[random.integers(3)])
    cleaner = Cleaner()
    with Refused() as refused:
        pipeline = Pipeline(preset_for(name, rate), rate, n_channels, channel)
        position, next_column = 0, 0
        for _ in range(random.integers(1, 12)):
            if random.integers(5) == 0:
                position += int(random.integers(1, 3 * rate))
            n_samples = int(random.choice([0, 1, 7, 80, 240, 1024, random.integers(5000)]))
            block = _block(random, (n_samples, n_channels))
            before = block.tobytes()
            clean = cleaner.clean(block)
            assert block.tobytes() == before
            sizes = np.abs(clean)
            assert np.isfinite(clean).all()
            assert ((sizes == 0) | ((sizes >= np.float32(SMALLEST)) & (sizes <= LIMIT))).all()
            first, columns = pipeline.push(position, clean)
            position += n_samples
            assert first >= next_column
            next_column = first + columns.shape[2]
            assert np.isfinite(columns).all(), (name, rate)
            levels = cleaner.take_levels()
            assert np.isfinite([levels.peak, *levels.means]).all()
        first, columns = pipeline.flush()
        assert first >= next_column
        assert np.isfinite(columns).all(), (name, rate)
    return "refused" if refused.words else "analysed"


def _block(random: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    block = random.normal(0, 10.0 ** random.uniform(-12, 1), shape).astype(np.float32)
    spoilt = random.random(shape) < random.choice([0.0, 0.001, 0.1, 1.0])
    block[spoilt] = random.choice(_GARBAGE, int(spoilt.sum()))
    return block
