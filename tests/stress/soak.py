"""The program left alone with a microphone: nothing may be lost, and nothing may grow.

    python -m tests.stress.soak [--minutes 10] [--history 60] [--json FILE]

A real window on real capture from a PulseAudio server of its own. The history is kept short, so
that it is full, and its memory taken, long before the second half, over which growth is measured.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import linear_regression
from typing import Any

import psutil

from tests.screen import screen
from tests.sound import SINKS, running_server
from visualizer.audio.demo import demo_path
from visualizer.engine.keeper import KernelPlan
from visualizer.engine.status import EngineStatus

GAP_MS, LAG_MS, GROWTH_MB_PER_H = 100.0, 50.0, 10.0
_SAMPLE_MS = 1000


@dataclass(frozen=True)
class Sample:
    """How the process was at one moment."""

    at_s: float
    rss_mb: float
    threads: int
    descriptors: int


def main() -> int:
    parser = argparse.ArgumentParser(description="leave the program alone with a microphone")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--history", type=float, default=60.0, metavar="S")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, screen() as display:
        folder = Path(name)
        os.environ["DISPLAY"] = display
        os.environ["XDG_CONFIG_HOME"] = os.environ["XDG_CACHE_HOME"] = name
        os.environ.pop("QT_QPA_PLATFORM", None)
        with running_server(folder) as server:
            os.environ.update(server.environment)
            # For ever, since paplay has no loop.
            again = 'while paplay --device="$1" "$2"; do :; done'
            player = subprocess.Popen(
                ["sh", "-c", again, "sh", SINKS[0], str(demo_path())], start_new_session=True
            )
            try:
                result = soak(arguments.minutes * 60, arguments.history)
            finally:
                os.killpg(player.pid, 15)
                player.wait()
    text = json.dumps(result, indent=1)
    print(text)
    if arguments.json:
        arguments.json.write_text(text + "\n", encoding="utf-8")
    return 0 if result["ok"] else 1


def soak(seconds: float, history_s: float) -> dict[str, Any]:
    """Run the window so long; what was seen."""
    from PyQt6.QtCore import QTimer

    from visualizer.audio.capture import CaptureConfig
    from visualizer.engine import history
    from visualizer.engine.config import EngineConfig
    from visualizer.engine.engine import Engine
    from visualizer.support.process import begin
    from visualizer.ui.app import make_application
    from visualizer.ui.controls.settings import Settings
    from visualizer.ui.garbage import settle_here
    from visualizer.ui.window import Window

    history.HISTORY_S = history_s
    begin()
    application = make_application(["soak"])
    kernels = Path(os.environ["XDG_CACHE_HOME"]) / "kernels"

    window = Window(
        lambda on_update: Engine(
            EngineConfig(CaptureConfig("mic", sample_rate=16_000)),
            (),
            on_update,
            kernels=KernelPlan("auto", kernels),
        ),
        Settings(),
    )
    collectors: list[object] = []
    window.first_column.connect(lambda: collectors.append(settle_here()))
    window.show()
    process = psutil.Process()
    samples: list[Sample] = []
    began_at = time.monotonic()

    def sample() -> None:
        at_s = time.monotonic() - began_at
        samples.append(
            Sample(
                at_s,
                process.memory_info().rss / 1e6,
                process.num_threads(),
                process.num_fds(),
            )
        )
        if at_s >= seconds:
            application.quit()

    timer = QTimer()
    timer.timeout.connect(sample)
    timer.start(_SAMPLE_MS)
    application.exec()
    status = window.engine_status()
    total = window.latency.percentiles("total")
    window.close()
    assert status is not None
    return summary(samples, status) | {"total_ms": total and asdict(total)}


def summary(samples: list[Sample], status: EngineStatus) -> dict[str, Any]:
    """What was seen, and whether it is within the limits."""
    half = [s for s in samples if s.at_s > samples[-1].at_s / 2]
    growth = linear_regression([s.at_s for s in half], [s.rss_mb for s in half]).slope * 3600
    threads, descriptors = {s.threads for s in half}, {s.descriptors for s in half}
    drops = status.dropped_blocks + status.dropped_columns
    checks = {
        "drops": drops == 0,
        "gaps": status.gaps == 0,
        "overflows": status.input_overflows == 0,
        "reopened": status.reopened == 0,
        "longest_delivery_gap": status.longest_gap_s * 1e3 < GAP_MS,
        "lag": status.max_lag_s * 1e3 < LAG_MS,
        "threads": len(threads) == 1,
        "descriptors": len(descriptors) == 1,
        "growth": growth < GROWTH_MB_PER_H,
    }
    return {
        "ok": all(checks.values()),
        "checks": checks,
        "seconds": round(samples[-1].at_s, 1),
        "columns": status.columns,
        "drops": drops,
        "gaps": status.gaps,
        "overflows": status.input_overflows,
        "reopened": status.reopened,
        "longest_delivery_gap_ms": round(status.longest_gap_s * 1e3, 2),
        "max_lag_ms": round(status.max_lag_s * 1e3, 2),
        "threads": sorted(threads),
        "descriptors": sorted(descriptors),
        "rss_mb": {"middle": half[0].rss_mb, "end": half[-1].rss_mb},
        "growth_mb_per_h": round(growth, 2),
        "drift_ppm": status.drift_ppm and round(status.drift_ppm, 1),
        "kernel": f"{status.backend} on {status.device}",
    }


if __name__ == "__main__":
    sys.exit(main())
