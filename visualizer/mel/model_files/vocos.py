"""Vocos: the `feature_extractor` of config.yaml (vocos/feature_extractors.py)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from visualizer.errors import ConfigError, quoted
from visualizer.mel.described import Described
from visualizer.mel.model_files.hugging_face.chain import ignore, mel, stage, whole_half
from visualizer.mel.model_files.naming import name_of, source_of
from visualizer.mel.model_files.parts import centred_frames, padded_frames, part, sample_rate
from visualizer.mel.model_files.values import FileValues, described, of

_CLASS = "MelSpectrogramFeatures"


def read(values: dict[str, Any], file: Path) -> Described | None:
    """Return the front-end of a configuration; None where it is not Vocos's.

    Raises:
        ConfigError: naming the field that does not fit, or an extractor without mels.
    """
    trained = part(part(part(values, "model"), "init_args"), "feature_extractor")
    extractor = part(values, "feature_extractor") or trained
    if "class_path" not in extractor:
        return None
    source, path = source_of(file), str(extractor["class_path"])
    if path.rpartition(".")[2] != _CLASS:
        raise ConfigError(
            f"{source}: the extractor {quoted(path)} is not known to give mel columns",
            f"{_CLASS} is",
        )
    conf = FileValues(part(extractor, "init_args"), source)
    rate = sample_rate(conf, "sample_rate", 24_000)
    n_fft, hop = conf.whole("n_fft", 1024), conf.whole("hop_length", 256)
    place = conf.text("padding", "center", ("center", "same"))
    if place.value == "center":
        frames = centred_frames(n_fft, hop, n_fft, "reflect")
    else:
        padding = of(lambda n, hop_length, _: (n - hop_length) // 2, n_fft, hop, place)
        frames = padded_frames(n_fft, hop, n_fft, padding, "reflect")
    ignore(conf, "it is 1 in the class", "power")
    stages = [
        frames,
        stage("window", kind="hann"),
        stage("spectrum", n_fft=n_fft, power=1),
        mel(
            rate,
            n_mels=conf.whole("n_mels", 100),
            f_min=0.0,
            f_max=whole_half(rate),
            mel_scale="htk",
            norm=None,
        ),
        stage("log", kind="ln", floor=1e-7),
    ]
    return described(name_of(file), f"{_CLASS} of Vocos", conf, rate, stages)
