"""Processes of this program's own: how they are started, and how they make room for the stream."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil


def own_command(module: str, *arguments: str) -> list[str]:
    """Runs a module of this package, in the environment of `own_environment`."""
    # With -P, nothing in the folder that the user is in is taken for a module.
    return [sys.executable, "-P", "-m", module, *arguments]


def own_environment() -> dict[str, str]:
    """In which this package is found, installed or not: run.py finds it beside itself."""
    beside = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, beside))}


def end(process: subprocess.Popen[Any]) -> None:
    """End a process that was started in a session of its own, and on POSIX what it started.

    Does not wait.
    """
    if sys.platform == "win32":
        process.kill()
    else:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


def how_it_ended(code: int) -> str:
    """Return what an exit code says, as it follows "ended"."""
    return f"by signal {-code} ({signal.strsignal(-code)})" if code < 0 else f"with code {code}"


def yield_to_others() -> None:
    """Give this process the lowest priority there is."""
    if sys.platform == "win32":
        psutil.Process().nice(psutil.IDLE_PRIORITY_CLASS)
    else:
        psutil.Process().nice(19)
