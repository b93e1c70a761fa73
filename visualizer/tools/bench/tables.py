"""What a bench run measured, as tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.table import Table

from visualizer.tools.bench.measure import OFFLINE_S, BenchResult, DrawingResult, ratios


def bench_tables(result: BenchResult) -> Iterator[Table | str]:
    """Titles and tables, in the order to print them."""
    yield _when_and_where(result.date, result.machine)
    yield f"{result.front_end}; absolute times are of this machine and hour, so compare the ratios"
    yield _hops(result)
    yield _streams(result)
    if result.offline_s is not None and result.offline_fft_s is not None:
        yield (
            f"offline: {OFFLINE_S / 60:.0f} minutes, file read and written, in "
            f"{result.offline_s * 1e3:.0f} ms, {result.offline_x:,.0f} times real time on one core "
            f"(the FFTs alone: {result.offline_fft_s * 1e3:.0f} ms, "
            f"{OFFLINE_S / result.offline_fft_s:,.0f} times)"
        )
    if result.build_s is not None:
        yield f"start-up, cold cache: the compiled kernel is built in {result.build_s} s"
    if result.load_ms is not None:
        yield f"start-up, warm cache: it is loaded and verified in {result.load_ms} ms"
    for problem in result.problems:
        yield f"not measured: {problem}"


def drawing_tables(result: DrawingResult) -> Iterator[Table | str]:
    """A title and the table, in the order to print them."""
    yield _when_and_where(result.date, result.machine)
    table = Table("window", title="one column more on the screen")
    for heading in ("picture", "", "p50, ms", "p99, ms", "× ours", "CPU, ms"):
        table.add_column(heading, justify="right" if heading else "left")
    for row in result.drawing:
        is_ours = row.timing.name == "ours"
        table.add_row(
            "{}×{}".format(*row.window) if is_ours else "",
            "{}×{}".format(*row.picture) if is_ours else "",
            row.timing.name,
            f"{row.timing.p50_us / 1e3:.2f}",
            f"{row.timing.p99_us / 1e3:.2f}",
            f"{row.times_ours:.2f}",
            f"{row.cpu_us / 1e3:.2f}",
            style="bold" if is_ours else None,
        )
    yield table


def _when_and_where(date: str, machine: dict[str, Any]) -> str:
    parts = ", ".join(f"{key} {value}" for key, value in machine.items() if value)
    return f"{date} · {parts}"


def _hops(result: BenchResult) -> Table:
    table = Table("one hop, µs", title=f"ours is {result.ours}")
    for heading in ("p50", "p99", "× ours", "paced p50", "paced p99"):
        table.add_column(heading, justify="right")
    times = ratios(result)
    paced = {timing.name: timing for timing in result.paced}
    for timing in sorted(result.tight, key=lambda timing: timing.p50_us):
        slow = paced[timing.name]
        table.add_row(
            timing.name,
            f"{timing.p50_us:.1f}",
            f"{timing.p99_us:.1f}",
            f"{times.get(timing.name, 1.0):.2f}",
            f"{slow.p50_us:.0f}",
            f"{slow.p99_us:.0f}",
            style="bold" if timing.name == result.ours else None,
        )
    return table


def _streams(result: BenchResult) -> Table:
    table = Table("streams in one call", title="n independent streams")
    for heading in ("kernel", "p50, µs", "of n calls"):
        table.add_column(heading, justify="right")
    for row in result.streams:
        share = f"{row.share_of_single_calls:.1%}"
        table.add_row(str(row.n_streams), row.kernel, f"{row.p50_us:.1f}", share)
    return table
