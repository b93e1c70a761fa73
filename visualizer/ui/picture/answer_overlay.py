"""What a model answers, over the picture: segments as shades, curves in Hz where they are heard."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, floor

import numpy as np
import pyqtgraph as pg
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QColor, QPainter, QPen

from visualizer.mel.stage import Rows
from visualizer.ui.picture.answers import ShownAnswers
from visualizer.ui.picture.tints import CURVE_COLOURS

_BAR = 3
"""Height of the bar at the foot of a segment."""
_LINE, _OUTLINE = 2.0, 4.0
"""Widths of a curve, and of what sets it off from the picture."""
_ROWS = 32
"""To be shaded at once: more, and Qt wakes other threads for it."""
_LIGHTER = 140
"""In percent: colours on the picture, which is dark."""
_SHADE = 0.08
"""How much of the picture a shade covers."""
_DARK = QColor(8, 8, 12, 150)
REACH = 3
"""Pixels that a curve reaches to both sides of where it is."""


class AnswerOverlay:
    """Draws on one picture; its place in time is the picture's own."""

    def __init__(self, shown: ShownAnswers, rows: Rows) -> None:
        self._shown = shown
        self._rows = rows
        # Their colours are those of the curves below the picture.
        curves = [o for o in shown.spec.outputs if o.kind in ("probability", "curve")]
        coloured = list(zip(curves, CURVE_COLOURS, strict=False))
        self._probabilities = [(o, c) for o, c in coloured if o.kind == "probability"]
        self._pitches = [(o, c) for o, c in coloured if o.kind == "curve" and o.unit == "Hz"]

    def draw(
        self,
        painter: QPainter,
        height: int,
        n_bands: int,
        times_s: tuple[float, float],
        x_at: Callable[[float], float],
    ) -> None:
        """Draw what lies between two moments of the stream.

        Args:
            height: of the picture, which has so many bands.
            times_s: the moments (s).
            x_at: gives the place of a moment.
        """
        for output, colour in self._probabilities:
            shade = QColor(colour.lighter(_LIGHTER))
            bar = QColor(shade)
            shade.setAlphaF(_SHADE)
            for start_s, end_s in self._shown.segments(output.name, *times_s):
                # Whole pixels, which Qt fills ten times as fast as parts of some.
                left = max(round(x_at(start_s)), floor(x_at(times_s[0])))
                width = min(round(x_at(end_s)), ceil(x_at(times_s[1]))) - left
                for top in range(0, height, _ROWS):
                    painter.fillRect(left, top, width, min(_ROWS, height - top), shade)
                painter.fillRect(left, height - _BAR, width, _BAR, bar)
        if self._pitches and self._rows.edges_hz is not None:
            self._draw_pitches(painter, height / n_bands, height, times_s, x_at)

    def _draw_pitches(
        self,
        painter: QPainter,
        band: float,
        height: int,
        times_s: tuple[float, float],
        x_at: Callable[[float], float],
    ) -> None:
        grid, edges = self._shown.grid, self._rows.edges_hz
        assert edges is not None
        first, end = grid.index_at(times_s[0]) - 1, grid.index_at(times_s[1]) + 2
        x = np.linspace(x_at(grid.middle_s(first)), x_at(grid.middle_s(end)), end - first, False)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for output, colour in self._pitches:
            hz = self._shown.numbers([output], first, end)[0][:, 0].astype(np.float64)
            low, high = sorted((edges[0], edges[-1]))
            hz[~((hz >= low) & (hz <= high))] = np.nan
            path = pg.arrayToQPath(x, height - band * self._rows.position(hz), connect="finite")
            for pen_colour, width in ((_DARK, _OUTLINE), (colour.lighter(_LIGHTER), _LINE)):
                pen = QPen(pen_colour, width)
                pen.setCapStyle(Qt.PenCapStyle.RoundCap)
                pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
                painter.setPen(pen)
                painter.drawPath(path)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
