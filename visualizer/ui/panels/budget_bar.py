"""The budget bar: what a typical column took of the hop it has."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PyQt6.QtCore import QPointF, QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QPainter, QPaintEvent, QPalette
from PyQt6.QtWidgets import QSizePolicy, QWidget

from visualizer.ui.panels.latency_figures import HEADROOM, Budget
from visualizer.ui.picture.overlay import ROLLING_COLUMNS
from visualizer.ui.picture.tints import MODEL_COLOUR, STAGE_COLOURS, alarm, mixed

_MODEL_SHARE = 0.25
"""of the bar's height"""


class BudgetBar(QWidget):
    """wait, kernel and draw on one bar, from 0 to the hop and a little beyond; numbers below."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Latency budget")
        self.setToolTip(
            f"Medians of wait, kernel and draw of the newest {ROLLING_COLUMNS} columns, in ms, "
            "one after the other; their sum only comes close to the median of the total.\n"
            "The frame is one hop long; what lies beyond it is red. "
            "The thin line is the p99 of the total.\n"
            "Where a model answers, the strip at the bottom is the median of its answers, from "
            "when the column was there on."
        )
        self.setSizePolicy(QSizePolicy.Policy.MinimumExpanding, QSizePolicy.Policy.Fixed)
        # Painted, since labels would lay the whole panel out again at each new number.
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self._budget: Budget | None = None
        self.setAccessibleDescription(self.text())

    def text(self) -> str:
        """Return the numbers as they stand below the bar."""
        return " · ".join(part.words for part in _numbers(self._budget))

    def show_budget(self, budget: Budget | None) -> None:
        """Show this, or that there is none yet."""
        if budget == self._budget:
            return
        before, self._budget = self._budget, budget
        self.setAccessibleDescription(self.text())
        if _has_model(before) != _has_model(budget):
            self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        rows = 4.3 if _has_model(self._budget) else 2.3
        return QSize(3 * self._cell(), round(self._bar_height() + rows * self._line()))

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self.palette().window())
        hop = QRectF(0.5, 0.5, (self.width() - 1.0) / HEADROOM, self._bar_height() - 1.0)
        beyond = QRectF(hop.right(), hop.top(), self.width() - 1.0 - hop.width(), hop.height())
        red, text = alarm(self.palette()), self.palette().windowText().color()
        painter.fillRect(hop, self.palette().base())
        painter.fillRect(beyond, mixed(red, self.palette().window().color(), 0.12))
        if self._budget is not None:
            self._paint_stages(painter, self._budget, hop, beyond)
            self._paint_model(painter, self._budget, hop | beyond)
        painter.setPen(self.palette().color(QPalette.ColorRole.Mid))
        painter.drawRect(hop.toAlignedRect())
        if self._budget is not None:
            share = min(HEADROOM, self._budget.p99 / self._budget.hop)
            mark = QRectF(hop.left() + share * hop.width() - 2, hop.top(), 2, hop.height())
            painter.fillRect(mark, red if share > 1 else text)
        ascent = self.fontMetrics().ascent()
        for part in _numbers(self._budget):
            left = part.column * self._cell()
            baseline = self._bar_height() + (part.row + 0.3) * self._line() + ascent
            if part.colour is not None:
                square = QRectF(left, baseline - 0.6 * ascent, 0.6 * ascent, 0.6 * ascent)
                painter.fillRect(square, part.colour)
                left += ascent
            painter.setPen(red if part.is_late else text)
            painter.drawText(QPointF(left, baseline), part.words)

    def _paint_stages(self, painter: QPainter, budget: Budget, hop: QRectF, beyond: QRectF) -> None:
        left = hop.left()
        inset = 0.12 * hop.height()
        for stage, colour in STAGE_COLOURS.items():
            took_ms = budget.stages[stage]
            if math.isnan(took_ms):
                continue
            right = left + took_ms / budget.hop * hop.width()
            part = QRectF(left, hop.top() + inset, right - left, hop.height() - 2 * inset)
            painter.fillRect(part & hop, colour)
            painter.fillRect(part & beyond, alarm(self.palette()))
            left = right

    def _paint_model(self, painter: QPainter, budget: Budget, whole: QRectF) -> None:
        if budget.model is None:
            return
        pixels_per_ms = whole.width() / HEADROOM / budget.hop
        ready_ms = sum(budget.stages[stage] for stage in ("wait", "kernel"))
        height = _MODEL_SHARE * whole.height()
        strip = QRectF(
            whole.left() + ready_ms * pixels_per_ms,
            whole.bottom() - height,
            budget.model.p50 * pixels_per_ms,
            height,
        )
        is_late = budget.model.p50 > budget.model.step
        painter.fillRect(strip & whole, alarm(self.palette()) if is_late else MODEL_COLOUR)

    def _line(self) -> int:
        return self.fontMetrics().lineSpacing()

    def _bar_height(self) -> int:
        return round(1.3 * self.fontMetrics().height())

    def _cell(self) -> int:
        """The width of a stage's number with its square."""
        return self.fontMetrics().horizontalAdvance("■ kernel 000.00 ")


@dataclass(frozen=True)
class _Words:
    """Some words under the bar, in a row and a column of cells."""

    words: str
    row: int
    column: int
    is_late: bool = False
    colour: QColor | None = None
    """of what they are the legend of"""


def _has_model(budget: Budget | None) -> bool:
    return budget is not None and budget.model is not None


def _numbers(budget: Budget | None) -> list[_Words]:
    """Return those under the bar: the stages, the total and its p99, and those of a model."""
    if budget is None:
        return [_Words("no column yet", 0, 0)]
    texts = []
    for column, (stage, colour) in enumerate(STAGE_COLOURS.items()):
        ms = budget.stages[stage]
        words = f"{stage} –" if math.isnan(ms) else f"{stage} {ms:.2f}"
        texts.append(_Words(words, 0, column, colour=colour))
    # A total, which has its hop beside it, takes two cells.
    total = f"total {budget.p50:.2f} of {budget.hop:.4g} ms"
    texts.append(_Words(total, 1, 0, budget.p50 > budget.hop))
    texts.append(_Words(f"p99 {budget.p99:.2f}", 1, 2, budget.p99 > budget.hop))
    model = budget.model
    if model is not None:
        words = f"model {model.p50:.2f} of {model.step:.4g} ms"
        texts.append(_Words(words, 2, 0, model.p50 > model.step, MODEL_COLOUR))
        texts.append(_Words(f"p99 {model.p99:.2f}", 2, 2, model.p99 > model.step))
        share = 100 * model.behind / model.answers
        texts.append(_Words(f"behind {share:.2g} % of {model.answers} times", 3, 0))
    return texts
