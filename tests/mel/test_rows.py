"""Front-ends of public models that no other test holds to their own code, row by row.

Each is a preset or a chain written here, and beside it what the model's own code computes: a
package's function, or the model's formula over torch, torchaudio or librosa. Sounds are new in each
run and of several lengths; what the program computes in float32 is held to float64 as well.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass

import librosa
import numpy as np
import pytest
import scipy.signal
import torch
import torchaudio
from numpy.typing import NDArray
from torchaudio.compliance import kaldi as torchaudio_kaldi
from transformers.models.fun_asr_nano.feature_extraction_fun_asr_nano import (
    FunAsrNanoFeatureExtractor,
)
from transformers.models.gemma3n.feature_extraction_gemma3n import Gemma3nAudioFeatureExtractor
from transformers.models.gemma4.feature_extraction_gemma4 import Gemma4AudioFeatureExtractor
from transformers.models.seamless_m4t.feature_extraction_seamless_m4t import (
    SeamlessM4TFeatureExtractor,
)

from tests.mel.chains import tensorflow_filters
from visualizer.mel.clip import clip_columns
from visualizer.mel.flat import flat_form
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.presets import PRESETS, preset_for
from visualizer.mel.stage import Stage
from visualizer.mel.stages.affine import Affine
from visualizer.mel.stages.dct import Dct
from visualizer.mel.stages.dynamic_range import DynamicRange
from visualizer.mel.stages.erb_bands import ErbBands
from visualizer.mel.stages.frames import Frames
from visualizer.mel.stages.log import Log
from visualizer.mel.stages.mel import Mel
from visualizer.mel.stages.preemphasis import Preemphasis
from visualizer.mel.stages.relative_to_max import RelativeToMax
from visualizer.mel.stages.row_affine import RowAffine
from visualizer.mel.stages.spectrum import Spectrum
from visualizer.mel.stages.statistics import Statistics
from visualizer.mel.stages.window import Window
from visualizer.mel.whole import reference_columns

Samples = NDArray[np.float32]
Features = NDArray[np.floating]

SEED = int(os.environ.get("ROWS_SEED", secrets.randbits(32)))
REPLAY = f"ROWS_SEED={SEED} replays this"
RANDOM = np.random.default_rng(SEED)
MEANS, DEVIATIONS = RANDOM.normal(10.0, 2.0, 80), RANDOM.uniform(1.0, 4.0, 80)


def wide(samples: Samples) -> torch.Tensor:
    return torch.from_numpy(samples).double()


def stft(
    signal: torch.Tensor, n_fft: int, hop: int, window: torch.Tensor, *, center: bool = True
) -> torch.Tensor:
    return torch.stft(signal, n_fft, hop, len(window), window, center=center, return_complex=True)


def hann(win_length: int) -> torch.Tensor:
    return torch.hann_window(win_length, dtype=torch.float64)


def librosa_filters(sample_rate: int, n_fft: int, **options: float) -> torch.Tensor:
    return torch.from_numpy(
        librosa.filters.mel(sr=sample_rate, n_fft=n_fft, dtype=np.float64, **options)
    )


def torchaudio_mel(samples: Samples, **options: object) -> torch.Tensor:
    torch.set_default_dtype(torch.float64)
    try:
        transform = torchaudio.transforms.MelSpectrogram(**options)  # type: ignore[arg-type]
        mels: torch.Tensor = transform(wide(samples))
    finally:
        torch.set_default_dtype(torch.float32)
    return mels


# ------------------------------------------------------------------------- the models' own code


def full_band(samples: Samples) -> Features:
    spectrum = torch.stft(
        wide(samples), 512, 200, window=hann(512), pad_mode="constant", return_complex=True
    )
    return spectrum.abs()[1:-1].numpy() ** 2


def gemma3n(samples: Samples) -> Features:
    found = Gemma3nAudioFeatureExtractor()(samples, return_tensors="np")
    return found.input_features[0].T


def gemma4(samples: Samples) -> Features:
    found = Gemma4AudioFeatureExtractor()([samples], return_tensors="np")
    return found.input_features[0][found.input_features_mask[0]].T


def seamless(samples: Samples) -> Features:
    """With the last, half-filled pair, which it masks."""
    found = SeamlessM4TFeatureExtractor()(samples, sampling_rate=16_000, return_tensors="np")
    return found.input_features[0].T


def paraformer(samples: Samples) -> Features:
    found = FunAsrNanoFeatureExtractor()(32_768.0 * samples, sampling_rate=16_000)
    return found.input_features[0].T.numpy()


def styletts2(samples: Samples) -> Features:
    mel = torchaudio_mel(samples, n_mels=80, n_fft=2048, win_length=1200, hop_length=300)
    return ((torch.log(1e-5 + mel) + 4.0) / 4.0).numpy()


def openwakeword(samples: Samples) -> Features:
    """Its ONNX model's convolutions, filters and decibels, and what is done to them after."""
    spectrum = stft(32_768.0 * wide(samples), 512, 160, hann(400), center=False)
    mel = librosa_filters(16_000, 512, n_mels=32, fmin=60, fmax=3800) @ spectrum.abs() ** 2
    decibels = 10.0 * mel.clamp(min=1e-10).log10()
    return (decibels.clamp(min=float(decibels.max()) - 80.0) / 10.0 + 2.0).numpy()


