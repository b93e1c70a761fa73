"""How late columns are while a kernel is built beside them, as on a front-end's first start.

    python -m tests.stress.building [--seconds 25] [--size 1280x720] [--screens x11 wayland]
        [--json FILE]

The window of `run` with the built-in recording, and empty caches, once under Xvfb and once on
Weston's headless backend. For each it prints the total latency of the columns of that time, how
many paints there were a second, and how long after the program's start the compiled kernel lay
there and all candidates were timed; "not yet" where the run was over before.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.screen import screen
from tests.weston import weston

_LOOK_S = 0.2
_CANDIDATES = 4


def main() -> int:
    parser = argparse.ArgumentParser(description="build a kernel beside the window")
    parser.add_argument("--seconds", type=float, default=25.0)
    parser.add_argument("--size", default="1280x720")
    parser.add_argument("--screens", nargs="+", choices=_SCREENS, default=[*_SCREENS])
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    results = []
    print(f"{'':8} {'p50':>6} {'p95':>6} {'p99':>6} ms {'paints/s':>9} {'built':>8} {'timed':>8}")
    for name in arguments.screens:
        with _SCREENS[name](_larger(arguments.size)) as environment:
            result = {"screen": name} | beside(arguments.size, arguments.seconds, environment)
        results.append(result)
        print(
            f"{name:8} {result['p50_ms']:6.1f} {result['p95_ms']:6.1f} {result['p99_ms']:6.1f}   "
            f"{result['paints_per_s']:>10.0f} {_told(result['built_s'])} "
            f"{_told(result['timed_s'])}",
            flush=True,
        )
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return 0


def beside(size: str, seconds: float, environment: dict[str, str]) -> dict[str, Any]:
    """Run the window so long with empty caches; return what was measured."""
    with tempfile.TemporaryDirectory() as name:
        folder, report = Path(name), Path(name, "report.json")
        # TMPDIR too, where torch's compiler keeps what it made before.
        own = ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "TMPDIR")
        inherited = {key: value for key, value in os.environ.items() if key != "QT_QPA_PLATFORM"}
        program = subprocess.Popen(
            [
                *(sys.executable, "-m", "visualizer", "run", "--source", "demo", "--loop"),
                *("--front-end", "simli", "--size", size),
                *("--duration", str(seconds), "--report", str(report)),
            ],
            env={**inherited, **dict.fromkeys(own, name), **environment},
        )
        began_at = time.monotonic()
        built_s = _when(program, began_at, lambda: any(folder.rglob("kernels/*.so")))
        timed_s = _when(program, began_at, lambda: _n_timed(folder) == _CANDIDATES)
        if program.wait():
            raise SystemExit(f"the window ended with {program.returncode}")
        told = json.loads(report.read_text(encoding="utf-8"))
    total = told["latency_ms"]["total"]
    return {
        **{f"{share}_ms": round(total[share], 2) for share in ("p50", "p95", "p99")},
        "paints_per_s": round(told["paints"] / told["duration_s"], 1),
        "built_s": built_s,
        "timed_s": timed_s,
        "kernel": told["kernel"],
    }


def _when(
    program: subprocess.Popen[bytes], began_at: float, is_there: Callable[[], bool]
) -> float | None:
    """Return how long after the start something was there; None: not before the end."""
    while program.poll() is None:
        if is_there():
            return round(time.monotonic() - began_at, 1)
        time.sleep(_LOOK_S)
    return None


def _n_timed(folder: Path) -> int:
    for record in folder.rglob("kernels/*.json"):
        return len(json.loads(record.read_text(encoding="utf-8"))["timings"] or ())
    return 0


def _told(seconds: float | None) -> str:
    return f"{'not yet' if seconds is None else f'{seconds} s':>8}"


@contextmanager
def _x11(size: str) -> Iterator[dict[str, str]]:
    with screen(size) as display:
        yield {"DISPLAY": display, "QT_QPA_PLATFORM": "xcb"}


def _larger(size: str) -> str:
    """Return the size of a screen that has room for the window and its frame."""
    width, height = (int(number) for number in size.split("x"))
    return f"{width + 100}x{height + 100}"


_SCREENS = {"x11": _x11, "wayland": weston}


if __name__ == "__main__":
    sys.exit(main())
