"""What pip brings, and what can only be looked at with it: torch, Qt, their folders and files.

Each import is made here, in the child process of its part, since a broken library may end it.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator

from visualizer.engine.stored import stored_engine, stored_recording
from visualizer.errors import KernelError
from visualizer.support import system
from visualizer.support.settings_file import is_usable, read_settings, settings_path
from visualizer.tools.doctor.check import (
    Check,
    does_not_load,
    first_line,
    install,
    kernels,
    reinstall,
    version_of,
)


def look_at_torch() -> Iterator[Check]:
    try:
        import torch

        torch.fft.rfft(torch.zeros(800))
    except Exception as error:
        yield Check("torch", "lacking", does_not_load("torch", error), reinstall("torch"))
        return
    yield Check("torch", "ok", torch.__version__)
    yield _cuda()
    if torch.backends.mps.is_available():
        yield Check("MPS", "ok", "there")
    else:
        yield Check("MPS", "note", "none; only Macs have it, and nothing needs it")
    yield _kernel_cache()
    yield _torchaudio()


def _cuda() -> Check:
    import torch

    if not (torch.version.cuda or torch.version.hip):
        return Check("CUDA", "note", "this torch is built without it; the CPU computes")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.ones(1, device="cuda").sum().item()
    except Exception as error:
        # The sentences that follow send the reader to web pages.
        reason = first_line(error).partition(". ")[0]
        return Check("CUDA", "note", f"none that works ({reason}); the CPU computes")
    return Check("CUDA", "ok", f"{torch.cuda.get_device_name()}, CUDA {torch.version.cuda}")


def _kernel_cache() -> Check:
    from visualizer.mel.kernels.artifacts import require_folder

    folder = kernels()
    try:
        require_folder(folder)
    except KernelError as error:
        value = f"{error.problem}; plain torch goes on"
        return Check("kernel cache", "note", value, error.remedy or None)
    return Check("kernel cache", "ok", str(folder))


def _torchaudio() -> Check:
    import torch

    ours = version_of("torchaudio")
    try:
        import torchaudio

        # Importing it is not enough: it loads some of its parts when they are used.
        torchaudio.transforms.Resample(48_000, 16_000)(torch.zeros(480))
    except Exception as error:
        if ours is None:
            value = does_not_load("torchaudio", error)
            return Check("torchaudio", "lacking", value, reinstall("torchaudio"))
        if torch.version.cuda is None and re.search("cuda|nvrtc", str(error), re.I):
            value = (
                f"{ours} is built for CUDA, torch {torch.__version__} is not "
                f"({first_line(error)}); the CUDA builds of both work without a GPU too"
            )
        else:
            value = f"{does_not_load('torchaudio', error)} (torch is {torch.__version__})"
        return Check("torchaudio", "lacking", value, reinstall("torch", "torchaudio"))
    if str(ours).split(".")[:2] == torch.__version__.split(".")[:2]:
        return Check("torchaudio", "ok", f"{ours}")
    # torchaudio comes out more rarely than torch, so another number alone says nothing.
    return Check("torchaudio", "ok", f"{ours}, and works beside torch {torch.__version__}")


def look_at_qt() -> Iterator[Check]:
    try:
        import pyqtgraph
        from PyQt6 import QtCore
    except Exception as error:
        lacking = system.missing()
        mend = install(lacking) if lacking else reinstall("PyQt6", "PyQt6-Qt6", "pyqtgraph")
        yield Check("Qt", "lacking", does_not_load("PyQt6", error), mend)
        return
    versions = f"Qt {QtCore.QT_VERSION_STR}, PyQt6 {QtCore.PYQT_VERSION_STR}"
    yield Check("Qt", "ok", f"{versions}, pyqtgraph {pyqtgraph.__version__}")
    yield _settings()


def _settings() -> Check:
    path = settings_path()
    is_there = path.exists()
    if not is_usable(path):
        verb = "used" if is_there else "made"
        value = f"{path} cannot be {verb}; the window forgets what you choose"
        mend = "make it a file, in a folder, that you may read and write"
        return Check("settings", "note", value, mend)
    try:
        values = read_settings(path)
    except ValueError as error:
        return Check("settings", "note", f"{path} is damaged: {first_line(error)}")
    problems = stored_engine(values.get("engine"))[1] + stored_recording(values.get("recording"))[1]
    if problems:
        value = "\n".join((f"{path}: what does not fit is left out", *problems))
        return Check("settings", "note", value)
    return Check("settings", "ok", str(path) if is_there else f"{path}, which the window will make")
