"""What goes before a model: tensors in, tensors out, on one device."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from visualizer import ConfigError, KernelError, MelKernel, MelStream, preset
from visualizer.mel.clip import clip_columns
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.kernels.artifacts import Artifact
from visualizer.mel.kernels.host import NumpyKernel
from visualizer.mel.kernels.timing import noise_frames
from visualizer.mel.kernels.torch_kernels import EagerKernel
from visualizer.mel.presets import PRESETS, preset_for

TOLERANCE = 1e-5
"""Of the largest value; on a CPU all but the normalised front-ends are equal to the last bit."""


def noise(n_samples: int, n_channels: int = 2) -> np.ndarray:
    return np.random.default_rng().normal(0, 0.1, (n_samples, n_channels)).astype(np.float32)


def assert_close(ours: torch.Tensor, theirs: np.ndarray) -> None:
    assert tuple(ours.shape) == theirs.shape
    assert ours.dtype == torch.float32
    atol = TOLERANCE * np.abs(theirs).max(initial=0)
    np.testing.assert_allclose(ours.numpy(), theirs, rtol=0, atol=atol)


def as_the_program_does(samples: np.ndarray, front_end: FrontEnd) -> np.ndarray:
    """The columns of a finished clip by torch's kernel: NumPy's rounds otherwise."""
    kernel = EagerKernel(front_end)
    return clip_columns(samples, front_end, 1 << 20, streaming=False, kernel=kernel)


@pytest.mark.parametrize("n_samples", [0, 1, 150, None])
@pytest.mark.parametrize("name", PRESETS)
def test_a_clip_is_what_the_model_gets(name: str, n_samples: int | None) -> None:
    """The short ones are mirrored more than once, or give no column."""
    front_end = PRESETS[name].front_end
    samples = noise(front_end.sample_rate + 37 if n_samples is None else n_samples)
    theirs = as_the_program_does(samples, front_end)
    assert_close(MelKernel(front_end).clip(torch.from_numpy(samples)), theirs)


def test_a_clip_longer_than_what_is_computed_at_once() -> None:
    front_end = preset_for("whisper-80")
    samples = noise(50 * front_end.sample_rate, 1)
    theirs = as_the_program_does(samples, front_end)
    assert_close(MelKernel(front_end).clip(torch.from_numpy(samples)), theirs)


def test_the_frames_of_a_clip_of_several_channels_never_lie_in_memory_at_once() -> None:
    front_end = preset_for("whisper-80")
    kernel = MelKernel(front_end)
    samples = torch.from_numpy(noise(120 * front_end.sample_rate, 3))
    activities = [torch.profiler.ProfilerActivity.CPU]
    with torch.profiler.profile(activities=activities, profile_memory=True) as profile:
        columns = kernel.clip(samples)
    largest = max(event.cpu_memory_usage for event in profile.events())
    assert largest < 4 * columns.numel() * front_end.win_length / front_end.n_rows / 2
    for channel in range(3):
        alone = kernel.clip(samples[:, channel : channel + 1])
        assert_close(columns[channel : channel + 1], alone.numpy())


@pytest.mark.parametrize("name", PRESETS)
def test_a_call_gives_the_columns_before_what_needs_the_clip(name: str) -> None:
    front_end = PRESETS[name].front_end
    frames = noise_frames(front_end, 3)
    columns = MelKernel(front_end)(torch.from_numpy(frames))
    np.testing.assert_array_equal(columns.numpy(), EagerKernel(front_end)(frames))


def test_hops_of_a_kernel_are_a_streams_columns() -> None:
    front_end = preset_for("simli", 16_000)
    samples = noise(8000, 1)
    stream = MelStream(front_end, 16_000, 1, EagerKernel(front_end))
    theirs = stream.push(samples)[0]
    padded = np.pad(samples[:, 0], (-front_end.offset, 0))
    kernel = MelKernel(front_end)
    for t in range(theirs.shape[1]):
        at = t * front_end.hop_length
        frame = torch.from_numpy(padded[None, at : at + front_end.win_length])
        np.testing.assert_array_equal(kernel(frame)[0].numpy(), theirs[:, t])


def test_gradients_pass_through() -> None:
    kernel = MelKernel(preset("hifigan"))
    samples = torch.from_numpy(noise(8000, 1)).requires_grad_()
    kernel.clip(samples).square().mean().backward()
    assert samples.grad is not None
    assert torch.isfinite(samples.grad).all()
    assert samples.grad.abs().max() > 0


def test_a_compiled_kernel_takes_and_gives_tensors(compiled_simli: Artifact) -> None:
    front_end = compiled_simli.front_end
    kernel = MelKernel.compiled(front_end, compiled_simli.folder)
    assert (kernel.backend, kernel.n_frames, kernel.device.type) == ("compiled", 1, "cpu")
    frames = noise_frames(front_end)
    expected = NumpyKernel(front_end)(frames)
    first = kernel(torch.from_numpy(frames))
    kept = first.clone()
    assert_close(first, expected)
    kernel(torch.from_numpy(noise_frames(front_end)))
    assert torch.equal(first, kept)
    with pytest.raises(ValueError, match=r"\(2, 800\); \(1, 800\) is expected"):
        kernel(torch.zeros(2, 800))
    assert kernel.clip(torch.zeros(16_000, 1)).shape == (1, 80, 81)


def test_what_cannot_be_compiled_is_said(tmp_path: Path) -> None:
    no_folder = tmp_path / "file"
    no_folder.touch()
    with pytest.raises(KernelError, match="compiled kernels cannot be kept in"):
        MelKernel.compiled(preset("simli"), no_folder)


@pytest.mark.parametrize(
    ("frames", "complaint"),
    [
        (torch.zeros(1, 799), r"shape \(1, 799\); \(n, 800\) is expected"),
        (torch.zeros(800), r"shape \(800,\); \(n, 800\) is expected"),
        (torch.zeros(1, 800, dtype=torch.float64), "torch.float64 on cpu; torch.float32"),
        (torch.zeros(1, 800, dtype=torch.int16), "torch.int16 on cpu; torch.float32, ±1.0"),
        (torch.zeros(1, 800, device="meta"), "on meta; .* on cpu is expected"),
        (np.zeros((1, 800), np.float32), "not ndarray; torch.from_numpy"),
    ],
)
def test_frames_of_another_kind_are_refused(frames: torch.Tensor, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        MelKernel(preset("simli", 16_000))(frames)


@pytest.mark.parametrize(
    ("samples", "complaint"),
    [
        (torch.zeros(800), r"shape \(800,\); \(n_samples, n_channels\) is expected"),
        (torch.zeros(800, 1, dtype=torch.float64), "torch.float32"),
    ],
)
def test_samples_of_another_kind_are_refused(samples: torch.Tensor, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        MelKernel(preset("simli", 16_000)).clip(samples)


@pytest.mark.parametrize("device", ["cuda:99", "abacus"])
def test_a_device_that_is_not_there_is_refused_in_words(device: str) -> None:
    with pytest.raises(ConfigError, match=f"cannot compute on device '{device}' here"):
        MelKernel(preset("simli"), device)


def test_a_name_is_no_front_end(tmp_path: Path) -> None:
    for make in (MelKernel, lambda name: MelKernel.compiled(name, tmp_path)):
        with pytest.raises(ConfigError, match="the front-end is 'simli'; it must be a FrontEnd or"):
            make("simli")  # type: ignore[arg-type]


def test_a_cuda_graph_needs_cuda() -> None:
    with pytest.raises(ConfigError, match="device is 'cpu'; CUDA graphs need a CUDA device"):
        MelKernel.cuda_graph(preset("simli"), device="cpu")
