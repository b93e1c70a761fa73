"""The extractors made after NeMo's: pre-emphasis of the sound, zeros at the edges, ln(x + 2⁻²⁴)."""

from __future__ import annotations

from collections.abc import Sequence

from visualizer.mel.model_files.hugging_face.chain import (
    Chain,
    half,
    ignore,
    mel,
    nullable,
    one_per_hop,
    stage,
)
from visualizer.mel.model_files.values import FileValues, Known, StageValues

_NOTE = "a column of zeros may follow, which the class's mask leaves out"


def parakeet(values: FileValues) -> Chain:
    """Return ParakeetFeatureExtractor's."""
    return _chain(values, 80, after=(_normalised(),))


def cohere_asr(values: FileValues) -> Chain:
    """Return CohereAsrFeatureExtractor's, with its noise, which the sound's length seeds."""
    amount = values.number("dither", 1e-5)
    longest = values.number("max_audio_clip_s", 35.0).value
    context = values.number("overlap_chunk_second", 5.0).value
    split = f"the class splits sound beyond {longest - context:g} s where it is quiet"
    ignore(values, "it only says where long sound is split", "min_energy_window_samples")
    dither = stage("dither", amount=amount) if amount.value > 0 else None
    return _chain(values, 128, before=(dither,), after=(_normalised(),), notes=(split,))


def nemotron_asr_streaming(values: FileValues) -> Chain:
    """Return NemotronAsrStreamingFeatureExtractor's: nothing of the clip."""
    dtypes = ("float32", "bfloat16", "float16")
    dtype = values.text("mel_filters_dtype", "float32", dtypes)
    rounding = dtype.map(lambda name: None if name == "float32" else name)
    return _chain(values, 80, rounding=rounding if rounding.value else None)


def _normalised() -> StageValues:
    return stage("statistics", kind="std", epsilon=1e-5)


def _chain(
    values: FileValues,
    n_mels: int,
    *,
    before: Sequence[StageValues | None] = (),
    after: Sequence[StageValues] = (),
    rounding: Known | None = None,
    notes: Sequence[str] = (),
) -> Chain:
    rate = values.whole("sampling_rate", 16_000)
    bands = values.whole("feature_size", n_mels)
    win, n_fft = values.whole("win_length", 400), values.whole("n_fft", 512)
    hop = values.whole("hop_length", 160)
    coefficient = nullable(values, "preemphasis", 0.97)
    rounded = {} if rounding is None else {"rounding": rounding}
    zero, top = 0.0, half(rate)
    stages = [
        *before,
        stage("preemphasis", coefficient=coefficient) if coefficient.value else None,
        one_per_hop(win, hop, n_fft, edge="zeros"),
        stage("window", kind="hann_symmetric", **rounded),
        stage("spectrum", n_fft=n_fft, power=2),
        mel(
            rate,
            n_mels=bands,
            f_min=zero,
            f_max=top,
            mel_scale="slaney",
            norm="slaney",
            **rounded,
        ),
        stage("log", kind="ln", floor=2.0**-24, floor_rule="add"),
        *after,
    ]
    return Chain(rate, stages, (_NOTE, *notes))
