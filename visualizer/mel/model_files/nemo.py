"""NeMo: the `preprocessor` of a model_config.yaml, which a .nemo archive holds.

The class is AudioToMelSpectrogramPreprocessor with FilterbankFeatures
(nemo/collections/asr/parts/preprocessing/features.py), as of its version 2.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from visualizer.errors import ConfigError, quoted
from visualizer.mel.described import Described
from visualizer.mel.model_files.archive import member
from visualizer.mel.model_files.hugging_face.chain import (
    half,
    ignore,
    nullable,
    one_per_hop,
    per_row,
    power_of_2,
    stage,
)
from visualizer.mel.model_files.interpolation import resolved
from visualizer.mel.model_files.loading import MAX_YAML_BYTES, parse_yaml
from visualizer.mel.model_files.naming import name_of, source_of
from visualizer.mel.model_files.parts import padded_frames, part, sample_rate
from visualizer.mel.model_files.values import FileValues, Known, StageValues, described, of

CONFIG = "model_config.yaml"
_MEL = "AudioToMelSpectrogramPreprocessor"
_WINDOWS = ("hann", "hamming", "blackman", "bartlett")
_EPSILON = 1e-5
"""CONSTANT of features.py"""
_GUARDS = {"tiny": float(np.finfo(np.float32).tiny), "eps": float(np.finfo(np.float32).eps)}


def read_archive(file: Path) -> Described:
    """Return the front-end of a .nemo archive.

    Raises:
        ConfigError: where it is no archive, or its model has no known preprocessor.
    """
    content = member(file, CONFIG, MAX_YAML_BYTES)
    values = parse_yaml(content, f"{CONFIG} in {quoted(file)}")
    found = read(values, file)
    if found is None:
        raise ConfigError(f"{CONFIG} in {quoted(file)} has no preprocessor", "its model has no mel")
    return found


def read(values: dict[str, Any], file: Path) -> Described | None:
    """Return the front-end of a model's configuration; None where it is not NeMo's.

    Raises:
        ConfigError: naming a preprocessor that is not known, or the field that does not fit.
    """
    path: tuple[str, ...] = ("preprocessor",)
    if not part(values, "preprocessor"):
        path = ("model", "preprocessor")
    config = part(part(values, "model") if len(path) > 1 else values, "preprocessor")
    target = str(config.get("_target_", config.get("cls", "")))
    if not config or ("nemo" not in target and _MEL not in target and "features" not in config):
        return None
    source = source_of(file)
    if target and _MEL not in target:
        raise ConfigError(
            f"{source}: the preprocessor {quoted(target)} is not known",
            "write its front-end as a chain of stages",
        )
    return _described(FileValues(resolved(values, path, source), source), name_of(file))


def _described(values: FileValues, name: str) -> Described:
    rate = sample_rate(values, "sample_rate", 16_000)
    win = _length(values, "window_size", "n_window_size", 0.02, rate)
    hop = _length(values, "window_stride", "n_window_stride", 0.01, rate)
    n_fft = values.whole("n_fft", None) if values.raw("n_fft") else power_of_2(win)
    bands = values.whole("features", 64)
    f_max = values.number("highfreq", None) if values.raw("highfreq") else half(rate)
    is_exact = values.flag("exact_pad", False)
    notes = []
    if is_exact.value:
        padding = of(lambda n, hop_length, _: (n - hop_length) // 2, n_fft, hop, is_exact)
        frames = padded_frames(win, hop, n_fft, padding, Known("reflect", "assumed"))
        notes.append("with exact_pad, NeMo mirrors the edges up to version 1, zeros come later")
    else:
        frames = one_per_hop(win, hop, n_fft, edge=Known("zeros", "assumed"))
        notes.append(
            "NeMo up to version 1 mirrors the edges and gives a column more; zeros are used here"
        )
    coefficient = nullable(values, "preemph", 0.97)
    n_spliced = values.whole("frame_splicing", 1, high=64).value
    if n_spliced > 1:
        notes.append(
            f"frame_splicing {n_spliced}: NeMo repeats the rows of a column so often; "
            "here they stand once"
        )
    if values.flag("use_torchaudio", False).value:
        notes.append("with use_torchaudio, NeMo mirrors the edges; zeros are used here")
    ignore(values, "only training adds it", "dither", "nb_augmentation_prob", "nb_max_freq", "rng")
    ignore(values, "columns behind the sound's own, which the mask leaves out", "pad_to")
    ignore(values, "the value of masked columns", "pad_value")
    ignore(values, "not used any more", "stft_conv", "stft_exact_pad", "int_values")
    # The class's own default is a list of no mel; what follows is in the order of its forward().
    stages = [
        stage("preemphasis", coefficient=coefficient) if coefficient.value else None,
        frames,
        _window(values),
        stage("spectrum", n_fft=n_fft, power=_power(values)),
        stage(
            "mel",
            n_mels=bands,
            f_min=values.number("lowfreq", 0.0),
            f_max=f_max,
            mel_scale="slaney",
            norm=_norm(values),
        ),
        _log(values),
        _normalised(values, bands),
    ]
    return described(name, f"{_MEL} of NeMo", values, rate, stages, tuple(notes))


def _length(
    values: FileValues, in_seconds: str, in_samples: str, default_s: float, rate: Known
) -> Known:
    """Return a length in samples, which the file may have in seconds."""
    if values.raw(in_samples):
        if values.raw(in_seconds):
            values.ignore(in_seconds, f"{in_samples} is set")
        return values.whole(in_samples, None)
    seconds = values.number(in_seconds, default_s, low=1e-6, high=60.0)
    return of(lambda s, hz: int(s * hz), seconds, rate)


def _window(values: FileValues) -> StageValues | None:
    kind = values.text("window", "hann", (*_WINDOWS, "none"))
    if kind.value == "none":
        return None
    return stage("window", kind=kind.map(lambda name: f"{name}_symmetric"))


def _power(values: FileValues) -> Known:
    power = values.number("mag_power", 2.0)
    if power.value not in (1.0, 2.0):
        raise values.error("mag_power", "1 or 2")
    return power.map(int)


def _norm(values: FileValues) -> Known:
    if "mel_norm" in values and values.raw("mel_norm") is None:
        return Known(None, "file", "mel_norm")
    return values.text("mel_norm", "slaney", ("slaney",))


def _log(values: FileValues) -> StageValues | None:
    if not values.flag("log", True).value:
        return None
    rule = values.text("log_zero_guard_type", "add", ("add", "clamp"))
    guard = values.raw("log_zero_guard_value")
    if isinstance(guard, str):
        word = values.text("log_zero_guard_value", None, tuple(_GUARDS))
        floor = word.map(_GUARDS.__getitem__)
    else:
        floor = values.number("log_zero_guard_value", 2.0**-24)
    is_clamp = {"add": "add", "clamp": "max"}
    return stage("log", kind="ln", floor=floor, floor_rule=rule.map(is_clamp.__getitem__))


def _normalised(values: FileValues, bands: Known) -> StageValues | None:
    how = values.raw("normalize") if "normalize" in values else "per_feature"
    if isinstance(how, dict) and "fixed_mean" in how and "fixed_std" in how:
        rows = FileValues({key: _flat(value) for key, value in how.items()}, values.source)
        shifts = per_row(rows, "fixed_mean", bands, lambda mean: -mean)
        scales = per_row(rows, "fixed_std", bands, lambda std: 1.0 / std)
        return stage("row_affine", shifts=shifts, scales=scales)
    over = {"per_feature": "row", "all_features": "all"}.get(how) if isinstance(how, str) else None
    if over is None:
        # Any other word leaves the values as they are.
        return None
    origin = Known(how, "file" if "normalize" in values else "class", "normalize")
    return stage(
        "statistics",
        kind=origin.map(lambda _: "std"),
        epsilon=_EPSILON,
        over=origin.map(lambda _: over),
    )


def _flat(value: Any) -> Any:
    """Return the list in a list of one, which NeMo takes for a batch."""
    is_batch = isinstance(value, list) and len(value) == 1 and isinstance(value[0], list)
    return value[0] if is_batch else value
