"""Bad samples, alone and through every front-end."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from visualizer.audio.sanitize import LIMIT, SMALLEST, Cleaner, SoundFaults
from visualizer.engine.pipeline import Pipeline
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.kernels.host import NumpyKernel
from visualizer.mel.limits import MAX_SAMPLES
from visualizer.mel.presets import PRESETS, preset

GARBAGE = [np.nan, np.inf, -np.inf, 1e38, 1e-42, -1e30]
KEPT_S, BLOCK = 3.0, 0.005


@given(
    arrays(
        np.float32, st.tuples(st.integers(0, 50), st.integers(1, 4)), elements=st.floats(width=32)
    )
)
def test_whatever_comes_in_what_comes_out_is_finite_and_bounded(samples: np.ndarray) -> None:
    before = samples.tobytes()
    cleaner = Cleaner()
    clean = cleaner.clean(samples)
    assert samples.tobytes() == before
    sizes = np.abs(clean)
    assert ((sizes == 0) | ((sizes >= np.float32(SMALLEST)) & (sizes <= LIMIT))).all()
    with np.errstate(invalid="ignore"):
        fit = (np.abs(samples) <= LIMIT) & (np.abs(samples) >= np.float32(SMALLEST))
    np.testing.assert_array_equal(clean[fit], samples[fit])
    assert cleaner.faults.not_finite == np.count_nonzero(~np.isfinite(samples))
    assert cleaner.faults.bad == np.count_nonzero(~(np.abs(samples) <= LIMIT))
    changed = (clean != samples) | np.isnan(samples)
    assert cleaner.faults.bad + cleaner.faults.denormal == np.count_nonzero(changed)


def test_sound_with_nothing_wrong_is_handed_on_as_it_is() -> None:
    samples = np.random.default_rng().normal(0, 0.5, (240, 2)).astype(np.float32)
    samples[10:20] = 0.0
    samples.flags.writeable = False
    cleaner = Cleaner()
    assert cleaner.clean(samples) is samples
    silence = np.zeros((240, 2), np.float32)
    assert cleaner.clean(silence) is silence
    assert cleaner.faults == SoundFaults()


def test_each_kind_of_fault_is_counted_for_itself() -> None:
    cleaner = Cleaner()
    samples = np.array([GARBAGE, [0.5, 1.2, -1.0, 0.0, 99.0, 100.0]], np.float32).T
    clean = cleaner.clean(samples)
    np.testing.assert_array_equal(clean[:, 0], np.float32([0, 0, 0, LIMIT, 0, -LIMIT]))
    np.testing.assert_array_equal(clean[:, 1], samples[:, 1])
    cleaner.clean(samples[:2])
    assert cleaner.faults == SoundFaults(not_finite=5, beyond_limit=2, denormal=1)
    assert cleaner.faults.bad == 7


def test_levels_are_of_what_came_since_the_last_look() -> None:
    cleaner = Cleaner()
    cleaner.clean(np.full((100, 2), [0.25, -0.5], np.float32))
    cleaner.clean(np.full((300, 2), [0.25, 0.5], np.float32))
    levels = cleaner.take_levels()
    assert levels.peak == 0.5
    assert levels.means == pytest.approx((0.25, 0.25))
    assert cleaner.take_levels().means == ()
    cleaner.clean(np.array([[np.nan, 0.1]], np.float32))
    assert cleaner.take_levels().peak == pytest.approx(0.1)


def columns(config: FrontEnd, samples: np.ndarray, rate_hz: int) -> np.ndarray:
    """(n_columns, n_mels) of (n,) samples that come in blocks of 5 ms."""
    cleaner, pipeline = Cleaner(), Pipeline(config, rate_hz, 1, "mean")
    length = round(BLOCK * rate_hz)
    pieces = [
        pipeline.push(at, cleaner.clean(samples[at : at + length, None]))[1][0]
        for at in range(0, len(samples), length)
    ]
    return np.concatenate(pieces, axis=1).T


def spoilt_sound(rate_hz: int) -> tuple[np.ndarray, np.ndarray, int]:
    """A sound, the same with a block of garbage, and that block's end."""
    random = np.random.default_rng(3)
    sound = random.normal(0, 0.1, round(KEPT_S * rate_hz)).astype(np.float32)
    first, end = round(1.0 * rate_hz), round(1.005 * rate_hz)
    spoilt = sound.copy()
    spoilt[first:end] = random.choice(np.array(GARBAGE, np.float32), end - first)
    return sound, spoilt, end


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("resampled", [False, True])
def test_one_window_after_a_bad_block_the_columns_are_those_of_the_sound(
    name: str, resampled: bool
) -> None:
    config = PRESETS[name].front_end
    rate_hz = 44_100 if resampled else config.sample_rate
    sound, spoilt, end = spoilt_sound(rate_hz)
    assert np.isfinite(columns(config, spoilt, rate_hz)).all()
    # What a model takes from the clip so far remembers the bad block as it does every other.
    remembers = config.column_stages
    stages = tuple(s for s in config.stages if s.dependence == "frame" or s not in remembers)
    config = replace(config, stages=stages)
    clean, mended = columns(config, sound, rate_hz), columns(config, spoilt, rate_hz)
    assert np.isfinite(mended).all()
    # The resampler, and emphasis, reach a few samples further than the window.
    end_s = end / rate_hz + (0.001 if resampled else 0.0) + 1 / config.sample_rate
    starts_s = (np.arange(len(clean)) * config.hop_length + config.offset) / config.sample_rate
    after = starts_s >= end_s
    assert after.sum() > 50
    np.testing.assert_allclose(mended[after], clean[after], rtol=1e-6, atol=1e-6)
    assert not np.allclose(mended[~after], clean[~after])


@pytest.mark.parametrize("name", PRESETS)
def test_the_loudest_sound_that_is_let_through_overflows_in_no_front_end(name: str) -> None:
    config = PRESETS[name].front_end
    for shape in (
        np.ones,
        lambda n: np.cos(np.pi * np.arange(n)),
        lambda n: np.eye(1, n, n // 2)[0],
    ):
        frame = (LIMIT * shape(config.win_length)).astype(np.float32)[None]
        column = NumpyKernel(config)(np.concatenate((frame, -frame)))
        assert np.isfinite(column).all()


def test_nor_does_it_in_the_widest_front_end_that_a_config_may_describe() -> None:
    widest = replace(
        preset("torchaudio"),
        win_length=MAX_SAMPLES,
        n_fft=MAX_SAMPLES,
        offset=0,
        input_scale=1e9,
        n_mels=2,
    ).front_end
    tone = np.cos(np.arange(MAX_SAMPLES))[None] * LIMIT
    column = NumpyKernel(widest)(tone.astype(np.float32))
    assert np.isfinite(column).all()
    assert column.max() > 1e30
