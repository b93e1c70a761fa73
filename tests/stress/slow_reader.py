"""A reader of the stream that stalls again and again: memory is bounded, and no loss is silent.

    python -m tests.stress.slow_reader [--seconds 600] [--stall 25] [--json FILE]

`visualizer stream` runs on real capture from a PulseAudio server of its own, with a hop of 5 ms so
that its queue is full after 20 s. Nobody reads for so long, then all that waits is read at once.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO, Any

import psutil

from tests.sound import running_server
from visualizer.engine.outbox import OUTBOX_LENGTH
from visualizer.mel.presets import preset_for

RATE_HZ, HOP = 16_000, 80
GROWTH_MB = 20.0
"""From the first full queue on: what comes and goes with it, and no more however long it runs."""
_END_S = 30.0


class Ledger:
    """What was read, and whether every column is accounted for."""

    def __init__(self) -> None:
        self.columns = self.gaps = self.missing = self.dropped = self.next_column = 0
        self.is_sound = True

    def take(self, line: str) -> bool:
        """Note a line; return whether it is of what came just now."""
        fields = json.loads(line)
        if fields["type"] != "column":
            self.is_sound &= fields["type"] == "stream"
            return False
        index, gap, dropped = fields["column"], fields["gap"], fields["dropped"]
        self.is_sound &= index == self.next_column + gap and dropped <= gap
        self.columns += 1
        self.gaps += gap > 0
        self.missing += gap
        self.dropped += dropped
        self.next_column = index + 1
        return bool(time.time() - fields["captured_at"] < 0.2)


def main() -> int:
    parser = argparse.ArgumentParser(description="read the stream slowly")
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--stall", type=float, default=25.0, metavar="S")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, running_server(Path(name)) as server:
        front_end = Path(name, "fast.json")
        config = preset_for("simli", RATE_HZ).to_dict() | {"name": "fast", "hop_length": HOP}
        front_end.write_text(json.dumps(config), encoding="utf-8")
        # Its log and its kernels are not the user's.
        folders = {f"XDG_{what}_HOME": name for what in ("CONFIG", "STATE", "CACHE")}
        command = [sys.executable, "-m", "visualizer", "stream", "--kernel", "numpy"]
        child = subprocess.Popen(
            [*command, "--front-end", str(front_end), "--sample-rate", str(RATE_HZ)],
            env=os.environ | server.environment | folders,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            result = read_slowly(child, arguments.seconds, arguments.stall)
        finally:
            child.kill()
            child.wait()
    text = json.dumps(result, indent=1)
    print(text)
    if arguments.json:
        arguments.json.write_text(text + "\n", encoding="utf-8")
    return 0 if result["ok"] else 1


def read_slowly(child: subprocess.Popen[str], seconds: float, stall_s: float) -> dict[str, Any]:
    """Read it so for that many seconds; what was seen."""
    assert child.stdout is not None
    assert child.stderr is not None
    process = psutil.Process(child.pid)
    ledger, rss_mb = Ledger(), []
    _read_up(child.stdout, ledger)
    began_at = time.monotonic()
    while time.monotonic() - began_at < seconds:
        time.sleep(stall_s)
        rss_mb.append(process.memory_info().rss / 1e6)
        _read_up(child.stdout, ledger)
    ran_s = time.monotonic() - began_at
    child.send_signal(signal.SIGTERM)
    for line in child.stdout:
        ledger.take(line)
    child.wait(_END_S)
    summary = child.stderr.read().splitlines()[-1]
    growth_mb = max(rss_mb) - rss_mb[0]
    checks = {
        "every_column_accounted_for": ledger.is_sound
        and ledger.columns + ledger.missing == ledger.next_column,
        "summary_agrees": f" {ledger.columns} columns " in summary
        and f"drops {ledger.dropped} columns" in summary,
        "something_was_dropped": ledger.dropped > 0 or stall_s * RATE_HZ / HOP < OUTBOX_LENGTH,
        "growth": growth_mb < GROWTH_MB,
        "exit_code": child.returncode == 143,
    }
    return {
        "ok": all(checks.values()),
        "checks": checks,
        "seconds": round(ran_s, 1),
        "stalls": len(rss_mb),
        "columns": ledger.columns,
        "gaps": ledger.gaps,
        "missing": ledger.missing,
        "dropped": ledger.dropped,
        "rss_mb": [round(mb, 1) for mb in rss_mb],
        "growth_mb": round(growth_mb, 2),
        "summary": summary,
    }


def _read_up(stream: IO[str], ledger: Ledger) -> None:
    """Read until what comes is of now."""
    for line in stream:
        if ledger.take(line):
            return


if __name__ == "__main__":
    sys.exit(main())
