"""What the machine brings: system libraries, a display, microphones, a compiler, room on disk."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Callable

from visualizer.errors import DeviceError
from visualizer.support import system
from visualizer.tools.doctor.check import Check, first_line, install, kernel_folder, sound_remedy

LITTLE_ROOM_GB = 0.5
"""With less, what a compiler writes on its way may not fit."""
_COMPILER_LIMIT_S = 5.0


def look_at_qt_libraries() -> Check:
    return _libraries(system.WINDOW, lambda: "all there")


def look_at_portaudio() -> Check:
    return _libraries(system.SOUND, _portaudio_version)


def _libraries(needs: tuple[system.Need, ...], describe: Callable[[], str]) -> Check:
    if not sys.platform.startswith("linux"):
        return Check("ok", "comes with its Python package")
    missing = [need for need in system.missing() if need in needs]
    if not missing:
        return Check("ok", describe())
    value = "missing: " + ", ".join(need.what for need in missing)
    return Check("problem", value, install(missing))


def _portaudio_version() -> str:
    # By itself: sounddevice would start PortAudio, which some sound configurations make abort.
    version = ctypes.CDLL(system.SOUND[0].what).Pa_GetVersionText
    version.restype = ctypes.c_char_p
    return str(version().decode(errors="replace").partition(",")[0]).removeprefix("PortAudio ")


def look_at_compiler() -> Check:
    # As torch chooses it.
    usual = {"darwin": "clang++", "win32": "cl"}.get(sys.platform, "g++")
    name = os.environ.get("CXX", usual)
    program = shutil.which(name)
    if program is None:
        value = f"there is no {name}; no kernel is compiled, and NumPy's kernel runs"
        return Check("note", value, _other_compiler(name))
    if sys.platform == "win32":
        return Check("ok", program)
    command = [program, "--version"]
    try:
        said = subprocess.check_output(
            command, text=True, errors="replace", timeout=_COMPILER_LIMIT_S
        )
    except (OSError, subprocess.SubprocessError) as error:
        value = f"{program} does not run ({first_line(error)}); NumPy's kernel runs"
        return Check("note", value, _other_compiler(name))
    return Check("ok", said.partition("\n")[0] or program)


def _other_compiler(name: str) -> str:
    if sys.platform == "darwin":
        return "xcode-select --install"
    if sys.platform == "win32":
        return "install Visual Studio's build tools for C++ and start from their prompt"
    if name != "clang++" and shutil.which("clang++"):
        return "CXX=clang++ python3 run.py"
    return install([system.COMPILER])


def look_at_disk() -> Check:
    folder = kernel_folder()
    there = next(parent for parent in (folder, *folder.parents) if parent.is_dir())
    free_gb = shutil.disk_usage(there).free / 1e9
    value = f"{free_gb:.1f} GB free in {there}"
    if free_gb < LITTLE_ROOM_GB:
        return Check("note", f"{value}, which may be too little to compile kernels in", "free some")
    return Check("ok", value)


def look_at_display() -> Check:
    problem = system.display_problem()
    if problem is not None:
        value = f"{problem.problem}; the app goes on in the terminal"
        return Check("problem", value, problem.remedy)
    try:
        from PyQt6.QtGui import QGuiApplication
    except ImportError:
        return Check("note", "there, but without Qt no window was tried")
    # Where one of its parts cannot be loaded, Qt ends the process here.
    application = QGuiApplication(["doctor"])
    sizes = [screen.size() for screen in application.screens()]
    screens = ", ".join(f"{size.width()}x{size.height()}" for size in sizes)
    return Check("ok", f"{application.platformName()}, {screens}")


def look_at_microphones() -> Check:
    from visualizer.audio.listing import list_devices

    try:
        devices = list_devices().devices
    except DeviceError as error:
        missing = system.missing(window=False)
        return Check("problem", str(error), install(missing) if missing else sound_remedy())
    if not devices:
        remedy = "plug one in, or choose an input in the system's sound settings"
        return Check("problem", "none was found; files and the demo play", remedy)
    default = next((device.name for device in devices if device.is_default), None)
    rows = [
        f"{device.name} ({device.host_api}, {device.channels} ch, {device.native_rate} Hz)"
        for device in devices
    ]
    if default is None:
        value = "\n".join((f"{len(devices)}, and the system names no default", *rows))
        remedy = "choose an input in the system's sound settings, or start with --device NAME"
        return Check("problem", value, remedy)
    return Check("ok", "\n".join((f"{len(devices)}, default {default!r}", *rows)))
