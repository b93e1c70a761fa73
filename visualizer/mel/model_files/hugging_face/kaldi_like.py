"""The extractors that compute Kaldi's filter banks: unpadded frames, filters straight in mels."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from visualizer.mel.model_files.hugging_face.chain import (
    Chain,
    half,
    ignore,
    noise,
    power_of_2,
    stage,
    whole_half,
)
from visualizer.mel.model_files.values import FileValues, Known, StageValues, of

_FULL_SCALE_16_BIT = 32768.0
_FLOOR = 2.0**-23
"""The least step of float32 above 1.0, Kaldi's floor."""
_IN_CODE = "the class has it in its code"

_WINDOWS = {
    "povey": "povey",
    "hanning": "hann_symmetric",
    "hamming": "hamming_symmetric",
    "blackman": "blackman_symmetric",
    "rectangular": None,
}
"""What torchaudio.compliance.kaldi calls them."""


def seamless_m4t(values: FileValues) -> Chain:
    """Return SeamlessM4TFeatureExtractor's, of w2v-BERT too: stacked by twos."""
    rate, bands = values.whole("sampling_rate", 16_000), values.whole("num_mel_bins", 80)
    fill, n = values.number("padding_value", 0.0), values.whole("stride", 2)
    _not_rows(values)
    stages = [
        *_columns(Known(400), Known(160), bands, top=whole_half(rate)),
        stage("statistics", kind="variance", epsilon=1e-7),
        # Filled to an even number; what is then left over of another stride is dropped.
        stage("column_multiple", n=2, fill=fill) if n.value != 2 else None,
        stage("stack", n=n) if n.value != 2 else stage("stack", n=n, rest="fill", fill=fill),
    ]
    return Chain(rate, stages)


def neucodec(values: FileValues) -> Chain:
    """Return NeuCodecFeatureExtractor's semantic features."""
    return _codec(values, ())


