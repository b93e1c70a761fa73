"""What the machine brings: system libraries, a display, microphones, a compiler, room on disk."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from visualizer.errors import DeviceError
from visualizer.support import system
from visualizer.tools.doctor.check import Check, first_line, install, kernels, mend_sound

if TYPE_CHECKING:
    from visualizer.audio.devices import InputDevice

LITTLE_ROOM_GB = 0.5
"""With less, what a compiler writes on its way may not fit."""
_COMPILER_LIMIT_S = 5.0


def look_at_system() -> Iterator[Check]:
    missing = system.missing()
    for name, needs in (("Qt's libraries", system.WINDOW), ("PortAudio", system.SOUND)):
        lacking = [need for need in missing if need in needs]
        if lacking:
            value = "missing: " + ", ".join(need.what for need in lacking)
            yield Check(name, "lacking", value, install(lacking))
        elif not sys.platform.startswith("linux"):
            yield Check(name, "ok", "comes with its Python package")
        else:
            yield Check(name, "ok", _portaudio_version() if needs is system.SOUND else "all there")
    yield _compiler()
    yield _disk_space()


def _portaudio_version() -> str:
    # By itself: sounddevice would start PortAudio, which some sound configurations make abort.
    version = ctypes.CDLL(system.SOUND[0].what).Pa_GetVersionText
    version.restype = ctypes.c_char_p
    return str(version().decode(errors="replace").partition(",")[0]).removeprefix("PortAudio ")


def _compiler() -> Check:
    # As torch chooses it.
    usual = {"darwin": "clang++", "win32": "cl"}.get(sys.platform, "g++")
    name = os.environ.get("CXX", usual)
    program = shutil.which(name)
    if program is None:
        value = f"there is no {name}; no kernel is compiled, and plain torch goes on"
        return Check("C++ compiler", "note", value, _other_compiler(name))
    if sys.platform == "win32":
        return Check("C++ compiler", "ok", program)
    try:
        asked = subprocess.run(
            [program, "--version"],
            capture_output=True,
            text=True,
            timeout=_COMPILER_LIMIT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        value = f"{program} does not run ({first_line(error)}); plain torch goes on"
        return Check("C++ compiler", "note", value, _other_compiler(name))
    return Check("C++ compiler", "ok", asked.stdout.partition("\n")[0] or program)


def _other_compiler(name: str) -> str:
    if sys.platform == "darwin":
        return "xcode-select --install"
    if sys.platform == "win32":
        return "install Visual Studio's build tools for C++ and start from their prompt"
    if name != "clang++" and shutil.which("clang++"):
        return "CXX=clang++ python3 run.py"
    return install([system.COMPILER])


def _disk_space() -> Check:
    folder = kernels()
    there = next(parent for parent in (folder, *folder.parents) if parent.is_dir())
    free_gb = shutil.disk_usage(there).free / 1e9
    value = f"{free_gb:.1f} GB free in {there}"
    if free_gb < LITTLE_ROOM_GB:
        value += ", which may be too little to compile kernels in"
        return Check("disk space", "note", value, "free some")
    return Check("disk space", "ok", value)


def look_at_display() -> Iterator[Check]:
    problem = system.display_problem()
    if problem is not None:
        value = f"{problem.problem}; the app goes on in the terminal"
        yield Check("display", "lacking", value, problem.remedy)
        return
    try:
        from PyQt6.QtGui import QGuiApplication
    except ImportError:
        yield Check("display", "note", "there, but without Qt no window was tried")
        return
    # Where one of its parts cannot be loaded, Qt ends the process here.
    application = QGuiApplication(["doctor"])
    sizes = [screen.size() for screen in application.screens()]
    screens = ", ".join(f"{size.width()}x{size.height()}" for size in sizes)
    yield Check("display", "ok", f"{application.platformName()}, {screens}")


def look_at_microphones() -> Iterator[Check]:
    from visualizer.audio.listing import list_devices

    try:
        devices = list_devices().devices
    except DeviceError as error:
        lacking = system.missing(window=False)
        mend = install(lacking) if lacking else mend_sound()
        yield Check("microphones", "lacking", str(error), mend)
        return
    if not devices:
        mend = "plug one in, or choose an input in the system's sound settings"
        yield Check("microphones", "lacking", "none was found; files and the demo play", mend)
        return
    default = next((device.name for device in devices if device.is_default), None)
    rows = map(_row, devices)
    if default is None:
        value = "\n".join((f"{len(devices)}, and the system names no default", *rows))
        mend = "choose an input in the system's sound settings, or start with --device NAME"
        yield Check("microphones", "lacking", value, mend)
        return
    yield Check("microphones", "ok", "\n".join((f"{len(devices)}, default {default!r}", *rows)))


def _row(device: InputDevice) -> str:
    return f"{device.name} ({device.host_api}, {device.channels} ch, {device.native_rate} Hz)"
