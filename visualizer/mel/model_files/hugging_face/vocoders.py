"""The extractors of speech synthesis, and Inkling's: magnitudes or powers, centred or nearly."""

from __future__ import annotations

import math

from visualizer.mel.model_files.hugging_face.chain import (
    Chain,
    centred,
    half,
    ignore,
    mel,
    per_row,
    power_of_2,
    silence,
    stage,
)
from visualizer.mel.model_files.values import FileValues, Known, StageValues, of

_COMPUTED = "the class computes it from its other numbers"
_WINDOWS = {
    "hann": "hann",
    "hann_window": "hann",
    "hamming": "hamming",
    "hamming_window": "hamming",
    "boxcar": None,
}
"""What transformers' window_function calls them; all periodic."""


def clvp(values: FileValues) -> Chain:
    """Return ClvpFeatureExtractor's, of Tortoise: the sound filled with zeros, or cut, to 6 s."""
    rate, bands = values.whole("sampling_rate", 22_050), values.whole("feature_size", 80)
    seconds = values.whole("default_audio_length", 6)
    n_fft, hop = values.whole("n_fft", 1024), values.whole("hop_length", 256)
    scales = per_row(values, "mel_norms", bands, lambda norm: 1 / norm)
    why = "the sound's length is default_audio_length"
    ignore(values, why, "chunk_length", "n_samples", "nb_max_frames")
    n_samples = of(lambda s, hz: s * hz, seconds, rate)
    shifts = (0.0,) * bands.value
    stages = [
        stage("sound_length", to=n_samples, fill="zeros", longer="cut"),
        _centred_frames(n_fft, hop),
        stage("window", kind="hann"),
        stage("spectrum", n_fft=n_fft, power=2),
        mel(rate, n_mels=bands, f_min=0.0, f_max=8000.0, mel_scale="htk", norm="slaney"),
        stage("log", kind="ln", floor=1e-5),
        stage("row_affine", shifts=shifts, scales=scales) if scales else None,
    ]
    return Chain(rate, stages, (silence(values),))


