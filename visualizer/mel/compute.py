"""Where a kernel can run, found without loading torch."""

from __future__ import annotations

import ctypes
import importlib.util
import platform
import sys
from functools import cache
from pathlib import Path
from typing import Literal, get_args

from visualizer.errors import ConfigError

Compute = Literal["auto", "cpu", "cuda", "mps"]
COMPUTE_CHOICES: tuple[Compute, ...] = get_args(Compute)


def available_devices() -> tuple[Compute, ...]:
    """Return what `--compute` can ask for on this machine."""
    devices: list[Compute] = ["auto", "cpu"]
    if has_cuda():
        devices.append("cuda")
    if sys.platform == "darwin" and platform.machine() == "arm64":
        devices.append("mps")
    return tuple(devices)


def choose_device(compute: Compute) -> str:
    """Return where to compute, as torch names it; "auto" is CUDA where there is a GPU.

    Raises:
        ConfigError: where the choice is not available.
    """
    available = available_devices()
    if compute not in available:
        raise ConfigError(
            f"compute device {compute!r} is not available here",
            f"choose {' or '.join(available)}",
        )
    if compute == "auto":
        return "cuda" if "cuda" in available else "cpu"
    return compute


@cache
def has_cuda() -> bool:
    """Return whether there is a CUDA GPU, and a torch built for one.

    The driver's own library is asked: torch takes seconds to load.
    """
    torch = importlib.util.find_spec("torch")
    if torch is None or torch.origin is None:
        return False
    libraries = Path(torch.origin).parent / "lib"
    if not any(libraries.glob("*torch_cuda*")):
        return False
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
        count = ctypes.c_int()
        found = driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0
    except (OSError, AttributeError):
        return False
    return found and count.value > 0
