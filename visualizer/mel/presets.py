"""Named front-ends: the numbers, and where each comes from. Data only."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from visualizer.errors import ConfigError, quoted
from visualizer.mel.flat import MelConfig
from visualizer.mel.limits import MAX_BANDS, checked_sample_rate


@dataclass(frozen=True)
class Preset:
    name: str
    summary: str
    source: str
    """where the numbers come from"""
    reference_rate: int
    """Hz; the rate the source itself uses or assumes"""
    at: Callable[[int], MelConfig] | None
    """the config at a sample rate in Hz, where the source works at any; else None"""
    config: MelConfig
    """the config at the reference rate"""


def _simli(sample_rate: int) -> MelConfig:
    n_fft = int(0.05 * sample_rate)
    return MelConfig(
        name="simli",
        sample_rate=sample_rate,
        n_fft=n_fft,
        win_length=n_fft,
        hop_length=int(0.0125 * sample_rate),
        offset=-(n_fft // 2),
        power=1,
        n_mels=80,
        f_min=55.0,
        f_max=7600.0,
        mel_scale="htk",
        norm="slaney",
    )


def _simli_librosa(sample_rate: int) -> MelConfig:
    return replace(_simli(sample_rate), name="simli-librosa", power=2, mel_scale="slaney")


def _librosa(sample_rate: int) -> MelConfig:
    return MelConfig(
        name="librosa",
        sample_rate=sample_rate,
        n_fft=2048,
        win_length=2048,
        hop_length=512,
        offset=-1024,
        power=2,
        n_mels=128,
        f_min=0.0,
        f_max=sample_rate / 2,
        mel_scale="slaney",
        norm="slaney",
    )


def _full_band(sample_rate: int) -> MelConfig:
    n_fft = 2 ** round(math.log2(0.025 * sample_rate))
    return MelConfig(
        name="full-band",
        sample_rate=sample_rate,
        n_fft=n_fft,
        win_length=n_fft,
        # Simli's, so that the two align in time.
        hop_length=int(0.0125 * sample_rate),
        offset=-(n_fft // 2),
        power=2,
        # One for each bin between 0 Hz and half the rate: a triangle is then as wide as a bin, and
        # passes that one alone. Above 463 kHz those are more than a config may have.
        n_mels=min(n_fft // 2 - 1, MAX_BANDS),
        f_min=0.0,
        f_max=sample_rate / 2,
        mel_scale="linear",
        norm=None,
    )


_TORCHAUDIO = MelConfig(
    name="torchaudio",
    sample_rate=16_000,
    n_fft=400,
    win_length=400,
    hop_length=200,
    offset=-200,
    edge="reflect",
    power=2,
    n_mels=128,
    f_min=0.0,
    f_max=8000.0,
    mel_scale="htk",
    norm=None,
)
_WHISPER = MelConfig(
    name="whisper-80",
    sample_rate=16_000,
    n_fft=400,
    win_length=400,
    hop_length=160,
    offset=-200,
    edge="reflect",
    count="per_hop",
    power=2,
    n_mels=80,
    f_min=0.0,
    f_max=8000.0,
    mel_scale="slaney",
    norm="slaney",
    log="log10",
    log_floor=1e-10,
    dynamic_range=8.0,
    shift=4.0,
    scale=0.25,
)
_WAV2LIP = MelConfig(
    name="wav2lip",
    sample_rate=16_000,
    n_fft=800,
    win_length=800,
    hop_length=200,
    offset=-400,
    preemphasis=0.97,
    power=1,
    n_mels=80,
    f_min=55.0,
    f_max=7600.0,
    mel_scale="slaney",
    norm="slaney",
    log="db20",
    log_floor=1e-5,
    # The source's 8·(s − 20 + 100)/100 − 4 of s in dB.
    shift=30.0,
    scale=0.08,
    clip=4.0,
)
_HIFIGAN = MelConfig(
    name="hifigan",
    sample_rate=22_050,
    n_fft=1024,
    win_length=1024,
    hop_length=256,
    offset=-(1024 - 256) // 2,
    edge="reflect",
    power=1,
    epsilon=1e-9,
    n_mels=80,
    f_min=0.0,
    f_max=8000.0,
    mel_scale="slaney",
    norm="slaney",
    log="ln",
    log_floor=1e-5,
)
_TACOTRON2 = replace(_HIFIGAN, name="tacotron2", offset=-512, epsilon=0.0)
_NEMO_STREAMING = MelConfig(
    name="nemo-streaming",
    sample_rate=16_000,
    n_fft=512,
    win_length=400,
    hop_length=160,
    offset=-200,
    window="hann_symmetric",
    count="per_hop",
    preemphasis=0.97,
    power=2,
    n_mels=80,
    f_min=0.0,
    f_max=8000.0,
    mel_scale="slaney",
    norm="slaney",
    log="ln",
    log_floor=2.0**-24,
    log_floor_rule="add",
)
_KALDI = MelConfig(
    name="kaldi",
    sample_rate=16_000,
    n_fft=512,
    win_length=400,
    hop_length=160,
    offset=0,
    window="povey",
    input_scale=32768.0,
    remove_dc=True,
    preemphasis=0.97,
    preemphasis_scope="frame",
    power=2,
    n_mels=80,
    f_min=20.0,
    f_max=8000.0,
    mel_scale="htk",
    norm=None,
    triangles="mel",
    log="ln",
    log_floor=2.0**-23,
)
_PANNS = MelConfig(
    name="panns",
    sample_rate=32_000,
    n_fft=1024,
    win_length=1024,
    hop_length=320,
    offset=-512,
    edge="reflect",
    power=2,
    n_mels=64,
    f_min=50.0,
    f_max=14_000.0,
    mel_scale="slaney",
    norm="slaney",
    log="db",
    log_floor=1e-10,
)


def _any_rate(at: Callable[[int], MelConfig], rate: int, summary: str, source: str) -> Preset:
    return Preset(at(rate).name, summary, source, rate, at, at(rate))


def _fixed(config: MelConfig, summary: str, source: str) -> Preset:
    return Preset(config.name, summary, source, config.sample_rate, None, config)


PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        _any_rate(
            _simli,
            16_000,
            "50 ms window, 12.5 ms hop, 80 mels, magnitude, HTK scale with Slaney norm",
            "Simli's article on mel spectrograms in torch: torch.stft with a Hann window "
            "and torchaudio's melscale_fbanks(norm='slaney'), zeros at the edge",
        ),
        _any_rate(
            _simli_librosa,
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
            replace(_WHISPER, name="whisper-128", n_mels=128),
            "Whisper large-v3: the same with 128 mels",
            "openai/whisper, whisper/audio.py: log_mel_spectrogram(n_mels=128)",
        ),
        _fixed(
            replace(_WHISPER, name="voxtral-realtime", n_mels=128, reference_max=1.5),
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
            replace(_HIFIGAN, name="bigvgan", sample_rate=24_000, n_mels=100, f_max=12_000.0),
            "as HiFi-GAN at 24 kHz with 100 mels up to 12 kHz",
            "NVIDIA/BigVGAN, meldataset.py and the 24 kHz 100 band config",
        ),
        _fixed(
            replace(
                _TACOTRON2,
                name="vocos",
                sample_rate=24_000,
                n_mels=100,
                f_max=12_000.0,
                mel_scale="htk",
                norm=None,
                log_floor=1e-7,
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
            replace(
                _TACOTRON2,
                name="espnet-tts",
                sample_rate=16_000,
                epsilon=1e-10,
                epsilon_rule="max",
                f_min=80.0,
                f_max=7600.0,
                log="log10",
                log_floor=1e-10,
            ),
            "16 kHz, 1024 points, hop 256, 80 mels from 80 to 7600 Hz, magnitude, log10",
            "espnet/espnet, espnet2/tts/feats_extract/log_mel_fbank.py",
        ),
        _fixed(
            replace(_NEMO_STREAMING, name="nemo", statistics="std", statistics_epsilon=1e-5),
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
            replace(
                _KALDI,
                name="icefall",
                input_scale=1.0,
                offset=-120,
                edge="symmetric",
                count="nearest",
                f_max=7600.0,
            ),
            "Kaldi's with centred frames, samples not scaled, up to 7600 Hz (sherpa too)",
            "k2-fsa/icefall: lhotse Fbank, snip_edges=False, high_freq=-400",
        ),
        _fixed(
            replace(
                _KALDI, name="seamless", statistics="variance", statistics_epsilon=1e-7, stack=2
            ),
            "Kaldi's, each band normalised over the clip, pairs stacked to 160 (w2v-BERT too)",
            "transformers, SeamlessM4TFeatureExtractor",
        ),
        _fixed(
            replace(
                _KALDI,
                name="ast",
                input_scale=1.0,
                window="hann_symmetric",
                n_mels=128,
                fixed_columns=1024,
                shift=4.2677393,
                scale=1 / (2 * 4.5689974),
            ),
            "Kaldi's with a Hann window and 128 mels, always 1024 columns, normalised",
            "YuanGongND/ast and transformers, ASTFeatureExtractor",
        ),
        _fixed(
            MelConfig(
                name="yamnet",
                sample_rate=16_000,
                n_fft=512,
                win_length=400,
                hop_length=160,
                offset=0,
                power=1,
                n_mels=64,
                f_min=125.0,
                f_max=7500.0,
                mel_scale="htk",
                norm=None,
                triangles="mel",
                log="ln",
                log_floor=1e-3,
                log_floor_rule="add",
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
            replace(
                _PANNS,
                name="clap",
                sample_rate=48_000,
                hop_length=480,
                mel_scale="htk",
                norm=None,
            ),
            "48 kHz, 10 ms hop, 64 mels from 50 Hz to 14 kHz, HTK scale without norm, dB",
            "LAION-AI/CLAP, training/data.py: get_mel",
        ),
        _fixed(
            MelConfig(
                name="speechbrain",
                sample_rate=16_000,
                n_fft=400,
                win_length=400,
                hop_length=160,
                offset=-200,
                window="hamming",
                power=2,
                n_mels=40,
                f_min=0.0,
                f_max=8000.0,
                mel_scale="htk",
                norm=None,
                slopes="lower",
                log="db",
                log_floor=1e-10,
                dynamic_range=80.0,
            ),
            "Hamming window, 40 mels, dB within 80 of the clip's maximum",
            "speechbrain/speechbrain, lobes/features.py: Fbank, and processing/features.py",
        ),
    )
}


def preset(name: str, sample_rate: int | None = None) -> MelConfig:
    """The config of a named front-end, at `sample_rate` (Hz) where it works at any rate.

    Raises ConfigError for an unknown name, naming the nearest ones, and for a rate at which the
    front-end does not work.

    >>> preset("whisper-80").hop_length
    160
    >>> preset("simli", 48_000).hop_length
    600
    """
    config = preset_for(name, sample_rate)
    if sample_rate is not None and config.sample_rate != sample_rate:
        raise ConfigError(
            f"{name} works at {config.sample_rate} Hz, not at {sample_rate}; leave the rate out, "
            "and resample the sound, as MelStream does by itself"
        )
    return config


def preset_for(name: str, sample_rate: int | None = None) -> MelConfig:
    """The config of a named front-end for sound of `sample_rate` (Hz).

    Those that work at one rate only come at that, to which the sound then has to be resampled.
    Raises ConfigError for an unknown name, naming the nearest ones.
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
    return chosen.config if chosen.at is None or rate is None else chosen.at(rate)
