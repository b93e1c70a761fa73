"""VITS, RVC, so-vits-svc and GPT-SoVITS: the `data` of their config.json.

The network is fed the linear spectrogram (spectrogram_torch of mel_processing.py); the mel that
the file describes too is the loss's alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from visualizer.mel.described import Described
from visualizer.mel.model_files.hugging_face.chain import ignore, stage
from visualizer.mel.model_files.naming import name_of, source_of
from visualizer.mel.model_files.parts import padded_frames, part, sample_rate
from visualizer.mel.model_files.values import FileValues, described, of

_KEYS = {"sampling_rate", "filter_length", "hop_length", "win_length"}


def read(values: dict[str, Any], file: Path) -> Described | None:
    """Return the front-end of a configuration; None where it is none of theirs.

    Raises:
        ConfigError: naming the field that does not fit.
    """
    data = part(values, "data")
    if not data.keys() >= _KEYS:
        return None
    conf = FileValues(data, source_of(file))
    rate = sample_rate(conf, "sampling_rate", None)
    win, hop = conf.whole("win_length", None), conf.whole("hop_length", None)
    n_fft = conf.whole("filter_length", None)
    padding = of(lambda n, hop_length: (n - hop_length) // 2, n_fft, hop)
    ignore(conf, "of the mel, which is the loss's", "n_mel_channels", "mel_fmin", "mel_fmax")
    ignore(conf, "samples are ±1 already", "max_wav_value")
    whose, epsilon, note = _family(values)
    stages = [
        padded_frames(win, hop, n_fft, padding, "reflect"),
        stage("window", kind="hann"),
        stage("spectrum", n_fft=n_fft, power=1, epsilon=epsilon),
    ]
    notes = ("the network is fed the linear spectrogram; the mel is only its loss's", *note)
    return described(name_of(file), f"spectrogram_torch of {whose}", conf, rate, stages, notes)


def _family(values: dict[str, Any]) -> tuple[str, float, tuple[str, ...]]:
    """Return whose it is, what is added to a power before its root, and notes."""
    model = part(values, "model")
    if "semantic_frame_rate" in model or "s2_ckpt_dir" in values:
        return "GPT-SoVITS", 1e-8, ("its first stage is fed the features of HuBERT as well",)
    if "ssl_dim" in model:
        return "so-vits-svc", 1e-6, ("it is fed features of a speech encoder and a pitch as well",)
    if "spk_embed_dim" in model:
        return "RVC", 1e-6, ("it is fed HuBERT's features and RMVPE's pitch as well",)
    return "VITS", 1e-6, ()
