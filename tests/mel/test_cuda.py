"""The CUDA graph, where there is CUDA."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch

from visualizer.mel.kernels import CudaGraphKernel, EagerKernel
from visualizer.mel.presets import PRESETS, preset
from visualizer.mel.timing import noise_frames

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")

GPU = torch.device("cuda")


@pytest.mark.parametrize("n_rows", [1, 8])
@pytest.mark.parametrize("name", PRESETS)
def test_the_graph_computes_what_the_cpu_does(name: str, n_rows: int) -> None:
    config = PRESETS[name].config
    frames = noise_frames(config, n_rows)
    expected = EagerKernel(config)(frames)
    tolerance = (1e-5 if config.log is None else 1e-3) * np.abs(expected).max()
    kernel = CudaGraphKernel(config, n_rows, GPU)
    for _ in range(3):
        np.testing.assert_allclose(kernel(frames), expected, rtol=0, atol=tolerance)


def test_replayed_results_neither_alias_nor_go_stale() -> None:
    config = preset("simli", 16_000)
    kernel, eager = CudaGraphKernel(config, 1, GPU), EagerKernel(config)
    inputs = [noise_frames(config) for _ in range(50)]
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
        config = preset("simli", 16_000)
        frames = noise_frames(config)
        expected = EagerKernel(config)(frames)
        for _ in range(5):
            columns = CudaGraphKernel(config, 1, GPU)(frames)
            np.testing.assert_allclose(columns, expected, rtol=0, atol=1e-5 * expected.max())
    finally:
        stop.set()
        other.join()
