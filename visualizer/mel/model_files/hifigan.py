"""HiFi-GAN and BigVGAN: config.json, with the mel of their meldataset.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from visualizer.mel.described import Described
from visualizer.mel.model_files.naming import name_of, source_of
from visualizer.mel.model_files.parts import half, ignore, padded_frames, sample_rate, stage
from visualizer.mel.model_files.values import FileValues, described, of

_KEYS = {"sampling_rate", "hop_size", "win_size", "num_mels"}


def read(values: dict[str, Any], file: Path) -> Described | None:
    """Return the front-end of a configuration; None where it is none of theirs.

    Raises:
        ConfigError: naming the field that does not fit.
    """
    if not values.keys() >= _KEYS:
        return None
    conf = FileValues(values, source_of(file))
    rate = sample_rate(conf, "sampling_rate", None)
    win, hop = conf.whole("win_size", None), conf.whole("hop_size", None)
    n_fft = conf.whole("n_fft", None)
    if win.value > n_fft.value:
        raise conf.error("win_size", f"n_fft, {n_fft.value}, or less")
    padding = of(lambda n, hop_length: (n - hop_length) // 2, n_fft, hop)
    f_max = half(rate) if conf.raw("fmax") is None else conf.number("fmax", None)
    ignore(conf, "of the loss, not of what the model is fed", "fmax_for_loss")
    ignore(conf, "n_fft says how many bins there are", "num_freq")
    stages = [
        padded_frames(win, hop, n_fft, padding, "reflect"),
        stage("window", kind="hann"),
        stage("spectrum", n_fft=n_fft, power=1, epsilon=1e-9),
        stage(
            "mel",
            n_mels=conf.whole("num_mels", None),
            f_min=conf.number("fmin", 0.0),
            f_max=f_max,
            mel_scale="slaney",
            norm="slaney",
        ),
        stage("log", kind="ln", floor=1e-5),
    ]
    is_big = any(key in values for key in ("snake_logscale", "use_tanh_at_final", "activation"))
    whose = "mel_spectrogram of BigVGAN" if is_big else "mel_spectrogram of HiFi-GAN"
    notes = ("its training scales each sound to a peak of 0.95 first",)
    return described(name_of(file), whose, conf, rate, stages, notes)
