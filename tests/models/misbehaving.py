"""Models that do what models do when something is wrong with them."""

from __future__ import annotations

import ctypes
import os
import re
import subprocess
import sys
import threading
import time
from typing import Any

import numpy as np

from visualizer import Model, Output


class Well(Model):
    """Nothing is wrong with it: it tells how many blocks it got since it last forgot."""

    sample_rate, window = 16_000, 1600
    outputs = (Output("n", range=(0, 100)), Output("word", kind="text"))

    def reset(self) -> None:
        self.n = 0

    def __call__(self, block: Any) -> Any:
        self.n += 1
        return {"n": self.n, "word": f"no. {self.n}"}


class _OneNumber(Model):
    sample_rate, window = 16_000, 1600
    outputs = (Output("x"),)


class Slow(_OneNumber):
    def __call__(self, block: Any) -> Any:
        time.sleep(1)
        return 0.5


class WaitsForAFile(_OneNumber):
    """Slow until the file is there that GATE names."""

    def __call__(self, block: Any) -> Any:
        while not os.path.exists(os.environ["GATE"]):  # noqa: PTH110
            time.sleep(0.01)
        return 0.5


class RaisesAtLoad(_OneNumber):
    def __init__(self) -> None:
        _fail("no weights")


class Raises(_OneNumber):
    def __call__(self, block: Any) -> Any:
        _fail("no luck")


def _fail(why: str) -> None:
    raise RuntimeError(why)


class RecursesWithoutEnd(_OneNumber):
    def __call__(self, block: Any) -> Any:
        return self(block)


class Exits(_OneNumber):
    def __call__(self, block: Any) -> Any:
        sys.exit(3)


class ExitsAtOnce(_OneNumber):
    def __call__(self, block: Any) -> Any:
        print("goodbye")
        os._exit(3)


class Crashes(_OneNumber):
    def __call__(self, block: Any) -> Any:
        return ctypes.string_at(0)


class AllocatesWithoutEnd(_OneNumber):
    def __call__(self, block: Any) -> Any:
        kept = []
        while True:
            kept.append(np.ones(1 << 22))


class NeverReturns(_OneNumber):
    def __call__(self, block: Any) -> Any:
        while True:
            pass


class NeverReturnsFromLoad(_OneNumber):
    def __init__(self) -> None:
        threading.Event().wait()


class NeverLetsGoOfPython(_OneNumber):
    def __call__(self, block: Any) -> Any:
        return re.match("(a+)+$", "a" * 60 + "b")


class PrintsAMegabyte(_OneNumber):
    def __call__(self, block: Any) -> Any:
        print("no end of words\n" * 65_536)
        sys.stderr.write("nor of errors\n")
        return 0.5


class NotANumber(_OneNumber):
    def __call__(self, block: Any) -> Any:
        return np.nan


class WrongShape(_OneNumber):
    def __call__(self, block: Any) -> Any:
        return np.zeros((3, 2))


class LeavesAProcess(_OneNumber):
    """It ends, and what it started still has its pipes."""

    def __call__(self, block: Any) -> Any:
        left = subprocess.Popen(["sleep", "1000"], close_fds=False)
        print("left behind:", left.pid)
        os._exit(0)


class Unpickles(Well):
    unpickles = "weights.pt"


class SaysNonsense(_OneNumber):
    window = 0
