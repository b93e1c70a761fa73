"""How a process makes room for the stream."""

from __future__ import annotations

import sys

import psutil


def yield_to_others() -> None:
    """Give this process the lowest priority there is."""
    if sys.platform == "win32":
        psutil.Process().nice(psutil.IDLE_PRIORITY_CLASS)
    else:
        psutil.Process().nice(19)
