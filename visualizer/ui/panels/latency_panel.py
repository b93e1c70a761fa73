"""The latency panel: how late columns are, in full."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from PyQt6.QtCore import QEvent, Qt
from PyQt6.QtGui import QFontMetrics, QGuiApplication
from PyQt6.QtWidgets import QFrame, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from visualizer.engine.latency import STAGES, LatencyLog
from visualizer.engine.status import EngineStatus
from visualizer.ui.panels.budget_bar import BudgetBar
from visualizer.ui.panels.latency_charts import HistogramChart, TrendChart
from visualizer.ui.panels.latency_figures import TREND_S, budget, numbers_table, what_is_measured

_SPREAD_INTERVAL_S = 0.9
"""Somewhat less than a second, so that every fifth of five calls a second is due."""


class LatencyPanel(QScrollArea):
    """Made for a dock of any size: it scrolls where there is no room for all of it."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        super().__init__()
        self._clock = clock
        self._status: EngineStatus | None = None
        self._latency: LatencyLog | None = None
        self._spread_due_s = -math.inf
        self._config_id = -1
        self.setAccessibleName("Latency")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.bar = BudgetBar()
        self.trend = TrendChart()
        self.histogram = HistogramChart()
        self.explanation = QLabel()
        self.explanation.setAccessibleName("What is measured")
        self.explanation.setTextFormat(Qt.TextFormat.PlainText)
        self.explanation.setWordWrap(True)
        self.explanation.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.copy = QPushButton("Copy numbers")
        self.copy.setAccessibleName("Copy numbers")
        self.copy.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.copy.setToolTip("Put all numbers on the clipboard, as a table for a sheet or an issue")
        self.copy.setEnabled(False)
        self.copy.clicked.connect(self._copy)
        body = QWidget()
        layout = QVBoxLayout(body)
        layout.addWidget(self.bar)
        layout.addWidget(self.trend, 3)
        layout.addWidget(self.histogram, 2)
        layout.addWidget(self.explanation)
        layout.addWidget(self.copy, 0, Qt.AlignmentFlag.AlignLeft)
        self.setWidget(body)
        self._take_font()

    def show_latency(self, status: EngineStatus, latency: LatencyLog) -> None:
        """Show what is known now; meant for a few calls a second, while it is visible."""
        self._status, self._latency = status, latency
        self.copy.setEnabled(True)
        self.bar.show_budget(budget(status, latency))
        words = what_is_measured(status, latency.model)
        # Setting a text lays out the panel again, also where it is the same.
        if self.explanation.text() != words:
            self.explanation.setText(words)
        if status.mel is None:
            return
        now_s = self._clock()
        times_s, stages_ms = latency.since(now_s - TREND_S)
        self.trend.show_trend(times_s, stages_ms, now_s, status.mel.hop_s, latency.model)
        # The spread of a minute moves slowly, and painting it is a fair part of the panel's cost.
        if now_s >= self._spread_due_s or status.config_id != self._config_id:
            self._spread_due_s, self._config_id = now_s + _SPREAD_INTERVAL_S, status.config_id
            self.histogram.show_totals(stages_ms[:, STAGES.index("total")], status.mel.hop_s)

    def changeEvent(self, event: QEvent | None) -> None:
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.FontChange:
            self._take_font()

    def _take_font(self) -> None:
        # Narrower, the charts say nothing; QScrollArea would ask for a fixed share of this.
        charts = 36 * QFontMetrics(self.font()).averageCharWidth()
        body, beside = self.widget(), self.verticalScrollBar()
        assert body is not None
        assert beside is not None
        whole = body.minimumSizeHint().width() + beside.sizeHint().width()
        self.setMinimumWidth(max(charts, whole))

    def _copy(self) -> None:
        clipboard = QGuiApplication.clipboard()
        if clipboard is not None and self._status is not None and self._latency is not None:
            clipboard.setText(numbers_table(self._status, self._latency))
