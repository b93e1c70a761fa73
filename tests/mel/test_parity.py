"""Every preset against implementations that are not ours.

What is ours runs the way the program runs it: sample blocks through the stream and NumPy's kernel,
in float32. What is theirs is librosa, torchaudio, kaldi-native-fbank, or the arithmetic that
the model's own source describes, written out here whole clip at a time. It runs in float64 where
the library lets it, so that a deviation is ours; kaldi-native-fbank is float32 throughout.
"""

from __future__ import annotations

import json
import math
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import kaldi_native_fbank
import librosa
import numpy as np
import pytest
import scipy.signal
import soundfile
import torch
import torchaudio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torchaudio.compliance import kaldi as torchaudio_kaldi
from transformers.models.lasr.feature_extraction_lasr import LasrFeatureExtractor
from transformers.models.phi4_multimodal.feature_extraction_phi4_multimodal import (
    Phi4MultimodalFeatureExtractor,
)

from tests.mel.chains import FLAT, flat, perch_mels, up_to_logarithm
from visualizer.errors import ConfigError
from visualizer.mel.arrays import NumpyArrays
from visualizer.mel.clip import clip_columns
from visualizer.mel.flat import MelConfig
from visualizer.mel.kernels.host import NumpyKernel
from visualizer.mel.stage import Stage
from visualizer.mel.stream import MelStream

Samples = NDArray[np.float32]
Features = NDArray[np.floating]
Columns = NDArray[np.float32]

DEMO = Path(__file__).parents[2] / "assets" / "demo.flac"
SEED = int(os.environ.get("PARITY_SEED", secrets.randbits(32)))
REPLAY = f"PARITY_SEED={SEED} replays this"


# ----------------------------------------------------------------------------------------- ours


def column(samples: Samples) -> Samples:
    return samples[:, None]


def blocks(n_samples: int, block_length: int) -> Iterator[slice]:
    return (slice(at, at + block_length) for at in range(0, n_samples, block_length))


def logarithms(config: MelConfig, samples: Samples, block_length: int = 997) -> Columns:
    """The columns up to the logarithm, through the stream."""
    stream = MelStream(up_to_logarithm(config.front_end), config.sample_rate, 1)
    pieces = [stream.push(column(samples[part])) for part in blocks(len(samples), block_length)]
    columns = np.concatenate((*pieces, stream.flush()), axis=2)
    assert stream.next_column == columns.shape[2]
    return columns[0]


def offline(config: MelConfig, samples: Samples) -> Columns:
    """The columns of a finished clip as the model gets them."""
    front_end, kernel = config.front_end, NumpyKernel(config.front_end)
    return clip_columns(column(samples), front_end, 997, streaming=False, kernel=kernel)[0]


def finish_clip(logs: Features, config: MelConfig) -> Features:
    """What the stages after the logarithm make of a whole clip's columns, in their own type."""
    front_end = config.front_end
    return through(front_end.stages[len(up_to_logarithm(front_end).stages) :], logs, config)


def through(stages: tuple[Stage, ...], columns: Features, config: MelConfig) -> Features:
    arrays, values = NumpyArrays(columns.dtype.type), columns.T[None]
    for stage in stages:
        before = config.front_end.before(stage)
        if stage.dependence == "frame":
            values = stage.operator(arrays, before)(values)
            continue
        state = stage.state(arrays, before, 1)
        if stage.dependence == "clip":
            state.observe(values)
            values = state.finish(values)
        else:
            values, end = state.push(values), state.flush()
            values = values if end is None else np.concatenate((values, end), axis=1)
    assert values.dtype == columns.dtype
    return values[0].T


# --------------------------------------------------------------------------------------- theirs


@contextmanager
def float64_by_default() -> Iterator[None]:
    """torchaudio makes its filters in torch's default type, whose float32 is off by up to 1e-5."""
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


def tensor(samples: Samples) -> torch.Tensor:
    return torch.from_numpy(samples).double()


def librosa_filters(sample_rate: int, n_fft: int, **options: float) -> torch.Tensor:
    options = {"n_mels": 80} | options
    return torch.from_numpy(
        librosa.filters.mel(sr=sample_rate, n_fft=n_fft, dtype=np.float64, **options)
    )


