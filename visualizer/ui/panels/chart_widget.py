"""A small chart painted directly: several times lighter than a graphics scene."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PyQt6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PyQt6.QtGui import QPainter, QPaintEvent, QPixmap
from PyQt6.QtWidgets import QSizePolicy, QWidget

from visualizer.ui.picture.tints import dimmed

_LINES = 9
"""Least height, in lines of text."""


@dataclass(frozen=True)
class Scale:
    """One axis: its ends, and the texts at some of its values."""

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]


def ticks_up_to(high: float, most: int = 6) -> tuple[tuple[float, str], ...]:
    """Return round values from 0 to `high`, `most` steps at most, of 1, 2 or 5 times 10ⁿ."""
    power = 10.0 ** math.floor(math.log10(high / most))
    step = next(power * factor for factor in (1, 2, 5, 10) if high / (power * factor) <= most)
    values = [step * index for index in range(math.floor(high / step * (1 + 1e-9)) + 1)]
    return tuple((value, f"{value:.6g}") for value in values)


class Chart(QWidget):
    """Title and axes are kept as pixels; a subclass paints the data over them."""

    def __init__(self, title: str, name: str, tip: str, x: Scale, y: Scale) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setToolTip(tip)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._title = title
        self.x_scale, self.y_scale = x, y
        self._ground: QPixmap | None = None
        self._area = QRectF()
        # It paints all of itself, so nothing behind it is painted first.
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)

    def set_scales(self, x: Scale, y: Scale) -> None:
        if (x, y) != (self.x_scale, self.y_scale):
            self.x_scale, self.y_scale = x, y
            self._ground = None
        self.update()

    def paint_data(self, painter: QPainter) -> None:
        """Paint over the axes; nothing outside `area` is seen."""
        raise NotImplementedError

    def area(self) -> QRectF:
        """Where data is painted."""
        return self._area

    def _find_area(self) -> QRectF:
        metrics = self.fontMetrics()
        texts = [metrics.horizontalAdvance(text) for _, text in self.y_scale.ticks]
        left = max(texts, default=0) + 8.0
        top, below = 1.6 * metrics.lineSpacing(), 1.2 * metrics.lineSpacing()
        # Half a text hangs over at the right end.
        right = self.width() - metrics.horizontalAdvance("000") / 2
        return QRectF(left, top, right - left, self.height() - top - below)

    def place_x(self, values: ArrayLike) -> NDArray[np.float64]:
        """Values of the x axis in widget coordinates, same shape."""
        area, axis = self._area, self.x_scale
        scale = area.width() / (axis.high - axis.low)
        places: NDArray[np.float64] = (np.asarray(values, np.float64) - axis.low) * scale
        return places + area.left()

    def place_y(self, values: ArrayLike) -> NDArray[np.float64]:
        """Values of the y axis in widget coordinates, same shape."""
        area, axis = self._area, self.y_scale
        scale = area.height() / (axis.high - axis.low)
        heights: NDArray[np.float64] = (np.asarray(values, np.float64) - axis.low) * scale
        return area.bottom() - heights

    def sizeHint(self) -> QSize:
        return QSize(40 * self.fontMetrics().averageCharWidth(), self.minimumSizeHint().height())

    def minimumSizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        return QSize(24 * metrics.averageCharWidth(), _LINES * metrics.lineSpacing())

    def changeEvent(self, event: QEvent | None) -> None:
        super().changeEvent(event)
        self._ground = None

    def paintEvent(self, event: QPaintEvent | None) -> None:
        ratio = self.devicePixelRatioF()
        size = QSize(math.ceil(self.width() * ratio), math.ceil(self.height() * ratio))
        if self._ground is None or self._ground.size() != size:
            self._area = self._find_area()
            self._ground = QPixmap(size)
            self._ground.setDevicePixelRatio(ratio)
            self._ground.fill(self.palette().window().color())
            ground = QPainter(self._ground)
            ground.setFont(self.font())
            self._paint_ground(ground)
            ground.end()
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._ground)
        painter.setClipRect(self._area)
        self.paint_data(painter)

    def _paint_ground(self, painter: QPainter) -> None:
        area, line = self._area, self.fontMetrics().lineSpacing()
        text, stroke = self.palette().windowText().color(), dimmed(self.palette())
        painter.setPen(text)
        above = QRectF(0, 0, self.width(), 1.3 * line)
        title = self.fontMetrics().elidedText(
            self._title, Qt.TextElideMode.ElideRight, self.width()
        )
        painter.drawText(above, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, title)
        painter.setPen(stroke)
        painter.drawLine(area.bottomLeft(), area.topLeft())
        painter.drawLine(area.bottomLeft(), area.bottomRight())
        ends = -math.inf
        for value, words in self.x_scale.ticks:
            at = float(self.place_x(value))
            half = self.fontMetrics().horizontalAdvance(words) / 2
            if at - half < ends:
                continue
            ends = at + half + self.fontMetrics().averageCharWidth()
            painter.setPen(stroke)
            painter.drawLine(QPointF(at, area.bottom()), QPointF(at, area.bottom() + 3))
            painter.setPen(text)
            below = QRectF(at - half - 1, area.bottom() + 3, 2 * half + 2, 1.1 * line)
            painter.drawText(below, Qt.AlignmentFlag.AlignCenter, words)
        ends = math.inf
        for value, words in self.y_scale.ticks:
            at = float(self.place_y(value))
            if at + line / 2 > ends:
                continue
            ends = at - line / 2
            painter.setPen(stroke)
            painter.drawLine(QPointF(area.left() - 3, at), QPointF(area.left(), at))
            painter.setPen(text)
            beside = QRectF(0, at - line, area.left() - 5, 2 * line)
            painter.drawText(
                beside, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, words
            )
