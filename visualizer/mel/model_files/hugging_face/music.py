"""The extractors of models of music and all sounds: CLAP's, Pop2Piano's and MusicGen's."""

from __future__ import annotations

from visualizer.mel.model_files.hugging_face.chain import (
    Chain,
    centred,
    ignore,
    mel,
    silence,
    stage,
    whole_half,
)
from visualizer.mel.model_files.values import FileValues, Known, StageValues, of

_FILLS = {"repeatpad": "repeat_whole", "repeat": "repeat", "pad": "zeros"}


def clap(values: FileValues) -> Chain:
    """Return ClapFeatureExtractor's: the sound repeated to 10 s; `truncation` picks the filters."""
    rate, bands = values.whole("sampling_rate", 48_000), values.whole("feature_size", 64)
    n_fft, hop = values.whole("fft_window_size", 1024), values.whole("hop_length", 480)
    n_samples = of(lambda s, hz: s * hz, values.whole("max_length_s", 10), rate)
    fill = values.text("padding", "repeatpad", tuple(_FILLS)).map(_FILLS.__getitem__)
    truncation = values.text("truncation", "fusion", ("fusion", "rand_trunc"))
    fuses = truncation.value == "fusion"
    ignore(values, "the class computes it from its other numbers", "nb_max_samples")
    ignore(values, "the transform is as long as fft_window_size", "n_fft", "nb_frequency_bins")
    ignore(values, "the class does not use it", "top_db")
    longer = "the class picks parts of longer sound at random; here it is cut"
    copies = "the class gives four copies of these columns"
    stages = [
        stage("sound_length", to=n_samples, fill=fill, longer="cut"),
        *_power_bins(n_fft, hop),
        mel(
            rate,
            n_mels=bands,
            f_min=values.number("frequency_min", 0.0),
            f_max=values.number("frequency_max", 14_000.0),
            mel_scale=truncation.map(lambda _: "htk" if fuses else "slaney"),
            norm=truncation.map(lambda _: None if fuses else "slaney"),
        ),
        stage("log", kind="db", floor=1e-10),
    ]
    return Chain(rate, stages, (longer, copies if fuses else None))


def pop2piano(values: FileValues) -> Chain:
    """Return Pop2PianoFeatureExtractor's of one segment between beats."""
    rate, bands = values.whole("sampling_rate", 22_050), values.whole("feature_size", 512)
    n_fft, hop = values.whole("window_size", 4096), values.whole("hop_length", 1024)
    bars = values.whole("num_bars", 2).value
    note = f"the class finds beats first and computes each {bars} bars by themselves"
    stages = [
        *_power_bins(n_fft, hop),
        mel(
            rate,
            n_mels=bands,
            f_min=values.number("min_frequency", 10.0),
            f_max=whole_half(rate),
            mel_scale="htk",
            norm=None,
        ),
        stage("log", kind="ln", floor=1e-6),
    ]
    return Chain(rate, stages, (note,))


def musicgen_melody(values: FileValues) -> Chain:
    """Return MusicgenMelodyFeatureExtractor's: which of twelve pitch classes is the loudest."""
    rate = values.whole("sampling_rate", 32_000)
    n_fft, hop = values.whole("n_fft", 16_384), values.whole("hop_length", 4096)
    n_chroma = values.whole("num_chroma", 12, origin="assumed")
    seconds = values.whole("chunk_length", 30).value
    ignore(values, "the rows are num_chroma, which the class does not write", "feature_size")
    ignore(values, "the class computes it from its other numbers", "n_samples")
    ignore(values, "it concerns sound that was split into stems", "stem_indices")
    longest = f"the class cuts the sound after {seconds} s"
    short = f"sound below {n_fft.value} samples is filled with zeros on both sides, not here"
    # Its normalisations do not change which is the largest.
    stages = [*_power_bins(n_fft, hop), stage("chroma", n_chroma=n_chroma), stage("one_hot")]
    return Chain(rate, stages, (longest, short, silence(values)))


def _power_bins(n_fft: Known, hop_length: Known) -> list[StageValues]:
    offset = centred(n_fft, n_fft)
    return [
        stage("frames", win_length=n_fft, hop_length=hop_length, offset=offset, edge="reflect"),
        stage("window", kind="hann"),
        stage("spectrum", n_fft=n_fft, power=2),
    ]