def birdnet(
    n_fft: int, hop: int, f_min: float, f_max: float, scaling: float
) -> Callable[[Samples], Features]:
    def features(samples: Samples) -> Features:
        signal = wide(samples) - float(samples.min())
        signal = (signal / (signal.max() + 1e-6) - 0.5) * 2.0
        spectrum = stft(signal, n_fft, hop, hann(n_fft), center=False).real.numpy()
        filters = tensorflow_filters(n_fft // 2 + 1, 48_000, 96, f_min, f_max)
        return ((filters.T @ spectrum) ** 2.0)[::-1] ** scaling

    return features


def yamnet(samples: Samples) -> Features:
    """As many whole patches of 0.96 s, each 0.48 s, as hold all samples."""
    n_after_first = max(0, len(samples) - 15_600)
    filled = np.zeros(15_600 + -(-n_after_first // 7680) * 7680)
    filled[: len(samples)] = samples
    return vggish(filled, 0.001)


def vggish(samples: Features, offset: float = 0.01) -> Features:
    frames = np.lib.stride_tricks.sliding_window_view(samples.astype(np.float64), 400)[::160]
    magnitudes = np.abs(np.fft.rfft(frames * scipy.signal.get_window("hann", 400), 512))
    return np.log(magnitudes @ tensorflow_filters(257, 16_000, 64, 125.0, 7500.0) + offset).T


def librosa_relative(samples: Samples) -> Features:
    mel = librosa.feature.melspectrogram(y=samples.astype(np.float64))
    return librosa.power_to_db(mel, ref=np.max)


def librosa_mfcc(samples: Samples) -> Features:
    return librosa.feature.mfcc(y=samples.astype(np.float64), lifter=22)


def lfcc(samples: Samples) -> Features:
    torch.set_default_dtype(torch.float64)
    try:
        found: Features = torchaudio.transforms.LFCC()(wide(samples)).numpy()
    finally:
        torch.set_default_dtype(torch.float32)
    return found


def passt(samples: Samples) -> Features:
    kernel = torch.tensor([[[-0.97, 1.0]]], dtype=torch.float64)
    emphasised = torch.nn.functional.conv1d(wide(samples)[None, None], kernel)[0, 0]
    window = torch.hann_window(800, periodic=False, dtype=torch.float64)
    powers = stft(emphasised, 1024, 320, window).abs() ** 2
    banks, _ = torchaudio_kaldi.get_mel_banks(128, 1024, 32_000, 0.0, 15_000.0, 100.0, -500.0, 1.0)
    filters = torch.nn.functional.pad(banks.double(), (0, 1))
    return (((filters @ powers + 1e-5).log() + 4.5) / 5.0).numpy()


def espnet(samples: Samples) -> Features:
    powers = stft(wide(samples), 512, 128, hann(512)).abs() ** 2
    logs = (librosa_filters(16_000, 512, n_mels=80) @ powers).clamp(min=1e-10).log()
    return (logs - logs.mean(dim=1, keepdim=True)).numpy()


def wenet(samples: Samples) -> Features:
    fbank = torchaudio_kaldi.fbank(32_768.0 * wide(samples)[None], num_mel_bins=80).numpy()
    return ((fbank - MEANS) / DEVIATIONS).T


def xtts_speaker(samples: Samples) -> Features:
    signal = wide(samples)
    emphasised = signal - 0.97 * torch.cat((signal[1:2], signal[:-1]))
    window = torch.hamming_window(400, dtype=torch.float64)
    mel = torchaudio_mel(
        emphasised.numpy(),
        sample_rate=16_000,
        n_fft=512,
        win_length=400,
        hop_length=160,
        n_mels=64,
        window_fn=lambda _: window,
    )
    return torch.nn.functional.instance_norm((mel + 1e-6).log()[None])[0].numpy()


def vits_linear(samples: Samples) -> Features:
    padded = torch.nn.functional.pad(wide(samples)[None], (384, 384), mode="reflect")[0]
    powers = stft(padded, 1024, 256, hann(1024), center=False).abs() ** 2
    return (powers + 1e-6).sqrt().numpy()


def deepfilternet(samples: Samples) -> Features:
    """Bands of libDF's layout at 48 kHz with 960 points and 32 bands."""
    widths = [
        *(2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 5, 5, 7),
        *(7, 8, 10, 12, 13, 15, 18, 20, 24, 28, 31, 37, 42, 50, 56, 67),
    ]
    powers = stft(wide(samples), 960, 480, hann(960), center=False).abs() ** 2
    bands = [part.mean(dim=0) for part in powers.split(widths)]
    return 10.0 * (torch.stack(bands) + 1e-10).log10().numpy()


def byol_a(samples: Samples) -> Features:
    powers = stft(wide(samples), 1024, 160, hann(1024)).abs() ** 2
    mel = librosa_filters(16_000, 1024, n_mels=64, fmin=60, fmax=7800) @ powers
    return (mel + np.finfo(np.float64).eps).log().numpy()


def resemblyzer(samples: Samples) -> Features:
    return librosa.feature.melspectrogram(
        y=samples.astype(np.float64), sr=16_000, n_fft=400, hop_length=160, n_mels=40
    )


# ------------------------------------------------------------------------------------- our chains


def chain(sample_rate: int, *stages: Stage) -> FrontEnd:
    return FrontEnd("row", sample_rate, stages)


def after(preset: str, *stages: Stage) -> FrontEnd:
    """A preset with stages behind."""
    front_end = preset_for(preset)
    return chain(front_end.sample_rate, *front_end.stages, *stages)


def torchs(n_fft: int, hop: int, win_length: int | None = None, kind: str = "hann") -> list[Stage]:
    """torch.stft's centred frames."""
    win_length = win_length or n_fft
    frames = Frames(win_length, hop, -(win_length // 2), "reflect")
    return [frames, Window(kind), Spectrum(n_fft, 2)]  # type: ignore[arg-type]


@dataclass(frozen=True)
class Row:
    name: str
    front_end: FrontEnd
    theirs: Callable[[Samples], Features]
    shortest: int
    """samples"""
    tolerance: float
    """of float64, where theirs is that, else what their own float32 is unsure by"""

    def __str__(self) -> str:
        return self.name


def of_preset(
    name: str, theirs: Callable[[Samples], Features], shortest: int, tolerance: float
) -> Row:
    return Row(name, PRESETS[name].front_end, theirs, shortest, tolerance)


SLANEY = ("slaney", "slaney")
ROWS = (
    of_preset("full-band", full_band, 1, 1e-6),
    of_preset("gemma3n", gemma3n, 600, 2e-3),
    of_preset("gemma4", gemma4, 400, 2e-3),
    of_preset("seamless", seamless, 800, 2e-2),
    of_preset("paraformer", paraformer, 400, 2e-2),
    of_preset("styletts2", styletts2, 1025, 1e-6),
    of_preset("openwakeword", openwakeword, 512, 1e-6),
    of_preset("birdnet-low", birdnet(2048, 278, 0.0, 3000.0, 0.22952409), 2048, 1e-5),
    of_preset("birdnet-high", birdnet(1024, 280, 500.0, 15_000.0, 0.1905273), 1024, 1e-5),
    of_preset("yamnet", yamnet, 1, 1e-9),
    Row(
        "VGGish",
        chain(16_000, *preset_for("yamnet").stages[1:5], Log("ln", 0.01, "add")),
        vggish,
        400,
        1e-9,
    ),
    Row(
        "librosa.power_to_db, ref=np.max",
        after("librosa", Log("db", 1e-10), RelativeToMax(), DynamicRange(80.0)),
        librosa_relative,
        1,
        1e-6,
    ),
    Row(
        "librosa.feature.mfcc, liftered",
        after(
            "librosa",
            *(Log("db", 1e-10), DynamicRange(80.0), Dct(20, lifter=22.0, lifter_from=1)),
        ),
        librosa_mfcc,
        1,
        1e-5,
    ),
    Row(
        "torchaudio LFCC",
        chain(
            16_000,
            *torchs(400, 200),
            *(Mel(128, 0.0, 8000.0, "linear", None), Log("db", 1e-10)),
            *(DynamicRange(80.0), Dct(40)),
        ),
        lfcc,
        201,
        1e-6,
    ),
    Row(
        "PaSST",
        chain(
            32_000,
            Preemphasis(0.97, "drop"),
            *torchs(1024, 320, 800, "hann_symmetric"),
            Mel(128, 0.0, 15_000.0, "htk", None, "mel"),
            *(Log("ln", 1e-5, "add"), Affine(4.5, 0.2)),
        ),
        passt,
        514,
        1e-4,
    ),
    Row(
        "ESPnet ASR and utterance_mvn",
        chain(
            16_000,
            *torchs(512, 128),
            *(Mel(80, 0.0, 8000.0, *SLANEY), Log("ln", 1e-10), Statistics("mean")),
        ),
        espnet,
        257,
        1e-6,
    ),
    Row(
        "WeNet and global_cmvn",
        after("kaldi", RowAffine(tuple((-MEANS).tolist()), tuple((1 / DEVIATIONS).tolist()))),
        wenet,
        400,
        1e-3,
    ),
    Row(
        "XTTS speaker encoder",
        chain(
            16_000,
            Preemphasis(0.97, "reflect"),
            *torchs(512, 160, 400, "hamming"),
            *(Mel(64, 0.0, 8000.0, "htk", None), Log("ln", 1e-6, "add")),
            Statistics("variance", 1e-5, 0),
        ),
        xtts_speaker,
        600,
        1e-5,
    ),
    Row(
        "VITS linear spectrogram",
        chain(22_050, Frames(1024, 256, -384, "reflect"), Window(), Spectrum(1024, 1, 1e-6)),
        vits_linear,
        385,
        1e-6,
    ),
    Row(
        "DeepFilterNet's bands",
        chain(
            48_000,
            *(Frames(960, 480, 0), Window(), Spectrum(960, 2)),
            *(ErbBands(32), Log("db", 1e-10, "add")),
        ),
        deepfilternet,
        960,
        1e-6,
    ),
    Row(
        "BYOL-A",
        chain(
            16_000,
            *torchs(1024, 160),
            *(Mel(64, 60.0, 7800.0, *SLANEY), Log("ln", np.finfo(np.float64).eps.item(), "add")),
        ),
        byol_a,
        513,
        1e-6,
    ),
    Row(
        "Resemblyzer",
        chain(
            16_000,
            *(Frames(400, 160, -200), Window(), Spectrum(400, 2), Mel(40, 0.0, 8000.0, *SLANEY)),
        ),
        resemblyzer,
        1,
        1e-6,
    ),
)


@pytest.mark.parametrize("row", ROWS, ids=str)
@pytest.mark.filterwarnings("ignore:n_fft=", "ignore:At least one mel", "ignore:.*sampling_rate")
def test_a_row_is_what_the_model_computes(row: Row) -> None:
    rate, hop = row.front_end.sample_rate, row.front_end.hop_length
    lengths = [rate, row.shortest + hop, 7 * hop, *RANDOM.integers(row.shortest, rate, 3).tolist()]
    for n_samples in (max(n, row.shortest) for n in lengths):
        samples = RANDOM.normal(0.0, 0.1, n_samples).astype(np.float32)
        theirs = row.theirs(samples)
        reference = reference_columns(samples, row.front_end)
        what = f"{row} of {n_samples} samples; {REPLAY}"
        assert reference.shape == theirs.shape, what
        np.testing.assert_allclose(reference, theirs, rtol=1e-6, atol=row.tolerance, err_msg=what)
        ours = clip_columns(samples[:, None], row.front_end, 4000, streaming=False)[0]
        assert ours.shape == theirs.shape, what
        # What the logarithm of a quiet band magnifies is measured as a whole.
        apart = np.abs(ours - reference).mean()
        assert apart <= 1e-5 * max(1.0, np.abs(reference).max(initial=0.0)), what


def test_every_preset_without_a_flat_form_is_held_to_something() -> None:
    """Those that have one are in test_parity.py, PCEN and MFCCs in tests of their own."""
    elsewhere = {"librosa-pcen", "perch-pcen", "torchaudio-mfcc", "kaldi-mfcc"}
    chains = {name for name, preset in PRESETS.items() if flat_form(preset.front_end) is None}
    assert {row.name for row in ROWS} & set(PRESETS) == chains - elsewhere
