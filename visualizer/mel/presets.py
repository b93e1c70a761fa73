"""Named front-ends: the chains, and where each number comes from. Data only."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable
from dataclasses import dataclass

from visualizer.errors import ConfigError, quoted
from visualizer.mel.flat import MelConfig, flat_form
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.limits import MAX_BANDS, checked_sample_rate
from visualizer.mel.stages.affine import Affine
from visualizer.mel.stages.clip import Clip
from visualizer.mel.stages.dynamic_range import DynamicRange
from visualizer.mel.stages.fixed_columns import FixedColumns
from visualizer.mel.stages.frame_preemphasis import FramePreemphasis
from visualizer.mel.stages.frames import Frames
from visualizer.mel.stages.log import Log
from visualizer.mel.stages.mel import Mel
from visualizer.mel.stages.preemphasis import Preemphasis
from visualizer.mel.stages.remove_dc import RemoveDC
from visualizer.mel.stages.scale import Scale
from visualizer.mel.stages.spectrum import Spectrum
from visualizer.mel.stages.stack import Stack
from visualizer.mel.stages.statistics import Statistics
from visualizer.mel.stages.window import Window


@dataclass(frozen=True)
class Preset:
    """A named front-end."""

    name: str
    summary: str
    source: str
    """where the numbers come from"""
    at: Callable[[int], FrontEnd] | None
    """the front-end at a sample rate in Hz, where the source works at any; else None"""
    front_end: FrontEnd
    """at the rate that the source itself uses or assumes"""


def _article(sample_rate: int) -> FrontEnd:
    win_length = int(0.05 * sample_rate)
    return FrontEnd(
        "simli",
        sample_rate,
        (
            Frames(win_length, int(0.0125 * sample_rate), -(win_length // 2)),
            Window(),
            Spectrum(win_length, power=1),
            Mel(80, 55.0, 7600.0, "htk", "slaney"),
        ),
    )


def _article_librosa(sample_rate: int) -> FrontEnd:
    article = _article(sample_rate)
    spectrum = Spectrum(article.win_length, power=2)
    mel = Mel(80, 55.0, 7600.0, "slaney", "slaney")
    return article.varied(spectrum, mel, name="simli-librosa")


def _librosa(sample_rate: int) -> FrontEnd:
    return FrontEnd(
        "librosa",
        sample_rate,
        (
            Frames(2048, 512, -1024),
            Window(),
            Spectrum(2048, power=2),
            Mel(128, 0.0, sample_rate / 2, "slaney", "slaney"),
        ),
    )


def _full_band(sample_rate: int) -> FrontEnd:
    n_fft = 2 ** round(math.log2(0.025 * sample_rate))
    return FrontEnd(
        "full-band",
        sample_rate,
        (
            # The article's hop, so that the two align in time.
            Frames(n_fft, int(0.0125 * sample_rate), -(n_fft // 2)),
            Window(),
            Spectrum(n_fft, power=2),
            # A band for each bin between 0 Hz and half the rate: a triangle is then as wide as a
            # bin and passes that one alone. Above 463 kHz those are more than there may be.
            Mel(min(n_fft // 2 - 1, MAX_BANDS), 0.0, sample_rate / 2, "linear", None),
        ),
    )


_TORCHAUDIO = FrontEnd(
    "torchaudio",
    16_000,
    (
        Frames(400, 200, -200, edge="reflect"),
        Window(),
        Spectrum(400, power=2),
        Mel(128, 0.0, 8000.0, "htk", None),
    ),
)
_WHISPER = FrontEnd(
    "whisper-80",
    16_000,
    (
        Frames(400, 160, -200, edge="reflect", count="per_hop"),
        Window(),
        Spectrum(400, power=2),
        Mel(80, 0.0, 8000.0, "slaney", "slaney"),
        Log("log10", 1e-10),
        DynamicRange(8.0),
        Affine(4.0, 0.25),
    ),
)
_WHISPER_128 = _WHISPER.varied(Mel(128, 0.0, 8000.0, "slaney", "slaney"), name="whisper-128")
_WAV2LIP = FrontEnd(
    "wav2lip",
    16_000,
    (
        Preemphasis(0.97),
        Frames(800, 200, -400),
        Window(),
        Spectrum(800, power=1),
        Mel(80, 55.0, 7600.0, "slaney", "slaney"),
        Log("db20", 1e-5),
        # The source's 8·(s − 20 + 100)/100 − 4 of s in dB.
        Affine(30.0, 0.08),
        Clip(4.0),
    ),
)
_HIFIGAN = FrontEnd(
    "hifigan",
    22_050,
    (
        Frames(1024, 256, -(1024 - 256) // 2, edge="reflect"),
        Window(),
        Spectrum(1024, power=1, epsilon=1e-9),
        Mel(80, 0.0, 8000.0, "slaney", "slaney"),
        Log("ln", 1e-5),
    ),
)
_TACOTRON2 = _HIFIGAN.varied(
    Frames(1024, 256, -512, edge="reflect"), Spectrum(1024, power=1), name="tacotron2"
)
_NEMO_STREAMING = FrontEnd(
    "nemo-streaming",
    16_000,
    (
        Preemphasis(0.97),
        Frames(400, 160, -200, count="per_hop"),
        Window("hann_symmetric"),
        Spectrum(512, power=2),
        Mel(80, 0.0, 8000.0, "slaney", "slaney"),
        Log("ln", 2.0**-24, "add"),
    ),
)
_KALDI_MEL = Mel(80, 20.0, 8000.0, "htk", None, triangles="mel")
_KALDI_TO_LOG = (
    RemoveDC(),
    FramePreemphasis(0.97),
    Window("povey"),
    Spectrum(512, power=2),
    _KALDI_MEL,
    Log("ln", 2.0**-23),
)
_KALDI_FRAMES = Frames(400, 160, 0)
_KALDI = FrontEnd("kaldi", 16_000, (_KALDI_FRAMES, Scale(32768.0), *_KALDI_TO_LOG))
_KALDI_UNSCALED = FrontEnd("kaldi", 16_000, (_KALDI_FRAMES, *_KALDI_TO_LOG))
_AST_SHIFT, _AST_SCALE = 4.2677393, 1 / (2 * 4.5689974)
_AST = _KALDI_UNSCALED.varied(
    Window("hann_symmetric"), Mel(128, 20.0, 8000.0, "htk", None, triangles="mel"), name="ast"
)
_PANNS = FrontEnd(
    "panns",
    32_000,
    (
        Frames(1024, 320, -512, edge="reflect"),
        Window(),
        Spectrum(1024, power=2),
        Mel(64, 50.0, 14_000.0, "slaney", "slaney"),
        Log("db", 1e-10),
    ),
)


def _any_rate(at: Callable[[int], FrontEnd], rate: int, summary: str, source: str) -> Preset:
    return Preset(at(rate).name, summary, source, at, at(rate))


def _fixed(front_end: FrontEnd, summary: str, source: str) -> Preset:
    return Preset(front_end.name, summary, source, None, front_end)


PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        _any_rate(
            _article,
            16_000,
            "50 ms window, 12.5 ms hop, 80 mels, magnitude, HTK scale with Slaney norm",
            "Simli's article on mel spectrograms in torch: torch.stft with a Hann window "
            "and torchaudio's melscale_fbanks(norm='slaney'), zeros at the edge",
        ),
        _any_rate(
            _article_librosa,
            16_000,
            "the same article's librosa call: power, Slaney scale and norm",
            "librosa.feature.melspectrogram with the article's window, hop and mel range",
        ),
        _any_rate(
            _librosa,
            22_050,
            "librosa's defaults: 2048 points, hop 512, 128 mels up to half the rate",
            "librosa.feature.melspectrogram without arguments",
        ),
        _any_rate(
            _full_band,
            16_000,
            "all bins of a plain spectrogram; no model's front-end: what the mel filters merge",
            "the power of a Hann window's discrete Fourier transform, |rfft|², 25 ms or nearly",
        ),
        _fixed(
            _TORCHAUDIO,
            "torchaudio's defaults: 400 points, hop 200, 128 mels, power, no norm",
            "torchaudio.transforms.MelSpectrogram without arguments",
        ),
        _fixed(
            _WHISPER,
            "Whisper up to large-v2: 10 ms hop, 80 mels, log10 within 8 of the clip's maximum",
            "openai/whisper, whisper/audio.py: log_mel_spectrogram",
        ),
        _fixed(
            _WHISPER_128,
            "Whisper large-v3: the same with 128 mels",
            "openai/whisper, whisper/audio.py: log_mel_spectrogram(n_mels=128)",
        ),
        _fixed(
            _WHISPER_128.varied(DynamicRange(8.0, reference_max=1.5), name="voxtral-realtime"),
            "Whisper's 128 mels with the maximum fixed at 1.5: made to stream",
            "mistral-common, audio: global_log_mel_max = 1.5",
        ),
        _fixed(
            _WAV2LIP,
            "pre-emphasis 0.97, magnitude in dB, mapped to ±4",
            "Rudrabha/Wav2Lip, audio.py and hparams.py, edges padded as today's librosa does",
        ),
        _fixed(
            _HIFIGAN,
            "22.05 kHz, 1024 points, hop 256, 80 mels, ln",
            "jik876/hifi-gan, meldataset.py and config_v1.json",
        ),
        _fixed(
            _HIFIGAN.varied(
                Mel(100, 0.0, 12_000.0, "slaney", "slaney"), name="bigvgan", sample_rate=24_000
            ),
            "as HiFi-GAN at 24 kHz with 100 mels up to 12 kHz",
            "NVIDIA/BigVGAN, meldataset.py and the 24 kHz 100 band config",
        ),
        _fixed(
            _TACOTRON2.varied(
                Mel(100, 0.0, 12_000.0, "htk", None),
                Log("ln", 1e-7),
                name="vocos",
                sample_rate=24_000,
            ),
            "24 kHz, 100 mels, HTK scale without norm, magnitude, ln",
            "gemelo-ai/vocos, feature_extractors.py: MelSpectrogramFeatures",
        ),
        _fixed(
            _TACOTRON2,
            "22.05 kHz, 1024 points, hop 256, 80 mels, magnitude, ln (FastSpeech 2 too)",
            "NVIDIA/tacotron2, layers.py: TacotronSTFT, and audio_processing.py",
        ),
        _fixed(
            _TACOTRON2.varied(
                Spectrum(1024, power=1, epsilon=1e-10, epsilon_rule="max"),
                Mel(80, 80.0, 7600.0, "slaney", "slaney"),
                Log("log10", 1e-10),
                name="espnet-tts",
                sample_rate=16_000,
            ),
            "16 kHz, 1024 points, hop 256, 80 mels from 80 to 7600 Hz, magnitude, log10",
            "espnet/espnet, espnet2/tts/feats_extract/log_mel_fbank.py",
        ),
        _fixed(
            FrontEnd("nemo", 16_000, (*_NEMO_STREAMING.stages, Statistics("std", 1e-5))),
            "Parakeet: pre-emphasis 0.97, 80 mels, ln, each band normalised over the clip",
            "NVIDIA/NeMo, asr/parts/preprocessing/features.py: FilterbankFeatures",
        ),
        _fixed(
            _NEMO_STREAMING,
            "the same without normalisation: made to stream",
            "NVIDIA/NeMo, the same with normalize='NA'",
        ),
        _fixed(
            _KALDI,
            "Kaldi and WeNet: Povey window, frames with mean removed and pre-emphasised, ln",
            "kaldi-asr/kaldi, feat/feature-fbank.cc and mel-computations.cc, dither off",
        ),
        _fixed(
            _KALDI_UNSCALED.varied(
                Frames(400, 160, -120, edge="symmetric", count="nearest"),
                Mel(80, 20.0, 7600.0, "htk", None, triangles="mel"),
                name="icefall",
            ),
            "Kaldi's with centred frames, samples not scaled, up to 7600 Hz (sherpa too)",
            "k2-fsa/icefall: lhotse Fbank, snip_edges=False, high_freq=-400",
        ),
        _fixed(
            FrontEnd("seamless", 16_000, (*_KALDI.stages, Statistics("variance", 1e-7), Stack(2))),
            "Kaldi's, each band normalised over the clip, pairs stacked to 160 (w2v-BERT too)",
            "transformers, SeamlessM4TFeatureExtractor",
        ),
        _fixed(
            FrontEnd(
                "ast",
                16_000,
                (
                    *_AST.stages,
                    Affine(_AST_SHIFT, _AST_SCALE),
                    # The source fills up with zeros before it shifts and scales.
                    FixedColumns(1024, fill=_AST_SHIFT * _AST_SCALE),
                ),
            ),
            "Kaldi's with a Hann window and 128 mels, always 1024 columns, normalised",
            "YuanGongND/ast and transformers, ASTFeatureExtractor",
        ),
        _fixed(
            FrontEnd(
                "yamnet",
                16_000,
                (
                    Frames(400, 160, 0),
                    Window(),
                    Spectrum(512, power=1),
                    Mel(64, 125.0, 7500.0, "htk", None, triangles="mel"),
                    Log("ln", 1e-3, "add"),
                ),
            ),
            "16 kHz, 10 ms hop, 64 mels from 125 to 7500 Hz, magnitude, ln(x + 0.001)",
            "tensorflow/models, research/audioset/yamnet: params.py and features.py",
        ),
        _fixed(
            _PANNS,
            "32 kHz, 10 ms hop, 64 mels from 50 Hz to 14 kHz, dB",
            "qiuqiangkong/audioset_tagging_cnn, models.py: Cnn14 with torchlibrosa",
        ),
        _fixed(
            _PANNS.varied(
                Frames(1024, 480, -512, edge="reflect"),
                Mel(64, 50.0, 14_000.0, "htk", None),
                name="clap",
                sample_rate=48_000,
            ),
            "48 kHz, 10 ms hop, 64 mels from 50 Hz to 14 kHz, HTK scale without norm, dB",
            "LAION-AI/CLAP, training/data.py: get_mel",
        ),
        _fixed(
            FrontEnd(
                "speechbrain",
                16_000,
                (
                    Frames(400, 160, -200),
                    Window("hamming"),
                    Spectrum(400, power=2),
                    Mel(40, 0.0, 8000.0, "htk", None, slopes="lower"),
                    Log("db", 1e-10),
                    DynamicRange(80.0),
                ),
            ),
            "Hamming window, 40 mels, dB within 80 of the clip's maximum",
            "speechbrain/speechbrain, lobes/features.py: Fbank, and processing/features.py",
        ),
    )
}


def preset(name: str, sample_rate: int | None = None) -> MelConfig | FrontEnd:
    """Return a named front-end, at a sample rate where it works at any.

    Args:
        name: as `visualizer presets` lists it.
        sample_rate: in Hz; None is the rate that the model uses.

    Returns:
        The flat form, of which `dataclasses.replace` makes others, or, where the front-end has
        none, the chain. Either goes wherever a front-end is wanted.

    Raises:
        ConfigError: for an unknown name, naming the nearest ones, and for a rate at which the
            front-end does not work.

    >>> preset("whisper-80").hop_length
    160
    >>> preset("simli", 48_000).hop_length
    600
    """
    front_end = preset_for(name, sample_rate)
    if sample_rate is not None and front_end.sample_rate != sample_rate:
        raise ConfigError(
            f"{name} works at {front_end.sample_rate} Hz, not at {sample_rate}; leave the rate "
            "out, and resample the sound, as MelStream does by itself"
        )
    return flat_form(front_end) or front_end


def preset_for(name: str, sample_rate: int | None = None) -> FrontEnd:
    """Return a named front-end for sound of `sample_rate` (Hz).

    Those that work at one rate only come at that, to which the sound then has to be resampled.

    Raises:
        ConfigError: for an unknown name, naming the nearest ones.
    """
    if not isinstance(name, str):
        raise ConfigError(f"preset is {quoted(name)}; it must be a name, such as 'whisper-80'")
    if name not in PRESETS:
        near = difflib.get_close_matches(name[:100], PRESETS, n=3, cutoff=0.4)
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(PRESETS)}."
        raise ConfigError(
            f"unknown preset {quoted(name)}; {hint} `visualizer presets` says what they are"
        )
    chosen = PRESETS[name]
    rate = None if sample_rate is None else checked_sample_rate(sample_rate)
    return chosen.front_end if chosen.at is None or rate is None else chosen.at(rate)
