"""The form for compilers computes what the plain form does, and both what NumPy does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.mel.chains import FLAT, flat, up_to
from visualizer.mel.arrays import BatchArrays, NumpyArrays
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.kernels.host import kernel_operator
from visualizer.mel.kernels.timing import noise_frames
from visualizer.mel.kernels.torch_arrays import CompilableArrays, TorchArrays
from visualizer.mel.presets import PRESETS
from visualizer.mel.stages.mel import Mel

RELATIVE = 1e-5


def assert_one_formula(front_end: FrontEnd, n_rows: int, tolerance: float) -> None:
    frames = noise_frames(front_end, n_rows)
    expected = kernel_operator(front_end, NumpyArrays(np.float32))(frames)
    assert expected.shape == (n_rows, front_end.n_kernel_rows)
    assert expected.dtype == np.float32
    atol = tolerance * np.abs(expected).max()
    batch = kernel_operator(front_end, BatchArrays(np.float32))(frames)
    np.testing.assert_allclose(batch, expected, rtol=0, atol=atol)
    for arrays in (TorchArrays(), CompilableArrays(n_rows)):
        with torch.inference_mode():
            ours = kernel_operator(front_end, arrays)(torch.from_numpy(frames))
        np.testing.assert_allclose(ours.numpy(), expected, rtol=0, atol=atol)


@pytest.mark.parametrize("n_rows", [1, 3])
@pytest.mark.parametrize("name", FLAT)
def test_every_preset(name: str, n_rows: int) -> None:
    # Before the logarithm, which would blow up the rounding of quiet bands.
    assert_one_formula(up_to(PRESETS[name].front_end, Mel), n_rows, RELATIVE)


@pytest.mark.parametrize("name", [name for name in FLAT if flat(name).log])
def test_every_logarithm(name: str) -> None:
    assert_one_formula(PRESETS[name].front_end, 8, 1e-3)


@pytest.mark.parametrize("n_fft", [2, 3, 13, 80, 129, 400, 551, 625, 800, 1103, 2205])
@pytest.mark.parametrize("rate_hz", [8_000, 16_000])
def test_transforms_of_any_length(n_fft: int, rate_hz: int) -> None:
    """Primes, odd lengths, and at 8 kHz filters above the Nyquist frequency."""
    config = replace(
        flat("simli"), sample_rate=rate_hz, n_fft=n_fft, win_length=n_fft, offset=0, hop_length=2
    )
    assert_one_formula(config.front_end, 2, RELATIVE)