def spectrogram(signal: torch.Tensor, n_fft: int, hop: int, **options: object) -> torch.Tensor:
    """Magnitudes by torch.stft; the Hann window is periodic unless one is given."""
    window = options.pop("window", torch.hann_window(n_fft, dtype=torch.float64))
    return torch.stft(
        signal,
        n_fft,
        hop,
        window=window,
        return_complex=True,
        **options,  # type: ignore[arg-type]
    ).abs()


def simli(samples: Samples) -> Features:
    filters = torchaudio.functional.melscale_fbanks(401, 55.0, 7600.0, 80, 16_000, norm="slaney")
    magnitudes = spectrogram(tensor(samples), 800, 200, pad_mode="constant")
    return (filters.double().T @ magnitudes).numpy()


def simli_librosa(samples: Samples) -> Features:
    return librosa.feature.melspectrogram(
        y=samples.astype(np.float64),
        sr=16_000,
        n_fft=800,
        hop_length=200,
        n_mels=80,
        fmin=55,
        fmax=7600,
    )


def librosa_defaults(samples: Samples) -> Features:
    return librosa.feature.melspectrogram(y=samples.astype(np.float64))


def torchaudio_defaults(samples: Samples) -> Features:
    return torchaudio.transforms.MelSpectrogram().double()(tensor(samples)).numpy()


def whisper(n_mels: int, top: float | None = None) -> Callable[[Samples], Features]:
    def features(samples: Samples) -> Features:
        power = spectrogram(tensor(samples), 400, 160)[:, :-1] ** 2
        log = (librosa_filters(16_000, 400, n_mels=n_mels) @ power).clamp(min=1e-10).log10()
        if log.shape[1]:
            log = log.clamp(min=(float(log.max()) if top is None else top) - 8.0)
        return ((log + 4.0) / 4.0).numpy()

    return features


def wav2lip(samples: Samples) -> Features:
    emphasised = scipy.signal.lfilter([1, -0.97], [1], samples.astype(np.float64))
    magnitudes = np.abs(librosa.stft(emphasised, n_fft=800, hop_length=200, win_length=800))
    filters = librosa.filters.mel(
        sr=16_000, n_fft=800, n_mels=80, fmin=55, fmax=7600, dtype=np.float64
    )
    decibels = librosa.amplitude_to_db(filters @ magnitudes, ref=1.0, amin=1e-5, top_db=None)
    # Reference level 20 dB, lowest −100 dB, mapped to ±4.
    return np.clip(8.0 * ((decibels - 20.0) + 100.0) / 100.0 - 4.0, -4.0, 4.0)


def hifigan(
    sample_rate: int, n_mels: int, f_max: float, win_length: int = 1024, hop: int = 256
) -> Callable[[Samples], Features]:
    def features(samples: Samples) -> Features:
        rim = (win_length - hop) // 2
        padded = torch.nn.functional.pad(tensor(samples)[None], (rim, rim), mode="reflect")[0]
        power = spectrogram(padded, win_length, hop, center=False) ** 2
        filters = librosa_filters(sample_rate, win_length, n_mels=n_mels, fmin=0, fmax=f_max)
        return (filters @ (power + 1e-9).sqrt()).clamp(min=1e-5).log().numpy()

    return features


def torchaudio_mel(samples: Samples, **options: object) -> torch.Tensor:
    transform = torchaudio.transforms.MelSpectrogram(**options)  # type: ignore[arg-type]
    mels: torch.Tensor = transform.double()(tensor(samples))
    return mels


def vocos(floor: float) -> Callable[[Samples], Features]:
    def features(samples: Samples) -> Features:
        mel = torchaudio_mel(
            samples, sample_rate=24_000, n_fft=1024, hop_length=256, n_mels=100, power=1
        )
        return mel.clamp(min=floor).log().numpy()

    return features


def tacotron2(samples: Samples) -> Features:
    """As its STFT does: a convolution with the windowed cosines and sines."""
    angles = 2.0 * np.pi / 1024 * np.outer(np.arange(513), np.arange(1024))
    window = scipy.signal.get_window("hann", 1024, fftbins=True)
    basis = torch.from_numpy(np.concatenate((np.cos(angles), -np.sin(angles))) * window)
    padded = torch.nn.functional.pad(tensor(samples)[None, None], (512, 512), mode="reflect")
    parts = torch.nn.functional.conv1d(padded, basis[:, None], stride=256)[0]
    magnitudes = (parts[:513] ** 2 + parts[513:] ** 2).sqrt()
    filters = librosa_filters(22_050, 1024, fmin=0.0, fmax=8000.0)
    return (filters @ magnitudes).clamp(min=1e-5).log().numpy()


