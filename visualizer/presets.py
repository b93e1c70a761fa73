"""Named front-ends: the numbers, and where each comes from. Data only."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass

from visualizer.config import MelConfig
from visualizer.errors import ConfigError


@dataclass(frozen=True)
class Preset:
    name: str
    summary: str
    source: str
    """where the numbers come from"""
    reference_rate: int
    """Hz; the rate the source itself uses or assumes"""
    at: Callable[[int], MelConfig]
    """the config at a sample rate in Hz"""


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
    n_fft = int(0.05 * sample_rate)
    return MelConfig(
        name="simli-librosa",
        sample_rate=sample_rate,
        n_fft=n_fft,
        win_length=n_fft,
        hop_length=int(0.0125 * sample_rate),
        offset=-(n_fft // 2),
        power=2,
        n_mels=80,
        f_min=55.0,
        f_max=7600.0,
        mel_scale="slaney",
        norm="slaney",
    )


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


PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset(
            name="simli",
            summary="50 ms window, 12.5 ms hop, 80 mels, magnitude, HTK scale with Slaney norm",
            source="Simli's article on mel spectrograms in torch: torch.stft with a Hann window "
            "and torchaudio's melscale_fbanks(norm='slaney'), zeros at the edge",
            reference_rate=16_000,
            at=_simli,
        ),
        Preset(
            name="simli-librosa",
            summary="the same article's librosa call: power, Slaney scale and norm",
            source="librosa.feature.melspectrogram with the article's window, hop and mel range",
            reference_rate=16_000,
            at=_simli_librosa,
        ),
        Preset(
            name="librosa",
            summary="librosa's defaults: 2048 points, hop 512, 128 mels up to half the rate",
            source="librosa.feature.melspectrogram without arguments",
            reference_rate=22_050,
            at=_librosa,
        ),
    )
}


def preset(name: str, sample_rate: int | None = None) -> MelConfig:
    """The config of a named front-end at `sample_rate` (Hz), by default the source's own rate.

    Raises ConfigError for an unknown name, naming the nearest ones.
    """
    if name not in PRESETS:
        near = difflib.get_close_matches(name, PRESETS, n=3, cutoff=0.4) or sorted(PRESETS)
        raise ConfigError(
            f"unknown preset {name!r}; did you mean {' or '.join(near)}? "
            "`python3 run.py presets` lists them all"
        )
    chosen = PRESETS[name]
    return chosen.at(chosen.reference_rate if sample_rate is None else sample_rate)
