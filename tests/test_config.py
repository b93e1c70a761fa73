from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from visualizer.config import CaptureConfig, MelConfig
from visualizer.errors import ConfigError
from visualizer.presets import PRESETS, preset


@pytest.mark.parametrize(
    ("field", "value", "limits"),
    [
        ("sample_rate", 0, "from 1000 to 768000 Hz"),
        ("win_length", 1, "at least 2 samples"),
        ("n_fft", 700, "from win_length \\(800\\)"),
        ("hop_length", 0, "at least 1 sample"),
        ("offset", 5, "from -799 to 0"),
        ("power", 3, "1 or 2"),
        ("n_mels", 0, "from 1 to 4096"),
        ("f_min", 8000.0, "from 0 to 7600"),
        ("mel_scale", "bark", "htk"),
        ("norm", "area", "'slaney' or null"),
    ],
)
def test_a_bad_field_is_named_with_its_value_and_limits(
    field: str, value: Any, limits: str
) -> None:
    with pytest.raises(ConfigError, match=f"{field} is {value!r}; it must be .*{limits}"):
        replace(preset("simli", 16_000), **{field: value})


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "radio"},
        {"kind": "mic", "sample_rate": 12},
        {"kind": "mic", "channels": 0},
        {"kind": "file"},
    ],
)
def test_a_source_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        CaptureConfig(**wrong)


def test_the_seeds_numbers() -> None:
    config = preset("simli", 16_000)
    assert (config.win_length, config.hop_length, config.n_mels) == (800, 200, 80)
    assert (config.f_min, config.f_max, config.power) == (55.0, 7600.0, 1)
    assert (config.mel_scale, config.norm, config.offset) == ("htk", "slaney", -400)
    assert config.hop_s == 0.0125


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_valid_at_any_rate_and_names_its_source(name: str) -> None:
    for rate in (8_000, 11_025, 44_100, 192_000):
        config = preset(name, rate)
        assert isinstance(config, MelConfig)
        assert (config.name, config.sample_rate) == (name, rate)
    assert PRESETS[name].source


def test_an_unknown_preset_is_answered_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="unknown preset 'librsa'; did you mean librosa"):
        preset("librsa")
