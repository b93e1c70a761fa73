"""The level meter: a bar, its peak held for a while, that peak in numbers, and a clip light."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from PyQt6.QtCore import QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QLinearGradient, QPainter, QPaintEvent
from PyQt6.QtWidgets import QSizePolicy, QWidget

from visualizer.audio.notices import clips

_FLOOR_DB = -72.0
_FALL_DB_PER_S = 24.0
_PEAK_HOLD_S = 2.0
_CLIP_HOLD_S = 1.5
# To be seen on the dark and on the light ground.
_COLOURS = ((0.0, "#3d8f7c"), (0.75, "#5c9a48"), (0.92, "#c08a1e"), (1.0, "#d94a3e"))
_CLIP_COLOUR = "#e8382c"
_TELL_INTERVAL_S = 1.0
"""A screen reader is told no more often than this."""
_WIDEST_TEXT = "−00.0 dBFS"


class LevelMeter(QWidget):
    """Peak level from −72 to 0 dBFS: up at once, down slowly; line and number hold its peak."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        super().__init__()
        self._clock = clock
        self.setToolTip(
            "Peak level of the input, −72 to 0 dBFS. The line and the number hold its peak for two "
            "seconds; the light turns red on clipping."
        )
        self.setAccessibleName("Level meter")
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        # Else what is behind it is painted with it, up to the window.
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self._level_db = self._held_db = _FLOOR_DB
        self._painted_look: tuple[float, float, bool] | None = None
        self._moved_at = self._clipped_at = self._held_at = self._told_at = -math.inf

    @property
    def level_db(self) -> float:
        """dBFS, as shown"""
        return self._level_db

    @property
    def clipping(self) -> bool:
        return self._clock() - self._clipped_at < _CLIP_HOLD_S

    def text(self) -> str:
        """The number beside the bar."""
        if self._held_db <= _FLOOR_DB:
            return f"< −{-_FLOOR_DB:.0f} dBFS"
        sign = "−" if self._held_db < -0.05 else ""
        return f"{sign}{abs(self._held_db):.1f} dBFS"

    def set_peak(self, peak: float) -> None:
        """Show a peak (1.0 is full scale) of the sound since the last call."""
        now = self._clock()
        fall_db = _FALL_DB_PER_S * (now - self._moved_at)
        peak_db = min(0.0, max(_FLOOR_DB, 20 * math.log10(max(peak, 1e-9))))
        self._level_db = max(self._level_db - fall_db, peak_db)
        if peak_db >= self._held_db:
            self._held_db, self._held_at = peak_db, now
        elif now - self._held_at > _PEAK_HOLD_S:
            since_s = min(now - self._moved_at, now - self._held_at - _PEAK_HOLD_S)
            self._held_db = max(self._held_db - _FALL_DB_PER_S * since_s, self._level_db)
        self._moved_at = now
        if clips(peak):
            self._clipped_at = now
        if now - self._told_at >= _TELL_INTERVAL_S:
            self._told_at = now
            clipping = ", clipping" if self.clipping else ""
            self.setAccessibleDescription(f"Peak of the input: {self.text()}{clipping}")
        if self._look() != self._painted_look:
            self.update()

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        return QSize(30 * metrics.averageCharWidth() + self._text_width(), metrics.height() + 4)

    def minimumSizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        return QSize(14 * metrics.averageCharWidth() + self._text_width(), metrics.height() + 4)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        self._painted_look = self._look()
        painter = QPainter(self)
        painter.fillRect(self.rect(), self.palette().window())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        line = self.fontMetrics().height()
        light, gap = 0.7 * line, 0.4 * line
        text_width = self._text_width()
        width = self.width() - light - text_width - 2 * gap
        bar = QRectF(0.5, self.height() / 2 - 0.3 * line, width - 1, 0.6 * line)
        painter.setPen(self.palette().mid().color())
        painter.setBrush(self.palette().base())
        painter.drawRoundedRect(bar, 3, 3)
        inside = bar.adjusted(1, 1, -1, -1)
        gradient = QLinearGradient(inside.topLeft(), inside.topRight())
        for share, colour in _COLOURS:
            gradient.setColorAt(share, QColor(colour))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(gradient)
        filled = QRectF(inside)
        filled.setWidth(inside.width() * _share(self._level_db))
        painter.drawRect(filled)
        if self._held_db > _FLOOR_DB:
            thickness = max(2.0, 0.1 * line)
            at = inside.left() + (inside.width() - thickness) * _share(self._held_db)
            held = QRectF(at, inside.top(), thickness, inside.height())
            painter.fillRect(held, self.palette().windowText().color())
        painter.setPen(self.palette().windowText().color())
        beside = QRectF(bar.right() + gap, 0, text_width, self.height())
        painter.drawText(
            beside, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, self.text()
        )
        painter.setPen(self.palette().mid().color())
        painter.setBrush(QColor(_CLIP_COLOUR) if self.clipping else self.palette().base())
        painter.drawEllipse(
            QRectF(self.width() - light - 1, (self.height() - light) / 2, light, light)
        )

    def _look(self) -> tuple[float, float, bool]:
        """All that is to be seen, in steps less than a pixel."""
        return round(self._level_db, 1), round(self._held_db, 1), self.clipping

    def _text_width(self) -> int:
        return self.fontMetrics().horizontalAdvance(_WIDEST_TEXT)


def _share(level_db: float) -> float:
    return level_db / -_FLOOR_DB + 1
