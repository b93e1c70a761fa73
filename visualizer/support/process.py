"""This process: how it is set up for real time, and what it uses of the machine."""

from __future__ import annotations

import gc
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

SWITCH_INTERVAL_S = 0.0005
"""How long a thread may keep Python to itself; the default of 5 ms makes callbacks that late."""


def begin() -> None:
    """Set up before the heavy imports: walking ever more modules is a tenth of the start."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    gc.disable()


def hold_standard_streams() -> None:
    """Open those that were closed, into nothing.

    Else the next file or socket opened takes such a number, and gets what libraries print.
    """
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(number)
    sys.stdout = sys.stdout or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    sys.stderr = sys.stderr or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115


def keep_arrays_on_one_thread() -> None:
    """Have NumPy and torch compute on the thread that asks for it; before either is loaded.

    Threads of their own would only take turns with ours for the little work of a hop.
    """
    for library in ("OPENBLAS", "OMP", "MKL"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")


def settle() -> None:
    """Collect garbage again, but not what lives now: walking through that takes over 100 ms."""
    gc.freeze()
    gc.enable()


def leave(exit_code: int) -> NoReturn:
    """End the process here and now, with nothing left to write.

    Taking torch and Qt apart object by object takes up to half a second, and a thread that hangs
    in a library would keep us for good.
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            # The reader of the output has seen enough.
            continue
        except OSError as error:
            if exit_code == 0:
                problem = f"visualizer: the output cannot be written: {error.strerror}\n"
                os.write(2, problem.encode())
                exit_code = 2
    os._exit(exit_code)


class StopSignals:
    """Notes Ctrl-C and SIGTERM, which then end nothing by themselves; made on the main thread."""

    def __init__(self) -> None:
        self.exit_code = 0
        """what to end with; 0 while none has come"""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._note)

    def _note(self, number: int, _frame: object) -> None:
        self.exit_code = 128 + number


class TerminatedError(KeyboardInterrupt):
    """SIGTERM came, which is to end a command in order, as Ctrl-C does."""

    exit_code = 128 + signal.SIGTERM


@contextmanager
def raising_on_sigterm() -> Iterator[None]:
    """Raise TerminatedError where SIGTERM comes within the block; of the main thread."""

    def stop(_number: int, _frame: object) -> None:
        raise TerminatedError

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def age_ms() -> float:
    """Return how long ago this process was started, the launcher's part included, in ms."""
    if sys.platform == "linux":
        # psutil's create_time rests on a boot time that the kernel rounds to whole seconds.
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        started_s = int(fields[19]) / os.sysconf("SC_CLK_TCK")
        return (time.clock_gettime(time.CLOCK_BOOTTIME) - started_s) * 1e3
    # Not with the module, which the start of every command imports.
    import psutil

    return (time.time() - psutil.Process().create_time()) * 1e3
