"""Runs cases in child processes and collects what came of them."""

from __future__ import annotations

import json
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

CASE_S = 60.0
"""A case takes milliseconds; one that takes so much longer hangs, on the busiest machine too."""
START_S = 240.0
GROWTH_BYTES = 48 << 20
"""Of a child in its second half: what allocators keep for later moves by half of that."""
_ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Failure:
    kind: str
    case: int
    what: str
    """the traceback, or how the process ended"""


@dataclass
class Outcome:
    """What came of the cases of one kind."""

    kind: str
    passed: int = 0
    results: dict[str, int] = field(default_factory=dict)
    """what came of those that passed"""
    failures: list[Failure] = field(default_factory=list)
    crashes: int = 0
    hangs: int = 0
    most_grown_bytes: int = 0
    """of a child in its second half"""
    most_grown_descriptors: int = 0
    seconds: float = 0.0

    @property
    def good(self) -> bool:
        return not self.failures

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def run_kind(
    kind: str,
    seed: int,
    first: int,
    count: int,
    chunk: int,
    on_case: Callable[[], None] = lambda: None,
    case_s: float = CASE_S,
) -> Outcome:
    """Run the cases first … first + count − 1, `chunk` of them in each child.

    `kind` is a module beside this one; a case that takes longer than `case_s` hangs.
    """
    outcome, began = Outcome(kind), time.monotonic()
    at, end = first, first + count
    while at < end:
        at = _run_child(outcome, seed, at, min(chunk, end - at), on_case, case_s)
    outcome.seconds = time.monotonic() - began
    return outcome


def _run_child(
    outcome: Outcome, seed: int, first: int, count: int, on_case: Callable[[], None], case_s: float
) -> int:
    """Run as many as one child can; return the first that it did not get to."""
    kind = outcome.kind
    command = [
        sys.executable,
        "-m",
        "tests.stress.fuzz.child",
        kind,
        str(seed),
        str(first),
        str(count),
    ]
    with tempfile.TemporaryFile() as errors:
        child = subprocess.Popen(
            command, cwd=_ROOT, stdout=subprocess.PIPE, stderr=errors, text=True
        )
        assert child.stdout is not None
        try:
            followed = _follow(outcome, child.stdout, on_case, case_s)
            # One that closed its output ends now, or else hangs at its end.
            code = None if followed.hangs else _code(child, case_s)
        finally:
            child.kill()
            child.wait()
            child.stdout.close()
        errors.seek(0)
        said = errors.read()[-2000:].decode(errors="replace")
    if code == 0 and followed.begun == count:
        _note_growth(outcome, first + count - 1, followed.sizes)
        return first + count
    # Where none runs, the process failed before the first case or between two.
    case = followed.running
    if case is None:
        case = first + max(0, followed.begun - 1)
    else:
        on_case()
    if code is None:
        outcome.hangs += 1
        what = f"hangs for more than {case_s:g} s"
    else:
        outcome.crashes += 1
        what = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    outcome.failures.append(Failure(kind, case, f"{what}\n{said}"))
    return case + 1


def _code(child: subprocess.Popen[str], timeout_s: float) -> int | None:
    try:
        return child.wait(timeout_s)
    except subprocess.TimeoutExpired:
        return None


@dataclass
class _Followed:
    """What a child told until it was silent for too long, or closed its output."""

    running: int | None = None
    """the case that it was in at the end"""
    begun: int = 0
    """how many cases"""
    sizes: list[tuple[int, int]] = field(default_factory=list)
    hangs: bool = False


def _follow(
    outcome: Outcome, stream: IO[str], on_case: Callable[[], None], case_s: float
) -> _Followed:
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def read() -> None:
        for line in stream:
            lines.put(line)
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    followed, timeout_s = _Followed(), START_S
    while True:
        try:
            line = lines.get(timeout=timeout_s)
        except queue.Empty:
            followed.hangs = True
            return followed
        if line is None:
            return followed
        event = json.loads(line)
        timeout_s = case_s
        if "start" in event:
            followed.running, followed.begun = event["start"], followed.begun + 1
        elif "end" in event:
            followed.running = None
            if event["failure"] is None:
                outcome.passed += 1
                result = event["result"]
                outcome.results[result] = outcome.results.get(result, 0) + 1
            else:
                outcome.failures.append(Failure(outcome.kind, event["end"], event["failure"]))
            on_case()
        else:
            followed.sizes.append(tuple(event["grown"]))


def _note_growth(outcome: Outcome, last: int, sizes: list[tuple[int, int]]) -> None:
    (bytes_half, descriptors_half), (bytes_end, descriptors_end) = sizes
    grown = bytes_end - bytes_half, descriptors_end - descriptors_half
    outcome.most_grown_bytes = max(outcome.most_grown_bytes, grown[0])
    outcome.most_grown_descriptors = max(outcome.most_grown_descriptors, grown[1])
    if grown[0] > GROWTH_BYTES or grown[1] > 0:
        words = f"grew by {grown[0] / 1e6:.1f} MB and {grown[1]} descriptors in its second half"
        outcome.failures.append(Failure(outcome.kind, last, words))
