"""What a run measured, as JSON, and the options that write files."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path
from typing import Any

from visualizer.engine.latency import STAGES, LatencyLog
from visualizer.engine.status import EngineStatus
from visualizer.mel.flat import written
from visualizer.mel.front_end import FrontEnd
from visualizer.support.files import writing
from visualizer.support.process import age_ms

COUNTERS = (
    "columns",
    "batched_columns",
    "gaps",
    "reopened",
    "dropped_blocks",
    "dropped_columns",
    "input_overflows",
    "bad_samples",
)
"""What a status counts since the engine was started."""


class RunMeter:
    """Measures this process around a run of the engine."""

    def __init__(self) -> None:
        # Not with the module, which commands import that measure nothing.
        import psutil

        self._process = psutil.Process()
        self._began_at: float | None = None
        self._first_column_ms: float | None = None

    def begin(self) -> None:
        """Count from here on: the first column is there."""
        self._began_at, self._first_column_ms = time.perf_counter(), age_ms()
        self._process.cpu_percent()

    def measures(self, paints: int = 0, window_ms: float | None = None) -> dict[str, Any]:
        """Return what a report says of the run until now, as plain JSON values.

        Args:
            paints: how often the picture was painted.
            window_ms: from the start of the process to the first paint of the window.
        """
        now = time.perf_counter()
        return {
            "duration_s": round(now - (self._began_at or now), 3),
            "paints": paints,
            "cpu_percent": round(self._process.cpu_percent(), 1),
            "rss_mb": round(self._process.memory_info().rss / 1e6, 1),
            "startup_ms": {
                "window": _rounded(window_ms),
                "first_column": _rounded(self._first_column_ms),
            },
        }


def front_end_fields(front_end: FrontEnd) -> dict[str, Any]:
    """Return the fields that say what a front-end is, as plain JSON values."""
    return {"front_end": written(front_end), "chain": front_end.to_dict()}


def make_report(
    status: EngineStatus, latency: LatencyLog, measures: dict[str, Any]
) -> dict[str, Any]:
    """The report of `--report`, as plain JSON values.

    Args:
        measures: those of a RunMeter, and, where a model answers, what `model_fields` gives.
    """
    source, model = status.source, latency.model.percentiles()
    stages = {stage: latency.percentiles(stage) for stage in STAGES}
    device_s = source.device_latency_s if source else None
    return {
        "source": source and source.to_dict(),
        "gain_db": status.config.capture.gain_db,
        "front_end": status.mel and written(status.mel),
        "whose": status.config.whose or None,
        "kernel": {
            "backend": status.backend,
            "device": status.device,
            "relative_deviation": status.deviation,
            "candidates": [timing.to_dict() for timing in status.timings],
            "note": status.kernel_note,
        },
        **{name: getattr(status, name) for name in COUNTERS},
        "lost_s": round(status.lost_s, 3),
        "lag_ms": round(status.lag_s * 1e3, 3),
        "max_lag_ms": round(status.max_lag_s * 1e3, 3),
        "samples_per_delivery": status.samples_per_delivery,
        "longest_delivery_gap_ms": round(status.longest_gap_s * 1e3, 3),
        "drift_ppm": status.drift_ppm and round(status.drift_ppm, 1),
        "latency_ms": {
            "resampling": _rounded(status.resampling_s * 1e3),
            "device": _rounded(None if device_s is None else device_s * 1e3),
            **{stage: p and p.to_dict() for stage, p in stages.items()},
            "model": model and model.to_dict(),
        },
        "model": None,
        **measures,
        "fault": status.fault,
    }


def _rounded(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else round(milliseconds, 1)


def write_report(path: Path, report: dict[str, Any]) -> None:
    """Write the report as indented JSON, with null for what is not finite.

    Raises ConfigError where that fails.
    """
    text = json.dumps(plain(report), indent=2, allow_nan=False)
    with writing(path, "the report"):
        path.write_text(text + "\n", encoding="utf-8")


def plain(value: Any) -> Any:
    """Return JSON values with null for NaN and infinity, which most that read JSON do not take."""
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def require_writable(path: Path, what: str) -> None:
    """Raise ConfigError now if a file that is to be written at the end could not be.

    What is there already stays untouched.
    """
    existed = path.exists()
    remedy = "name a file in a folder that exists and that you may write to"
    with writing(path, what, remedy):
        path.open("ab").close()
    if not existed:
        path.unlink()
