"""What the latency panel shows, worked out without Qt: curves, bins and texts."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visualizer.engine.latency import STAGES, LatencyLog, ModelLog, Percentiles, percentile
from visualizer.engine.status import EngineStatus
from visualizer.ui.picture.overlay import ROLLING_COLUMNS

TREND_S = 60.0
TREND_POINTS = 300
HEADROOM = 1.25
"""What the scales show at least, in hops: beyond the hop there is room to see what is late."""
_TREND_TOP = 4.0
"""The most hops that the strip shows; a single stall would flatten a minute."""
_BINS = 50


@dataclass(frozen=True)
class Budget:
    """What a typical column took of its hop, in ms; NaN where it was not measured."""

    stages: dict[str, float]
    """wait, kernel and draw: medians, so they add up to the total only nearly"""
    p50: float
    p99: float
    hop: float
    model: ModelBudget | None = None
    """beside them, where a model answers"""


@dataclass(frozen=True)
class ModelBudget:
    """What a typical answer of a model took of its step, in ms, and how often it was behind."""

    p50: float
    p99: float
    step: float
    behind: int
    answers: int


def budget(status: EngineStatus, latency: LatencyLog) -> Budget | None:
    """None before anything was measured."""
    total = latency.percentiles("total", ROLLING_COLUMNS)
    if total is None or status.mel is None:
        return None
    stages = {}
    for stage in ("wait", "kernel", "draw"):
        percentiles = latency.percentiles(stage, ROLLING_COLUMNS)
        stages[stage] = math.nan if percentiles is None else percentiles.p50
    model = _model_budget(latency.model)
    return Budget(stages, total.p50, total.p99, status.mel.hop_s * 1e3, model)


def _model_budget(log: ModelLog) -> ModelBudget | None:
    took = log.percentiles(ROLLING_COLUMNS)
    if took is None:
        return None
    return ModelBudget(took.p50, took.p99, log.step_ms, log.behind, log.answers)


def trend(
    times_s: NDArray[np.float64],
    stages_ms: NDArray[np.float64],
    now_s: float,
    hop_s: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The last minute by its maxima, so that no spike is lost.

    times_s (n,) rises, stages_ms is (n, n_stages). Returns seconds before now (bins,) and the
    maxima (bins, n_stages); at most TREND_POINTS + 1 bins, NaN in those without a column.
    """
    # On a grid of absolute time: on one that moved with now, a spike would jump between bins.
    bin_s = max(TREND_S / TREND_POINTS, 2 * hop_s)
    end = math.floor(now_s / bin_s) + 1
    first = end - math.ceil(TREND_S / bin_s) - 1
    maxima = np.full((end - first, stages_ms.shape[1]), np.nan)
    bins = np.floor(times_s / bin_s).astype(np.int64) - first
    inside = slice(*np.searchsorted(bins, (0, len(maxima))))
    bins = bins[inside]
    if len(bins):
        starts = np.flatnonzero(np.diff(bins, prepend=-1))
        maxima[bins[starts]] = np.fmax.reduceat(stages_ms[inside], starts, axis=0)
    middles: NDArray[np.float64] = (np.arange(first, end, dtype=np.float64) + 0.5) * bin_s - now_s
    return middles, maxima


def trend_top(totals_ms: NDArray[np.float64], hop_ms: float) -> float:
    """Where the strip ends, in ms: whole quarters of a hop, so that it seldom moves."""
    largest = np.nanmax(totals_ms, initial=0.0) / hop_ms
    return hop_ms * min(_TREND_TOP, max(HEADROOM, math.ceil(4 * largest) / 4))


