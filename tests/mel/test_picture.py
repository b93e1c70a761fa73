"""What the picture says of a front-end's values."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.mel.chains import FLAT, flat, full_scale
from visualizer.errors import ConfigError
from visualizer.mel.flat import MelConfig
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.picture import PictureUnit, has_db
from visualizer.mel.presets import PRESETS, preset_for
from visualizer.mel.stream import MelStream

WITH_DB = [name for name in FLAT if has_db(PRESETS[name].front_end)]


def columns(config: MelConfig | FrontEnd, samples: np.ndarray) -> np.ndarray:
    stream = MelStream(config, config.sample_rate, 1)
    return stream.push(samples[:, None].astype(np.float32))[0]


def test_only_what_is_normalised_over_the_clip_has_no_db() -> None:
    assert set(FLAT) - set(WITH_DB) == {
        *("nemo", "nemo-128", "wespeaker", "ecapa", "campplus"),
    }
    with pytest.raises(ConfigError, match=r"values of nemo do not tell the level .* have no dB"):
        PictureUnit(preset_for("nemo"), "db")
    assert PictureUnit.default(preset_for("nemo")).unit == "model"


@pytest.mark.parametrize("level_db", [-60.0, -20.0, 0.0])
def test_a_sine_has_its_level_in_db(level_db: float) -> None:
    config = preset_for("full-band")
    n = np.arange(config.sample_rate // 2)
    sine = 10 ** (level_db / 20) * np.sin(2 * np.pi * 40 * n / config.win_length)
    unit = PictureUnit(config, "db")
    shown = unit(columns(config, sine))[:, 10]
    # Bin 40 is band 39.
    assert shown.argmax() == 39
    assert shown.max() == pytest.approx(level_db, abs=0.01)
    assert unit.text(shown.max()) == f"{level_db:.1f} dB"


@pytest.mark.parametrize("name", WITH_DB)
def test_db_are_the_same_with_and_without_the_models_logarithm(name: str) -> None:
    config = flat(name)
    plain = replace(
        config, log=None, shift=0.0, scale=1.0, clip=None, dynamic_range=None, reference_max=None
    )
    noise = np.random.default_rng().normal(0.0, 0.1, config.sample_rate)
    ours = PictureUnit(config.front_end, "db")(columns(config, noise))
    theirs = PictureUnit(plain.front_end, "db")(columns(plain, noise))
    # What a floor of 40 dB below adds to a value is less than 0.1 dB.
    floor, margin_db = max(config.log_floor, 1e-30), 40 if config.log_floor_rule == "add" else 1
    floor_db = 20 / config.power * np.log10(floor / full_scale(config.front_end))
    # The range below a maximum cuts off what is at its lower end.
    clear = (theirs > floor_db + margin_db) & (ours > ours.min() + 0.1)
    assert clear.mean() > (0.1 if name == "beat-this" else 0.7), clear.mean()
    np.testing.assert_allclose(ours[clear], theirs[clear], rtol=0, atol=0.1)
    assert PictureUnit(config.front_end, "db").label == PictureUnit(plain.front_end, "db").label


def test_a_value_shifted_and_scaled_without_a_logarithm_has_its_db() -> None:
    plain = flat("simli")
    moved = replace(plain, shift=3.0, scale=-0.25)
    noise = np.random.default_rng().normal(0.0, 0.1, plain.sample_rate)
    np.testing.assert_allclose(
        PictureUnit(moved.front_end, "db")(columns(moved, noise)),
        PictureUnit(plain.front_end, "db")(columns(plain, noise)),
        atol=0.1,
    )


def test_floors_and_clips_are_shown_as_the_levels_they_are() -> None:
    hifigan, wav2lip = flat("hifigan"), flat("wav2lip")
    silence = PictureUnit(hifigan.front_end, "db")(columns(hifigan, np.zeros(8000)))
    floor_db = 20 * np.log10(hifigan.log_floor / full_scale(hifigan.front_end))
    np.testing.assert_allclose(silence, floor_db, atol=0.5)
    # Its 4.0 stands for a magnitude of 20 dB.
    [shown] = PictureUnit(wav2lip.front_end, "db")(np.array([4.0], np.float32))
    assert shown == pytest.approx(20 - 20 * np.log10(full_scale(wav2lip.front_end)), abs=1e-3)
    # A clip below full scale moves no value that it leaves alone.
    quiet = np.array([-0.4, 0.4], np.float32)
    clipped = PictureUnit(replace(wav2lip, clip=0.5).front_end, "db")(quiet)
    np.testing.assert_array_equal(clipped, PictureUnit(wav2lip.front_end, "db")(quiet))


@pytest.mark.parametrize("name", FLAT)
def test_the_models_unit_is_the_very_numbers(name: str) -> None:
    unit = PictureUnit(preset_for(name), "model")
    values = np.array([[0.1234, np.nan, -3.0]], np.float32)
    np.testing.assert_array_equal(unit(values), values)
    assert unit.text(0.1234) == "0.123"
    assert unit.label == f"{name}'s own values"
    low, high = unit.range()
    assert 0 < unit.narrowest() < high - low


@pytest.mark.parametrize("name", FLAT)
def test_nothing_and_silence_stay_what_they_are_in_db(name: str) -> None:
    config = replace(flat(name), statistics=None)
    shown = PictureUnit(config.front_end, "db")(np.array([np.nan, 0.0], np.float32))
    assert np.isnan(shown[0])
    assert shown.dtype == np.float32
    assert (shown[1] == -np.inf) == (config.log is None)


@pytest.mark.parametrize("name", ["simli", "full-band", "librosa"])
def test_linear_values_are_coloured_from_nothing_to_what_speech_reaches(name: str) -> None:
    front_end = preset_for(name)
    low, high = PictureUnit(front_end, "model").range()
    assert low == 0.0
    assert PictureUnit(front_end, "db")(np.array([high], np.float32)) == pytest.approx(
        -30.0, abs=1e-3
    )


@pytest.mark.parametrize("name", FLAT)
def test_at_first_what_is_linear_is_in_db_and_all_else_as_the_model_gets_it(name: str) -> None:
    config = flat(name)
    assert PictureUnit.default(config.front_end).unit == ("db" if config.log is None else "model")
