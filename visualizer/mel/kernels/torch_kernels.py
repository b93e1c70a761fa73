"""The chain in torch, as it is or captured as a CUDA graph, for frames in the host's memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from visualizer.mel.front_end import FrontEnd
from visualizer.mel.kernels.host import Frames, HostKernel, kernel_operator
from visualizer.mel.kernels.torch_arrays import TorchArrays

T = TypeVar("T")


class EagerKernel:
    """Plain torch operations, for any number of frames.

    Buffers of its own for the results of each operation were measured to save nothing: what
    `out=` saves in allocation it loses in checks.
    """

    backend = "eager"
    rows_per_call = 256
    """enough that the cost of a call itself no longer counts"""

    def __init__(self, front_end: FrontEnd, device: str = "cpu") -> None:
        """Raise RuntimeError where torch does not have the device."""
        self._operator = kernel_operator(front_end, TorchArrays(device))
        self.device = str(torch.empty(0, device=device).device)

    def __call__(self, frames: Frames) -> NDArray[np.float32]:
        with torch.inference_mode():
            columns = self._operator(torch.from_numpy(frames).to(self.device))
            rows: NDArray[np.float32] = columns.cpu().numpy()
        return rows


class CudaGraphKernel:
    """The chain with both copies as one CUDA graph, captured once and replayed on each call.

    The result is copied out of the graph's own memory, so no later call changes it.
    """

    backend = "cuda-graph"

    def __init__(self, front_end: FrontEnd, n_rows: int, device: str) -> None:
        """Raise RuntimeError where the capture fails."""
        self.device = str(torch.empty(0, device=device).device)
        self.rows_per_call = n_rows
        operator = kernel_operator(front_end, TorchArrays(self.device))
        self._input = torch.zeros((n_rows, front_end.win_length), pin_memory=True)
        self._output = torch.zeros((n_rows, front_end.n_kernel_rows), pin_memory=True)
        self._frames, self._columns = self._input.numpy(), self._output.numpy()

        def compute_pinned() -> None:
            columns = operator(self._input.to(self.device, non_blocking=True))
            self._output.copy_(columns, non_blocking=True)

        with torch.inference_mode():
            self._graph, self._stream, _ = captured(compute_pinned, self.device)
        self._done = torch.cuda.Event()  # type: ignore[no-untyped-call]

    def __call__(self, frames: Frames) -> NDArray[np.float32]:
        if len(frames) != self.rows_per_call:
            raise ValueError(f"this kernel takes {self.rows_per_call} rows, not {len(frames)}")
        np.copyto(self._frames, frames)
        with torch.cuda.stream(self._stream):
            self._graph.replay()
            self._done.record()
        # Unlike a query in a loop, this lets other threads run.
        self._done.synchronize()
        return self._columns.copy()


def captured(
    compute: Callable[[], T], device: torch.device | str
) -> tuple[torch.cuda.CUDAGraph, torch.cuda.Stream, T]:
    """Return a computation as a CUDA graph, the stream it was captured on, and what it returned.

    Raises:
        RuntimeError: where it cannot be captured.
    """
    with torch.cuda.device(device):
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            # cuFFT's plan and the libraries' workspaces cannot be made during a capture.
            for _ in range(3):
                compute()
        stream.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"):
            result = compute()
    return graph, stream, result


def torch_kernel(front_end: FrontEnd, device: str) -> HostKernel:
    """Return torch's best kernel that needs no building, for one frame a call.

    That is a CUDA graph where there is CUDA, else eager.

    Raises:
        RuntimeError: where torch cannot do it on that device.
    """
    if device.startswith("cuda"):
        return CudaGraphKernel(front_end, 1, device)
    return EagerKernel(front_end, device)
