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


def run_when_idle() -> None:
    """Leave to this process, and to what it starts, only what no other process wants.

    On a machine that is busy for long it hardly gets on: it is for what nobody waits for.
    """
    yield_to_others()
    if sys.platform == "win32":
        psutil.Process().ionice(psutil.IOPRIO_VERYLOW)
    elif sys.platform == "linux":
        # Where this is not allowed, as in some containers, the lowest priority has to do.
        with suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
            psutil.Process().ionice(psutil.IOPRIO_CLASS_IDLE)
        # Sessions share the processor alike, whatever the priorities within them. Only where the
        # session is this process's own: it may be that of the window.
        if os.getsid(0) == os.getpid():
            with suppress(OSError):
                Path("/proc/self/autogroup").write_text("19")
