"""Models that misbehave, again and again, beside a stream: what is said, and what the stream loses.

    python -m tests.stress.models [--times 20] [--only NAME …] [--call-limit 2] [--json FILE]

An engine records speech from a PulseAudio server of its own. Beside it runs each of the models of
tests/models/misbehaving.py, and each adapter, `--times` times in a row. For each it prints what the
user was told, how long that took, how late the latest column meanwhile was (from its capture until
it was computed), and what was lost of columns and sound: nothing, or it fails. It fails too where
another thing is told than should be, or where a process, a thread or a file is left at the end.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import psutil

from tests.models import misbehaving
from tests.stress.load import sound
from visualizer.audio.capture import CaptureConfig
from visualizer.engine.config import EngineConfig
from visualizer.engine.engine import Engine
from visualizer.engine.reader import EngineReader
from visualizer.models.answers import ModelStatus
from visualizer.models.beside import ModelBeside
from visualizer.models.loading import adapters
from visualizer.models.process import Limits

_SAID_S = 30.0
"""Later nothing is said any more."""
_LATE_MS = 50.0
"""A column that is later, while a model misbehaves, counts as late."""


def _fault(*words: str) -> Callable[[ModelStatus], bool]:
    return lambda status: status.state == "failed" and all(w in str(status.fault) for w in words)


SAID: dict[str, Callable[[ModelStatus], bool]] = {
    "Well": lambda status: status.calls >= 10,
    "Slow": lambda status: status.behind_s > 1.0 and status.lost > 0,
    "RaisesAtLoad": _fault("could not be loaded", "no weights"),
    "Raises": _fault("RuntimeError: no luck"),
    "RecursesWithoutEnd": _fault("RecursionError"),
    "Exits": _fault("sys.exit(3)"),
    "ExitsAtOnce": _fault("ended with code 3"),
    "Crashes": _fault("signal 11"),
    "AllocatesWithoutEnd": _fault("GiB of memory"),
    "NeverReturns": _fault("did not answer within"),
    "NeverReturnsFromLoad": _fault("could not be loaded within"),
    "NeverLetsGoOfPython": _fault("did not answer within"),
    "PrintsAMegabyte": lambda status: status.calls >= 3,
    "NotANumber": lambda status: status.bad_answers >= 5 and "NaN" in status.note,
    "WrongShape": _fault("an array of shape (3, 2)"),
    "LeavesAProcess": _fault("ended with code 0"),
    "SaysNonsense": _fault("window is 0"),
    "Unpickles": lambda status: status.state == "asking",
    **dict.fromkeys(adapters(), lambda status: status.calls >= 5),
}
"""By model, of those that misbehave and those of this program's own: whether what is to be said of
it is said."""


@dataclass
class Seen:
    """Of the runs of one model."""

    name: str
    said: str = ""
    said_after_s: list[float] = field(default_factory=list)
    failures: int = 0
    """where that was not said"""
    late_ms: list[float] = field(default_factory=list)
    """of the latest column of each run"""
    columns: int = 0
    late_columns: int = 0
    lost_s: float = 0.0
    dropped: int = 0


def main() -> int:
    parser = argparse.ArgumentParser(description="models that misbehave beside a stream")
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--only", nargs="+", choices=SAID, default=list(SAID), metavar="NAME")
    parser.add_argument("--call-limit", type=float, default=2.0, help="s that a call may take")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    limits = Limits(2 * arguments.call_limit, arguments.call_limit, 1 << 30)
    with tempfile.TemporaryDirectory() as name, sound(Path(name)) as environment:
        # Before PortAudio asks where the server is.
        os.environ.update(environment)
        seen, left = _run(arguments.only, arguments.times, limits)
    if arguments.json:
        told = {"models": [asdict(one) for one in seen], "left": left}
        arguments.json.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    return int(bool(left) or any(one.failures or one.lost_s or one.dropped for one in seen))


def _run(names: list[str], times: int, limits: Limits) -> tuple[list[Seen], list[str]]:
    config = EngineConfig(CaptureConfig("mic"))
    reader = EngineReader(lambda wake: Engine(config, (), wake))
    while reader.first_at is None and not reader.is_over:
        reader.wait()
        reader.drain()
    before = _held()
    print(f"{'':22} {'said after':>13} {'latest column':>16} {'late':>12} {'lost':>12}", flush=True)
    seen = []
    try:
        for name in names:
            one = Seen(name)
            for _ in range(times):
                _once(reader, one, limits)
            seen.append(one)
            print(_as_text(one), flush=True)
        after = _held()
    finally:
        reader.close()
    left = [
        f"{after[what]} {what}, not {before[what]}" for what in before if after[what] > before[what]
    ]
    print("; ".join(left) or "nothing is left: " + ", ".join(f"{n} {w}" for w, n in after.items()))
    return seen, left


def _once(reader: EngineReader, seen: Seen, limits: Limits) -> None:
    engine = reader.engine
    status_before = engine.status()
    began, latest_ms, said = time.perf_counter(), 0.0, SAID[seen.name]
    what = seen.name if seen.name in adapters() else f"{misbehaving.__file__}:{seen.name}"
    if seen.name == "AllocatesWithoutEnd":
        # A machine may give memory so slowly that a call would run out of time before.
        limits = replace(limits, memory_bytes=1 << 28)
    model = ModelBeside(what, lambda: None, trusted=what in adapters(), limits=limits)
    engine.attach(model.tap)
    is_said = False
    # A little longer, so that what comes of its end is seen.
    until = began + _SAID_S
    while time.perf_counter() < until:
        reader.wait()
        for columns in reader.drain():
            late_ms = 1e3 * (columns.computed_at - columns.captured_at)
            seen.columns += columns.n_columns
            seen.late_columns += columns.n_columns * (late_ms > _LATE_MS)
            latest_ms = max(latest_ms, late_ms)
        model.drain()
        if not is_said and said(model.status()):
            is_said, until = True, time.perf_counter() + 0.2
            seen.said_after_s.append(round(time.perf_counter() - began, 2))
    status = model.status()
    seen.said = status.fault or status.note or status.question or f"{status.calls} answers"
    seen.failures += not is_said
    engine.attach(None)
    model.close()
    after = engine.status()
    seen.late_ms.append(round(latest_ms, 2))
    seen.lost_s += after.lost_s - status_before.lost_s
    seen.dropped += after.dropped_columns - status_before.dropped_columns
    seen.dropped += after.dropped_blocks - status_before.dropped_blocks


def _as_text(seen: Seen) -> str:
    n, after = len(seen.late_ms), sorted(seen.said_after_s)
    said = f"{after[0]:.1f}…{after[-1]:.1f} s" if after else "never"
    late = f"{seen.late_columns} of {seen.columns}"
    lost = f"{seen.lost_s:.3f} s, {seen.dropped}"
    head = f"{seen.name:22} {said:>13} {max(seen.late_ms):>13.1f} ms {late:>12} {lost:>12}"
    told = f"told {n - seen.failures} of {n} times"
    return f"{head}  {told}: {seen.said.rpartition(os.sep)[2]}"


def _held() -> dict[str, int]:
    me = psutil.Process()
    return {
        "files": me.num_fds(),
        "threads": threading.active_count(),
        "processes": len(me.children(recursive=True)),
    }


if __name__ == "__main__":
    sys.exit(main())
