"""The budget bar: what a typical column took of the hop it has."""

from __future__ import annotations

import math

from PyQt6.QtCore import QPointF, QRectF, QSize, Qt
from PyQt6.QtGui import QPainter, QPaintEvent, QPalette
from PyQt6.QtWidgets import QSizePolicy, QWidget

from visualizer.ui.panels.latency_figures import HEADROOM, Budget
from visualizer.ui.picture.overlay import ROLLING_COLUMNS
from visualizer.ui.picture.tints import STAGE_COLOURS, alarm, mixed


class BudgetBar(QWidget):
    """wait, kernel and draw on one bar, from 0 to the hop and a little beyond; numbers below."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Latency budget")
        self.setToolTip(
            f"Medians of wait, kernel and draw of the newest {ROLLING_COLUMNS} columns, in ms, "
            "one after the other; their sum only comes close to the median of the total.\n"
            "The frame is one hop long; what lies beyond it is red. "
            "The thin line is the p99 of the total."
        )
        self.setSizePolicy(QSizePolicy.Policy.MinimumExpanding, QSizePolicy.Policy.Fixed)
        # Painted, since labels would lay the whole panel out again at each new number.
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self._budget: Budget | None = None
        self.setAccessibleDescription(self.text())

    def text(self) -> str:
        """Return the numbers as they stand below the bar."""
        return " · ".join(text for text, _ in _numbers(self._budget))

    def show_budget(self, budget: Budget | None) -> None:
        """Show this, or that there is none yet."""
        if budget == self._budget:
            return
        self._budget = budget
        self.setAccessibleDescription(self.text())
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(3 * self._cell(), round(self._bar_height() + 2.3 * self._line()))

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
        painter.setPen(self.palette().color(QPalette.ColorRole.Mid))
        painter.drawRect(hop.toAlignedRect())
        if self._budget is not None:
            share = min(HEADROOM, self._budget.p99 / self._budget.hop)
            mark = QRectF(hop.left() + share * hop.width() - 2, hop.top(), 2, hop.height())
            painter.fillRect(mark, red if share > 1 else text)
        ascent = self.fontMetrics().ascent()
        for place, (words, is_late) in enumerate(_numbers(self._budget)):
            # The first row has the stages, and is the bar's legend; the total has room for two.
            row, column = (0, place) if place < 3 else (1, 2 * (place - 3))
            left = column * self._cell()
            baseline = self._bar_height() + (row + 0.3) * self._line() + ascent
            if row == 0 and self._budget is not None:
                square = QRectF(left, baseline - 0.6 * ascent, 0.6 * ascent, 0.6 * ascent)
                painter.fillRect(square, list(STAGE_COLOURS.values())[place])
                left += ascent
            painter.setPen(red if is_late else text)
            painter.drawText(QPointF(left, baseline), words)

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

    def _line(self) -> int:
        return self.fontMetrics().lineSpacing()

    def _bar_height(self) -> int:
        return round(1.3 * self.fontMetrics().height())

    def _cell(self) -> int:
        """The width of a stage's number with its square."""
        return self.fontMetrics().horizontalAdvance("■ kernel 000.00 ")


def _numbers(budget: Budget | None) -> list[tuple[str, bool]]:
    """Return those under the bar, and whether each is late: the stages, the total and its p99."""
    if budget is None:
        return [("no column yet", False)]
    taken = [(stage, budget.stages[stage]) for stage in STAGE_COLOURS]
    return [
        *((f"{stage} –" if math.isnan(ms) else f"{stage} {ms:.2f}", False) for stage, ms in taken),
        (f"total {budget.p50:.2f} of {budget.hop:.4g} ms", budget.p50 > budget.hop),
        (f"p99 {budget.p99:.2f}", budget.p99 > budget.hop),
    ]
