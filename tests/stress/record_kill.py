"""What is left of a recording whose program is killed at a random moment, as a table.

Start it as `python -m tests.stress.record_kill [--times 20] [--longest 30] [--seed N]`; it brings
a screen and a sound server of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import soundfile

from tests.screen import screen
from tests.sound import running_server
from visualizer.export.take import TakeFiles

MISSING_S = 1.0
"""The most that may be missing at the end."""
_START_S = 60.0


@dataclass(frozen=True)
class Outcome:
    killed_after_s: float
    """from the recording's first sample on"""
    sound_s: float
    columns: int
    missing_s: float
    wrong: str


def kill_while_recording(folder: Path, after_s: float, headless: bool = False) -> Outcome:
    """Record the default microphone into an empty folder, kill the program, read what is there."""
    command = [
        sys.executable,
        "-m",
        "visualizer",
        "run",
        "--source",
        "mic",
        "--record",
        str(folder),
    ]
    app = subprocess.Popen(
        [*command, *(["--headless"] if headless else [])], stdout=subprocess.DEVNULL
    )
    try:
        give_up_at = time.monotonic() + _START_S
        while not (found := list(folder.glob("mel-*.json"))):
            assert time.monotonic() < give_up_at, "no recording began"
            assert app.poll() is None, "the program ended"
            time.sleep(0.01)
        time.sleep(after_s)
    finally:
        app.kill()
        killed_at = time.time()
        app.wait()
    files = TakeFiles(folder, found[0].stem)
    about = json.loads(files.about.read_text())
    samples, rate = soundfile.read(files.sound, dtype="float32", always_2d=True)
    records = np.load(files.growing_columns, allow_pickle=False)
    began_at = datetime.fromisoformat(about["started_at"]).timestamp()
    missing_s = killed_at - began_at - len(samples) / rate
    hop_s = about["front_end"]["hop_length"] / about["front_end"]["sample_rate"]
    columns_missing_s = killed_at - began_at - len(records) * hop_s
    problems = []
    if max(missing_s, columns_missing_s) > MISSING_S:
        problems.append(f"{max(missing_s, columns_missing_s):.2f} s are missing")
    if not np.isfinite(samples).all() or not np.isfinite(records["values"]).all():
        problems.append("not all are numbers")
    if about["finished"]:
        problems.append("it says that it is finished")
    return Outcome(
        killed_at - began_at, len(samples) / rate, len(records), missing_s, "; ".join(problems)
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--longest", type=float, default=30.0, metavar="S")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    arguments = parser.parse_args()
    moments = random.Random(arguments.seed)
    outcomes: list[Outcome] = []
    with (
        tempfile.TemporaryDirectory() as base,
        screen() as display,
        running_server(Path(base)) as server,
    ):
        os.environ.update(server.environment)
        os.environ.update(DISPLAY=display, XDG_CONFIG_HOME=base, XDG_STATE_HOME=base)
        print(f"seed {arguments.seed}\n killed after     sound   columns   missing")
        for n in range(arguments.times):
            folder = Path(base, f"recording-{n}")
            folder.mkdir()
            done = kill_while_recording(folder, moments.uniform(0, arguments.longest))
            outcomes.append(done)
            print(
                f"{done.killed_after_s:11.2f} s {done.sound_s:7.2f} s {done.columns:9} "
                f"{done.missing_s:7.2f} s  {done.wrong}",
                flush=True,
            )
    wrong = [done for done in outcomes if done.wrong]
    most = max(done.missing_s for done in outcomes)
    print(f"{len(outcomes)} killed, {len(wrong)} wrong, at most {most:.2f} s missing")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
