"""The time axis: seconds before now, or the time of the clock on the wall."""

from __future__ import annotations

import math
from datetime import datetime

from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QPainter, QPaintEvent
from PyQt6.QtWidgets import QWidget

_STEPS_S = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600)
_TICK_LENGTH = 5.0
_FIGURES_BETWEEN_LABELS = 5


def tick_step_s(span_s: float, most: float) -> float:
    """The smallest round step (s) that puts at most `most` ticks into a span."""
    return next((step for step in _STEPS_S if span_s / step <= most), _STEPS_S[-1])


def seconds_text(seconds: float, step_s: float) -> str:
    """A distance in time, as exactly as the step needs."""
    if abs(seconds) < step_s / 2:
        return "0"
    sign, seconds = ("−" if seconds < 0 else ""), abs(seconds)
    if step_s >= 15:
        return f"{sign}{round(seconds) // 60}:{round(seconds) % 60:02d}"
    digits = max(0, -math.floor(math.log10(step_s)))
    return f"{sign}{seconds:.{digits}f}"


def clock_text(wall_s: float, step_s: float) -> str:
    """A moment (s since 1970) as the local time of day, as exactly as the step needs."""
    text = datetime.fromtimestamp(wall_s).strftime("%H:%M:%S.%f")
    if step_s >= 1:
        return text[:8]
    return text[:-4] if step_s >= 0.01 else text[:-3]


class TimeAxis(QWidget):
    """Ticks under a picture that ends at some moment of the stream's clock."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Time axis")
        self.setToolTip("Seconds before now, or with T the time of day")
        self._left, self._width = 0.0, 1.0
        self._span_s, self._end_s, self._now_s = 1.0, 0.0, 0.0
        self._wall_s: float | None = None
        self._held = False
        self._change_height()

    def set_place(self, left: float, width: float) -> None:
        """Where the picture is above it, in its own coordinates."""
        self._left, self._width = left, width
        self.update()

    def show_time(
        self, end_s: float, span_s: float, now_s: float, wall_s: float | None, held: bool
    ) -> None:
        """The picture shows the stream up to `end_s`; `now_s` is the axis's 0.

        With `wall_s`, the time of day (s since 1970) of the stream's 0, it shows that. `held` says
        that the 0 stands still.
        """
        before = self._span_s, self._end_s - self._now_s, self._wall_s, self._held
        moved = wall_s is not None and end_s != self._end_s
        self._end_s, self._span_s, self._now_s, self._wall_s = end_s, span_s, now_s, wall_s
        self._held = held
        if moved or before != (span_s, end_s - now_s, wall_s, held):
            self.update()

    def ticks(self) -> list[tuple[float, str]]:
        """Place (in pixels from the left) and text of each tick."""
        metrics = self.fontMetrics()
        widest = "00:00:00.00" if self._wall_s is not None else "−00:00"
        label = metrics.horizontalAdvance(widest) + metrics.averageCharWidth() * (
            _FIGURES_BETWEEN_LABELS
        )
        step_s = tick_step_s(self._span_s, max(1.0, self._width / label))
        zero_s = self._now_s if self._wall_s is None else -self._wall_s
        first = math.ceil((self._end_s - self._span_s - zero_s) / step_s - 1e-9)
        last = math.floor((self._end_s - zero_s) / step_s + 1e-9)
        ticks = []
        for n in range(first, last + 1):
            stream_s = zero_s + n * step_s
            x = self._left + self._width * (1 - (self._end_s - stream_s) / self._span_s)
            seconds = n * step_s
            text = seconds_text(seconds, step_s)
            if self._wall_s is not None:
                text = clock_text(seconds, step_s)
            ticks.append((x, text))
        return ticks

    def title(self) -> str:
        if self._wall_s is not None:
            return "Time of day"
        return "Seconds before the freeze" if self._held else "Seconds before now"

    def changeEvent(self, event: object) -> None:
        super().changeEvent(event)  # type: ignore[arg-type]
        self._change_height()

    def _change_height(self) -> None:
        self.setFixedHeight(round(_TICK_LENGTH + 2.3 * self.fontMetrics().height()))

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.setPen(self.palette().windowText().color())
        metrics = self.fontMetrics()
        baseline = _TICK_LENGTH + metrics.ascent() + 1
        for x, text in self.ticks():
            painter.drawLine(QPointF(x, 0), QPointF(x, _TICK_LENGTH))
            width = metrics.horizontalAdvance(text)
            left = min(max(0.0, x - width / 2), self.width() - width)
            painter.drawText(QPointF(left, baseline), text)
        place = QRectF(self._left, baseline + metrics.descent(), self._width, metrics.height())
        painter.drawText(place, Qt.AlignmentFlag.AlignCenter, self.title())
