"""What `diff` found, as tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.table import Table

from visualizer.tools.diff.difference import Comparison, Figures
from visualizer.tools.diff.sides import Side

_BANDS = 5
_MOST_NUMBERS = 4
"""Of a list, that are shown."""


def diff_tables(found: Comparison) -> Iterator[Table | str]:
    """Lines and tables, in the order to print them."""
    yield f"A  {describe(found.a)}"
    yield f"B  {describe(found.b)}"
    for note in found.notes:
        yield f"note: {note}"
    if found.numbers:
        table = Table("", title="numbers that differ")
        for letter in "AB":
            table.add_column(letter, justify="right")
        for name, pair in found.numbers.items():
            table.add_row(name, *map(_number, pair))
        yield table
    elif found.a.mel is not None and found.a.given is None and found.b.given is None:
        yield "the numbers of their front-ends do not differ"
    if found.figures is None:
        yield f"there is no difference of columns: {found.reason}"
        yield from _instead(found)
        return
    yield from _figures(found, found.figures)


def describe(side: Side) -> str:
    """One line: what it is, over what, and its size."""
    parts = [side.title]
    if side.mel is not None and side.mel.name not in side.title:
        parts.append(side.mel.name)
    if side.kernel is not None and not side.title.endswith(side.kernel):
        parts.append(side.kernel)
    if side.sound is not None and side.sound.name != side.title:
        parts.append(f"over {side.sound.name}")
    if side.sound is not None:
        parts.append(f"{side.sound.duration_s:.2f} s at {side.sound.sample_rate} Hz")
    rows, columns = side.values.shape
    parts.append(f"{rows} × {columns} {side.values.dtype}")
    return " · ".join(parts)


def where(found: Comparison, column: int, band: int) -> str:
    """Return a place as text: its moment and its band."""
    seconds = found.seconds(column)
    moment = f"column {column}" if seconds is None else f"{seconds:.3f} s"
    return f"{moment}, {_band(found, band)}"


def _band(found: Comparison, band: int) -> str:
    assert found.figures is not None
    hertz = found.figures.bands[band - 1].hz
    if hertz is None:
        return f"band {band}"
    if round(hertz[0]) == round(hertz[1]):
        return f"band {band} ({hertz[0]:.0f} Hz)"
    return f"band {band} ({hertz[0]:.0f} Hz in A, {hertz[1]:.0f} in B)"


def _figures(found: Comparison, figures: Figures) -> Iterator[Table | str]:
    unit = found.unit_text
    first, end = figures.first_column, figures.first_column + figures.n_columns
    span = ""
    if found.a.mel is not None:
        span = f", {figures.n_columns * found.a.hop_s:.2f} s"
    of_all = "" if figures.n_columns == found.a.bands.shape[1] else f" ({first} to {end - 1} of A)"
    in_unit = "in dB re a full-scale sine, from −90 up" if unit else "in the model's own values"
    yield f"A less B over {figures.n_columns} columns{of_all}{span}, {in_unit}"
    if figures.n_left_out:
        n = figures.n_left_out
        values = "1 value that is" if n == 1 else f"{n} values that are"
        yield f"left out: {values} not finite in one of them"
    if figures.is_same:
        yield "they are the same: every value of A is exactly that of B"
        return
    share = ""
    if not unit and figures.largest_value:
        share = f", {figures.largest / figures.largest_value:.1e} of the largest value"
    if figures.is_rounding and not unit:
        yield "they are the same but for rounding"
    at = where(found, figures.largest_column, figures.largest_band)
    correlation = figures.correlation
    words = "none: one of them does not vary" if correlation is None else f"{correlation:.6f}"
    worst = figures.worst()
    yield f"  largest        {figures.largest:.4g}{unit}{share}, at {at}"
    yield f"  mean absolute  {figures.mean_absolute:.4g}{unit}"
    yield f"  RMS            {figures.rms:.4g}{unit}"
    yield f"  correlation    {words}"
    yield f"  differs most   {_band(found, worst[0].band)}, by RMS"
    table = Table("band", title="the bands that differ most")
    for heading in ("RMS", "mean", "largest"):
        table.add_column(heading + unit.replace(" ", ", "), justify="right")
    for band in worst[:_BANDS]:
        name = _band(found, band.band).removeprefix("band ")
        table.add_row(name, *(f"{v:.4g}" for v in (band.rms, band.mean, band.largest)))
    yield table


def _instead(found: Comparison) -> Iterator[Table | str]:
    if not found.levels:
        yield "what can be compared: the numbers above, and both pictures with --picture"
        return
    yield (
        "what can be compared: the numbers above, both pictures with --picture, and the mean "
        "level of the band nearest to"
    )
    table = Table("Hz")
    for heading in ("A, dB", "B, dB", "A less B"):
        table.add_column(heading, justify="right")
    for level in found.levels:
        less = level.a_db - level.b_db
        table.add_row(f"{level.hz:g}", f"{level.a_db:.1f}", f"{level.b_db:.1f}", f"{less:+.1f}")
    yield table


def _number(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, tuple | list) and len(value) > _MOST_NUMBERS:
        few = ", ".join(map(_number, value[:_MOST_NUMBERS]))
        return f"{few}, … ({len(value)} numbers)"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
