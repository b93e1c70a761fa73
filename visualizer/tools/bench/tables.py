"""What a bench run measured, as tables for a terminal: the rows of the JSON, as they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table

from visualizer.tools.bench.measure import BenchResult

if TYPE_CHECKING:
    from _typeshed import DataclassInstance
    from rich.console import JustifyMethod


def bench_tables(result: BenchResult) -> Iterator[Table | str]:
    """Return the table and what stands below it, in the order to print them."""
    yield f"{result.front_end}; absolute times are of this machine and hour, so compare the ratios"
    yield table(f"one call, µs; ours is {result.ours}", result.calls, result.ours)
    file = result.file
    yield (
        f"{file.sound_s / 60:.0f} minutes of sound on one core: computed in memory in "
        f"{file.memory_s * 1e3:.0f} ms, {file.memory_times_real_time:,.0f} times real time; "
        f"read, computed and written in {file.seconds * 1e3:.0f} ms, "
        f"{file.times_real_time:,.0f} times; the mel command, from start to exit, "
        f"in {file.command_s * 1e3:.0f} ms"
    )
    if result.build_s is not None and result.load_ms is not None:
        yield (
            f"the compiled kernel: built in {result.build_s} s, "
            f"loaded from the cache in {result.load_ms} ms"
        )
    for problem in result.problems:
        yield f"not measured: {problem}"


def table(title: str, rows: Sequence[DataclassInstance], ours: str) -> Table:
    """Return a table of rows that have a `case`; of which `ours` is bold."""
    drawn = Table(title=title, box=SIMPLE_HEAD, pad_edge=False)
    for field in fields(rows[0]):
        heading = field.name.removesuffix("_us").removesuffix("_ms").replace("times_", "× ")
        is_case = field.name == "case"
        justify: JustifyMethod = "left" if is_case else "right"
        drawn.add_column(heading.replace("_", " "), justify=justify, no_wrap=is_case)
    for row in rows:
        values = asdict(row)
        style = "bold" if values["case"] == ours else None
        drawn.add_row(*map(_text, values.values()), style=style)
    return drawn


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.2f}" if value < 100 else f"{value:,.0f}"
    return "" if value is None else str(value)
