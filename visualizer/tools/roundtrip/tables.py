"""What a click test measured, as text and a table for a terminal and as JSON values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np
from rich.table import Table

from visualizer.tools.roundtrip.click_test import ClickReport

SPANS = {
    "path": "output's callback → input's",
    "fill": "click → its window is full",
    "wait": "input's callback → worker",
    "kernel": "worker → values ready",
    "total": "output's → first column with it",
    "drawn": "output's → column it is drawn in",
}
"""What each span is; `total` is the sum of those before it."""


def click_tables(report: ClickReport) -> Iterator[Table | str]:
    """What was measured, in the order to print it; the last is the summarising line."""
    yield (
        f"{report.output} ({report.output_host_api}, {report.output_rate} Hz) to {report.input} "
        f"({report.input_host_api}, {report.input_rate} Hz), {report.mel['name']}: window "
        f"{1e3 * report.window_s:.1f} ms, hop {1e3 * report.hop_s:.1f} ms, {report.backend} kernel"
    )
    table = Table("span", "from → to")
    figures = span_figures(report)
    for heading in ("p50", "p95", "min", "max, ms"):
        table.add_column(heading, justify="right")
    for name, words in SPANS.items():
        values = [f"{figures[name][key]:.2f}" for key in ("p50", "p95", "min", "max")]
        table.add_row(name, words, *values, style="bold" if name == "total" else None)
    yield table
    yield f"the output reports {_claimed(report.output_latency_s)} from its callback to the air"
    yield f"the output told its callbacks {_claimed(report.output_lead_s)} (p50)"
    yield f"the input reports {_claimed(report.input_latency_s)} from its converter to its callback"
    if report.resampling_s:
        yield f"the path holds up to {1e3 * report.resampling_s:.1f} ms of resampling"
    if report.underflows:
        yield f"the output ran dry {report.underflows} times; clicks after that may be later"
    if report.gaps:
        yield f"the input lost sound {report.gaps} times"
    yield (
        f"found all {len(report.clicks)} clicks, {report.contrast:.0f} times as strong as "
        f"anything else in their rhythm; the loudest other path: {report.second_path:.0%} of them"
    )
    yield _summary(report, figures)


def _summary(report: ClickReport, figures: dict[str, dict[str, float]]) -> str:
    total, path = figures["total"], figures["path"]
    samples = path["p50"] / 1e3 * report.input_rate
    parts = (report.output_latency_s, report.input_latency_s)
    claimed = "what the devices claim is not reported"
    if all(part is not None for part in parts):
        claimed = f"the devices claim {1e3 * sum(part or 0.0 for part in parts):.1f} ms"
    return (
        f"speaker to column: p50 {total['p50']:.1f} ms, p95 {total['p95']:.1f} ms, n "
        f"{len(report.clicks)}; of it the path {path['p50']:.1f} ms ({samples:.0f} samples); "
        f"{claimed}"
    )


def _claimed(span_s: float | None) -> str:
    return "nothing (not reported)" if span_s is None else f"{1e3 * span_s:.1f} ms"


def span_figures(report: ClickReport) -> dict[str, dict[str, float]]:
    """For each span p50, p95, min and max, ms."""
    figures = {}
    for name in SPANS:
        values = [getattr(click, f"{name}_ms") for click in report.clicks]
        keys = ("p50", "p95", "min", "max")
        percentiles = np.percentile(values, (50, 95, 0, 100))
        figures[name] = dict(zip(keys, map(float, percentiles), strict=True))
    return figures


def click_json(report: ClickReport) -> dict[str, Any]:
    """All of it, each click included, as plain JSON values. What is not reported is null."""
    values = asdict(report)
    clicks = values.pop("clicks")
    return {
        **values,
        "band_hz": list(report.band_hz),
        "n": len(clicks),
        "spans": SPANS,
        "ms": {
            name: {key: round(value, 3) for key, value in figures.items()}
            for name, figures in span_figures(report).items()
        },
        "clicks": [{key: round(value, 4) for key, value in click.items()} for click in clicks],
    }
