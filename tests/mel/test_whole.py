"""One formula over NumPy's float64 and float32 and torch's float32, with gradients."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from tests.mel.chains import filters_of, up_to, up_to_logarithm
from visualizer import MelKernel
from visualizer.mel.arrays import BatchArrays, NumpyArrays
from visualizer.mel.clip import clip_columns, largest_deviation
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.kernels.torch_arrays import TorchArrays
from visualizer.mel.presets import PRESETS
from visualizer.mel.stages.bins import Bins
from visualizer.mel.stages.frames import Frames
from visualizer.mel.stages.mel import Mel
from visualizer.mel.stages.power_law import PowerLaw
from visualizer.mel.stages.spectrum import Spectrum
from visualizer.mel.whole import reference_columns, whole_clip

LINEAR, LOGARITHM = 1e-5, 1e-3
"""Of the largest value: a logarithm blows up the rounding of a quiet band."""


def noise(n_samples: int, n_channels: int = 1) -> np.ndarray:
    samples = np.random.default_rng().normal(0, 0.1, (n_channels, n_samples))
    return samples.astype(np.float32)


def tolerance(front_end: FrontEnd, reference: np.ndarray) -> float:
    share = LINEAR if up_to_logarithm(front_end).values.is_linear else LOGARITHM
    for stage in front_end.stages:
        if isinstance(stage, PowerLaw):
            # What is left of values that pass through zero.
            share = LINEAR**stage.exponent
    return share * float(np.abs(reference).max(initial=0.0))


@pytest.mark.parametrize("name", PRESETS)
def test_every_library_computes_the_reference(name: str) -> None:
    front_end = PRESETS[name].front_end
    samples = noise(front_end.sample_rate // 2 + 37, 2)
    references = np.stack([reference_columns(channel, front_end) for channel in samples])
    assert references.dtype == np.float64
    atol = tolerance(front_end, references)
    for arrays in (NumpyArrays(np.float32), BatchArrays(np.float32)):
        ours = whole_clip(front_end, arrays, samples)
        assert ours.dtype == np.float32
        np.testing.assert_allclose(ours.swapaxes(1, 2), references, rtol=0, atol=atol)
    with torch.inference_mode():
        ours = whole_clip(front_end, TorchArrays(), torch.from_numpy(samples))
    assert ours.dtype == torch.float32
    np.testing.assert_allclose(ours.numpy().swapaxes(1, 2), references, rtol=0, atol=atol)
    pieces = clip_columns(np.ascontiguousarray(samples.T), front_end, 997, streaming=False)
    np.testing.assert_allclose(pieces, references, rtol=0, atol=atol)


@pytest.mark.parametrize("n_samples", [0, 1, 2, 150])
@pytest.mark.parametrize("name", PRESETS)
def test_clips_shorter_than_a_window(name: str, n_samples: int) -> None:
    front_end = PRESETS[name].front_end
    mels = up_to(front_end, Mel, Bins)
    samples = noise(n_samples)
    # A sample mirrored throughout leaves bands with nothing but rounding, so: before logarithms,
    # and measured by the loudest bin, though no band may hold it.
    reference = reference_columns(samples[0], mels)
    bins = reference_columns(samples[0], up_to(front_end, Spectrum))
    is_filtered = any(isinstance(stage, Mel) for stage in front_end.stages)
    weight = float(filters_of(front_end).max()) if is_filtered else 1.0
    atol = LINEAR * weight * float(bins.max(initial=0.0))
    for ours in in_pieces_and_at_once(samples, mels):
        assert ours.shape == reference.shape
        np.testing.assert_allclose(ours, reference, rtol=0, atol=atol)
    finished = reference_columns(samples[0], front_end)
    for ours in in_pieces_and_at_once(samples, front_end):
        assert ours.shape == finished.shape
        assert np.isfinite(ours).all()


def in_pieces_and_at_once(samples: np.ndarray, front_end: FrontEnd) -> Iterator[np.ndarray]:
    yield clip_columns(samples.T, front_end, 64, streaming=False)[0]
    with torch.inference_mode():
        yield MelKernel(front_end).clip(torch.from_numpy(samples).T)[0].numpy()


@pytest.mark.parametrize("edge", Frames.alternatives()["edge"])
def test_the_edges_are_numpys_own(edge: str) -> None:
    """Against np.pad, also where it mirrors a clip more than once."""
    frames = Frames(40, 7, -33, edge)  # type: ignore[arg-type]
    mode = {"zeros": "constant"}.get(edge, edge)
    for n_samples in (1, 2, 5, 100):
        samples = noise(n_samples)
        padded = np.pad(samples, ((0, 0), (33, 33)), mode=mode)  # type: ignore[call-overload]
        n_columns = frames.n_columns(n_samples)
        expected = np.lib.stride_tricks.sliding_window_view(padded, 40, axis=1)[:, ::7]
        ours = frames.of_clip(np, samples, 0, n_columns)
        np.testing.assert_array_equal(ours, expected)
        theirs = frames.of_clip(torch, torch.from_numpy(samples), 0, n_columns)
        np.testing.assert_array_equal(theirs.numpy(), expected)


@pytest.mark.parametrize("name", PRESETS)
def test_gradients_reach_every_sample_and_are_finite(name: str) -> None:
    front_end = PRESETS[name].front_end
    samples = torch.from_numpy(noise(front_end.sample_rate // 4)).T.clone().requires_grad_()
    columns = MelKernel(front_end).clip(samples)
    columns.square().sum().backward()
    assert samples.grad is not None
    assert torch.isfinite(samples.grad).all()
    assert (samples.grad != 0).float().mean() > 0.9


def test_gradients_are_those_of_the_formula() -> None:
    """By the difference quotient of the float64 reference, along one direction."""
    front_end = PRESETS["whisper-80"].front_end
    samples, direction = noise(4000)[0], noise(4000)[0].astype(np.float64)
    leaf = torch.from_numpy(samples)[:, None].clone().requires_grad_()
    MelKernel(front_end).clip(leaf).square().sum().backward()
    assert leaf.grad is not None
    slope = float(leaf.grad[:, 0].double().numpy() @ direction)
    step = 1e-6
    ahead, behind = (
        float((reference_columns(samples + sign * step * direction, front_end) ** 2).sum())
        for sign in (1, -1)
    )
    assert slope == pytest.approx((ahead - behind) / (2 * step), rel=0.02)


@pytest.mark.parametrize("name", ["whisper-80", "hifigan", "seamless", "kaldi"])
def test_gradients_of_silence_are_finite(name: str) -> None:
    samples = torch.zeros((8000, 1), requires_grad=True)
    MelKernel(PRESETS[name].front_end).clip(samples).sum().backward()
    assert samples.grad is not None
    assert torch.isfinite(samples.grad).all()


@pytest.mark.parametrize("name", ["simli", "whisper-80"])
def test_the_deviation_from_the_reference_is_measured(name: str) -> None:
    front_end = PRESETS[name].front_end
    samples = noise(4000)[0]
    deviation, largest = largest_deviation(front_end, samples)
    assert largest == np.abs(reference_columns(samples, front_end)).max()
    assert 0.0 < deviation < LOGARITHM * largest

    class Off:
        backend, device, rows_per_call = "off", "cpu", 1

        def __call__(self, frames: np.ndarray) -> np.ndarray:
            return np.ones((len(frames), front_end.n_kernel_rows), np.float32)

    assert largest_deviation(front_end, samples, Off())[0] > 0.1