def xcodec2(values: FileValues) -> Chain:
    """Return Xcodec2FeatureExtractor's semantic features: zeros on both sides."""
    side = values.whole("hop_length", 320).map(lambda n: n // 2)
    return _codec(values, (stage("sound_pad", front=side, behind=side),))


def _codec(values: FileValues, padding: Sequence[StageValues]) -> Chain:
    rate, hop = values.whole("sampling_rate", 16_000), values.whole("hop_length", 320)
    ignore(values, _IN_CODE, "num_mel_bins", "frame_length", "frame_shift", "stride")
    _not_rows(values)
    win, shift = (rate.map(partial(_there_and_back, n=n)) for n in (400, 160))
    stages = [
        stage("sound_pad", behind=1),
        stage("sound_multiple", of=hop),
        *padding,
        *_columns(win, shift, Known(80), top=whole_half(rate)),
        stage("statistics", kind="variance", epsilon=1e-7),
        stage("stack", n=2, rest="fill", fill=values.number("padding_value", 1.0)),
    ]
    return Chain(rate, stages)


def ast(values: FileValues) -> Chain:
    """Return ASTFeatureExtractor's: samples as they are, 1024 columns."""
    rate, bands = values.whole("sampling_rate", 16_000), values.whole("num_mel_bins", 128)
    win, hop = _milliseconds(rate, Known(25)), _milliseconds(rate, Known(10))
    mean, std = values.number("mean", -4.2677393), values.number("std", 4.5689974)
    fixed = values.whole("max_length", 1024)
    _not_rows(values)
    stages = _columns(win, hop, bands, top=half(rate), window="hann_symmetric", factor=None)
    if not values.flag("do_normalize", True).value:
        ignore(values, "do_normalize is false", "mean", "std")
        return Chain(rate, [*stages, stage("fixed_columns", n_columns=fixed, fill=0.0)])
    if not std.value:
        raise values.error("std", "a number other than 0")
    # The class fills with zeros first and normalises them too.
    stages += [
        stage("affine", shift=mean.map(lambda m: -m), scale=std.map(lambda s: 1 / (2 * s))),
        stage("fixed_columns", n_columns=fixed, fill=of(lambda m, s: -m / (2 * s), mean, std)),
    ]
    return Chain(rate, stages)


def speech_to_text(values: FileValues) -> Chain:
    """Return Speech2TextFeatureExtractor's: statistics of the population."""
    rate, bands = values.whole("sampling_rate", 16_000), values.whole("num_mel_bins", 80)
    win, hop = _milliseconds(rate, Known(25)), _milliseconds(rate, Known(10))
    means, deviations = (values.flag(key, True) for key in ("normalize_means", "normalize_vars"))
    does = values.flag("do_ceptral_normalize", True).value
    _not_rows(values)
    statistics = None
    if does and deviations.value and not means.value:
        raise values.error("normalize_means", "true where normalize_vars is")
    if does and means.value:
        kind = deviations.map(lambda divides: "std" if divides else "mean")
        statistics = stage("statistics", kind=kind, epsilon=0.0, ddof=0)
    stages = [*_columns(win, hop, bands, top=half(rate)), statistics]
    return Chain(rate, stages, (noise(values),))


def phi4_multimodal(values: FileValues) -> Chain:
    """Return Phi4MultimodalFeatureExtractor's: its mels' ends are not in its file."""
    rate, bands = values.whole("sampling_rate", 16_000), values.whole("feature_size", 80)
    win, hop = values.whole("win_length", 400), values.whole("hop_length", 160)
    n_fft, coefficient = values.whole("n_fft", 512), values.number("preemphasis", 0.97)
    low = values.number("mel_min_frequency", 0.0, origin="assumed")
    high = values.number("mel_max_frequency", 7690.0, origin="assumed")
    why = "it only counts what the model makes of the columns"
    ignore(values, why, "audio_compression_rate", "audio_downsample_rate", "audio_feat_stride")
    stages = [
        stage("frames", win_length=win, hop_length=hop, offset=0),
        stage("scale", factor=_FULL_SCALE_16_BIT),
        stage("frame_preemphasis", coefficient=coefficient),
        stage("window", kind="hamming_symmetric"),
        stage("spectrum", n_fft=n_fft, power=2),
        _filters(bands, low, high),
        stage("log", kind="ln", floor=1.0),
    ]
    return Chain(rate, stages)


def fun_asr_nano(values: FileValues) -> Chain:
    """Return FunAsrNanoFeatureExtractor's: stacks of 7, one every 6 columns."""
    rate, bands = values.whole("sampling_rate", 16_000), values.whole("feature_size", 80)
    win = _milliseconds(rate, values.number("frame_length", 25.0, low=1e-3))
    hop = _milliseconds(rate, values.number("frame_shift", 10.0, low=1e-3))
    window = values.text("window", "hamming", tuple(_WINDOWS), origin="assumed")
    n, every = values.whole("num_frames_lfr", 7), values.whole("stride_lfr", 6)
    before = n.map(lambda n: (n - 1) // 2)
    kind = window.map(_WINDOWS.__getitem__)
    stages = [
        *_columns(win, hop, bands, top=half(rate), window=kind, factor=None),
        stage("stack", n=n, hop=every, before=before, rest="repeat"),
    ]
    return Chain(rate, stages)


def _there_and_back(rate: int, n: int) -> int:
    """Return what is left of a number of samples that was given in milliseconds."""
    return _samples(rate, n / rate * 1000.0)


def _samples(rate: int, milliseconds: float) -> int:
    """Return a length as torchaudio.compliance.kaldi counts it."""
    return int(rate * milliseconds * 0.001)


def _milliseconds(rate: Known, length: Known) -> Known:
    return of(_samples, rate, length)


def _not_rows(values: FileValues) -> None:
    ignore(values, "the bands are counted otherwise", "feature_size")


def _columns(
    win_length: Known,
    hop_length: Known,
    n_mels: Known,
    *,
    top: Known,
    window: Known | str = "povey",
    factor: float | None = _FULL_SCALE_16_BIT,
) -> list[StageValues | None]:
    """Return the stages up to the logarithm."""
    kind = window if isinstance(window, Known) else Known(window)
    return [
        stage("frames", win_length=win_length, hop_length=hop_length, offset=0),
        stage("scale", factor=factor) if factor else None,
        stage("remove_dc"),
        stage("frame_preemphasis", coefficient=0.97),
        stage("window", kind=kind) if kind.value else None,
        stage("spectrum", n_fft=power_of_2(win_length), power=2),
        _filters(n_mels, Known(20.0), top),
        stage("log", kind="ln", floor=_FLOOR),
    ]


def _filters(n_mels: Known, f_min: Known, f_max: Known) -> StageValues:
    return stage(
        "mel",
        n_mels=n_mels,
        f_min=f_min,
        f_max=f_max,
        mel_scale="htk",
        norm=None,
        triangles="mel",
    )
