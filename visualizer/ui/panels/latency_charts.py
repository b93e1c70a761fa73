"""The latency panel's charts: the last minute by stage, and how its totals are spread."""

from __future__ import annotations

import math

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QPen
from PyQt6.QtWidgets import QGraphicsPathItem

from visualizer.engine.latency import STAGES, ModelLog, percentile
from visualizer.ui.panels.latency_figures import TREND_S, histogram, trend, trend_top
from visualizer.ui.picture.plot import QuietPlot
from visualizer.ui.picture.tints import MODEL_COLOUR, STAGE_COLOURS, alarm, dimmed

_TOTAL = STAGES.index("total")
_PERCENTILES = (50, 95, 99)
_LINES = 11
"""Least height of a chart with its labels, in lines of text."""
_LABEL_MARGIN = 1.0


class TrendChart(QuietPlot):
    """The stages of the last minute in ms; what is over the hop is red."""

    def __init__(self) -> None:
        # Painted by Qt alone, at half the cost of pyqtgraph's curves.
        self._stages = [QGraphicsPathItem() for _ in STAGES]
        self._model = QGraphicsPathItem()
        # Uprights from the hop to the value: seen also where one point alone is late.
        self._late = pg.PlotCurveItem(connect="pairs")
        self._hop = pg.InfiniteLine(angle=0)
        super().__init__(
            "Latency of the last minute",
            "Wait, kernel, draw and their total (in the colour of text) over the last minute, and "
            "beside them a model's answers: each point is the largest value of its 0.2 s.\n"
            "The dashed line is the hop; what is over it is red.",
            lines=_LINES,
        )
        self.left.setLabel("ms")
        self.bottom.setLabel("Seconds before now")
        self.box.setXRange(-TREND_S, 0.0, padding=0)
        for item in (*self._stages, self._model, self._hop, self._late):
            self.box.addItem(item, ignoreBounds=True)

    def take_colours(self) -> None:
        for stage, curve in zip(STAGES, self._stages, strict=True):
            # Of width 0, which is one pixel in any scale.
            curve.setPen(QPen(STAGE_COLOURS.get(stage, self.palette().windowText().color()), 0))
        self._model.setPen(QPen(MODEL_COLOUR, 0))
        self._hop.setPen(dimmed(self.palette()), style=Qt.PenStyle.DashLine)
        self._late.setPen(alarm(self.palette()), width=2)

    def show_trend(
        self,
        times_s: NDArray[np.float64],
        stages_ms: NDArray[np.float64],
        now_s: float,
        hop_s: float,
        model: ModelLog,
    ) -> None:
        """As of LatencyLog.since, at the moment `now_s` (perf_counter s)."""
        seconds, maxima = trend(times_s, stages_ms, now_s, hop_s)
        answered, answers = trend(*model.since(now_s - TREND_S), now_s, model.step_ms / 1e3)
        self._model.setPath(pg.arrayToQPath(answered, answers[:, 0], connect="finite"))
        hop_ms = hop_s * 1e3
        largest = np.concatenate((maxima[:, _TOTAL], answers[:, 0]))
        self.box.setYRange(0.0, trend_top(largest, hop_ms), padding=0)
        self._hop.setValue(hop_ms)
        for curve, values in zip(self._stages, maxima.T, strict=True):
            curve.setPath(pg.arrayToQPath(seconds, values, connect="finite"))
        late = maxima[:, _TOTAL] > hop_ms
        tops = maxima[late, _TOTAL]
        uprights = np.column_stack((np.full(len(tops), hop_ms), tops))
        self._late.setData(np.repeat(seconds[late], 2), uprights.ravel())


class HistogramChart(QuietPlot):
    """Totals in bins; those over the hop are red."""

    def __init__(self) -> None:
        self._fine, self._late = (
            pg.BarGraphItem(x0=[], x1=[], y0=0.0, y1=[], pen=None) for _ in range(2)
        )
        self._hop = pg.InfiniteLine()
        # To the right of their lines, whichever half these are in.
        self.percentiles = [
            pg.InfiniteLine(
                label=f"p{percent} {{value:.2f}}", labelOpts={"anchors": [(0, 0.5), (0, 0.5)]}
            )
            for percent in _PERCENTILES
        ]
        for line in self.percentiles:
            line.label.textItem.document().setDocumentMargin(_LABEL_MARGIN)
        self._end_ms = 1.0
        super().__init__(
            "Spread of the total latency",
            "How the totals of the last minute are spread, on a logarithmic scale, with "
            "lines at p50, p95 and p99.\nThe dashed line is the hop; what is over it is red. The "
            "last bar holds all that is beyond the scale, too.",
            lines=_LINES,
        )
        self.left.setLabel("Columns")
        self.bottom.setLabel("Total of the last minute, ms")
        for item in (self._fine, self._late, self._hop, *self.percentiles):
            self.box.addItem(item, ignoreBounds=True)
        self.box.sigResized.connect(self._place_labels)

    def take_colours(self) -> None:
        text, ground = self.palette().windowText().color(), self.palette().window().color()
        self._fine.setOpts(brush=dimmed(self.palette()))
        self._late.setOpts(brush=alarm(self.palette()))
        self._hop.setPen(dimmed(self.palette()), style=Qt.PenStyle.DashLine)
        for line in self.percentiles:
            line.setPen(text)
            line.label.setColor(text)
            line.label.fill = pg.mkBrush(ground)

    def show_totals(self, totals_ms: NDArray[np.float64], hop_s: float) -> None:
        """(n,) ms"""
        hop_ms = hop_s * 1e3
        known = np.sort(totals_ms[~np.isnan(totals_ms)])
        for percent, line in zip(_PERCENTILES, self.percentiles, strict=True):
            line.setVisible(len(known) > 0)
            if len(known):
                line.setValue(percentile(known, percent))
        counts, edges = histogram(known, hop_ms)
        # One more than the count: a single column shows.
        heights = np.log10(1.0 + counts)
        left, right = edges[:-1], edges[1:]
        late = left > hop_ms * (1 - 1e-9)
        for bars, which in ((self._fine, ~late), (self._late, late)):
            bars.setOpts(x0=left[which], x1=right[which], y1=heights[which])
        powers = range(math.ceil(math.log10(max(100, counts.max(initial=0)))) + 1)
        ticks = [(math.log10(1.0 + 10.0**power), f"{10**power}") for power in powers]
        self.left.setTicks([ticks])
        self._end_ms = float(right[-1])
        self.box.setYRange(0.0, ticks[-1][0], padding=0)
        self._hop.setValue(hop_ms)
        self._place_labels()

    def _place_labels(self) -> None:
        """One below the other, each line ending below the labels of those to its left."""
        labels = [line.label.textItem.boundingRect() for line in self.percentiles]
        width, height = max(1.0, self.box.width()), max(1.0, self.box.height())
        row = labels[0].height() / height
        for n, line in enumerate(self.percentiles):
            top = max(0.0, 1 - n * row)
            line.setSpan(0, top)
            line.label.setPosition(max(0.0, 1 - row / 2 / top) if top else 0.0)
        # The last one's label has room as well.
        share = min(0.9, labels[-1].width() / width)
        end_ms = max(self._end_ms, self.percentiles[-1].value() / (1 - share))
        self.box.setXRange(0.0, end_ms, padding=0)
