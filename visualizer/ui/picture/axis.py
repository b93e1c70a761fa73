"""The axis of the rows: hertz, or notes, where bands peak; names where they are no frequencies."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Literal

import pyqtgraph as pg

from visualizer.mel.stage import Rows
from visualizer.ui.picture.notes import note_hz, note_name

Ticks = tuple[tuple[float, str], ...]
"""Each with its label: of a group in Hz, or with its place on the axis."""
Groups = tuple[Ticks, ...]
"""What may be marked, most wanted first. Of a group all have room, or none is marked."""


def _hertz(values: Iterable[int]) -> Ticks:
    return tuple((float(hz), str(hz)) for hz in values)


# 1-2-5 with the octave-like fillers that a mel scale leaves room for.
_MEL_HERTZ: Groups = tuple(
    _hertz((hz,))
    for hz in (
        *(1000, 100, 10000, 100_000),
        *(2000, 500, 5000, 200, 20000, 50000),
        *(3000, 4000, 300, 50, 700, 7000, 15000, 30000),
        *(1500, 6000, 8000, 400, 2500, 12000, 600, 800),
    )
)

# Even steps, each half of the one before, of which a group has what comes with it.
_LINEAR_HERTZ: Groups = tuple(
    _hertz(range(step, 128 * step, 2 * step)) for step in (125 << n for n in range(11, -1, -1))
)

# Octaves, each at its C, then the other notes without a sharp. Downwards, since the lowest are the
# ones that a mel scale has no room for.
_NOTES: Groups = tuple(
    ((note_hz(note, octave), note_name(note_hz(note, octave))),)
    for note in ("C", "G", "E", "A", "D", "F", "B")
    for octave in range(10, 0, -1)
)

_LINES_PER_TICK = 1.8
_WIDE_HZ = 100_000.0
"""Hertz of six digits and more have no room beside the axis's title."""
_TITLE_SHARE = 1.2
"""Of its width, that an upright title needs."""


def tick_groups(rows: Rows, notes: bool) -> Groups:
    """Return what may be marked, each tick with its place: row i spans [i, i + 1)."""
    if rows.edges_hz is None:
        # Every row, or else every second, every fourth, …
        steps = [1 << n for n in range(len(rows.labels).bit_length())]
        places = [(i + 0.5, label) for i, label in enumerate(rows.labels)]
        return tuple(tuple(places[::step]) for step in reversed(steps))
    hertz = _LINEAR_HERTZ if rows.scale == "linear" else _MEL_HERTZ
    low, high = sorted(rows.edges_hz[[0, -1]])
    groups = []
    is_wide = high >= _WIDE_HZ and not notes
    for group in _NOTES if notes else hertz:
        inside = [
            (hz, f"{hz / 1000:g}k" if is_wide and hz >= 1000 else label)
            for hz, label in group
            if low <= hz <= high
        ]
        positions = rows.position([hz for hz, _ in inside]).tolist()
        labels = [label for _, label in inside]
        groups.append(tuple(zip(positions, labels, strict=True)))
    return tuple(groups)


def placed_ticks(groups: Groups, ends: tuple[float, float], nearest: float) -> Ticks:
    """Return the ticks that have room between the `ends`, upwards.

    No two are nearer to each other than `nearest`.
    """
    placed: list[tuple[float, str]] = []
    for group in groups:
        new = [tick for tick in group if ends[0] <= tick[0] <= ends[1] and tick not in placed]
        together = sorted(placed + new)
        if all(above - below >= nearest for (below, _), (above, _) in pairwise(together)):
            placed = together
    return tuple(placed)


class FrequencyAxis(pg.AxisItem):
    """Ticks in Hz, or as notes, along an axis on which band i spans [i, i + 1)."""

    def __init__(self, orientation: Literal["left", "bottom"] = "left") -> None:
        super().__init__(orientation)
        self._rows: Rows | None = None
        self._notes = False
        self._redraw()

    def set_rows(self, rows: Rows | None) -> None:
        """Have ticks for the rows of a front-end; without one they are counted."""
        self._rows = rows
        self._redraw()

    def set_notes(self, notes: bool) -> None:
        """Mark notes instead of hertz, or hertz again."""
        self._notes = notes
        self._redraw()

    def tickValues(
        self,
        minVal: float,  # noqa: N803
        maxVal: float,  # noqa: N803
        size: float,
    ) -> list[tuple[float, list[float]]]:
        if self._rows is None:
            counted: list[tuple[float, list[float]]] = super().tickValues(minVal, maxVal, size)
            return counted
        if size <= 0:
            return []
        nearest = self._room() * (maxVal - minVal) / size
        placed = placed_ticks(tick_groups(self._rows, self._notes), (minVal, maxVal), nearest)
        return [(1.0, [position for position, _ in placed])]

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        if self._rows is None:
            counts: list[str] = super().tickStrings(values, scale, spacing)
            return counts
        ticks = [tick for group in tick_groups(self._rows, self._notes) for tick in group]
        return [min(ticks, key=lambda tick: abs(tick[0] - value))[1] for value in values]

    def resizeEvent(self, event: object = None) -> None:
        """Give the axis the title that its length has room for."""
        # pyqtgraph sizes an axis while it makes it.
        if hasattr(self, "_rows") and self.labelText != self._name():
            # It places the title, too.
            self.setLabel(self._name())
        else:
            super().resizeEvent(event)

    def _redraw(self) -> None:
        self.picture = None
        self.setLabel(self._name())
        self.update()

    def _name(self) -> str:
        if self._rows is None:
            return "Band"
        if self._rows.edges_hz is None:
            return self._rows.kind.capitalize()
        if self._notes:
            return "Note"
        whole = "Frequency (Hz)"
        metrics = pg.QtGui.QFontMetricsF(self.label.font())
        needed = _TITLE_SHARE * float(metrics.horizontalAdvance(whole))
        # Before it is laid out it has no height.
        is_low = self.orientation == "left" and 0 < self.size().height() < needed
        return "Hz" if is_low else whole

    def _room(self) -> float:
        """Least distance between ticks, in pixels: texts lie above or beside each other."""
        font = self.style["tickFont"] or self.font()
        metrics = pg.QtGui.QFontMetricsF(font)
        if self.orientation == "left":
            return _LINES_PER_TICK * float(metrics.height())
        return float(metrics.horizontalAdvance("100000"))
