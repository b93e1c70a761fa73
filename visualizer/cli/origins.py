"""A front-end with the origin of each of its numbers, as text for a terminal and as JSON values."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any

from visualizer.engine.report import front_end_fields, plain
from visualizer.mel.described import Described, FieldOrigin
from visualizer.mel.empty_filters import empty_filters_text
from visualizer.mel.front_ends import Found

_WORDS = {
    "file": "from the file",
    "class": "the class's",
    "assumed": "assumed",
    "default": "the default",
    "preset": "the preset's",
}
_LONGEST_VALUE = 60
_MOST_SHOWN = 4


def origin_lines(found: Found) -> Iterator[str]:
    """Lines to print: the chain, what was ignored, and notes."""
    described = _described(found)
    front_end = described.front_end
    yield f"{found.name}: {' · '.join(filter(None, (described.whose, described.source)))}"
    yield (
        f"{front_end.n_rows} {front_end.rows.plural}, a column each {1e3 * front_end.hop_s:g} ms, "
        f"at {front_end.sample_rate} Hz"
    )
    yield ""
    rows = [("stage", "field", "value", "origin")]
    rows += [("", f.field, _short(f.value), _words(f, found)) for f in _of(described, None)]
    for i, stage in enumerate(front_end.stages):
        of_stage = _of(described, i)
        cells = [(f.field, _short(f.value), _words(f, found)) for f in of_stage]
        names = [stage.stage, *[""] * len(cells)]
        rows += [(name, *cell) for name, cell in zip(names, cells or [("", "", "")], strict=False)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(n) for cell, n in zip(row, widths, strict=True)).rstrip()
    if described.ignored:
        yield ""
    for one in described.ignored:
        yield f"written, ignored: {one.key} = {_short(one.value)}: {one.why}"
    notes = [*described.notes, *filter(None, [empty_filters_text(front_end)])]
    if notes:
        yield ""
    for note in notes:
        yield f"note: {note}"


def origin_values(found: Found) -> dict[str, Any]:
    """The same as plain JSON values."""
    described = _described(found)
    stages = described.front_end.stages
    rows = [
        {
            "stage": None if f.stage is None else stages[f.stage].stage,
            "index": f.stage,
            "field": f.field,
            "value": f.value,
            "origin": _origin(f, found),
            "key": f.key,
        }
        for f in described.fields
    ]
    values = {
        "name": found.name,
        "whose": described.whose,
        "source": described.source,
        "fields": rows,
        "ignored": [vars(one) for one in described.ignored],
        "notes": described.notes,
    }
    made: dict[str, Any] = plain(values | front_end_fields(described.front_end))
    return made


def _described(found: Found) -> Described:
    """Return where its numbers come from: for one that does not say, all from one place."""
    if found.described is not None:
        return found.described
    front_end = found.at(None)
    told = [FieldOrigin(None, "sample_rate", front_end.sample_rate, "file")]
    for i, stage in enumerate(front_end.stages):
        told += [FieldOrigin(i, f.name, getattr(stage, f.name), "file") for f in fields(stage)]
    about = ("", "") if found.preset is None else (found.preset.summary, found.preset.source)
    return Described(front_end, *about, tuple(told))


def _of(described: Described, stage: int | None) -> list[FieldOrigin]:
    return [field for field in described.fields if field.stage == stage]


def _origin(field: FieldOrigin, found: Found) -> str:
    return field.origin if found.preset is None else "preset"


def _words(field: FieldOrigin, found: Found) -> str:
    key = f": {field.key}" if field.origin == "file" and field.key else ""
    return _WORDS[_origin(field, found)] + key


def _short(value: object) -> str:
    """A value on one line; of many numbers, how many there are and their range."""
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, str):
        return _cut(" ".join(value.split()))
    if isinstance(value, list | tuple) and len(value) > _MOST_SHOWN and _are_numbers(value):
        return f"{len(value)} numbers from {min(value):.4g} to {max(value):.4g}"
    return _cut(json.dumps(value, ensure_ascii=False, default=str))


def _are_numbers(values: Sequence[object]) -> bool:
    return all(isinstance(value, int | float) for value in values)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"
