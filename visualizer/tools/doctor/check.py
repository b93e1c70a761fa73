"""One finding, and the texts that several of them share."""

from __future__ import annotations

import importlib.metadata
import re
import shlex
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from visualizer.errors import one_line
from visualizer.support import system
from visualizer.support.folders import cache_folder

State = Literal["ok", "note", "problem"]
"""problem: the program cannot do all that it is for. note: it can, but this is worth knowing."""


@dataclass(frozen=True)
class Check:
    """What was found of one thing."""

    state: State
    value: str
    """in one or more lines"""
    remedy: str | None = None
    """the command, or the step, that helps"""
    figures: dict[str, Any] | None = None
    """what was measured, as plain JSON values"""


def reinstall(*packages: str) -> str:
    """Return the pip command that installs packages anew, in the versions this program takes."""
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
    """Return how the system's package manager installs `needs`."""
    command = system.install_command(needs)
    return shlex.join(command) if command else "the package manager of this system installs it"


def sound_remedy() -> str:
    """Return what helps where PortAudio or the sound server does not answer."""
    if sys.platform == "darwin":
        return "sudo killall coreaudiod"
    if sys.platform == "win32":
        return "restart the service Windows Audio"
    return (
        "systemctl --user restart pipewire pipewire-pulse (or: pulseaudio --kill); where that is "
        "no help, `arecord -l` and ~/.asoundrc show what is set up"
    )


def does_not_load(package: str, error: Exception) -> str:
    """Return what a finding says of a package whose import fails."""
    try:
        version = importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return f"not installed ({first_line(error)})"
    return f"{version} is installed but does not load: {first_line(error)}"


def first_line(error: Exception) -> str:
    """Return what an exception says, without what follows its first line."""
    return one_line(str(error).strip().partition("\n")[0]) or type(error).__name__


def kernel_folder() -> Path:
    """Return the folder of compiled kernels."""
    return cache_folder() / "kernels"