def espnet_tts(samples: Samples) -> Features:
    power = spectrogram(tensor(samples), 1024, 256, pad_mode="reflect") ** 2
    filters = librosa_filters(16_000, 1024, fmin=80.0, fmax=7600.0)
    return (filters @ power.clamp(min=1e-10).sqrt()).clamp(min=1e-10).log10().numpy()


def nemo(n_mels: int = 80, *, normalised: bool) -> Callable[[Samples], Features]:
    def features(samples: Samples) -> Features:
        signal = tensor(samples)
        emphasised = torch.cat((signal[:1], signal[1:] - 0.97 * signal[:-1]))
        window = torch.hann_window(400, periodic=False, dtype=torch.float64)
        power = spectrogram(
            emphasised, 512, 160, win_length=400, window=window, pad_mode="constant"
        )
        log = (librosa_filters(16_000, 512, n_mels=n_mels) @ power**2 + 2.0**-24).log()
        valid = log[:, : len(samples) // 160]
        if normalised and valid.shape[1]:
            deviation = valid.std(dim=1, keepdim=True).nan_to_num(0.0) + 1e-5
            valid = (valid - valid.mean(dim=1, keepdim=True)) / deviation
        return valid.numpy()

    return features


def native_fbank(
    samples: Samples, scale: float, *, n_mels: int = 80, snip_edges: bool = True, **mel: float
) -> Features:
    options = kaldi_native_fbank.FbankOptions()
    options.frame_opts.dither = 0.0
    options.frame_opts.snip_edges = snip_edges
    options.mel_opts.num_bins = n_mels
    for name, value in mel.items():
        setattr(options.mel_opts, name, value)
    computer = kaldi_native_fbank.OnlineFbank(options)
    computer.accept_waveform(16_000, (scale * samples).tolist())
    computer.input_finished()
    frames = [computer.get_frame(t) for t in range(computer.num_frames_ready)]
    return np.stack(frames, axis=1) if frames else np.zeros((n_mels, 0))


def torchaudio_fbank(samples: Samples, scale: float, **options: object) -> Features:
    options = {"num_mel_bins": 80} | options
    waveform = scale * tensor(samples)[None]
    return torchaudio_kaldi.fbank(waveform, **options).T.numpy()  # type: ignore[arg-type]


def kaldi_native(samples: Samples) -> Features:
    return native_fbank(samples, 32_768.0)


def kaldi_torchaudio(samples: Samples) -> Features:
    return torchaudio_fbank(samples, 32_768.0)


def icefall_native(samples: Samples) -> Features:
    return native_fbank(samples, 1.0, snip_edges=False, high_freq=-400.0)


def icefall_torchaudio(samples: Samples) -> Features:
    return torchaudio_fbank(samples, 1.0, snip_edges=False, high_freq=-400.0)


def ast(mean: float, deviation: float) -> Callable[[Samples], Features]:
    def features(samples: Samples) -> Features:
        fbank = torchaudio_fbank(samples, 1.0, window_type="hanning", num_mel_bins=128)
        filled = np.pad(fbank, ((0, 0), (0, max(0, 1024 - fbank.shape[1]))))[:, :1024]
        return (filled - mean) / (deviation * 2)

    return features


def beats(samples: Samples) -> Features:
    fbank = torchaudio_fbank(samples, 32_768.0, num_mel_bins=128)
    return (fbank - 15.41663) / (2 * 6.55582)


def centred(features: Callable[[Samples], Features]) -> Callable[[Samples], Features]:
    """Less each band's mean over the clip."""

    def less_mean(samples: Samples) -> Features:
        values = features(samples).astype(np.float64)
        return values - values.mean(axis=1, keepdims=True)

    return less_mean


def wespeaker(samples: Samples) -> Features:
    return torchaudio_fbank(samples, 32_768.0, window_type="hamming")


def campplus(samples: Samples) -> Features:
    return torchaudio_fbank(samples, 1.0)


def phi4(samples: Samples) -> Features:
    extractor = Phi4MultimodalFeatureExtractor()
    return extractor(samples, sampling_rate=16_000).audio_input_features[0].T.numpy()


def lasr(samples: Samples) -> Features:
    extractor = LasrFeatureExtractor()
    found = extractor(samples.astype(np.float64), sampling_rate=16_000, return_tensors="np")
    return found.input_features[0].T


def granite(samples: Samples) -> Features:
    mel = torchaudio_mel(
        samples, sample_rate=16_000, n_fft=512, win_length=400, hop_length=160, n_mels=80
    )
    log = mel.clamp(min=1e-10).log10()
    log = torch.maximum(log, log.max() - 8.0) / 4.0 + 1.0
    n_pairs = log.shape[1] // 2
    return log.T[: 2 * n_pairs].reshape(n_pairs, 160).T.numpy()


def dasheng(samples: Samples) -> Features:
    mel = torchaudio_mel(
        samples, sample_rate=16_000, n_fft=512, win_length=512, hop_length=160, f_min=0, n_mels=64
    )
    return torchaudio.transforms.AmplitudeToDB(top_db=120)(mel).numpy()


def beat_this(samples: Samples) -> Features:
    mel = torchaudio_mel(
        samples,
        sample_rate=22_050,
        n_fft=1024,
        hop_length=441,
        f_min=30,
        f_max=11_000,
        n_mels=128,
        mel_scale="slaney",
        normalized="frame_length",
        power=1,
    )
    return torch.log1p(1000 * mel).numpy()


def rmvpe(samples: Samples) -> Features:
    filters = librosa_filters(16_000, 1024, n_mels=128, fmin=30, fmax=8000, htk=True)
    return (filters @ spectrogram(tensor(samples), 1024, 160)).clamp(min=1e-5).log().numpy()


def perch(samples: Samples) -> Features:
    return 0.1 * np.log(np.maximum(perch_mels(samples.astype(np.float64)), 1e-5))


def panns(samples: Samples) -> Features:
    """torchlibrosa, whose convolutions give what librosa gives with its edge reflected."""
    power = np.abs(
        librosa.stft(samples.astype(np.float64), n_fft=1024, hop_length=320, pad_mode="reflect")
    )
    filters = librosa.filters.mel(
        sr=32_000, n_fft=1024, n_mels=64, fmin=50, fmax=14_000, dtype=np.float64
    )
    return librosa.power_to_db(filters @ power**2, ref=1.0, amin=1e-10, top_db=None)


def clap(samples: Samples, **options: object) -> Features:
    mel = torchaudio_mel(
        samples,
        sample_rate=48_000,
        n_fft=1024,
        win_length=1024,
        hop_length=480,
        n_mels=64,
        f_min=50,
        f_max=14_000,
        **options,
    )
    return torchaudio.transforms.AmplitudeToDB(top_db=None)(mel).numpy()


def clap_unfused(samples: Samples) -> Features:
    return clap(samples, mel_scale="slaney", norm="slaney")


def ecapa(samples: Samples) -> Features:
    return speechbrain(samples, n_mels=80)


def speechbrain(samples: Samples, n_mels: int = 40) -> Features:
    window = torch.hamming_window(400, dtype=torch.float64)
    power = spectrogram(tensor(samples), 400, 160, window=window, pad_mode="constant") ** 2
    mels = torch.linspace(0.0, 2595 * math.log10(1 + 8000 / 700), n_mels + 2, dtype=torch.float64)
    hertz = 700 * (10 ** (mels / 2595) - 1)
    # Both sides of a filter are as wide as the gap to the centre below it.
    width, centre = hertz[1:-1] - hertz[:-2], hertz[1:-1]
    bins = torch.linspace(0, 8000, 201, dtype=torch.float64)[:, None]
    filters = (1.0 - ((bins - centre) / width).abs()).clamp(min=0.0)
    decibels = 10.0 * (filters.T @ power).clamp(min=1e-10).log10()
    return decibels.clamp(min=float(decibels.max()) - 80.0).numpy()


@dataclass(frozen=True)
class Outside:
    preset: str
    what: str
    features: Callable[[Samples], Features]
    shortest: int = 1
    """samples: shorter clips it refuses, as a reflection needs more samples than it adds"""

    def __call__(self, samples: Samples) -> Features:
        with float64_by_default():
            return self.features(samples)

    def __str__(self) -> str:
        return f"{self.preset}, {self.what}"


OUTSIDE = (
    Outside("simli", "torch.stft and torchaudio's filters", simli),
    Outside("simli-librosa", "librosa", simli_librosa),
    Outside("librosa", "librosa", librosa_defaults),
    Outside("torchaudio", "torchaudio", torchaudio_defaults, 201),
    Outside("whisper-80", "formula", whisper(80), 201),
    Outside("whisper-128", "formula", whisper(128), 201),
    Outside("voxtral-realtime", "formula", whisper(128, top=1.5), 201),
    Outside("wav2lip", "librosa and formula", wav2lip),
    Outside("hifigan", "formula", hifigan(22_050, 80, 8000.0), 385),
    Outside("bigvgan", "formula", hifigan(24_000, 100, 12_000.0), 385),
    Outside("vocos", "torchaudio", vocos(1e-7), 513),
    Outside("f5-tts", "torchaudio", vocos(1e-5), 513),
    Outside("cosyvoice2", "formula", hifigan(24_000, 80, 8000.0, 1920, 480), 721),
    Outside("fcpe", "formula", hifigan(16_000, 128, 8000.0, 1024, 160), 433),
    Outside("rmvpe", "formula", rmvpe, 513),
    Outside("beat-this", "torchaudio", beat_this, 513),
    Outside("tacotron2", "convolution", tacotron2, 513),
    Outside("espnet-tts", "formula", espnet_tts, 513),
    Outside("nemo", "formula", nemo(normalised=True)),
    Outside("nemo-128", "formula", nemo(128, normalised=True)),
    Outside("nemo-streaming", "formula", nemo(normalised=False)),
    Outside("kaldi", "kaldi-native-fbank", kaldi_native),
    Outside("kaldi", "torchaudio", kaldi_torchaudio, 400),
    Outside("icefall", "kaldi-native-fbank", icefall_native),
    Outside("icefall", "torchaudio", icefall_torchaudio, 400),
    Outside("ast", "torchaudio", ast(-4.2677393, 4.5689974), 400),
    Outside("eat", "torchaudio", ast(-4.268, 4.569), 400),
    Outside("beats", "torchaudio", beats, 400),
    Outside("wespeaker", "torchaudio", centred(wespeaker), 400),
    Outside("campplus", "torchaudio", centred(campplus), 400),
    Outside("ecapa", "formula", centred(ecapa)),
    Outside("phi-4", "transformers", phi4, 400),
    Outside("lasr", "transformers", lasr, 400),
    Outside("granite-speech", "torchaudio and formula", granite, 257),
    Outside("dasheng", "torchaudio", dasheng, 257),
    Outside("perch", "formula", perch, 2560),
    Outside("panns", "librosa", panns, 513),
    Outside("clap", "torchaudio", clap, 513),
    Outside("clap-unfused", "torchaudio", clap_unfused, 513),
    Outside("speechbrain", "formula", speechbrain),
)


# -------------------------------------------------------------------------------------- signals


@cache
def speech(sample_rate: int) -> Samples:
    samples, rate = soundfile.read(DEMO, dtype="float64")
    shared = math.gcd(rate, sample_rate)
    resampled = scipy.signal.resample_poly(
        samples[: 3 * rate], sample_rate // shared, rate // shared
    )
    return resampled.astype(np.float32)


def noise(n_samples: int, config: MelConfig) -> Samples:
    """At −20 dB, the same for a preset whatever else has run."""
    random = np.random.default_rng((SEED, *config.name.encode()))
    return (0.1 * random.standard_normal(n_samples)).astype(np.float32)


def impulse(config: MelConfig) -> Samples:
    random = np.random.default_rng((SEED, *config.name.encode()))
    samples = np.zeros(config.sample_rate // 2, dtype=np.float32)
    samples[random.integers(len(samples))] = random.uniform(0.1, 1.0)
    return samples


SIGNALS: dict[str, Callable[[MelConfig], Samples]] = {
    "noise": lambda config: noise(config.sample_rate + 123, config),
    "speech": lambda config: speech(config.sample_rate),
    "silence": lambda config: np.zeros(config.sample_rate // 2, dtype=np.float32),
    "impulse": impulse,
    "one window": lambda config: noise(config.win_length, config),
    "one sample less": lambda config: noise(config.win_length - 1, config),
    "one sample": lambda config: noise(1, config),
}

# ----------------------------------------------------------------------------------- tolerances

LINEAR = 2e-6
"""Of the clip's maximum; five times what float32 was seen to deviate from float64."""

LOGARITHM = 1e-3
"""In natural logarithms of the mel value, so a thousandth of it; then taken into the preset's
unit, as decibels or Whisper's quarters of a decade are."""

ROUNDING = 1e-7
"""Of the largest magnitude in its frame is what float32's transform leaves in every bin. It adds
to the tolerance of a mel value far below the loudest in its column: 1e-4 at 60 dB, 1e-2 at 100 dB.
Kaldi's presets reach there, kaldi-native-fbank itself being float32."""

_PER_NEPER = {"ln": 1.0, "log10": 1 / math.log(10), "db": 10 / math.log(10)}
_PER_NEPER["db20"] = 2 * _PER_NEPER["db"]


def tolerance(theirs: Features, config: MelConfig, logs: Columns) -> Features:
    """How far each of our values may be from theirs; `logs` are ours after the logarithm."""
    if config.log is None:
        return np.full_like(theirs, LINEAR * np.abs(theirs).max(initial=0.0))
    if config.statistics is not None:
        # Each band was divided by its deviation, which in a clip of few columns may be small.
        deviation = np.clip(logs.std(axis=1, keepdims=True), 1e-3, 1.0) if logs.size else 1.0
        unit = _PER_NEPER[config.log]
        unsure = unit * _unsure(logs / unit, config)
        return through(config.front_end.final_stages, (LOGARITHM + unsure) / deviation, config)
    unit = _PER_NEPER[config.log] * config.scale
    return unit * _unsure(theirs / unit, config)


def _unsure(nepers: Features, config: MelConfig) -> Features:
    """How far each logarithm may be off, in nepers, from where it lies in its column."""
    below = nepers.max(axis=0, initial=-np.inf) - nepers.astype(np.float64)
    below_db = below * 20.0 / config.power / math.log(10)
    return LOGARITHM + ROUNDING * 10.0 ** (below_db / 20.0)


def assert_parity(outside: Outside, samples: Samples, what: str) -> None:
    config = flat(outside.preset)
    logs, theirs = logarithms(config, samples), outside(samples)
    ours = offline(config, samples)
    what = f"{outside} of {what}"
    assert ours.shape == theirs.shape, f"{what}: {ours.shape} is not {theirs.shape}; {REPLAY}"
    assert np.isfinite(ours).all(), f"{what}; {REPLAY}"
    excess = np.abs(ours - theirs) - tolerance(theirs, config, logs)
    if ours.size and excess.max() > 0:
        row, col = np.unravel_index(excess.argmax(), excess.shape)
        pytest.fail(
            f"{what}: band {row}, column {col} is {ours[row, col]}, not {theirs[row, col]}; "
            f"{(excess > 0).sum()} of {excess.size} values deviate; {REPLAY}"
        )


# ------------------------------------------------------------------------------ parity, each clip


def test_every_preset_is_held_to_something_outside() -> None:
    assert {outside.preset for outside in OUTSIDE} == set(FLAT)


@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize("outside", OUTSIDE, ids=str)
@pytest.mark.filterwarnings("ignore:n_fft=", "ignore:At least one mel filterbank")
def test_a_preset_equals_what_others_compute(outside: Outside, signal: str) -> None:
    config = flat(outside.preset)
    samples = SIGNALS[signal](config)
    if len(samples) >= outside.shortest:
        assert_parity(outside, samples, signal)
    else:
        ours = offline(config, samples)
        n_columns = config.fixed_columns or config.n_columns(len(samples)) // config.stack
        assert ours.shape == (config.n_mels * config.stack, n_columns)
        assert np.isfinite(ours).all(), REPLAY


@pytest.mark.parametrize("outside", OUTSIDE, ids=str)
@pytest.mark.filterwarnings(
    "ignore:n_fft=", "ignore:At least one mel filterbank", r"ignore:std\(\)"
)
def test_clips_of_any_length_equal_what_others_compute(outside: Outside) -> None:
    """The end of a clip, where mirrored samples and the number of columns are decided."""
    config = flat(outside.preset)
    random = np.random.default_rng((SEED, *str(outside).encode()))
    for n_samples in random.integers(outside.shortest, 2 * config.win_length, 6):
        assert_parity(outside, noise(int(n_samples), config), f"{n_samples} samples")


def test_ast_cuts_what_is_longer_than_its_columns() -> None:
    config = flat("ast")
    samples = noise(1030 * config.hop_length, config)
    outside = next(outside for outside in OUTSIDE if outside.preset == "ast")
    assert_parity(outside, samples, "eleven seconds")


# ----------------------------------------------------------------------------------- the stream

EXAMPLES = settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow], database=None)


@st.composite
def clips(draw: st.DrawFn, config: MelConfig) -> list[Samples]:
    """A clip in blocks of 0 to 3 windows each."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    lengths = draw(st.lists(st.integers(0, 3 * config.win_length), max_size=5))
    return [(0.1 * random.standard_normal(n)).astype(np.float32) for n in lengths]


def streamed(stream: MelStream, pieces: list[Samples]) -> Columns:
    columns = [stream.push(column(piece)) for piece in pieces]
    return np.concatenate((*columns, stream.flush()), axis=2)[0]


def joined(pieces: list[Samples]) -> Samples:
    return np.concatenate((*pieces, np.zeros(0, dtype=np.float32)))


@pytest.mark.parametrize("level", [False, True], ids=["logarithm", "level"])
@pytest.mark.parametrize("name", FLAT)
def test_blocks_do_not_change_a_bit(name: str, level: bool) -> None:
    config = flat(name)
    front_end = config.front_end if level else up_to_logarithm(config.front_end)

    @EXAMPLES
    @given(clips(config))
    def check(pieces: list[Samples]) -> None:
        stream = MelStream(front_end, config.sample_rate, 1)
        in_blocks = streamed(stream, pieces)
        stream.reset()
        np.testing.assert_array_equal(in_blocks, streamed(stream, [joined(pieces)]))
        assert in_blocks.shape[1] == config.n_columns(len(joined(pieces)))

    check()


@pytest.mark.parametrize("name", FLAT)
def test_a_column_comes_out_with_the_sample_that_completes_it(name: str) -> None:
    config = flat(name)
    # What mirrors the start has to have seen what it mirrors.
    mirrored = {"zeros": 0, "reflect": 1 - config.offset, "symmetric": -config.offset}
    ends = [
        max(mirrored[config.edge], t * config.hop_length + config.offset + config.win_length)
        for t in range(6)
    ]
    samples = noise(ends[-1], config)
    stream = MelStream(config, config.sample_rate, 1)
    for t, (start, end) in enumerate(pairwise([0, *ends])):
        assert stream.push(column(samples[start : end - 1])).shape[2] == 0
        assert stream.next_column == t
        assert stream.push(column(samples[end - 1 : end])).shape[2] == 1
        assert stream.next_column == t + 1


@pytest.mark.parametrize("name", FLAT)
def test_reset_forgets_everything(name: str) -> None:
    config = flat(name)
    before, after = np.array_split(noise(10 * config.win_length + 7, config), 2)
    used = MelStream(config, config.sample_rate, 1)
    used.push(column(10.0 * before))
    used.reset()
    assert used.next_column == 0
    np.testing.assert_array_equal(
        streamed(used, [after]), streamed(MelStream(config, config.sample_rate, 1), [after])
    )


# -------------------------------------------------------------------- level, clip and streaming


def bare(config: MelConfig) -> MelConfig:
    """Without what only a finished clip has: its length and its pairs."""
    return replace(config, stack=1, fixed_columns=None)


def growing(config: MelConfig) -> Samples:
    """Speech that gets louder, so that maximum and statistics move throughout."""
    samples = speech(config.sample_rate)
    return samples * np.geomspace(0.01, 1.0, len(samples), dtype=np.float32)


WHOLE_CLIP = [name for name in FLAT if flat(name).needs_whole_clip]
COLUMN_BY_COLUMN = [name for name in FLAT if name not in WHOLE_CLIP]


def test_which_presets_need_the_whole_clip() -> None:
    assert set(WHOLE_CLIP) == {
        *("whisper-80", "whisper-128", "nemo", "nemo-128", "speechbrain"),
        *("granite-speech", "dasheng", "wespeaker", "ecapa", "campplus"),
    }


@pytest.mark.parametrize("name", COLUMN_BY_COLUMN)
def test_the_others_stream_exactly(name: str) -> None:
    config = flat(name)
    live = streamed(MelStream(config, config.sample_rate, 1), [growing(config)])
    clip = offline(bare(config), growing(config))
    np.testing.assert_array_equal(live, clip)


@pytest.mark.parametrize("signal", ["speech that grows", "silence", "silence then noise"])
@pytest.mark.parametrize("name", [name for name in WHOLE_CLIP if name != "ecapa"])
def test_the_streaming_form_takes_the_clip_so_far_for_the_whole(name: str, signal: str) -> None:
    config = flat(name)
    silence = np.zeros(config.sample_rate // 2, dtype=np.float32)
    samples = {
        "speech that grows": growing(config),
        "silence": silence,
        "silence then noise": np.concatenate((silence, noise(len(silence), config))),
    }[signal]
    live = streamed(MelStream(config, config.sample_rate, 1), [samples])
    logs = logarithms(config, samples).astype(np.float64)
    for t in range(0, logs.shape[1], 7):
        clip = finish_clip(logs[:, : t + 1], bare(config))[:, -1]
        np.testing.assert_allclose(
            live[:, t], clip, rtol=1e-6, atol=1e-5, err_msg=f"column {t}; {REPLAY}"
        )


@pytest.mark.parametrize("name", ["nemo", "nemo-128"])
def test_a_finished_clip_has_mean_0_and_deviation_1_in_each_band(name: str) -> None:
    config = bare(flat(name))
    clip = offline(config, noise(3 * config.sample_rate, config)).astype(np.float64)
    np.testing.assert_allclose(clip.mean(axis=1), 0.0, atol=1e-4)
    np.testing.assert_allclose(clip.std(axis=1, ddof=1), 1.0, atol=1e-3)


@pytest.mark.parametrize("name", ["nemo", "nemo-128"])
def test_a_clip_that_never_changes_is_0_throughout(name: str) -> None:
    """Its deviation is 0, and what is left to divide by turns any rounding of the mean to noise."""
    config = bare(flat(name))

    @EXAMPLES
    @given(st.integers(1, 3000), st.floats(-16.0, 16.0, width=32))
    def check(n_columns: int, value: float) -> None:
        logs = np.full((config.n_mels, n_columns), value, dtype=np.float32)
        np.testing.assert_allclose(finish_clip(logs, config), 0.0, atol=1e-5)

    check()


@pytest.mark.parametrize("name", ["whisper-80", "whisper-128", "speechbrain", "voxtral-realtime"])
def test_nothing_is_below_the_dynamic_range(name: str) -> None:
    config = flat(name)
    logs = logarithms(config, growing(config))
    assert config.dynamic_range is not None
    top = logs.max() if config.reference_max is None else config.reference_max
    floor = (top - config.dynamic_range + config.shift) * config.scale
    clip = finish_clip(logs, config)
    assert clip.min() == pytest.approx(floor, abs=1e-5)
    above = logs > top - config.dynamic_range
    np.testing.assert_allclose(clip[above], (logs[above] + config.shift) * config.scale, atol=1e-5)


@pytest.mark.parametrize("name", WHOLE_CLIP)
def test_channels_have_levels_of_their_own(name: str) -> None:
    config = flat(name)
    # So quiet that the loud one's maximum would raise all of it.
    quiet, loud = 1e-4 * noise(8000, config), growing(config)[-8000:]
    quiet = quiet.astype(np.float32)
    together = MelStream(config, config.sample_rate, 2).push(np.stack((quiet, loud), axis=1))
    for channel, samples in zip(together, (quiet, loud), strict=True):
        alone = MelStream(config, config.sample_rate, 1).push(column(samples))[0]
        np.testing.assert_allclose(channel, alone, atol=1e-4, err_msg=REPLAY)


# ----------------------------------------------------------------------------------------- JSON


@pytest.mark.parametrize("name", FLAT)
def test_a_config_survives_json(name: str) -> None:
    config = flat(name)
    assert MelConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_fields_left_out_take_their_defaults() -> None:
    config = flat("simli")
    whole = config.to_dict()
    defaults = {"edge", "window", "log", "log_floor", "shift", "scale", "stack", "input_scale"}
    assert MelConfig.from_dict({n: whole[n] for n in whole if n not in defaults}) == config


@pytest.mark.parametrize(
    ("wrong", "meant"), [("n_mel", "n_mels"), ("hop_len", "hop_length"), ("fmin", "f_min")]
)
def test_an_unknown_field_is_named_with_the_nearest(wrong: str, meant: str) -> None:
    values = flat("simli").to_dict() | {wrong: 1}
    with pytest.raises(ConfigError, match=f"{wrong!r}.*{meant}"):
        MelConfig.from_dict(values)


def test_missing_fields_are_named() -> None:
    values = flat("simli").to_dict()
    del values["n_fft"], values["f_max"]
    with pytest.raises(ConfigError, match="n_fft, f_max"):
        MelConfig.from_dict(values)
    with pytest.raises(ConfigError, match="object"):
        MelConfig.from_dict([1, 2])
