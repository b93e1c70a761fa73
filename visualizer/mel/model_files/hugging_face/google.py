"""The extractors of Google's models: Gemma's and LASR's."""

from __future__ import annotations

from collections.abc import Sequence

from visualizer.mel.model_files.hugging_face.chain import (
    Chain,
    ignore,
    mel,
    noise,
    per_row,
    power_of_2,
    stage,
)
from visualizer.mel.model_files.values import FileValues, Known, StageValues, of

_MAX_SAMPLES = 480_000


def gemma3n(values: FileValues) -> Chain:
    """Return Gemma3nAudioFeatureExtractor's: the sound filled to a multiple of 128 samples."""
    zeros = stage("sound_multiple", of=128)
    return _gemma(
        values,
        milliseconds=32.0,
        f_min=125.0,
        f_max=7600.0,
        preemphasis=0.97,
        overdrive=True,
        floor=1e-5,
        floor_rule="max",
        padding=(zeros,),
        centres=False,
    )


def gemma4(values: FileValues) -> Chain:
    """Return Gemma4AudioFeatureExtractor's: half a frame of zeros before the sound."""
    return _gemma(
        values,
        milliseconds=20.0,
        f_min=0.0,
        f_max=8000.0,
        preemphasis=0.0,
        overdrive=False,
        floor=1e-3,
        floor_rule="add",
        padding=(),
        centres=True,
        notes=("columns of zeros may follow, which the class's mask leaves out",),
    )


def _gemma(
    values: FileValues,
    *,
    milliseconds: float,
    f_min: float,
    f_max: float,
    preemphasis: float,
    overdrive: bool,
    floor: float,
    floor_rule: str,
    padding: Sequence[StageValues],
    centres: bool,
    notes: Sequence[str] = (),
) -> Chain:
    rate, bands = values.whole("sampling_rate", 16_000), values.whole("feature_size", 128)
    # Only the lengths in samples are written, and only those in milliseconds are taken.
    length = values.number("frame_length_ms", milliseconds, low=1e-3, origin="assumed")
    step = values.number("hop_length_ms", 10.0, low=1e-3, origin="assumed")
    win, hop = (of(lambda hz, ms: round(hz * ms / 1000.0), rate, ms) for ms in (length, step))
    ignore(values, "the class takes frame_length_ms, which it does not write", "frame_length")
    ignore(values, "the class takes hop_length_ms, which it does not write", "hop_length")
    ignore(values, "the class computes it from its other numbers", "fft_length")
    doubles = values.flag("fft_overdrive", overdrive)
    n_fft = of(lambda n, twice: n * 2 if twice else n, power_of_2(win), doubles)
    coefficient = values.number("preemphasis", preemphasis)
    htk = values.flag("preemphasis_htk_flavor", True)
    # The other flavour knows the sample before a frame: that of the sound, one sample later.
    of_sound = coefficient.value > 0 and not htk.value
    of_frame = coefficient.value > 0 and htk.value
    start = win.map(lambda n: -(n // 2)) if centres else Known(0)
    factor = values.number("input_scale_factor", 1.0)
    longest = f"the class cuts the sound after {_MAX_SAMPLES} samples"
    stages = [
        *padding,
        stage("preemphasis", coefficient=coefficient) if of_sound else None,
        stage(
            "frames",
            win_length=win,
            hop_length=hop,
            offset=start.map(lambda n: n + 1) if of_sound else start,
            edge="zeros",
            count="whole",
            followed_by=0 if of_sound else 1,
        ),
        stage("scale", factor=factor) if factor.value != 1.0 else None,
        stage("frame_preemphasis", coefficient=coefficient) if of_frame else None,
        stage("window", kind="hann"),
        stage("spectrum", n_fft=n_fft, power=1),
        mel(
            rate,
            n_mels=bands,
            f_min=values.number("min_frequency", f_min),
            f_max=values.number("max_frequency", f_max),
            mel_scale="htk",
            norm=None,
        ),
        stage("log", kind="ln", floor=values.number("mel_floor", floor), floor_rule=floor_rule),
        _normalised(values, bands),
    ]
    return Chain(rate, stages, (longest, *notes, noise(values)))


def _normalised(values: FileValues, bands: Known) -> StageValues | None:
    shifts = per_row(values, "per_bin_mean", bands, lambda mean: -mean)
    scales = per_row(values, "per_bin_stddev", bands, lambda deviation: 1 / deviation)
    if shifts is None and scales is None:
        return None
    n = bands.value
    shifts, scales = shifts or Known((0.0,) * n), scales or Known((1.0,) * n)
    return stage("row_affine", shifts=shifts, scales=scales)


def lasr(values: FileValues) -> Chain:
    """Return LasrFeatureExtractor's, of MedASR: unpadded frames, filters straight in mels."""
    rate, bands = values.whole("sampling_rate", 16_000), values.whole("feature_size", 128)
    win, hop = values.whole("win_length", 400), values.whole("hop_length", 160)
    stages = [
        stage("frames", win_length=win, hop_length=hop, offset=0),
        stage("window", kind="hann_symmetric"),
        stage("spectrum", n_fft=values.whole("n_fft", 512), power=2),
        stage(
            "mel",
            n_mels=bands,
            f_min=125.0,
            f_max=7500.0,
            mel_scale="htk",
            norm=None,
            triangles="mel",
        ),
        stage("log", kind="ln", floor=1e-5),
    ]
    return Chain(rate, stages)
