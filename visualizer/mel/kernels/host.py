"""Frames in, columns out: what runs on every hop, and the kernel that needs NumPy alone."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from visualizer.mel.arrays import Array, Arrays, NumpyArrays, Operator
from visualizer.mel.front_end import FrontEnd

Frames = NDArray[np.float32]


class HostKernel(Protocol):
    """A front-end's kernel whose window and filters are made once and kept.

    Frames come from, and columns go to, the host's memory, wherever it computes in between;
    tensor_kernel.py has the one for tensors that stay where they are. The frames may belong to as
    many channels, streams or moments as are to be done at once. One thread at a time may call it.
    """

    backend: str
    """how it computes: "numpy", "eager", "compiled" or "cuda-graph\""""
    device: str
    """where, such as "cpu" or "cuda:0\""""
    rows_per_call: int
    """how many frames it is at its best with, or, where it is built for a number, that number"""

    def __call__(self, frames: Frames) -> NDArray[np.float32]:
        """Take (n, win_length); return a new array (n, n_rows) after the kernel's last stage."""


class NumpyKernel:
    """The chain in NumPy, ready at once, for any number of frames."""

    backend = "numpy"
    device = "cpu"
    rows_per_call = 256
    """enough that the cost of a call itself no longer counts"""

    def __init__(self, front_end: FrontEnd, arrays: Arrays | None = None) -> None:
        """Compute with NumpyArrays of float32, or, for many frames at once, with BatchArrays."""
        self._operator = kernel_operator(front_end, arrays or NumpyArrays(np.float32))

    def __call__(self, frames: Frames) -> NDArray[np.float32]:
        columns: NDArray[np.float32] = self._operator(frames)
        return columns


def kernel_operator(front_end: FrontEnd, arrays: Arrays) -> Operator:
    """Return the formula of a front-end's kernel over NumPy's or torch's arrays.

    Returns:
        A function of (n, win_length) samples, ±1.0 at full scale, that returns (n, n_rows).
    """
    operators = [
        stage.operator(arrays, front_end.before(stage)) for stage in front_end.kernel_stages
    ]

    def compute(frames: Array) -> Array:
        for operator in operators:
            frames = operator(frames)
        return frames

    return compute
