"""What a model beside the stream costs the window: alternating runs without and with one.

    python -m tests.stress.beside [--model silero-vad] [--times 5] [--seconds 60]
        [--size 1280x720] [--json FILE]

The real program on a screen and a PulseAudio server of its own, where speech plays. For each run
it prints the columns' total latency, gaps and drops, what the stage *model* took, how many blocks
the model lost and after it was loaded, and what processor time the program and the model's process
took; at the end, of both kinds the median of the runs' p99.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import psutil

from tests.stress.load import FRONT_END, children_s, have_kernel, sound, used_s, x11

_END_S = 2.0
"""before the end of a run its processor time is read"""


def main() -> int:
    parser = argparse.ArgumentParser(description="what a model costs the window beside it")
    parser.add_argument("--model", default="silero-vad")
    parser.add_argument("--times", type=int, default=5, help="runs of each kind")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--size", default="1280x720")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    have_kernel()
    runs = []
    with (
        tempfile.TemporaryDirectory() as name,
        sound(Path(name)) as environment,
        x11(arguments.size) as display,
    ):
        for _ in range(arguments.times):
            for model in (None, arguments.model):
                told = measure(
                    model, arguments.size, arguments.seconds, Path(name), environment | display
                )
                runs.append(told)
                print(as_text(told), flush=True)
    for model in (None, arguments.model):
        p99 = [run["total_ms"]["p99"] for run in runs if run["name"] == model]
        print(f"{model or 'without':12} median of total p99 {statistics.median(p99):.2f} ms")
    if arguments.json:
        arguments.json.write_text(json.dumps(runs, indent=1) + "\n", encoding="utf-8")
    return 0


def measure(
    model: str | None, size: str, seconds: float, folder: Path, environment: dict[str, str]
) -> dict[str, Any]:
    """Run the program once; return what it reports, and what it took of a processor."""
    report = folder / "report.json"
    command = [sys.executable, "-m", "visualizer", "run", "--source", "mic", "--size", size]
    command += ["--front-end", FRONT_END, "--duration", str(seconds), "--report", str(report)]
    command += ["--model", model, "--trust-model"] if model else []
    program = subprocess.Popen(command, env=environment, cwd=folder)
    try:
        process = psutil.Process(program.pid)
        try:
            program.wait(seconds - _END_S)
        except subprocess.TimeoutExpired:
            program_s, model_s = used_s(process), children_s(process)
        if program.wait():
            raise SystemExit(f"the program ended with {program.returncode}")
    finally:
        program.kill()
        program.wait()
    told = json.loads(report.read_text(encoding="utf-8"))
    return {
        "name": model,
        "total_ms": told["latency_ms"]["total"],
        "wait_ms": told["latency_ms"]["wait"],
        "model_ms": told["latency_ms"]["model"],
        "model": told["model"],
        **{name: told[name] for name in ("columns", "gaps", "dropped_blocks", "dropped_columns")},
        "program_s": round(program_s, 2),
        "children_s": round(model_s, 2),
        "kernel": told["kernel"]["backend"],
    }


def as_text(told: dict[str, Any]) -> str:
    total, drops = told["total_ms"], told["dropped_blocks"] + told["dropped_columns"]
    text = (
        f"{told['name'] or 'without':12} total p50 {total['p50']:5.2f} p95 {total['p95']:5.2f} "
        f"p99 {total['p99']:5.2f} max {total['max']:6.2f} ms, {told['columns']} columns, "
        f"gaps {told['gaps']}, drops {drops}, processor {told['program_s']:.1f} s, "
        f"children {told['children_s']:.1f} s, {told['kernel']}"
    )
    if (model := told["model_ms"]) is not None:
        text += f"\n{'':12} model p50 {model['p50']:.2f} p99 {model['p99']:.2f} ms, {told['model']}"
    return text


if __name__ == "__main__":
    sys.exit(main())
