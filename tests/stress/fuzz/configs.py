"""Configs made of values of any kind; a front-end that is accepted must also work."""

from __future__ import annotations

import json
import math
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from tests.stress.fuzz.values import Refused, anything, damaged
from visualizer.audio.capture import CaptureConfig
from visualizer.engine.config import EngineConfig
from visualizer.engine.pipeline import Pipeline
from visualizer.mel.flat import MelConfig
from visualizer.mel.front_ends import find_front_end
from visualizer.mel.presets import PRESETS, preset
from visualizer.ui.picture.display import DisplayConfig

_PLAUSIBLE: dict[str, tuple[float, float]] = {
    "sample_rate": (1_000, 768_000),
    "n_fft": (2, 8192),
    "win_length": (2, 4096),
    "hop_length": (16, 6000),
    "offset": (-4096, 0),
    "n_mels": (1, 300),
    "f_min": (0, 2000),
    "f_max": (1, 400_000),
    "input_scale": (1e-6, 1e6),
    "preemphasis": (0, 1),
    "epsilon": (0, 1e-3),
    "log_floor": (0, 1e-3),
    "dynamic_range": (0, 100),
    "reference_max": (-10, 10),
    "statistics_epsilon": (0, 1e-3),
    "shift": (-10, 10),
    "scale": (-10, 10),
    "clip": (0, 10),
    "stack": (1, 8),
    "fixed_columns": (1, 4000),
}
_CHOICES: dict[str, tuple[Any, ...]] = {
    "power": (1, 2),
    "mel_scale": ("htk", "slaney", "linear"),
    "norm": ("slaney", None),
    "window": ("hann", "hann_symmetric", "hamming", "povey"),
    "edge": ("zeros", "reflect", "symmetric"),
    "count": ("fit", "per_hop", "nearest"),
    "remove_dc": (True, False),
    "preemphasis_scope": ("signal", "frame"),
    "epsilon_rule": ("max", "add"),
    "log_floor_rule": ("max", "add"),
    "triangles": ("hz", "mel"),
    "slopes": ("own", "lower"),
    "log": (None, "ln", "log10", "db", "db20"),
    "statistics": (None, "std", "variance"),
}


def run(random: np.random.Generator, folder: Path) -> str:
    """Return what came of the front-end: "used", "valid" where it is too slow, or "refused"."""
    for kind in (CaptureConfig, EngineConfig, DisplayConfig):
        values = {"kind": "mic"} if kind is CaptureConfig else {}
        values |= {"capture": CaptureConfig("demo")} if kind is EngineConfig else {}
        for field in fields(kind):
            if random.integers(3) == 0 and field.name != "capture":
                values[field.name] = anything(random)
        with Refused():
            kind(**values)
    values = _front_end(random)
    with Refused():
        MelConfig.from_dict(anything(random))
    result = "refused"
    with Refused():
        config = MelConfig.from_dict(values)
        assert MelConfig.from_dict(config.to_dict()) == config
        result = "valid"
        if _is_affordable(config):
            _use(random, config)
            result = "used"
    with Refused():
        _read_file(random, values, folder / "front-end.json")
    return result


def _front_end(random: np.random.Generator) -> dict[str, Any]:
    values = preset(str(random.choice(list(PRESETS)))).to_dict()
    for _ in range(random.integers(1, 8)):
        name = str(random.choice(list(values)))
        if name in _CHOICES:
            values[name] = _CHOICES[name][random.integers(len(_CHOICES[name]))]
        elif name in _PLAUSIBLE:
            low, high = _PLAUSIBLE[name]
            number = float(random.uniform(low, high))
            values[name] = round(number) if isinstance(values[name], int) else number
    if random.integers(3) == 0:
        values[str(random.choice([*values, "of a newer version"]))] = anything(random)
    return values


def _is_affordable(config: MelConfig) -> bool:
    """Whether it is at most a second's work: others are no less valid, but slow."""
    return (
        config.n_fft <= 8192
        and config.hop_length >= 16
        and config.n_fft * config.n_mels <= 1 << 22
        and (config.fixed_columns or 0) <= 10_000
        # Beyond that, the numbers asked for are no float32.
        and 1e-6 <= config.input_scale <= 1e6
        and max(abs(config.shift), abs(config.scale)) <= 1e6
    )


def _use(random: np.random.Generator, config: MelConfig) -> None:
    rate = int(random.choice([config.sample_rate, 8_000, 44_100, 48_000]))
    pipeline = Pipeline(config.front_end, rate, 2, "mean")
    n_samples = math.ceil(
        (2 * config.win_length + 3 * config.hop_length) * rate / config.sample_rate
    )
    sound = random.normal(0, 0.1, (min(n_samples, 100_000), 2)).astype(np.float32)
    for start in range(0, len(sound), 5000):
        _, columns = pipeline.push(start, sound[start : start + 5000])
        assert np.isfinite(columns).all(), config
    _, columns = pipeline.flush()
    assert np.isfinite(columns).all(), config


def _read_file(random: np.random.Generator, values: dict[str, Any], path: Path) -> None:
    try:
        content = json.dumps(values).encode()
    except ValueError:
        content = b'{"n_fft": ' + b"9" * 6000 + b"}"
    if random.integers(2):
        content = damaged(random, content, b"[" * 3000)
    if random.integers(50) == 0:
        content = b"[" * 60_000
    path.write_bytes(content)
    find_front_end(path)
