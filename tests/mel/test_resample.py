from __future__ import annotations

import numpy as np
import pytest
import torch
import torchaudio

from visualizer.mel.resample import StreamingResampler

RATES_HZ = [(48_000, 16_000), (44_100, 16_000), (16_000, 22_050), (8_000, 48_000), (11_025, 16_000)]


def whole(samples: np.ndarray, from_rate: int, to_rate: int) -> np.ndarray:
    """In float64: torchaudio makes filters in the samples' type, those of float32 off by 1e-5."""
    tensor = torch.from_numpy(np.ascontiguousarray(samples.T)).double()
    return torchaudio.functional.resample(tensor, from_rate, to_rate).numpy().T


def noise(n_samples: int) -> np.ndarray:
    return np.random.default_rng().normal(0, 0.1, (n_samples, 2)).astype(np.float32)


@pytest.mark.parametrize(("from_rate", "to_rate"), RATES_HZ)
@pytest.mark.parametrize("n_samples", [1, 100, 20_011])
def test_any_split_gives_the_samples_of_the_whole(
    from_rate: int, to_rate: int, n_samples: int
) -> None:
    samples = noise(n_samples)
    cuts = np.sort(np.random.default_rng().integers(0, n_samples + 1, 30))
    resampler = StreamingResampler(from_rate, to_rate, 2)
    pieces = [resampler.push(piece) for piece in np.split(samples, cuts)]
    ours = np.concatenate((*pieces, resampler.flush()))
    theirs = whole(samples, from_rate, to_rate)
    assert ours.shape == theirs.shape
    # The same filters; a sum in another order differs by some float32 steps.
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-6)


@pytest.mark.parametrize(("from_rate", "to_rate"), RATES_HZ)
def test_no_sample_waits_longer_than_said(from_rate: int, to_rate: int) -> None:
    resampler = StreamingResampler(from_rate, to_rate, 1)
    came = 0
    for position in range(1, 3000):
        came += len(resampler.push(np.zeros((1, 1), np.float32)))
        assert came / to_rate >= position / from_rate - resampler.held_back_s - 1e-9


@pytest.mark.parametrize(("from_rate", "to_rate"), RATES_HZ)
def test_after_a_loss_time_stays_true(from_rate: int, to_rate: int) -> None:
    samples = noise(40_000)
    theirs = whole(samples, from_rate, to_rate)
    resampler = StreamingResampler(from_rate, to_rate, 2)
    before = resampler.push(samples[:10_000])
    place = len(before) + resampler.skip(7_000)
    after = resampler.push(samples[17_000:])
    assert len(after) > 0
    np.testing.assert_allclose(before, theirs[: len(before)], rtol=0, atol=1e-6)
    np.testing.assert_allclose(after, theirs[place : place + len(after)], rtol=0, atol=1e-6)
