from __future__ import annotations

import math
from dataclasses import replace
from typing import get_args

import librosa
import numpy as np
import pytest
import torch
import torchaudio

from tests.mel.chains import FLAT, filters_of, stage_of, up_to, varied
from visualizer.mel.flat import flat_form
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.presets import PRESETS, preset_for
from visualizer.mel.rounding import Rounding
from visualizer.mel.scales import FrequencyScale, hz_to_scale, scale_to_hz
from visualizer.mel.stages.mel import Mel
from visualizer.mel.stages.scale import Scale
from visualizer.mel.stages.spectrum import Spectrum
from visualizer.mel.stages.window import Window

RATES_HZ = (8_000, 11_025, 16_000, 22_050, 44_100, 48_000)


def mel_of(front_end: FrontEnd) -> Mel:
    return stage_of(front_end, Mel)


def has_mels(front_end: FrontEnd) -> bool:
    return any(isinstance(stage, Mel) for stage in front_end.stages)


LIBROSAS_KIND = sorted(
    {
        front_end
        for name in PRESETS
        for rate in RATES_HZ
        if has_mels(preset_for(name))
        and (mel := mel_of(front_end := preset_for(name, rate))).triangles == "hz"
        and mel.slopes == "own"
        and mel.mel_scale != "linear"
        and mel.rate is None
    },
    key=lambda front_end: (front_end.name, front_end.sample_rate),
)


@pytest.mark.parametrize("front_end", LIBROSAS_KIND, ids=lambda f: f"{f.name}-{f.sample_rate}")
@pytest.mark.filterwarnings("ignore:Empty filters")
def test_filters_equal_librosas(front_end: FrontEnd) -> None:
    mel = mel_of(front_end)
    theirs = librosa.filters.mel(
        sr=front_end.sample_rate,
        n_fft=stage_of(front_end, Spectrum).n_fft,
        n_mels=mel.n_mels,
        fmin=mel.f_min,
        fmax=mel.f_max,
        htk=mel.mel_scale == "htk",
        norm=mel.norm,
        dtype=np.float64,
    )
    # float64 on both sides: nothing but the order of operations differs.
    np.testing.assert_allclose(filters_of(front_end), theirs.T, rtol=0, atol=1e-12)


@pytest.mark.parametrize("scale", ["htk", "slaney"])
@pytest.mark.parametrize("norm", ["slaney", None])
def test_filters_equal_torchaudios_where_its_bins_are_right(scale: str, norm: str | None) -> None:
    mel = replace(mel_of(preset_for("simli")), mel_scale=scale, norm=norm)  # type: ignore[arg-type]
    theirs = torchaudio.functional.melscale_fbanks(
        401, mel.f_min, mel.f_max, mel.n_mels, 16_000, norm, scale
    ).numpy()
    # torchaudio computes in float32, whose mel points are good to about 1e-3 Hz.
    ours = mel.filters(16_000, 800)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=2e-5 * theirs.max())


def test_linear_filters_equal_torchaudios() -> None:
    mel = Mel(40, 100.0, 7000.0, "linear", None)
    theirs = torchaudio.functional.linear_fbanks(
        257, mel.f_min, mel.f_max, mel.n_mels, 16_000
    ).numpy()
    np.testing.assert_allclose(mel.filters(16_000, 512), theirs, rtol=0, atol=2e-5)


def test_odd_n_fft_takes_every_second_bin_of_the_doubled_transform() -> None:
    front_end = preset_for("simli", 44_100)
    n_fft = stage_of(front_end, Spectrum).n_fft
    assert n_fft == 2205
    doubled = mel_of(front_end).filters(44_100, 2 * n_fft)
    np.testing.assert_allclose(filters_of(front_end), doubled[::2], atol=1e-15)


KNOWN: dict[FrequencyScale, tuple[float, float]] = {
    "htk": (1000.0, 2595 * np.log10(1 + 1000 / 700)),
    "slaney": (1000.0, 15.0),
    "linear": (1000.0, 1000.0),
    # What the papers' own formulas give; Traunmüller's with both of its corrections.
    "erb": (1000.0, 21.4 * math.log10(5.37)),
    "bark_traunmuller": (1000.0, 26_810 / 2960 - 0.53),
    "bark_schroeder": (650 * math.sinh(1.0), 7.0),
    "bark_wang": (600 * math.sinh(1.0), 6.0),
}


