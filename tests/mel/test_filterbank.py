from __future__ import annotations

from dataclasses import replace

import librosa
import numpy as np
import pytest
import torchaudio

from visualizer.mel.filterbank import (
    analysis_window,
    band_edges_hz,
    band_position,
    full_scale,
    hz_to_mel,
    mel_filterbank,
    mel_to_hz,
    to_db,
)
from visualizer.mel.flat import MelConfig
from visualizer.mel.presets import PRESETS, preset, preset_for

RATES_HZ = (8_000, 11_025, 16_000, 22_050, 44_100, 48_000)


LIBROSAS_KIND = sorted(
    {
        config
        for name in PRESETS
        for rate in RATES_HZ
        if (config := preset_for(name, rate)).triangles == "hz"
        and config.slopes == "own"
        and config.mel_scale != "linear"
    },
    key=lambda c: (c.name, c.sample_rate),
)


@pytest.mark.parametrize("config", LIBROSAS_KIND, ids=lambda c: f"{c.name}-{c.sample_rate}")
@pytest.mark.filterwarnings("ignore:Empty filters")
def test_filters_equal_librosas(config: MelConfig) -> None:
    theirs = librosa.filters.mel(
        sr=config.sample_rate,
        n_fft=config.n_fft,
        n_mels=config.n_mels,
        fmin=config.f_min,
        fmax=config.f_max,
        htk=config.mel_scale == "htk",
        norm=config.norm,
        dtype=np.float64,
    )
    # float64 on both sides: nothing but the order of operations differs.
    np.testing.assert_allclose(mel_filterbank(config), theirs.T, rtol=0, atol=1e-12)


@pytest.mark.parametrize("scale", ["htk", "slaney"])
@pytest.mark.parametrize("norm", ["slaney", None])
def test_filters_equal_torchaudios_where_its_bins_are_right(scale: str, norm: str | None) -> None:
    config = replace(preset("simli", 16_000), mel_scale=scale, norm=norm)  # type: ignore[arg-type]
    theirs = torchaudio.functional.melscale_fbanks(
        config.n_freqs,
        config.f_min,
        config.f_max,
        config.n_mels,
        config.sample_rate,
        norm,
        scale,
    ).numpy()
    # torchaudio computes in float32, whose mel points are good to about 1e-3 Hz.
    np.testing.assert_allclose(mel_filterbank(config), theirs, rtol=0, atol=2e-5 * theirs.max())


def test_linear_filters_equal_torchaudios() -> None:
    config = replace(preset("full-band"), n_mels=40, f_min=100.0, f_max=7000.0)
    theirs = torchaudio.functional.linear_fbanks(
        config.n_freqs, config.f_min, config.f_max, config.n_mels, config.sample_rate
    ).numpy()
    np.testing.assert_allclose(mel_filterbank(config), theirs, rtol=0, atol=2e-5)


def test_odd_n_fft_takes_every_second_bin_of_the_doubled_transform() -> None:
    config = preset("simli", 44_100)
    assert config.n_fft == 2205
    doubled = mel_filterbank(replace(config, n_fft=2 * config.n_fft))
    np.testing.assert_allclose(mel_filterbank(config), doubled[::2], atol=1e-15)


@pytest.mark.parametrize("scale", ["htk", "slaney", "linear"])
def test_mel_scales_are_inverse_and_known(scale: str) -> None:
    hz = np.array([0.0, 55.0, 440.0, 1000.0, 7600.0, 24_000.0])
    np.testing.assert_allclose(mel_to_hz(hz_to_mel(hz, scale), scale), hz, atol=1e-9)  # type: ignore[arg-type]
    expected = {"htk": 2595 * np.log10(1 + 1000 / 700), "slaney": 15.0, "linear": 1000.0}[scale]
    assert hz_to_mel(1000.0, scale) == pytest.approx(expected)  # type: ignore[arg-type]


def test_band_position_puts_each_peak_in_the_middle_of_its_band() -> None:
    config = preset("simli", 16_000)
    peaks = band_edges_hz(config)[1:-1]
    np.testing.assert_allclose(
        band_position(peaks, config), np.arange(config.n_mels) + 0.5, atol=1e-9
    )


@pytest.mark.parametrize("name", PRESETS)
def test_zero_db_is_a_full_scale_sine(name: str) -> None:
    """A sine of amplitude 1 on the bin of the tallest filter's peak, written out as a sum."""
    config = preset(name)
    filters = mel_filterbank(config)
    loudest_bin, band = np.unravel_index(filters.argmax(), filters.shape)
    n = np.arange(config.win_length)
    turn = 2 * np.pi * loudest_bin * n / config.n_fft
    frame = config.input_scale * np.sin(turn) * analysis_window(config)
    magnitude = abs(np.sum(frame * np.exp(-1j * turn)))
    value = np.float32(magnitude**config.power * filters[loudest_bin, band])
    decibels = to_db(np.array([value, 0.0, np.nan], np.float32), config, full_scale(config))
    assert decibels[0] == pytest.approx(0.0, abs=1e-3)
    assert decibels[1] == -np.inf
    assert np.isnan(decibels[2])
