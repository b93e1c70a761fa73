"""How processes of our own make room for the stream."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

_AUTOGROUP = Path("/proc/self/autogroup")
_CHILD = """
import os, subprocess, sys
from visualizer.support.children import run_when_idle
run_when_idle()
told = "import os; print(os.sched_getscheduler(0), os.getpriority(os.PRIO_PROCESS, 0))"
print(subprocess.run([sys.executable, "-c", told], capture_output=True, text=True).stdout, end="")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Linux's scheduling policies")
def test_what_runs_when_idle_hands_that_on_to_its_compilers_and_leaves_the_session_alone() -> None:
    import os

    before = _AUTOGROUP.read_text() if _AUTOGROUP.exists() else None
    told = subprocess.run(
        [sys.executable, "-c", _CHILD], capture_output=True, text=True, check=True
    ).stdout
    assert told == f"{os.SCHED_IDLE} 19\n"
    assert before == (_AUTOGROUP.read_text() if _AUTOGROUP.exists() else None)
