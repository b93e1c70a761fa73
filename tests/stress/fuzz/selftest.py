"""Cases that go wrong in each way there is, so that the runner can be tested."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import numpy as np

WAYS = ("passes", "passes", "passes", "crashes", "hangs", "fails")


def way_of(random: np.random.Generator) -> str:
    return WAYS[random.integers(len(WAYS))]


def run(random: np.random.Generator, _: Path) -> str:
    way = way_of(random)
    if way == "crashes":
        os.kill(os.getpid(), signal.SIGSEGV)
    if way == "hangs":
        time.sleep(600)
    if way == "fails":
        raise ValueError("two\nlines")
    return way
