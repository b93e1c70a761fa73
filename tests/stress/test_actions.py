"""A quick part of `python -m tests.stress.actions`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.stress.actions import MODULE, measures_in


def test_an_action_is_done_and_what_came_of_it_is_told(
    tmp_path: Path, display: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    options = ("--source", "demo", "--kernel", "numpy", "--times", "1", "--after-start", "0")
    command = [sys.executable, *MODULE, *options, "--only", "latency", "--play", str(tmp_path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    opened, closed = measures_in(done.stdout)
    assert (opened.action, closed.action) == ("latency panel: open", "latency panel: close")
    for measure in (opened, closed):
        # Columns came, and none of them before it was painted.
        assert measure.latest_ms is not None
        assert measure.latest_ms > 0
        assert measure.stall_ms > 0
