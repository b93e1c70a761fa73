"""Bad samples, alone and through every front-end."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from visualizer.audio.sanitize import LIMIT, SMALLEST, Cleaner, SoundFaults, integer_gain_db
from visualizer.engine.pipeline import Pipeline
from visualizer.errors import ConfigError
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.kernels.host import NumpyKernel
from visualizer.mel.limits import MAX_SAMPLES
from visualizer.mel.presets import PRESETS, preset
from visualizer.mel.stage import Stage
from visualizer.mel.stages.scale import Scale

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
    samples = np.array([GARBAGE, [0.5, 1.2, -1.0, 0.0, 99.0, 65536.0]], np.float32).T
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
    """Its samples are as large as the last stages before the transform can make them."""
    widest = replace(
        preset("torchaudio"),
        win_length=MAX_SAMPLES,
        n_fft=MAX_SAMPLES,
        offset=0,
        input_scale=2.0**24,
        n_mels=2,
        preemphasis=1.0,
        preemphasis_scope="frame",
        remove_dc=True,
    ).front_end
    with pytest.raises(ConfigError, match="n_fft is 1048576; it must be at most 1048575 where"):
        replace(widest, stages=tuple(louder(stage) for stage in widest.stages))
    tone = np.cos(2.0 * np.arange(MAX_SAMPLES))[None] * LIMIT
    column = NumpyKernel(widest)(tone.astype(np.float32))
    assert np.isfinite(column).all()
    assert column.max() > 1e33


def louder(stage: Stage) -> Stage:
    """The stage, and of one that scales samples a little more."""
    return replace(stage, factor=stage.factor * 1.0000001) if isinstance(stage, Scale) else stage


SPEECH = np.random.default_rng(5).normal(0, 0.1, (40, 480, 2)).astype(np.float32)


def bits(blocks: np.ndarray, gain_db: float = 0.0) -> int | None:
    cleaner = Cleaner(gain_db)
    for block in blocks.astype(np.float32):
        cleaner.clean(block)
    return cleaner.integer_bits


def test_integers_stored_as_floats_are_told_by_their_width() -> None:
    for n in (16, 24, 32):
        integers = np.rint(SPEECH.astype(np.float64) * 2 ** (n - 1))
        assert bits(integers) == n
        assert integer_gain_db(n) == pytest.approx(-6.0206 * (n - 1), abs=1e-3)
        assert bits(integers, integer_gain_db(n)) is None
    # With the gain of 16 bits, those of 24 are still 48 dB too loud.
    assert bits(np.rint(SPEECH * 2**23), integer_gain_db(16)) == 24
    # Resampled, or mixed, they are whole no more, and may lie above.
    assert bits(SPEECH * (2**15 * 1.2 / 0.5)) == 16
    # Of a quiet sound they are small.
    assert bits(np.rint(SPEECH * 40)) == 16


def test_a_recording_that_exceeds_full_scale_looks_like_no_integers() -> None:
    for gain_db in (0, 6, 20, 40):
        assert bits(SPEECH * 10 ** (gain_db / 20)) is None
        assert bits(SPEECH, gain_db) is None
    # A gain that is too high is no reason to call them integers.
    assert bits(SPEECH, 90.0) is None
    assert bits(np.sign(SPEECH)) is None
    assert bits(np.zeros_like(SPEECH)) is None
    assert bits(SPEECH * 1e12) is None


@pytest.mark.parametrize("gain_db", [-90.309, -6.0, 12.0, 200.0, -200.0])
def test_the_gain_comes_before_everything_else(gain_db: float) -> None:
    factor = np.float32(10 ** (gain_db / 20))
    cleaner, plain = Cleaner(gain_db), Cleaner()
    samples = np.concatenate((SPEECH[0], np.float32([[np.nan, 3e4], [1e-19, -3e38]])))
    with np.errstate(over="ignore"):
        given = samples * factor
    before = samples.tobytes()
    np.testing.assert_array_equal(cleaner.clean(samples), plain.clean(given))
    assert samples.tobytes() == before
    assert cleaner.faults == plain.faults
    assert cleaner.take_levels() == plain.take_levels()
