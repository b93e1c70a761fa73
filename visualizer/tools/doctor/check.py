"""One finding, and the words that several of them share."""

from __future__ import annotations

import importlib.metadata
import re
import shlex
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from visualizer.engine.options import RunOptions, kernel_plan
from visualizer.support import system

State = Literal["ok", "note", "lacking"]
"""lacking: the app cannot do all that it is for. note: it can, but this is worth knowing."""


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    name: str
    state: State
    value: str
    """what was found, in one or more lines"""
    mend: str | None = None
    """the command, or the step, that mends it"""


def reinstall(*packages: str) -> str:
    """The pip command that installs packages anew, in the versions that this program takes."""
    try:
        wanted = importlib.metadata.requires("mel-visualizer") or []
    except importlib.metadata.PackageNotFoundError:
        wanted = []
    lines = [
        next((line for line in wanted if re.match(rf"{package}\b", line, re.I)), package)
        for package in packages
    ]
    return shlex.join([sys.executable, "-m", "pip", "install", "--force-reinstall", *lines])


def install(needs: Iterable[system.Need]) -> str:
    """How the system's package manager installs `needs`."""
    command = system.install_command(needs)
    return shlex.join(command) if command else "the package manager of this system installs it"


def mend_sound() -> str:
    """What helps where PortAudio or the sound server does not answer."""
    if sys.platform == "darwin":
        return "sudo killall coreaudiod"
    if sys.platform == "win32":
        return "restart the service Windows Audio"
    return (
        "systemctl --user restart pipewire pipewire-pulse (or: pulseaudio --kill); where that is "
        "no help, `arecord -l` and ~/.asoundrc show what is set up"
    )


def version_of(package: str) -> str | None:
    """That of an installed package, as its metadata has it."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def does_not_load(package: str, error: Exception) -> str:
    """What is to be said of a package whose import fails."""
    version = version_of(package)
    if version is None:
        return f"not installed ({first_line(error)})"
    return f"{version} is installed but does not load: {first_line(error)}"


def first_line(error: Exception) -> str:
    """What an exception says, without what follows its first line."""
    return str(error).strip().partition("\n")[0] or type(error).__name__


def kernels() -> Path:
    """The folder of compiled kernels."""
    folder = kernel_plan(RunOptions()).folder
    assert folder is not None
    return folder
