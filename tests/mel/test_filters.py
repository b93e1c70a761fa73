"""Filters that are no mels, windows and the transform, against others' or formulas written out."""

from __future__ import annotations

import math
from typing import get_args

import librosa
import numpy as np
import pytest
import scipy.signal
import torch
from numpy.typing import NDArray
from transformers.audio_utils import chroma_filter_bank

from visualizer.errors import ConfigError
from visualizer.mel.arrays import BatchArrays, NumpyArrays
from visualizer.mel.clip import clip_columns
from visualizer.mel.flat import flat_form
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.kernels.tensor_kernel import MelKernel
from visualizer.mel.kernels.torch_arrays import CompilableArrays, TorchArrays
from visualizer.mel.picture import PictureUnit, has_db
from visualizer.mel.stage import Stage
from visualizer.mel.stages.chroma import Chroma
from visualizer.mel.stages.erb_bands import ErbBands
from visualizer.mel.stages.frames import Frames
from visualizer.mel.stages.gammatone import Gammatone
from visualizer.mel.stages.spectrum import Spectrum
from visualizer.mel.stages.window import Kind, Window
from visualizer.mel.whole import reference_columns

RATE_HZ, N_FFT = 16_000, 1024


def noise(n_samples: int = RATE_HZ) -> NDArray[np.float32]:
    return np.random.default_rng().normal(0.0, 0.1, n_samples).astype(np.float32)


def chain(*stages: Stage, power: int = 2) -> FrontEnd:
    frames, spectrum = Frames(N_FFT, 256, 0), Spectrum(N_FFT, power)  # type: ignore[arg-type]
    return FrontEnd("test", RATE_HZ, (frames, Window(), spectrum, *stages))


def spectra(samples: NDArray[np.float32]) -> NDArray[np.complex128]:
    """Of each frame: (n_frames, n_bins)."""
    frames = np.lib.stride_tricks.sliding_window_view(samples.astype(float), N_FFT)[::256]
    return np.fft.rfft(frames * scipy.signal.get_window("hann", N_FFT))


@pytest.mark.parametrize("kind", get_args(Kind))
def test_windows_are_scipys(kind: Kind) -> None:
    name, periodic = kind.removesuffix("_symmetric"), not kind.endswith("_symmetric")
    for n in (2, 25, 400):
        if name == "povey":
            theirs = scipy.signal.get_window("hann", n, fftbins=False) ** 0.85
        else:
            theirs = scipy.signal.get_window(name, n, fftbins=periodic)
        np.testing.assert_allclose(Window(kind).weights(n), theirs, rtol=0, atol=1e-12)


@pytest.mark.parametrize("n_fft", [1024, 1000, 4096])
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (Chroma(), {}),
        (Chroma(24, width=None), {"n_chroma": 24, "octwidth": None}),
        (
            Chroma(36, tuning=0.2, centre=4.0, width=1.0, norm=1.0, starts_at_c=False),
            {
                "n_chroma": 36,
                "tuning": 0.2,
                "ctroct": 4.0,
                "octwidth": 1.0,
                "norm": 1,
                "base_c": False,
            },
        ),
        (Chroma(norm=None), {"norm": None}),
    ],
)
def test_chroma_is_librosas(ours: Chroma, theirs: dict[str, float], n_fft: int) -> None:
    filters = librosa.filters.chroma(sr=22_050, n_fft=n_fft, dtype=np.float64, **theirs)
    np.testing.assert_allclose(ours.filters(22_050, n_fft), filters.T, rtol=0, atol=1e-12)


def test_chroma_is_transformers() -> None:
    theirs = chroma_filter_bank(16_384, 12, 32_000)
    np.testing.assert_allclose(Chroma().filters(32_000, 16_384), theirs.T, rtol=0, atol=1e-12)


def test_the_rows_of_chroma_are_notes() -> None:
    rows = chain(Chroma()).rows
    assert (rows.kind, rows.plural, rows.edges_hz) == ("pitch class", "pitch classes", None)
    assert rows.labels == ("C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B")
    assert chain(Chroma(starts_at_c=False)).rows.labels[:3] == ("A", "A♯", "B")
    assert chain(Chroma(24)).rows.labels[-1] == "24"
    # An A of 880 Hz fills the row of that name most.
    sine = np.sin(2 * np.pi * 880 / RATE_HZ * np.arange(RATE_HZ))
    columns = reference_columns(sine, chain(Chroma()))
    assert {rows.labels[row] for row in columns.argmax(axis=0)} == {"A"}


def test_gammatones_are_those_of_the_papers() -> None:
    """Peaks evenly spaced in 21.4·log10(1 + 0.00437·f), each with a width of 1.019 ERBs."""
    samples = noise()
    ours = reference_columns(samples, chain(Gammatone(20, 50.0, 7000.0)))
    powers = np.abs(spectra(samples)) ** 2
    low, high = (21.4 * math.log10(1 + 0.00437 * hz) for hz in (50.0, 7000.0))
    for i in range(20):
        peak = (10 ** ((low + i * (high - low) / 19) / 21.4) - 1) / 0.00437
        width = 1.019 * 24.7 * (4.37 * peak / 1000 + 1)
        distance = (np.arange(513) * RATE_HZ / N_FFT - peak) / width
        # |H|² of four resonances in a row, each 1 / (1 + i·distance).
        response = np.abs(1 / (1 + 1j * distance) ** 4) ** 2
        np.testing.assert_allclose(ours[i], powers @ response, rtol=1e-9)


