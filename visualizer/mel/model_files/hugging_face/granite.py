"""Granite's extractors: torchaudio's mels, log10 within 8 of the maximum, stacked by twos."""

from __future__ import annotations

from visualizer.mel.model_files.hugging_face.chain import (
    Chain,
    centred,
    ignore,
    stage,
    whole_half,
)
from visualizer.mel.model_files.values import FileValues, Known, StageValues


def granite_speech(values: FileValues) -> Chain:
    """Return GraniteSpeechFeatureExtractor's: none of its lengths are in its file."""
    rate = values.whole("sampling_rate", 16_000)
    names = {"n_fft": 512, "win_length": 400, "hop_length": 160, "n_mels": 80}
    n_fft, win, hop, bands = (values.whole(k, n, origin="assumed") for k, n in names.items())
    ignore(values, "the class takes its parts by themselves and writes none", "melspec_kwargs")
    ignore(values, "the class takes n_mels, which it does not write", "feature_size")
    why = "it only counts what the model makes of the columns"
    ignore(values, why, "projector_window_size", "projector_downsample_rate")
    columns = _columns(rate, n_fft, win, hop, bands, Known(8.0), count="fit")
    return Chain(rate, [*columns, stage("stack", n=2)])


def granite_speech5(values: FileValues) -> Chain:
    """Return GraniteSpeech5FeatureExtractor's: deltas under the columns."""
    rate = values.whole("sampling_rate", 16_000)
    names = {"n_fft": 512, "win_length": 400, "hop_length": 160, "num_mel_bins": 80}
    n_fft, win, hop, bands = (values.whole(key, n) for key, n in names.items())
    below = values.number("logmel_floor_db", 8.0)
    ignore(values, "the bands are num_mel_bins", "feature_size")
    stages = [
        *_columns(rate, n_fft, win, hop, bands, below, count="even"),
        stage("deltas", win_length=values.whole("delta_win_length", 3)),
        stage("stack", n=2),
    ]
    odd = "after an odd number of hops exactly, the class puts one zero, which is left out here"
    return Chain(rate, stages, (odd,))


def _columns(
    rate: Known, n_fft: Known, win: Known, hop: Known, bands: Known, below: Known, *, count: str
) -> list[StageValues]:
    return [
        stage(
            "frames",
            win_length=win,
            hop_length=hop,
            offset=centred(win, n_fft),
            edge="reflect",
            count=count,
        ),
        stage("window", kind="hann"),
        stage("spectrum", n_fft=n_fft, power=2),
        stage("mel", n_mels=bands, f_min=0.0, f_max=whole_half(rate), mel_scale="htk", norm=None),
        stage("log", kind="log10", floor=1e-10),
        stage("dynamic_range", below=below),
        stage("affine", shift=4.0, scale=0.25),
    ]
