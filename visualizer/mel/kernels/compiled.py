"""Compiled kernels by way of C, so that torch's Python is not imported, nor mostly its libraries.

Importing torch holds Python's lock for a quarter of a second at a stretch, during which no column
would come. Here the system's loader is called through ctypes, which lets other threads run.
"""

from __future__ import annotations

import ctypes
from ctypes import byref, c_char_p, c_int32, c_int64, c_size_t, c_void_p
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visualizer.mel.front_end import FrontEnd
from visualizer.mel.kernels.host import Frames
from visualizer.mel.kernels.libraries import load_library, torch_library

_ARRAY, _SHAPE = (c_void_p, c_size_t), (c_int64, c_void_p, c_void_p, c_int64)


class CompiledKernel:
    """Machine code that was built ahead of time from the chain; see building.py.

    Its C interface is that of torch/csrc/inductor/aoti_runtime/interface.h, and that of its tensors
    is torch/csrc/inductor/aoti_torch/c/shim.h.
    """

    backend = "compiled"
    device = "cpu"

    def __init__(self, path: Path, front_end: FrontEnd, n_rows: int) -> None:
        """Load what was built for just this, and with this torch: none of that is checked here.

        Raises:
            OSError: where a library cannot be loaded.
            RuntimeError: where it is no kernel.
        """
        self.rows_per_call = n_rows
        # Nothing is ever given back, neither the model nor a library: unloading torch is not safe.
        model, tensors = _loaded(path)
        container = "AOTInductorModelContainer"
        # Where torch is new enough to say.
        self._last_error = getattr(model, "AOTInductorGetLastError", lambda _: None)
        create = _function(model, f"{container}CreateWithDevice", *_ARRAY, c_char_p, c_char_p)
        self._model = c_void_p()
        self._require(create(byref(self._model), 1, b"cpu", None))
        # A run with other numbers of them would end the process.
        for name, expected in (("Inputs", 2), ("Outputs", 1)):
            number = c_size_t()
            get = _function(model, f"{container}GetNum{name}", c_void_p, c_void_p)
            if get(self._model, byref(number)) or number.value != expected:
                raise RuntimeError(f"{str(path)!r} is no kernel: it has {number.value} {name}")
        self._frames = np.zeros((n_rows, front_end.win_length), np.float32)
        self._columns = np.zeros((n_rows, front_end.n_kernel_rows), np.float32)
        self._tensors = [_tensor(tensors, array) for array in (self._frames, self._columns)]
        self._new_handle = _function(tensors, "aoti_torch_new_tensor_handle", c_void_p, c_void_p)
        types = (c_void_p, *_ARRAY, *_ARRAY, c_void_p, c_void_p)
        self._run = _function(model, f"{container}RunSingleThreaded", *types)
        # The kernel returns nothing, for which there is a place that is left as it is.
        self._inputs, self._outputs = (c_void_p * 2)(), (c_void_p * 1)()
        first = ctypes.addressof(self._inputs)
        self._places = first, first + ctypes.sizeof(c_void_p)

    def __call__(self, frames: Frames) -> NDArray[np.float32]:
        """Take (n, win_length); return a new array (n, n_rows). Raise RuntimeError on failure."""
        if len(frames) != self.rows_per_call:
            raise ValueError(f"this kernel takes {self.rows_per_call} rows, not {len(frames)}")
        self._frames[:] = frames
        # A run takes over the handles it gets, though not the memory that they lead to.
        for tensor, place in zip(self._tensors, self._places, strict=True):
            if self._new_handle(tensor, place):
                raise RuntimeError("there is no memory for a handle")
        self._require(self._run(self._model, self._inputs, 2, self._outputs, 1, None, None))
        return self._columns.copy()

    def _require(self, code: int) -> None:
        if code:
            text = c_char_p()
            self._last_error(byref(text))
            raise RuntimeError((text.value or b"torch gave no reason").decode(errors="replace"))


def _loaded(path: Path) -> tuple[ctypes.PyDLL, ctypes.PyDLL]:
    """Return a kernel's library and that of its tensors, which is its own or else torch's."""
    try:
        model = load_library(path)
        model["aoti_torch_new_tensor_handle"]
    except (OSError, AttributeError):
        torch = load_library(torch_library("torch_cpu"))
        return load_library(path), torch
    return model, model


def _function(library: ctypes.CDLL, name: str, *types: Any, result: Any = c_int32) -> Any:
    try:
        function = library[name]
    except AttributeError as error:
        raise RuntimeError(f"{library._name!r} has no {name}") from error
    function.argtypes, function.restype = types, result
    return function


def _tensor(library: ctypes.CDLL, array: NDArray[np.float32]) -> c_void_p:
    """Return a handle, never given back, to a tensor in the array's memory."""
    types = (c_void_p, *_SHAPE, c_int32, c_int32, c_int32, c_void_p)
    create = _function(library, "aoti_torch_create_tensor_from_blob", *types)
    float32 = _function(library, "aoti_torch_dtype_float32")()
    sizes, strides = (c_int64 * 2)(*array.shape), (c_int64 * 2)(array.shape[1], 1)
    handle = c_void_p()
    if create(array.ctypes.data, 2, sizes, strides, 0, float32, 0, 0, byref(handle)):
        raise RuntimeError("there is no memory for a tensor")
    return handle
