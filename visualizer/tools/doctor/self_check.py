"""Listens to the default microphone for a while with the app's own engine, and judges that.

The main thread waits and reads; the engine's threads are described in visualizer/engine/engine.py.
"""

from __future__ import annotations

import math
from typing import Any

from visualizer.audio.notices import SoundWatch
from visualizer.engine.columns import MelColumns
from visualizer.engine.engine import Engine
from visualizer.engine.latency import LatencyLog
from visualizer.engine.options import DEFAULT_ENGINE_CONFIG
from visualizer.engine.reader import FIRST_COLUMN_LIMIT_S, EngineReader
from visualizer.engine.report import RunMeter, make_report
from visualizer.support.process import begin, settle
from visualizer.tools.doctor.check import Check, sound_remedy

LISTEN_S = 5.0
ENOUGH = 0.95
"""Of the columns expected; the moments of beginning and end cost a few."""
_REMEDY_FOR_LOSSES = "end what else keeps this machine busy, and look again"


def listen() -> dict[str, Any]:
    """What came in LISTEN_S from the first column on: the report of a run, and more, as JSON.

    Without a column it ends FIRST_COLUMN_LIMIT_S later, or when the engine says why.
    """
    begin()
    reader = EngineReader(
        lambda wake: Engine(DEFAULT_ENGINE_CONFIG, (), wake, strict=True), duration_s=LISTEN_S
    )
    meter, delivered_before = RunMeter(), 0
    heard: list[MelColumns] = []
    for deliveries in reader:
        if deliveries and not heard:
            delivered_before = reader.engine.status().delivered
            settle()
            meter.begin()
        heard += deliveries
        if reader.status.fault is not None and reader.first_at is None:
            break
    measures = meter.measures()
    reader.close()
    status, duration_s = reader.status, measures["duration_s"]
    hop_s = status.mel.hop_s if status.mel else math.inf
    latency, watch, notices = LatencyLog(), SoundWatch(), []
    # The first only begins the time that is measured.
    del heard[:1]
    for columns in heard:
        latency.record(columns, None)
        watch.observe(
            columns.peak,
            columns.n_columns * hop_s,
            columns.means,
            columns.faults,
            columns.integer_bits,
        )
        notices.append(watch.notice)
    peak = max((columns.peak for columns in heard), default=0.0)
    return make_report(status, latency, measures) | {
        "columns": sum(columns.n_columns for columns in heard),
        "expected_columns": round(duration_s / hop_s),
        "samples_per_s": round((status.delivered - delivered_before) / duration_s)
        if duration_s
        else 0,
        "peak_dbfs": round(20 * math.log10(peak), 1) if peak > 0 else None,
        "notice": next(filter(None, reversed(notices)), None),
    }


def judge(capture: dict[str, Any]) -> Check:
    """Return the figures of `listen` as a message."""
    fault, notice = capture["fault"], capture["notice"]
    if capture["startup_ms"]["first_column"] is None:
        value = fault or f"no column came within {FIRST_COLUMN_LIMIT_S + LISTEN_S:.0f} s"
        return Check("problem", value, sound_remedy())
    figures = _figures(capture)
    losses = ("gaps", "dropped_blocks", "dropped_columns", "input_overflows")
    is_lossy = any(capture[loss] for loss in losses)
    if fault or capture["columns"] < ENOUGH * capture["expected_columns"]:
        value = f"{fault or 'too little sound came'}\n{figures}"
        remedy = _REMEDY_FOR_LOSSES if is_lossy and not fault else sound_remedy()
        return Check("problem", value, remedy)
    if is_lossy:
        return Check("note", f"sound was lost\n{figures}", _REMEDY_FOR_LOSSES)
    if notice:
        is_silent = capture["peak_dbfs"] is None
        remedy = "unmute it, or let this terminal record, in the system's settings"
        return Check("note", f"{notice}\n{figures}", remedy if is_silent else None)
    return Check("ok", figures)


def _figures(capture: dict[str, Any]) -> str:
    source, latency = capture["source"], capture["latency_ms"]
    parts = [f"{capture['columns']} columns in {capture['duration_s']:.1f} s"]
    parts[0] += f", {capture['expected_columns']} expected"
    if source is not None:
        parts.append(
            f"{source['name']} ({source['host_api']}, {source['channels']} ch, "
            f"{source['sample_rate']} Hz)"
        )
    peak, device = capture["peak_dbfs"], latency["device"]
    parts += [
        f"peak {peak} dBFS" if peak is not None else "peak: every sample is 0",
        f"{capture['samples_per_s']} samples a second, largest lag {capture['max_lag_ms']:.1f} ms",
        f"gaps {capture['gaps']}, drops "
        f"{capture['dropped_blocks'] + capture['dropped_columns']}, "
        f"overflows {capture['input_overflows']}",
        f"latency of the device: {'not reported' if device is None else f'{device} ms, it says'}",
    ]
    parts += [
        f"latency, {stage}: p50 {latency[stage]['p50']:.2f} ms, p99 {latency[stage]['p99']:.2f} ms"
        for stage in ("wait", "kernel")
        if latency[stage] is not None
    ]
    return "\n".join(parts)
