"""What only CUDA does: graphs, and clips that stay on the GPU; `bench --gpu` runs these tests.

They need torch, NumPy and pytest alone, and no fixtures.
"""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch

from visualizer import MelKernel
from visualizer.mel.clip import clip_columns
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.kernels.timing import noise_frames
from visualizer.mel.kernels.torch_kernels import CudaGraphKernel, EagerKernel
from visualizer.mel.presets import PRESETS, preset_for

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")

GPU = "cuda"
N_BESIDE = 5


def assert_close(front_end: FrontEnd, ours: np.ndarray, theirs: np.ndarray) -> None:
    """A logarithm blows up the rounding of a quiet band, and a GPU sums in another order."""
    assert ours.shape == theirs.shape
    assert ours.dtype == np.float32
    tolerance = (1e-5 if front_end.values.is_linear else 1e-3) * np.abs(theirs).max()
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance)


@pytest.mark.parametrize("n_rows", [1, 8])
@pytest.mark.parametrize("name", PRESETS)
def test_a_graph_computes_what_the_cpu_does(name: str, n_rows: int) -> None:
    """With both copies, and on tensors that stay on the GPU."""
    front_end = PRESETS[name].front_end
    with_copies = CudaGraphKernel(front_end, n_rows, GPU)
    staying = MelKernel.cuda_graph(front_end, n_rows)
    eager = EagerKernel(front_end)
    inputs = [noise_frames(front_end, n_rows) for _ in range(3)]
    expected = [eager(frames) for frames in inputs]
    # All first, so that a result in memory which a later replay writes to would show.
    copied = [with_copies(frames) for frames in inputs]
    stayed = [staying(torch.from_numpy(frames).to(GPU)) for frames in inputs]
    for theirs, ours, columns in zip(expected, copied, stayed, strict=True):
        assert_close(front_end, ours, theirs)
        assert columns.device == staying.device
        assert_close(front_end, columns.cpu().numpy(), theirs)


@pytest.mark.parametrize("name", PRESETS)
def test_a_clip_stays_on_the_gpu(name: str) -> None:
    front_end = PRESETS[name].front_end
    noise = np.random.default_rng().normal(0, 0.1, (front_end.sample_rate, 2)).astype(np.float32)
    eager = EagerKernel(front_end)
    theirs = clip_columns(noise, front_end, 1 << 20, streaming=False, kernel=eager)
    kernel = MelKernel(front_end, GPU)
    ours = kernel.clip(torch.from_numpy(noise).to(GPU))
    assert ours.device == kernel.device == torch.device("cuda", torch.cuda.current_device())
    np.testing.assert_allclose(
        ours.cpu().numpy(), theirs, rtol=0, atol=1e-3 * np.abs(theirs).max(initial=0)
    )


def test_nothing_goes_through_the_host() -> None:
    """torch itself refuses what would make the host wait for the GPU."""
    front_end = preset_for("hifigan")
    eager, graph = MelKernel(front_end, GPU), MelKernel.cuda_graph(front_end)
    frames = torch.from_numpy(noise_frames(front_end)).to(GPU)
    eager(frames), graph(frames)
    torch.cuda.set_sync_debug_mode("error")
    try:
        eager(frames), graph(frames)
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_a_graph_made_in_one_thread_runs_in_another_beside_other_work() -> None:
    """As in the program: "kernels" makes it, the worker runs it, and a model may be at work."""
    stop = threading.Event()

    def work() -> None:
        a = torch.randn(512, 512, device=GPU)
        while not stop.is_set():
            a = torch.nn.functional.normalize(a @ a)
            a.cpu()

    front_end = preset_for("simli", 16_000)
    frames = noise_frames(front_end)
    made: list[CudaGraphKernel] = []
    other = threading.Thread(target=work)
    other.start()
    try:
        for _ in range(N_BESIDE):
            maker = threading.Thread(target=lambda: made.append(CudaGraphKernel(front_end, 1, GPU)))
            maker.start()
            maker.join()
        assert len(made) == N_BESIDE
        for kernel in made:
            assert_close(front_end, kernel(frames), EagerKernel(front_end)(frames))
    finally:
        stop.set()
        other.join()


def test_kernels_that_are_given_up_give_their_memory_back() -> None:
    """As where one front-end after the other is picked."""
    front_end = preset_for("simli", 16_000)
    frames = noise_frames(front_end)

    def taken() -> int:
        CudaGraphKernel(front_end, 8, GPU)(frames.repeat(8, axis=0))
        torch.cuda.synchronize()
        torch.cuda.empty_cache()
        return torch.cuda.memory_reserved()

    # torch has 32 streams, each with a workspace of its libraries from its first use on.
    for _ in range(40):
        before = taken()
    for _ in range(10):
        assert taken() <= before
