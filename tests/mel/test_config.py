from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from tests.mel.chains import FLAT, flat
from visualizer.audio.capture import CaptureConfig
from visualizer.errors import ConfigError
from visualizer.mel.flat import MelConfig
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.limits import MAX_WEIGHTS
from visualizer.mel.presets import GROUPS, PRESETS, preset, preset_for
from visualizer.ui.picture.display import DisplayConfig


@pytest.mark.parametrize(
    ("field", "value", "limits"),
    [
        ("sample_rate", 0, "from 1000 to 768000 Hz"),
        ("win_length", 1, "from 2 to"),
        ("n_fft", 700, "from win_length \\(800\\)"),
        ("hop_length", 0, "from 1 to"),
        ("offset", -800, "1 - win_length \\(1 - 800\\) or more"),
        ("power", 3, "1 or 2"),
        ("n_mels", 0, "from 1 to 4096"),
        ("f_min", 8000.0, "from 0 to below f_max \\(7600"),
        ("mel_scale", "bark", "htk"),
        ("norm", "area", "null or 'slaney'"),
        ("window", "kaiser", "'hann' or"),
        ("preemphasis", 2.0, "from 0 to 1"),
        ("n_mels", True, "from 1 to 4096"),
        ("f_max", "high", "above 0"),
        ("log", "log2", "null or 'ln'"),
        ("stack", 0, "from 1 to 64"),
        ("name", "two\nlines", "a text of 1 to 100 letters, on one line"),
        ("name", "", "a text of 1 to 100 letters"),
        ("f_max", 55.01, "above f_min \\(55.0 Hz\\) by n_mels times 0.001 Hz"),
    ],
)
def test_a_bad_field_is_named_with_its_value_and_limits(
    field: str, value: Any, limits: str
) -> None:
    message = f"{field} is {re.escape(repr(value))}; it must be .*{limits}"
    with pytest.raises(ConfigError, match=message):
        replace(preset("simli", 16_000), **{field: value})


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "radio"},
        {"kind": "mic", "sample_rate": 12},
        {"kind": "mic", "channels": 0},
        {"kind": "file"},
        {"kind": "pipe", "sample_format": "s16"},
        {"kind": "pipe", "sample_rate": 16_000},
        {"kind": "pipe", "sample_rate": 16_000, "sample_format": "s17"},
    ],
)
def test_a_source_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        CaptureConfig(**wrong)


def test_the_articles_numbers() -> None:
    config = preset("simli", 16_000)
    assert (config.win_length, config.hop_length, config.n_mels) == (800, 200, 80)
    assert (config.f_min, config.f_max, config.power) == (55.0, 7600.0, 1)
    assert (config.mel_scale, config.norm, config.offset) == ("htk", "slaney", -400)
    assert config.hop_s == 0.0125


@pytest.mark.parametrize("name", FLAT)
def test_every_preset_is_valid_at_any_rate_or_has_its_own_and_names_its_source(name: str) -> None:
    for rate in (8_000, 11_025, 44_100, 192_000):
        config = preset_for(name, rate)
        assert isinstance(config, FrontEnd)
        own = rate if PRESETS[name].any_rate else PRESETS[name].front_end.sample_rate
        assert (config.name, config.sample_rate) == (name, own)
    assert PRESETS[name].source


def test_every_preset_is_in_a_group() -> None:
    assert {chosen.group for chosen in PRESETS.values()} <= set(GROUPS)


def test_a_scale_that_is_no_scale_names_those_there_are() -> None:
    with pytest.raises(ConfigError, match="'htk' or 'slaney' or 'linear'"):
        replace(preset("simli"), mel_scale="bark")  # type: ignore[arg-type]


def test_a_rate_at_which_a_front_end_does_not_work_is_refused() -> None:
    with pytest.raises(ConfigError, match="hifigan works at 22050 Hz, not at 16000; leave"):
        preset("hifigan", 16_000)
    with pytest.raises(ConfigError, match="sample_rate is 'x'; it must be from 1000 to 768000 Hz"):
        preset("simli", "x")  # type: ignore[arg-type]
    # As sounddevice gives rates.
    assert preset("simli", 44_100.0) == preset("simli", 44_100)  # type: ignore[arg-type]
    assert preset("hifigan", 22_050) == preset("hifigan") == flat("hifigan")
    assert preset_for("hifigan", 16_000) == PRESETS["hifigan"].front_end


def test_an_unknown_preset_is_answered_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="unknown preset 'librsa'; did you mean librosa"):
        preset("librsa")


def test_a_front_end_of_ones_own_goes_through_json() -> None:
    for name in FLAT:
        written = json.loads(json.dumps(flat(name).to_dict()))
        assert MelConfig.from_dict(written) == flat(name)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"hop_lenght": 160}, "no field 'hop_lenght' in a front-end; did you mean hop_length"),
        ({"n_fft": None}, "n_fft is None"),
        ({"offset": None, "count": "per_hop"}, "offset is None"),
        ({"hop_length": 2000, "count": "per_hop"}, "count is 'per_hop'; it must be 'fit'"),
    ],
)
def test_a_front_end_that_is_wrong_is_named(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        MelConfig.from_dict(preset("simli").to_dict() | change)


def test_a_front_end_that_lacks_fields_names_them() -> None:
    with pytest.raises(ConfigError, match="a front-end needs n_fft, win_length"):
        MelConfig.from_dict({"name": "mine", "sample_rate": 16_000})
    with pytest.raises(ConfigError, match="a JSON object"):
        MelConfig.from_dict([1, 2])


def test_filters_that_no_memory_holds_are_refused() -> None:
    widest = replace(preset("simli"), n_fft=MAX_WEIGHTS // 4096, n_mels=4096)
    with pytest.raises(ConfigError, match="n_mels is 4096; it must be up to"):
        replace(widest, n_fft=2 * widest.n_fft)


@pytest.mark.parametrize("floor", [0.0, 1e-320, 1e-40])
def test_a_floor_that_is_zero_in_float32_is_none(floor: float) -> None:
    with pytest.raises(ConfigError, match=r"log_floor is .* it must be 1.17549e-38 or more"):
        replace(preset("kaldi"), log_floor=floor)


def test_an_epsilon_below_zero_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"statistics_epsilon is -1.*from 0 to 1"):
        replace(preset("nemo"), statistics_epsilon=-1.0)


@pytest.mark.parametrize(
    "value",
    [10**5000, "x" * 10**6, [[[[0]]]] * 1000, {"a": "b" * 10**6}],
    ids=["int", "text", "list", "dict"],
)
def test_a_huge_value_is_named_in_a_short_line(value: Any) -> None:
    for change in ("win_length", "f_max", "mel_scale", "n_mels", "sample_rate"):
        with pytest.raises(ConfigError) as raised:
            MelConfig.from_dict(preset("simli").to_dict() | {change: value})
        assert len(str(raised.value)) < 1000
    with pytest.raises(ConfigError) as raised:
        DisplayConfig(colour_map=value)
    assert len(str(raised.value)) < 1000
