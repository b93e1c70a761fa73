"""The form for compilers computes what the plain form does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from visualizer.mel.presets import PRESETS, preset
from visualizer.mel.transform import CompilableMelTransform, MelTransform

RELATIVE = 1e-5


def both(config: object, n_rows: int) -> tuple[np.ndarray, np.ndarray]:
    frames = torch.randn(n_rows, config.win_length) * 0.1  # type: ignore[attr-defined]
    with torch.inference_mode():
        plain = MelTransform(config)(frames)  # type: ignore[arg-type]
        compilable = CompilableMelTransform(config, n_rows)(frames)  # type: ignore[arg-type]
    return plain.numpy(), compilable.numpy()


@pytest.mark.parametrize("n_rows", [1, 3])
@pytest.mark.parametrize("name", PRESETS)
def test_every_preset(name: str, n_rows: int) -> None:
    # Before the logarithm, which would blow up the rounding of quiet bands.
    config = replace(PRESETS[name].config, log=None)
    plain, compilable = both(config, n_rows)
    assert plain.shape == (n_rows, config.n_mels)
    np.testing.assert_allclose(compilable, plain, rtol=0, atol=RELATIVE * plain.max())


@pytest.mark.parametrize("name", [name for name, p in PRESETS.items() if p.config.log])
def test_every_logarithm(name: str) -> None:
    plain, compilable = both(PRESETS[name].config, 8)
    np.testing.assert_allclose(compilable, plain, rtol=0, atol=1e-3 * np.abs(plain).max())


@pytest.mark.parametrize("n_fft", [2, 3, 13, 80, 129, 400, 551, 625, 800, 1103, 2205])
@pytest.mark.parametrize("rate_hz", [8_000, 16_000])
def test_transforms_of_any_length(n_fft: int, rate_hz: int) -> None:
    """Primes, odd lengths, and at 8 kHz filters above the Nyquist frequency."""
    config = replace(
        preset("simli", rate_hz), n_fft=n_fft, win_length=n_fft, offset=0, hop_length=2
    )
    plain, compilable = both(config, 2)
    np.testing.assert_allclose(compilable, plain, rtol=0, atol=RELATIVE * plain.max())
