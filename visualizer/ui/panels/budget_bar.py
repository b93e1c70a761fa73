"""The budget bar: what a typical column took of the hop it has."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PyQt6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPalette, QResizeEvent
from PyQt6.QtWidgets import QSizePolicy, QWidget

from visualizer.engine.latency import Stage
from visualizer.ui.panels.latency_figures import HEADROOM, Budget
from visualizer.ui.picture.overlay import ROLLING_COLUMNS
from visualizer.ui.picture.tints import STAGE_COLOURS, alarm, mixed

_NOTHING = "no column yet"


@dataclass(frozen=True)
class Word:
    """One number under the bar."""

    text: str
    widest: str
    """what room is kept for, so that numbers do not push each other about"""
    late: bool = False
    stage: Stage | None = None
    """whose colour stands before it: the numbers are the legend too"""


def words(budget: Budget) -> list[Word]:
    """The numbers under the bar."""
    found = []
    for stage in STAGE_COLOURS:
        took_ms = budget.stages[stage]
        number = "–" if math.isnan(took_ms) else f"{took_ms:.2f}"
        found.append(Word(f"{stage} {number}", f"{stage} 00.00", stage=stage))
    hop = f"of {budget.hop:.4g} ms"
    late = budget.p50 > budget.hop
    found.append(Word(f"total {budget.p50:.2f} {hop}", f"total 00.00 {hop}", late))
    found.append(Word(f"p99 {budget.p99:.2f}", "p99 000.00", budget.p99 > budget.hop))
    return found


class BudgetBar(QWidget):
    """wait, kernel and draw on one bar, from 0 to the hop and a little beyond; numbers below."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Latency budget")
        self.setToolTip(
            f"Medians of wait, kernel and draw of the newest {ROLLING_COLUMNS} columns, in ms, "
            "one after the other; they add up to that of the total only nearly.\n"
            "The frame is one hop long; what lies beyond it is red. "
            "The thin line is the p99 of the total."
        )
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        # Painted, since a label would lay the whole panel out again at each new number.
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self._budget: Budget | None = None
        self._rows = 1

    def text(self) -> str:
        """The numbers as they stand below the bar."""
        if self._budget is None:
            return _NOTHING
        return " · ".join(word.text for word in words(self._budget))

    def show_budget(self, budget: Budget | None) -> None:
        known, self._budget = self._budget is not None, budget
        if known != (budget is not None):
            self.updateGeometry()
        self.setAccessibleDescription(self.text())
        self.update()

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        rows = 1 if self._budget is None else 1 + max(row for _, row, _ in self._places(width))
        return math.ceil(self._bar_height() + (rows + 0.3) * self._line())

    def sizeHint(self) -> QSize:
        width = 40 * self.fontMetrics().averageCharWidth()
        return QSize(width, self.heightForWidth(width))

    def minimumSizeHint(self) -> QSize:
        return QSize(16 * self.fontMetrics().averageCharWidth(), self.heightForWidth(self.width()))

    def changeEvent(self, event: QEvent | None) -> None:
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.FontChange:
            self.updateGeometry()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        self.updateGeometry()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self.palette().window())
        whole = QRectF(0.5, 0.5, self.width() - 1.0, self._bar_height() - 1.0)
        hop = QRectF(whole.topLeft(), whole.bottomRight())
        hop.setWidth(whole.width() / HEADROOM)
        beyond = QRectF(hop.topRight(), whole.bottomRight())
        red = alarm(self.palette())
        painter.fillRect(hop, self.palette().base())
        painter.fillRect(beyond, mixed(red, self.palette().window().color(), 0.12))
        if self._budget is not None:
            self._paint_stages(painter, self._budget, hop, beyond)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(self.palette().color(QPalette.ColorRole.Mid))
        painter.drawRect(hop)
        if self._budget is not None:
            share = min(HEADROOM, self._budget.p99 / self._budget.hop)
            mark = QRectF(hop.left() + share * hop.width() - 2, hop.top(), 2, hop.height())
            late = self._budget.p99 > self._budget.hop
            painter.fillRect(mark, red if late else self.palette().windowText().color())
        self._paint_words(painter)

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

    def _paint_words(self, painter: QPainter) -> None:
        ascent = self.fontMetrics().ascent()
        top = self._bar_height() + 0.3 * self._line()
        text = self.palette().windowText().color()
        if self._budget is None:
            painter.setPen(text)
            painter.drawText(QPointF(0, top + ascent), _NOTHING)
            return
        square = 0.6 * ascent
        for word, row, left in self._places(self.width()):
            baseline = top + row * self._line() + ascent
            if word.stage is not None:
                swatch = QRectF(left, baseline - square, square, square)
                painter.fillRect(swatch, QColor(STAGE_COLOURS[word.stage]))
                left += 1.5 * square
            painter.setPen(alarm(self.palette()) if word.late else text)
            painter.drawText(QPointF(left, baseline), word.text)

    def _places(self, width: int) -> list[tuple[Word, int, float]]:
        """Each word with its row and left end, as many in a row as there is room for."""
        assert self._budget is not None
        metrics = QFontMetricsF(self.font())
        swatch, space = 0.9 * metrics.ascent(), 1.5 * metrics.averageCharWidth()
        row, left = 0, 0.0
        places = []
        for word in words(self._budget):
            room = metrics.horizontalAdvance(word.widest) + (swatch if word.stage else 0.0)
            if left > 0 and left + room > width:
                row, left = row + 1, 0.0
            places.append((word, row, left))
            left += room + space
        return places

    def _line(self) -> float:
        return QFontMetricsF(self.font()).lineSpacing()

    def _bar_height(self) -> float:
        return float(round(1.3 * self.fontMetrics().height()))
