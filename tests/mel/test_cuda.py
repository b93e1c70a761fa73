"""The CUDA graph, where there is CUDA."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch

from visualizer.mel.kernels.timing import noise_frames
from visualizer.mel.kernels.torch_kernels import CudaGraphKernel, EagerKernel
from visualizer.mel.presets import PRESETS, preset_for

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")

GPU = "cuda"


@pytest.mark.parametrize("n_rows", [1, 8])
@pytest.mark.parametrize("name", PRESETS)
def test_the_graph_computes_what_the_cpu_does(name: str, n_rows: int) -> None:
    front_end = PRESETS[name].front_end
    frames = noise_frames(front_end, n_rows)
    expected = EagerKernel(front_end)(frames)
    tolerance = (1e-5 if front_end.values.is_linear else 1e-3) * np.abs(expected).max()
    kernel = CudaGraphKernel(front_end, n_rows, GPU)
    for _ in range(3):
        np.testing.assert_allclose(kernel(frames), expected, rtol=0, atol=tolerance)


def test_replayed_results_neither_alias_nor_go_stale() -> None:
    front_end = preset_for("simli", 16_000)
    kernel, eager = CudaGraphKernel(front_end, 1, GPU), EagerKernel(front_end)
    inputs = [noise_frames(front_end) for _ in range(50)]
    outputs = [kernel(frames) for frames in inputs]
    for frames, columns in zip(inputs, outputs, strict=True):
        expected = eager(frames)
        np.testing.assert_allclose(columns, expected, rtol=0, atol=1e-5 * expected.max())


def test_a_graph_is_captured_beside_other_work() -> None:
    stop = threading.Event()

    def work() -> None:
        a = torch.randn(512, 512, device=GPU)
        while not stop.is_set():
            a = torch.nn.functional.normalize(a @ a)
            a.cpu()

    other = threading.Thread(target=work)
    other.start()
    try:
        front_end = preset_for("simli", 16_000)
        frames = noise_frames(front_end)
        expected = EagerKernel(front_end)(frames)
        for _ in range(5):
            columns = CudaGraphKernel(front_end, 1, GPU)(frames)
            np.testing.assert_allclose(columns, expected, rtol=0, atol=1e-5 * expected.max())
    finally:
        stop.set()
        other.join()
