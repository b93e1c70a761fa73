"""The level meter with its clip light."""

from __future__ import annotations

import math
import time

from PyQt6.QtCore import QRectF, QSize
from PyQt6.QtGui import QColor, QLinearGradient, QPainter, QPaintEvent
from PyQt6.QtWidgets import QWidget

CLIP_PEAK = 0.999
"""Of full scale; the largest value of a 16 bit device is 0.99997."""
_FLOOR_DB = -72.0
_FALL_DB_PER_S = 24.0
_CLIP_HOLD_S = 1.5


class LevelMeter(QWidget):
    """Peak level from −72 to 0 dBFS: up at once, down slowly; the light stays on for a while."""

    def __init__(self) -> None:
        super().__init__()
        self.setToolTip("Peak level of the input, −72 to 0 dBFS; the light turns red on clipping")
        self.setAccessibleName("Level meter")
        self.setMinimumWidth(140)
        self._level_db = _FLOOR_DB
        self._moved_at = self._clipped_at = -math.inf

    @property
    def level_db(self) -> float:
        """dBFS, as shown"""
        return self._level_db

    @property
    def clipping(self) -> bool:
        return time.perf_counter() - self._clipped_at < _CLIP_HOLD_S

    def set_peak(self, peak: float) -> None:
        """Show a peak (1.0 is full scale) of the sound since the last call."""
        now = time.perf_counter()
        fallen = self._level_db - _FALL_DB_PER_S * (now - self._moved_at)
        self._moved_at = now
        peak_db = 20 * math.log10(max(peak, 1e-9))
        self._level_db = min(0.0, max(_FLOOR_DB, fallen, peak_db))
        if peak >= CLIP_PEAK:
            self._clipped_at = now
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(180, self.fontMetrics().height() + 4)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        light = self.height() - 6.0
        bar = QRectF(0, self.height() / 2 - 5, self.width() - light - 8, 10)
        painter.setPen(self.palette().mid().color())
        painter.setBrush(self.palette().base())
        painter.drawRoundedRect(bar, 3, 3)
        gradient = QLinearGradient(bar.topLeft(), bar.topRight())
        gradient.setColorAt(0.0, QColor("#3d8f7c"))
        gradient.setColorAt(0.75, QColor("#7fbf6a"))
        gradient.setColorAt(0.92, QColor("#e0b14a"))
        gradient.setColorAt(1.0, QColor("#e0564a"))
        filled = bar.adjusted(1, 1, -1, -1)
        filled.setWidth(filled.width() * (self._level_db / -_FLOOR_DB + 1))
        painter.setBrush(gradient)
        painter.drawRect(filled)
        painter.setBrush(QColor("#ff4b3e") if self.clipping else self.palette().base())
        painter.drawEllipse(QRectF(self.width() - light - 1, 3, light, light))