def speecht5(values: FileValues) -> Chain:
    """Return SpeechT5FeatureExtractor's targets; its encoder takes the samples."""
    rate, bands = values.whole("sampling_rate", 16_000), values.whole("num_mel_bins", 80)
    win, hop = (
        of(lambda ms, hz: ms * hz // 1000, values.whole(key, ms), rate)
        for key, ms in (("win_length", 64), ("hop_length", 16))
    )
    ignore(values, "the bands are num_mel_bins", "feature_size")
    ignore(values, "the class does not use it", "frame_signal_scale", "reduction_factor")
    ignore(values, "it concerns the encoder's samples alone", "do_normalize")
    stages = [
        _centred_frames(win, hop),
        _window(values),
        stage("spectrum", n_fft=power_of_2(win), power=1),
        mel(
            rate,
            n_mels=bands,
            f_min=values.number("fmin", 80.0),
            f_max=values.number("fmax", 7600.0),
            mel_scale="slaney",
            norm="slaney",
        ),
        stage("log", kind="log10", floor=values.number("mel_floor", 1e-10)),
    ]
    note = "these are the decoder's targets; the encoder takes the samples"
    return Chain(rate, stages, (note,))


def univnet(values: FileValues) -> Chain:
    """Return UnivNetFeatureExtractor's: frames that reach over both edges by less than half."""
    rate, bands = values.whole("sampling_rate", 24_000), values.whole("num_mel_bins", 100)
    win, hop = values.whole("win_length", 1024), values.whole("hop_length", 256)
    names_n_fft = "filter_length" not in values or values.raw("filter_length") is not None
    n_fft = values.whole("filter_length", 1024) if names_n_fft else power_of_2(win)
    if win.value != n_fft.value:
        raise values.error("win_length", f"the points of the transform ({n_fft.value})")
    if values.flag("center", False).value:
        raise values.error("center", "false: frames padded twice are not known here")
    top = half(rate) if values.raw("fmax") is None else values.number("fmax", 12_000.0)
    longest = values.whole("max_length_s", 10).value
    ignore(values, "the bands are num_mel_bins", "feature_size")
    why = "it concerns the vocoder's noise and its end"
    ignore(values, why, "model_in_channels", "pad_end_length")
    stages = [
        stage(
            "frames",
            win_length=n_fft,
            hop_length=hop,
            offset=of(lambda n, step: -int((n - step) / 2), n_fft, hop),
            edge="reflect",
        ),
        _window(values),
        stage("spectrum", n_fft=n_fft, power=1, epsilon=values.number("mel_floor", 1e-9)),
        mel(
            rate,
            n_mels=bands,
            f_min=values.number("fmin", 0.0),
            f_max=top,
            mel_scale="slaney",
            norm="slaney",
        ),
        stage("log", kind="ln", floor=values.number("compression_clip_val", 1e-5)),
        _compressed(values),
    ]
    return Chain(rate, stages, (f"the class cuts the sound after {longest} s",))


def _compressed(values: FileValues) -> StageValues | None:
    """Return the factor under the logarithm, and do_normalize, as one straight line."""
    gain = values.number("compression_factor", 1.0, low=1e-9).map(math.log)
    if not values.flag("do_normalize", False).value:
        ignore(values, "do_normalize is false", "normalize_min", "normalize_max")
        return stage("affine", shift=gain) if gain.value else None
    low = values.number("normalize_min", -11.512925148010254)
    high = values.number("normalize_max", 2.3143386840820312)
    if low.value == high.value:
        raise values.error("normalize_max", f"another number than normalize_min ({low.value:g})")
    return stage(
        "affine",
        shift=of(lambda g, a, b: g - (a + b) / 2, gain, low, high),
        scale=of(lambda a, b: 2 / (b - a), low, high),
    )


def inkling(values: FileValues) -> Chain:
    """Return InklingFeatureExtractor's: a column for each begun hop, all before its end."""
    rate, bands = values.whole("sampling_rate", 16_000), values.whole("feature_size", 80)
    seconds = values.number("audio_token_duration_s", 0.05, low=1e-6)
    multiplier = values.number("window_size_multiplier", 2.0, low=1e-6)
    hop = of(lambda s, hz: s * hz, seconds, rate)
    win = of(lambda s, m, hz: s * m * hz, seconds, multiplier, rate)
    for key, length in (("audio_token_duration_s", hop), ("window_size_multiplier", win)):
        if abs(length.value - round(length.value)) > 1e-6:
            raise values.error(key, "a number that gives whole samples")
    hop, win = hop.map(round), win.map(round)
    ignore(values, _COMPUTED, "hop_length", "window_size")
    n_fft = values.whole("n_fft", None) if values.raw("n_fft") else win
    before = of(lambda n, w, h: (n - w) // 2 - max(n - h, 0), n_fft, win, hop)
    stages = [
        stage("frames", win_length=win, hop_length=hop, offset=before, edge="zeros", count="begun"),
        stage("window", kind="hann"),
        stage("spectrum", n_fft=n_fft, power=1, epsilon=1e-10, epsilon_rule="max"),
        mel(rate, n_mels=bands, f_min=0.0, f_max=half(rate), mel_scale="slaney", norm="slaney"),
        stage("log", kind="log10", floor=1e-10),
    ]
    return Chain(rate, stages)


def _centred_frames(win_length: Known, hop_length: Known) -> StageValues:
    offset = centred(win_length, win_length)
    return stage(
        "frames", win_length=win_length, hop_length=hop_length, offset=offset, edge="reflect"
    )


def _window(values: FileValues) -> StageValues | None:
    name = values.text("win_function", "hann_window", tuple(_WINDOWS))
    kind = name.map(_WINDOWS.__getitem__)
    return stage("window", kind=kind) if kind.value else None
