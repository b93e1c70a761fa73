"""Processes of this program's own: how they are started, and how they make room for the stream."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import psutil


def own_command(module: str, *arguments: str) -> list[str]:
    """Runs a module of this package, in the environment of `own_environment`."""
    # With -P, nothing in the folder that the user is in is taken for a module.
    return [sys.executable, "-P", "-m", module, *arguments]


def own_environment() -> dict[str, str]:
    """In which this package is found, installed or not: run.py finds it beside itself."""
    beside = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, beside))}


def yield_to_others() -> None:
    """Give this process the lowest priority there is."""
    if sys.platform == "win32":
        psutil.Process().nice(psutil.IDLE_PRIORITY_CLASS)
    else:
        psutil.Process().nice(19)