def histogram(
    totals_ms: NDArray[np.float64], hop_ms: float
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Count (n,) totals, sorted and known, from 0 to somewhat beyond the hop and the p99.

    Returns counts (bins,), the last one with what lies beyond, and edges in ms (bins + 1,), of
    which the hop is one.
    """
    p99 = percentile(totals_ms, 99) if len(totals_ms) else 0.0
    hops = max(HEADROOM, math.ceil(4 * 1.1 * p99 / hop_ms) / 4)
    bins_per_hop = max(1, round(_BINS / hops))
    edges = np.arange(math.ceil(hops * bins_per_hop) + 1) * (hop_ms / bins_per_hop)
    return np.histogram(np.minimum(totals_ms, edges[-1]), edges)


def what_is_measured(status: EngineStatus, model: ModelLog) -> str:
    """Return a text on what the numbers cover, and what they do not."""
    mel = status.mel
    if mel is None:
        return "Nothing is measured yet."
    if status.source is not None and not status.source.is_live:
        device = "there is no device to wait for"
    elif status.source is None or status.source.device_latency_s is None:
        device = "the time in the device before the callback, of which it reports nothing"
    else:
        reported_ms = status.source.device_latency_s * 1e3
        device = (
            f"the time in the device before the callback, for which it reports {reported_ms:.1f} ms"
        )
    held = ""
    if status.resampling_s:
        held = f"up to {status.resampling_s * 1e3:.1f} ms that resampling holds a sample back; "
    unseen = ""
    if status.batched_columns:
        unseen = (
            f" Left out are {status.batched_columns} columns that came while nobody looked, "
            "or while the source waited for the model."
        )
    beside = ""
    if model.answers:
        beside = (
            " Model: from the newest column or sample of a block until its answer is there, "
            f"behind where that is after the next block, {model.step_ms:.4g} ms later. Left out is "
            "its first second, in which it catches up."
        )
    half_window_ms = mel.win_length / mel.sample_rate / 2 * 1e3
    return (
        "Measured: from callback entry until the paint that shows the column has finished. "
        f"Not in these numbers: {device}; {held}from paint to light on the screen; and half a "
        f"window of the transform, {half_window_ms:.1f} ms with {mel.name}, by which any column "
        f"looks back.{unseen}{beside}"
    )


def numbers_table(status: EngineStatus, latency: LatencyLog) -> str:
    """All of it as lines of tab-separated cells, to paste into a sheet or an issue."""
    rows = [["latency in ms", "last", "p50", "p95", "p99", "max"]]
    for stage in STAGES:
        rolling = latency.percentiles(stage, ROLLING_COLUMNS)
        rows.append(_stage_row(stage, latency.latest(stage), rolling))
    model = latency.model
    if model.answers:
        rows.append(_stage_row("model", model.latest, model.percentiles(ROLLING_COLUMNS)))
    rows.append(["percentiles over newest columns", str(len(latency.newest(ROLLING_COLUMNS)))])
    if status.mel is not None:
        rows.append(["hop", f"{status.mel.hop_s * 1e3:.3f}"])
        rows.append(["front-end", status.mel.name])
    rows.append(["kernel", f"{status.backend} on {status.device}"])
    if status.source is not None:
        device_s = status.source.device_latency_s
        rows.append(["source", f"{status.source.name}, {status.source.sample_rate} Hz"])
        rows.append(["device", "not reported" if device_s is None else f"{device_s * 1e3:.3f}"])
        rows.append(["samples at once", str(status.samples_per_delivery or "")])
    if model.answers:
        rows.append(["step of the model", f"{model.step_ms:.3f}"])
        rows.append(["answers of the model", str(model.answers)])
        rows.append(["answers behind the next block", str(model.behind)])
        rows.append(["blocks lost to the model", str(model.lost)])
    rows.append(["columns unseen or kept waiting, left out", str(status.batched_columns)])
    rows.append(["resampling", f"{status.resampling_s * 1e3:.3f}"])
    rows.append(["overflows", str(status.input_overflows)])
    rows.append(["drops", str(status.dropped_blocks + status.dropped_columns)])
    rows.append(["gaps", str(status.gaps)])
    rows.append(["lost s", f"{status.lost_s:.3f}"])
    rows.append(["drift ppm", "" if status.drift_ppm is None else f"{status.drift_ppm:.1f}"])
    return "".join("\t".join(row) + "\n" for row in rows)


def _stage_row(name: str, last: float | None, rolling: Percentiles | None) -> list[str]:
    if last is None or rolling is None:
        return [name, *["not measured"] * 5]
    numbers = (last, rolling.p50, rolling.p95, rolling.p99, rolling.max)
    return [name, *(f"{number:.3f}" for number in numbers)]
