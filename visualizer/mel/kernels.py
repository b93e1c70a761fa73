"""Frames in, mel columns out: what runs on every hop."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from visualizer.errors import ConfigError
from visualizer.mel.compute import Compute
from visualizer.mel.flat import MelConfig
from visualizer.mel.transform import MelTransform

Rows = NDArray[np.float32]


class HostKernel(Protocol):
    """A mel transform whose window and filterbank are made once and kept.

    Frames come from, and columns go to, the host's memory, wherever it computes in between;
    tensor_kernel.py has the one for tensors that stay where they are. Rows are frames of as many
    channels, streams or moments as are to be done at once. One thread at a time may call it, best
    in torch.inference_mode.
    """

    backend: str
    """how it computes"""
    device: str
    """where, in torch's words"""
    rows_per_call: int
    """how many rows it is at its best with, or, where it is built for a number, that number"""

    def __call__(self, frames: Rows) -> Rows:
        """(n, win_length) to a new array (n, n_mels), the logarithm included."""


class EagerKernel:
    """Plain torch operations, ready at once, for any number of rows.

    Buffers of its own for the results of each operation were measured to save nothing: what
    `out=` saves in allocation it loses in checks.
    """

    backend = "eager"
    rows_per_call = 256
    """so many that what a call costs by itself no longer counts"""

    def __init__(self, config: MelConfig, device: torch.device | None = None) -> None:
        """On the CPU where no device is said."""
        self._device = device or torch.device("cpu")
        self.device = str(self._device)
        self._transform = MelTransform(config, device)

    def __call__(self, frames: Rows) -> Rows:
        columns = self._transform(torch.from_numpy(frames).to(self._device))
        rows: Rows = columns.cpu().numpy()
        return rows


class CompiledKernel:
    """Machine code that was built ahead of time from the transform; see artifacts.py."""

    backend = "compiled"
    device = "cpu"

    def __init__(self, path: str, config: MelConfig, n_rows: int) -> None:
        """Load what was built for just this. Raises RuntimeError where that fails."""
        self.rows_per_call = n_rows
        # Not torch._inductor's own wrapper: it imports the compiler, which takes over a second,
        # spends half as long again on each call, and unpacks files that a hard end leaves behind.
        self._model = torch._C._aoti.AOTIModelContainerRunnerCpu(path, 1)
        tensors = torch.zeros((n_rows, config.win_length)), torch.zeros((n_rows, config.n_mels))
        self._buffers = list(tensors)
        self._frames, self._columns = (tensor.numpy() for tensor in tensors)

    def __call__(self, frames: Rows) -> Rows:
        if len(frames) != self.rows_per_call:
            raise ValueError(f"this kernel takes {self.rows_per_call} rows, not {len(frames)}")
        self._frames[:] = frames
        self._model.run(self._buffers)
        return self._columns.copy()


class CudaGraphKernel:
    """The transform with both copies as one CUDA graph, captured once and replayed on each call.

    Made, and called, on one thread. The result is copied out of the graph's own memory, so no
    later call changes it.
    """

    backend = "cuda-graph"

    def __init__(self, config: MelConfig, n_rows: int, device: torch.device) -> None:
        """Raises RuntimeError where the capture fails."""
        self.device = str(device)
        self.rows_per_call = n_rows
        transform = MelTransform(config, device)
        self._input = torch.zeros((n_rows, config.win_length), pin_memory=True)
        self._output = torch.zeros((n_rows, config.n_mels), pin_memory=True)
        self._frames, self._columns = self._input.numpy(), self._output.numpy()

        def transform_pinned() -> None:
            columns = transform(self._input.to(device, non_blocking=True))
            self._output.copy_(columns, non_blocking=True)

        with torch.cuda.device(device):
            self._stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
            self._done = torch.cuda.Event()  # type: ignore[no-untyped-call]
            with torch.inference_mode(), torch.cuda.stream(self._stream):
                # cuFFT's plan and the libraries' workspaces cannot be made during a capture.
                for _ in range(3):
                    transform_pinned()
                self._stream.synchronize()
                self._graph = torch.cuda.CUDAGraph()
                with torch.cuda.graph(
                    self._graph, stream=self._stream, capture_error_mode="thread_local"
                ):
                    transform_pinned()

    def __call__(self, frames: Rows) -> Rows:
        if len(frames) != self.rows_per_call:
            raise ValueError(f"this kernel takes {self.rows_per_call} rows, not {len(frames)}")
        np.copyto(self._frames, frames)
        with torch.cuda.stream(self._stream):
            self._graph.replay()
            self._done.record()
        # Unlike a query in a loop, this lets other threads run.
        self._done.synchronize()
        return self._columns.copy()


def ready_kernel(config: MelConfig, n_rows: int, device: torch.device) -> HostKernel:
    """The best kernel that needs no building: a CUDA graph where there is CUDA, else eager.

    Raises RuntimeError where torch cannot do it on that device.
    """
    if device.type == "cuda":
        return CudaGraphKernel(config, n_rows, device)
    return EagerKernel(config, device)


def available_devices() -> tuple[Compute, ...]:
    """What `--compute` can ask for with this torch on this machine."""
    devices: list[Compute] = ["auto", "cpu"]
    if torch.cuda.is_available():
        devices.append("cuda")
    if torch.backends.mps.is_available():
        devices.append("mps")
    return tuple(devices)


def choose_device(compute: Compute) -> torch.device:
    """The torch device for a choice of the user's; "auto" is CUDA where there is one.

    Raises ConfigError where the choice is not available.
    """
    available = available_devices()
    if compute not in available:
        raise ConfigError(
            f"compute device {compute!r} is not available to torch {torch.__version__} here; "
            f"choose {' or '.join(available)}"
        )
    if compute == "auto":
        return torch.device("cuda" if "cuda" in available else "cpu")
    return torch.device(compute)
