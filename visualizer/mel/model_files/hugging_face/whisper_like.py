"""Whisper's extractor and those made after it: centred frames, log10 within 8 of the maximum."""

from __future__ import annotations

from collections.abc import Sequence

from visualizer.mel.model_files.hugging_face.chain import (
    Chain,
    ignore,
    mel,
    noise,
    nullable,
    one_per_hop,
    silence,
    stage,
)
from visualizer.mel.model_files.values import FileValues, Known, StageValues, of

_COMPUTED = "the class computes it from its other numbers"
_F_MAX = 8000.0
"""Whatever the sample rate."""
_OF_CLIP = Known(None)


def whisper(values: FileValues) -> Chain:
    """Return WhisperFeatureExtractor's: the sound filled with zeros, or cut, to 30 s."""
    return _of_windows(values, n_mels=80)


def moss(values: FileValues) -> Chain:
    """Return MossTranscribeDiarizeFeatureExtractor's: Whisper's of each 30 s."""
    more = "the class computes longer sound in windows of as many seconds, each by itself"
    return _of_windows(values, n_mels=80, notes=(more,))


def _of_windows(values: FileValues, n_mels: int, notes: Sequence[str] = ()) -> Chain:
    rate = values.whole("sampling_rate", 16_000)
    n_samples = of(lambda seconds, hz: seconds * hz, values.whole("chunk_length", 30), rate)
    ignore(values, _COMPUTED, "n_samples", "nb_max_frames", "mel_filters")
    ignore(values, "it is an argument of the call alone", "do_normalize")
    stages = [
        stage("sound_length", to=n_samples, fill="zeros", longer="cut"),
        *_columns(values, rate, n_mels),
    ]
    return Chain(rate, stages, (*notes, noise(values), silence(values)))


def qwen3_asr(values: FileValues) -> Chain:
    """Return Qwen3ASRFeatureExtractor's as its processor calls it: not filled to 30 s."""
    rate = values.whole("sampling_rate", 16_000)
    least = values.whole("min_length", 8000, low=0)
    multiple = values.whole("n_window", 50, low=0).map(lambda n: 2 * n)
    called = "as its processor calls it: by itself, the class fills the sound to chunk_length"
    ignore(values, "its processor's call does not use it", "chunk_length", "n_samples")
    ignore(values, _COMPUTED, "nb_max_frames", "mel_filters")
    filled = stage("sound_length", to=least, fill="zeros", longer="keep")
    stages = [
        filled if least.value else None,
        *_columns(values, rate, 128),
        stage("column_multiple", n=multiple, fill=0.0) if multiple.value else None,
    ]
    return Chain(rate, stages, (called, noise(values)))


def dots3_note(values: FileValues) -> Chain:
    """Return Dots3NoteFeatureExtractor's: zeros follow the sound, columns by eights."""
    rate = values.whole("sampling_rate", 16_000)
    key = "chunk_length" if values.raw("chunk_seconds") is None else "chunk_seconds"
    seconds = values.whole(key, 60)
    hop = values.whole("hop_length", 160)
    ignore(values, _COMPUTED, "n_samples", "nb_max_frames", "mel_filters")
    longer = f"the class computes sound of {seconds.value} s and more in chunks, each by itself"
    stages = [
        # Of the zeros up to a whole chunk, those that its columns reach.
        stage("sound_multiple", of=hop.map(lambda n: 8 * n)),
        *_columns(values, rate, 128, end="zeros"),
    ]
    return Chain(rate, stages, (longer, noise(values), silence(values)))


def voxtral_realtime(values: FileValues) -> Chain:
    """Return VoxtralRealtimeFeatureExtractor's: the maximum is fixed."""
    rate = values.whole("sampling_rate", 16_000)
    reference = nullable(values, "global_log_mel_max", 1.5)
    ignore(values, "only the mask's columns are counted by it", "win_length")
    return Chain(rate, _columns(values, rate, 128, reference_max=reference))


def _columns(
    values: FileValues,
    rate: Known,
    n_mels: int,
    end: str | None = None,
    reference_max: Known = _OF_CLIP,
) -> list[StageValues]:
    n_fft, hop = values.whole("n_fft", 400), values.whole("hop_length", 160)
    bands = values.whole("feature_size", n_mels)
    ends = {} if end is None else {"end": end}
    return [
        one_per_hop(n_fft, hop, n_fft, edge="reflect", **ends),
        stage("window", kind="hann"),
        stage("spectrum", n_fft=n_fft, power=2),
        mel(rate, n_mels=bands, f_min=0.0, f_max=_F_MAX, mel_scale="slaney", norm="slaney"),
        stage("log", kind="log10", floor=1e-10),
        stage("dynamic_range", below=8.0, reference_max=reference_max),
        stage("affine", shift=4.0, scale=0.25),
    ]
