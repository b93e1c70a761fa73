"""What pip brings, and what can only be looked at with it: torch, Qt, their folders and files.

Each import is made here, in the child process of its part, since a broken library may end it.
"""

from __future__ import annotations

import re
import warnings

from visualizer.errors import KernelError
from visualizer.support import system
from visualizer.tools.doctor.check import (
    Check,
    does_not_load,
    first_line,
    install,
    kernel_folder,
    reinstall,
)


def look_at_torch() -> Check:
    try:
        import torch

        torch.fft.rfft(torch.zeros(800))
    except Exception as error:
        return Check("problem", does_not_load("torch", error), reinstall("torch"))
    return Check("ok", torch.__version__)


def look_at_cuda() -> Check:
    import torch

    if not (torch.version.cuda or torch.version.hip):
        return Check("note", "this torch is built without it; the CPU computes")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.ones(1, device="cuda").sum().item()
    except Exception as error:
        # The sentences that follow send the reader to web pages.
        reason = first_line(error).partition(". ")[0]
        return Check("note", f"none that works ({reason}); the CPU computes")
    return Check("ok", f"{torch.cuda.get_device_name()}, CUDA {torch.version.cuda}")


def look_at_mps() -> Check:
    import torch

    if torch.backends.mps.is_available():
        return Check("ok", "there")
    return Check("note", "none; only Macs have it, and nothing needs it")


def look_at_kernel_cache() -> Check:
    from visualizer.mel.kernels.artifacts import require_folder

    folder = kernel_folder()
    try:
        require_folder(folder)
    except KernelError as error:
        return Check("note", f"{error.problem}; NumPy's kernel runs", error.remedy or None)
    return Check("ok", str(folder))


def look_at_torchaudio() -> Check:
    import torch

    try:
        import torchaudio

        # Importing it is not enough: it loads some of its parts when they are used.
        torchaudio.transforms.Resample(48_000, 16_000)(torch.zeros(480))
    except Exception as error:
        value = does_not_load("torchaudio", error)
        if torch.version.cuda is None and re.search("cuda|nvrtc", str(error), re.I):
            value += f"; it is built for CUDA, torch {torch.__version__} is not: the CUDA builds "
            value += "of both work without a GPU too"
        return Check("problem", value, reinstall("torch", "torchaudio"))
    # torchaudio comes out more rarely than torch, so another number alone says nothing.
    return Check("ok", f"{torchaudio.__version__}, and works with torch {torch.__version__}")


def look_at_qt() -> Check:
    try:
        import pyqtgraph
        from PyQt6 import QtCore
    except Exception as error:
        missing = system.missing()
        remedy = install(missing) if missing else reinstall("PyQt6", "PyQt6-Qt6", "pyqtgraph")
        return Check("problem", does_not_load("PyQt6", error), remedy)
    versions = f"Qt {QtCore.QT_VERSION_STR}, PyQt6 {QtCore.PYQT_VERSION_STR}"
    return Check("ok", f"{versions}, pyqtgraph {pyqtgraph.__version__}")


def look_at_settings() -> Check:
    from visualizer.engine.stored import stored_engine, stored_recording
    from visualizer.support.settings_file import is_there, is_usable, read_settings, settings_path

    path = settings_path()
    was_made = is_there(path)
    if not is_usable(path):
        verb = "used" if was_made else "made"
        value = f"{path} cannot be {verb}; the window forgets what you choose"
        return Check("note", value, "make it a file, in a folder, that you may read and write")
    try:
        values = read_settings(path)
    except ValueError as error:
        return Check("note", f"{path} is damaged: {first_line(error)}")
    problems = stored_engine(values.get("engine"))[1] + stored_recording(values.get("recording"))[1]
    if problems:
        return Check("note", "\n".join((f"{path}: what does not fit is left out", *problems)))
    return Check("ok", str(path) if was_made else f"{path}, which the window will make")
