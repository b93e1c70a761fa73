"""How long quitting takes: from the key in the window to the end of the process, as a table.

Start it as `python -m tests.stress.quit_time [--times 20] [--source demo]` where a display is.
The time that xdotool needs to start and press the key, some 20 ms, is counted in.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

WAIT_S = 3.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--source", default="demo")
    arguments = parser.parse_args()
    codes: list[int] = []
    times_ms: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        # The cache stays the user's: a kernel that is being built is another case.
        env = os.environ | {"XDG_CONFIG_HOME": folder, "XDG_STATE_HOME": folder}
        for _ in range(arguments.times):
            code, time_ms = _quit_once(arguments.source, env)
            codes.append(code)
            times_ms.append(time_ms)
    print(f"{'quits':>6} {'p50':>8} {'max':>8}   exit codes")
    print(
        f"{len(times_ms):>6} {statistics.median(times_ms):>5.0f} ms {max(times_ms):>5.0f} ms   "
        f"{', '.join(map(str, sorted(set(codes))))}"
    )
    return 0


def _quit_once(source: str, env: dict[str, str]) -> tuple[int, float]:
    command = [sys.executable, "-m", "visualizer", "run", "--source", source]
    app = subprocess.Popen(command, env=env)
    find = ("search", "--sync", "--onlyvisible", "--pid", str(app.pid), "--name", "Mel visualizer")
    window = _xdotool(*find).split()[0]
    time.sleep(WAIT_S)
    _xdotool("windowfocus", "--sync", window)
    began_at = time.perf_counter()
    _xdotool("key", "ctrl+q")
    code = app.wait()
    return code, (time.perf_counter() - began_at) * 1e3


def _xdotool(*arguments: str) -> str:
    done = subprocess.run(["xdotool", *arguments], check=True, capture_output=True, text=True)
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
