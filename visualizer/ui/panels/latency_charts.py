"""The latency panel's charts: the last minute by stage, and how its totals are spread."""

from __future__ import annotations

import math

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QColor, QPainter, QPainterPath, QPen

from visualizer.engine.latency import STAGES, percentile
from visualizer.ui.panels.chart_widget import Chart, Scale, ticks_up_to
from visualizer.ui.panels.latency_figures import (
    HEADROOM,
    TREND_S,
    Histogram,
    histogram,
    trend,
    trend_top,
)
from visualizer.ui.picture.tints import STAGE_COLOURS, alarm, dimmed

_TOTAL = STAGES.index("total")
_PERCENTILES = (50, 95, 99)
_MINUTE = Scale(-TREND_S, 0.0, tuple((float(second), f"{-second}") for second in range(-60, 1, 10)))
_NO_HOP = Scale(0.0, HEADROOM, ())
"""Before a hop is known."""


class TrendChart(Chart):
    """The stages of the last minute in ms; what is over the hop is red."""

    def __init__(self) -> None:
        super().__init__(
            "Last minute, ms",
            "Latency of the last minute",
            "Wait, kernel, draw and their total (in the colour of text) over the last minute: each "
            "point is the largest value of its 0.2 s.\n"
            "The dashed line is the hop; what is over it is red.",
            _MINUTE,
            _NO_HOP,
        )
        self._seconds = np.empty(0)
        self._maxima = np.empty((0, len(STAGES)))
        self._hop_ms = math.nan

    def show_trend(
        self,
        times_s: NDArray[np.float64],
        stages_ms: NDArray[np.float64],
        now_s: float,
        hop_s: float,
    ) -> None:
        """As of LatencyLog.since, at the moment `now_s` (perf_counter s)."""
        self._seconds, self._maxima = trend(times_s, stages_ms, now_s, hop_s)
        self._hop_ms = hop_s * 1e3
        top = trend_top(self._maxima[:, _TOTAL], self._hop_ms)
        self.set_scales(_MINUTE, Scale(0.0, top, ticks_up_to(top)))

    def paint_data(self, painter: QPainter) -> None:
        if math.isnan(self._hop_ms):
            return
        x = self.place_x(self._seconds)
        for index, stage in enumerate(STAGES):
            known = np.isfinite(self._maxima[:, index])
            if known.any():
                y = self.place_y(self._maxima[:, index])
                painter.setPen(STAGE_COLOURS.get(stage, self.palette().windowText().color()))
                painter.drawPath(_line(x, y, known))
        hop_y = float(self.place_y(self._hop_ms))
        painter.setPen(QPen(dimmed(self.palette()), 1, Qt.PenStyle.DashLine))
        painter.drawLine(QPointF(self.area().left(), hop_y), QPointF(self.area().right(), hop_y))
        late = self._maxima[:, _TOTAL] > self._hop_ms
        red = alarm(self.palette())
        # Uprights from the hop to the value: seen also where one point alone is late.
        for at, top in zip(x[late], self.place_y(self._maxima[late, _TOTAL]), strict=True):
            painter.fillRect(QRectF(at - 1, top, 2, hop_y - top), red)


class HistogramChart(Chart):
    """Totals in bins; those over the hop are red."""

    def __init__(self) -> None:
        super().__init__(
            "Total of the last minute, ms",
            "Spread of the total latency",
            "How the totals of the last minute are spread, on a logarithmic scale, with "
            "lines at p50, p95 and p99.\nThe dashed line is the hop; what is over it is red. The "
            "last bar holds all that is beyond the scale, too.",
            _NO_HOP,
            _NO_HOP,
        )
        self._spread: Histogram | None = None
        self._percentiles: tuple[float, ...] = ()
        self._hop_ms = math.nan

    def show_totals(self, totals_ms: NDArray[np.float64], hop_s: float) -> None:
        """(n,) ms"""
        self._hop_ms = hop_s * 1e3
        known = np.sort(totals_ms[~np.isnan(totals_ms)])
        self._percentiles = tuple(
            percentile(known, percent) for percent in _PERCENTILES if len(known)
        )
        self._spread = histogram(known, self._hop_ms)
        right = float(self._spread.edges_ms[-1])
        most = max(100, int(self._spread.counts.max(initial=0)))
        powers = range(math.ceil(math.log10(most)) + 1)
        y_ticks = tuple((_height(10.0**power), f"{10**power}") for power in powers)
        top = y_ticks[-1][0]
        self.set_scales(Scale(0.0, right, ticks_up_to(right)), Scale(0.0, top, y_ticks))

    def paint_data(self, painter: QPainter) -> None:
        if self._spread is None:
            return
        area, edges = self.area(), self.place_x(self._spread.edges_ms)
        heights = np.log10(1.0 + self._spread.counts)
        tops = self.place_y(heights)
        late = self._spread.edges_ms[:-1] > self._hop_ms * (1 - 1e-9)
        fine, red = dimmed(self.palette()), alarm(self.palette())
        for index in np.flatnonzero(self._spread.counts):
            width = max(1.0, edges[index + 1] - edges[index] - 1)
            bar = QRectF(edges[index], tops[index], width, area.bottom() - tops[index])
            painter.fillRect(bar, red if late[index] else fine)
        hop_x = float(self.place_x(self._hop_ms))
        painter.setPen(QPen(fine, 1, Qt.PenStyle.DashLine))
        painter.drawLine(QPointF(hop_x, area.top()), QPointF(hop_x, area.bottom()))
        self._paint_percentiles(painter)

    def _paint_percentiles(self, painter: QPainter) -> None:
        """Each label on a line of its own and on the side with room: they often lie together."""
        area, metrics = self.area(), self.fontMetrics()
        text, ground = self.palette().windowText().color(), QColor(self.palette().window().color())
        ground.setAlpha(200)
        lines = [float(at) for at in self.place_x(self._percentiles)]
        for at in lines:
            painter.fillRect(QRectF(at, area.top(), 1, area.height()), text)
        painter.setPen(text)
        for row, (at, value) in enumerate(zip(lines, self._percentiles, strict=True)):
            words = f"p{_PERCENTILES[row]} {value:.2f}"
            width = metrics.horizontalAdvance(words) + 4.0
            left = at + 2 if at + 2 + width < area.right() else at - 2 - width
            label = QRectF(left, area.top() + row * metrics.height(), width, metrics.height())
            painter.fillRect(label, ground)
            painter.drawText(label, Qt.AlignmentFlag.AlignCenter, words)


def _height(count: float) -> float:
    # One more than the count: a single column shows.
    return math.log10(1.0 + count)


def _line(x: NDArray[np.float64], y: NDArray[np.float64], known: NDArray[np.bool_]) -> QPainterPath:
    """A line through the points, broken where they are not known."""
    whole = bool(known.all())
    path: QPainterPath = pg.arrayToQPath(
        x, y, connect="all" if whole else "finite", finiteCheck=not whole
    )
    return path