@pytest.mark.parametrize("scale", get_args(FrequencyScale))
def test_scales_are_inverse_and_known(scale: FrequencyScale) -> None:
    hz = np.array([0.0, 55.0, 440.0, 1000.0, 7600.0, 24_000.0])
    np.testing.assert_allclose(scale_to_hz(hz_to_scale(hz, scale), scale), hz, atol=1e-9)
    assert (np.diff(hz_to_scale(np.arange(30_000.0), scale)) > 0).all()
    known_hz, place = KNOWN[scale]
    assert hz_to_scale(known_hz, scale) == pytest.approx(place)


def test_traunmullers_scale_is_corrected_at_both_ends() -> None:
    """Written out from his paper, z' = z + 0.15·(2 − z) and z + 0.22·(z − 20.1)."""
    for hz in (20.0, 100.0, 15_000.0):
        bark = 26.81 / (1 + 1960 / hz) - 0.53
        corrected = bark + (0.15 * (2 - bark) if bark < 2 else 0.22 * (bark - 20.1))
        assert hz_to_scale(hz, "bark_traunmuller") == pytest.approx(corrected)
        assert corrected != pytest.approx(bark)


def test_filters_for_another_rate_take_the_bins_for_that_rates() -> None:
    """StyleTTS 2's, whose peaks lie higher in the sound that comes than in that they are for."""
    front_end = preset_for("hifigan")
    mel = replace(mel_of(front_end), rate=16_000)
    other = varied(front_end, mel, name="other", sample_rate=24_000)
    theirs = librosa.filters.mel(
        sr=16_000, n_fft=1024, n_mels=80, fmin=0, fmax=8000, dtype=np.float64
    )
    np.testing.assert_allclose(filters_of(other), theirs.T, rtol=0, atol=1e-12)
    peaks = mel.edges_hz()[1:-1] * 1.5
    np.testing.assert_allclose([other.rows.middle_hz(k) for k in range(80)], peaks)
    np.testing.assert_allclose(other.rows.position(peaks), np.arange(80) + 0.5)
    assert flat_form(other) is None
    assert FrontEnd.from_dict(other.to_dict()) == other


@pytest.mark.parametrize("dtype", get_args(Rounding))
def test_weights_are_rounded_as_torch_does(dtype: Rounding) -> None:
    mel = replace(mel_of(preset_for("nemo-streaming")), rounding=dtype)
    whole = replace(mel, rounding=None).filters(16_000, 512)
    theirs = torch.tensor(whole, dtype=torch.float32).to(getattr(torch, dtype))
    np.testing.assert_array_equal(mel.filters(16_000, 512), theirs.double().numpy())
    window = Window("hann_symmetric", rounding=dtype)
    theirs = torch.tensor(Window("hann_symmetric").weights(400), dtype=torch.float32)
    theirs = theirs.to(getattr(torch, dtype)).double()
    np.testing.assert_array_equal(window.weights(400), theirs.numpy())


@pytest.mark.parametrize("name", FLAT)
def test_position_puts_each_peak_in_the_middle_of_its_band(name: str) -> None:
    front_end = preset_for(name)
    rows, n_mels = front_end.rows, mel_of(front_end).n_mels
    assert rows.edges_hz is not None
    peaks = rows.edges_hz[1:-1]
    np.testing.assert_allclose(rows.position(peaks), np.arange(n_mels) + 0.5, atol=1e-9)
    assert rows.middle_hz(3) == peaks[3]


@pytest.mark.parametrize(
    "name", [name for name in PRESETS if has_mels(preset_for(name)) and "birdnet" not in name]
)
def test_zero_db_is_a_full_scale_sine(name: str) -> None:
    """A sine of amplitude 1 on the bin of the tallest filter's peak, written out as a sum."""
    front_end = preset_for(name)
    filters, spectrum = filters_of(front_end), stage_of(front_end, Spectrum)
    loudest_bin, band = np.unravel_index(filters.argmax(), filters.shape)
    n = np.arange(front_end.win_length)
    turn = 2 * np.pi * loudest_bin * n / spectrum.n_fft
    scales = [stage.factor for stage in front_end.stages if isinstance(stage, Scale)]
    weights = stage_of(front_end, Window).weights(front_end.win_length)
    # Of a low sine and its mirror image below 0 Hz, the mean over the phases.
    waves = [np.prod(scales) * wave(turn) * weights for wave in (np.sin, np.cos)]
    magnitude = np.sqrt(np.mean([abs(np.sum(w * np.exp(-1j * turn))) ** 2 for w in waves]))
    value = np.float32(magnitude**spectrum.power * filters[loudest_bin, band])
    level = up_to(front_end, Mel).values.level
    assert level is not None
    decibels = level.decibels(np.array([value, 0.0, np.nan], np.float32))
    assert decibels[0] == pytest.approx(0.0, abs=1e-3)
    assert decibels[1] == -np.inf
    assert np.isnan(decibels[2])