@pytest.mark.parametrize(("rate", "n_fft", "n"), [(48_000, 960, 32), (16_000, 512, 20)])
def test_erb_bands_are_deepfilternets(rate: int, n_fft: int, n: int) -> None:
    """The layout of libDF's erb_fb, written out band by band."""
    highest = 9.265 * math.log(1 + rate // 2 / (24.7 * 9.265))
    widths, done, over = [], 0, 0
    for i in range(1, n + 1):
        hz = 24.7 * 9.265 * (math.exp(i * highest / n / 9.265) - 1)
        end = math.floor(hz / (rate / n_fft) + 0.5)
        width = end - done - over
        over = 2 - width if width < 2 else 0
        widths.append(max(2, width))
        done = end
    widths[-1] += 1
    widths[-1] -= max(0, sum(widths) - (n_fft // 2 + 1))
    powers = np.random.default_rng().random((3, n_fft // 2 + 1))
    means = [part.mean(axis=1) for part in np.split(powers, np.cumsum(widths)[:-1], axis=1)]
    ours = powers @ ErbBands(n).filters(rate, n_fft)
    np.testing.assert_allclose(ours, np.stack(means, axis=1), rtol=1e-12)


@pytest.mark.parametrize("stage", [Gammatone(20, 50.0, 7000.0), ErbBands(24)])
def test_rows_of_filters_lie_where_they_peak(stage: Stage) -> None:
    front_end = chain(stage)
    rows = front_end.rows
    assert rows.edges_hz is not None
    assert has_db(front_end)
    for row in (3, 12, 19):
        hz = rows.middle_hz(row)
        assert rows.position(hz) == pytest.approx(row + 0.5)
        samples = np.sin(2 * np.pi * hz / RATE_HZ * np.arange(RATE_HZ))
        columns = reference_columns(samples, front_end)
        assert set(columns.argmax(axis=0)) == {row}
    assert flat_form(front_end) is None
    assert FrontEnd.from_dict(front_end.to_dict()) == front_end


def test_a_real_part_keeps_its_sign_and_tells_no_level() -> None:
    spectrum = Spectrum(N_FFT, 1, part="real")
    front_end = FrontEnd("real", RATE_HZ, (Frames(N_FFT, 256, 0), Window(), spectrum))
    samples = noise()
    theirs = spectra(samples).real.T
    np.testing.assert_allclose(reference_columns(samples, front_end), theirs, atol=1e-9)
    ours = clip_columns(samples[:, None], front_end, 999, streaming=False)[0]
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-4)
    frames = torch.from_numpy(samples[:N_FFT][None])
    for arrays in (TorchArrays(), CompilableArrays(1)):
        bins = arrays.spectrum(N_FFT, "real")(frames).numpy()
        unwindowed = np.fft.rfft(samples[:N_FFT].astype(float)).real
        np.testing.assert_allclose(bins[0], unwindowed, rtol=0, atol=1e-4)
    assert not has_db(front_end)
    low, high = PictureUnit.default(front_end).range()
    assert low == -high
    assert flat_form(front_end) is None


@pytest.mark.parametrize("stage", [Chroma(), Gammatone(20, 50.0, 7000.0), ErbBands(24)])
def test_every_library_sums_alike(stage: Stage) -> None:
    front_end, samples = chain(stage), noise(8000)
    theirs = reference_columns(samples, front_end)
    ours = clip_columns(samples[:, None], front_end, 999, streaming=True)[0]
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=2e-6 * theirs.max())
    of_torch = MelKernel(front_end).clip(torch.from_numpy(samples[:, None]))[0].numpy()
    np.testing.assert_allclose(of_torch, theirs, rtol=0, atol=2e-6 * theirs.max())
    for arrays in (NumpyArrays(np.float32), BatchArrays(np.float32)):
        assert arrays.spectrum(N_FFT, "real")(samples[None, :N_FFT]).dtype == np.float32


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Spectrum(512, 2, part="real"), "part is 'real'; it must be 'magnitude' where"),
        (lambda: Gammatone(20, 5000.0, 400.0), "f_min is 5000.0; it must be from 0 to below f_max"),
        (lambda: chain(ErbBands(600)), "n_bands is 600; it must be so few that each has a bin"),
        (lambda: chain(Chroma(0)), "n_chroma is 0; it must be from 1 to 1200"),
        (lambda: Chroma(starts_at_c=1), "starts_at_c is 1; it must be true or false"),
    ],
)
def test_what_makes_no_sense_is_refused(make: object, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        make()  # type: ignore[operator]
