"""Texts on the picture, and the latency overlay: how late columns are, stage by stage."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import (
    QColor,
    QFont,
    QFontDatabase,
    QFontMetricsF,
    QGuiApplication,
    QPainter,
    QPixmap,
)

from visualizer.engine.latency import STAGES, LatencyLog
from visualizer.engine.status import EngineStatus
from visualizer.ui.picture.tints import ALARM, DIM, TEXT

ROLLING_COLUMNS = 800
"""Percentiles on screen are over this many newest columns: 10 s of 80 a second."""

_BACKGROUND = QColor(12, 12, 18, 205)
_PADDING = 10.0


@dataclass(frozen=True)
class Line:
    """One line of the overlay."""

    text: str
    colour: QColor
    alarm: str = ""
    """the end of the line, in red"""


def latency_lines(status: EngineStatus, latency: LatencyLog) -> list[Line]:
    """What the overlay says, ready to draw in a fixed-width font."""
    lines = [Line(f"{'latency, ms':<12}{'last':>7}{'p50':>7}{'p95':>7}{'p99':>7}", DIM)]
    device_s = status.source.device_latency_s if status.source else None
    if device_s is None:
        lines.append(Line(f"{'device':<12}{'not reported':>14}", DIM))
    else:
        lines.append(Line(f"{'device':<12}{device_s * 1e3:7.2f}  as reported", TEXT))
    if status.drift_ppm is not None:
        lines.append(Line(f"{'drift':<12}{status.drift_ppm:+7.0f}  ppm of this clock", DIM))
    if status.resampling_s:
        lines.append(Line(f"{'resampling':<12}{status.resampling_s * 1e3:7.2f}  held back", TEXT))
    for stage in STAGES:
        last = latency.latest(stage)
        rolling = latency.percentiles(stage, ROLLING_COLUMNS)
        if last is None or rolling is None:
            lines.append(Line(f"{stage:<12}{'–':>7}", DIM))
            continue
        hop_ms = status.mel.hop_s * 1e3 if status.mel else math.inf
        numbers = (last, rolling.p50, rolling.p95, rolling.p99)
        words = [f"{number:7.2f}" for number in numbers]
        # The percentiles rise, so what is late is the end of the line; `last` may be by itself.
        late = [number > hop_ms for number in numbers[1:]]
        n_fine = 1 + late.index(True) if any(late) else len(words)
        text = f"{stage:<12}" + "".join(words[:n_fine])
        lines.append(Line(text, TEXT, "".join(words[n_fine:])))
    if status.mel is not None:
        kernel = f"{status.backend} on {status.device}"
        lines.append(Line(f"hop {status.mel.hop_s * 1e3:.2f} ms · kernel {kernel}", DIM))
    counters = {
        "overflows": status.input_overflows,
        "drops": status.dropped_blocks + status.dropped_columns,
        "gaps": status.gaps,
        **({"bad samples": status.bad_samples} if status.bad_samples else {}),
    }
    counted = " · ".join(f"{label} {n}" for label, n in counters.items())
    if status.gaps:
        counted += f" ({status.lost_s:.2f} s)"
    lines.append(Line(counted, ALARM if any(counters.values()) else DIM))
    return lines


class TextPlate:
    """Lines of text on a translucent plate, kept as pixels between changes."""

    def __init__(self) -> None:
        self.visible = True
        self._font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        self._font.setStyleHint(QFont.StyleHint.Monospace)
        self._font.setPointSizeF(QGuiApplication.font().pointSizeF())
        self._lines: list[Line] = []
        self._pixels: QPixmap | None = None

    def set_lines(self, lines: list[Line]) -> bool:
        """Return whether they have changed."""
        changed = lines != self._lines
        if changed:
            self._lines = lines
            self._pixels = None
        return changed

    def text(self) -> str:
        """All lines as plain text."""
        return "\n".join(line.text + line.alarm for line in self._lines)

    def place(self, area: QRectF, corner: Qt.Corner, ratio: float) -> QRectF:
        """Where it is when drawn into a corner of an area; `ratio` is that of device pixels."""
        if not self.visible or not self._lines:
            return QRectF()
        if self._pixels is None or self._pixels.devicePixelRatio() != ratio:
            self._pixels = self._drawn(ratio)
        size = self._pixels.deviceIndependentSize()
        at_right = corner in (Qt.Corner.TopRightCorner, Qt.Corner.BottomRightCorner)
        at_bottom = corner in (Qt.Corner.BottomLeftCorner, Qt.Corner.BottomRightCorner)
        left = area.right() - size.width() if at_right else area.left()
        top = area.bottom() - size.height() if at_bottom else area.top()
        return QRectF(QPointF(left, top), size)

    def draw(self, painter: QPainter, place: QRectF) -> None:
        """Draw it where `place` says."""
        if self._pixels is not None and not place.isEmpty():
            painter.drawPixmap(place.topLeft(), self._pixels)

    def _drawn(self, ratio: float) -> QPixmap:
        metrics = QFontMetricsF(self._font)
        widths = [metrics.horizontalAdvance(line.text + line.alarm) for line in self._lines]
        width = max(widths) + 2 * _PADDING
        height = metrics.lineSpacing() * len(self._lines) + 2 * _PADDING
        pixels = QPixmap(math.ceil(width * ratio), math.ceil(height * ratio))
        pixels.setDevicePixelRatio(ratio)
        pixels.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixels)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(_BACKGROUND)
        painter.drawRoundedRect(QRectF(0, 0, width, height), 6, 6)
        painter.setFont(self._font)
        baseline = _PADDING + metrics.ascent()
        for line in self._lines:
            painter.setPen(line.colour)
            painter.drawText(QPointF(_PADDING, baseline), line.text)
            if line.alarm:
                painter.setPen(ALARM)
                end = _PADDING + metrics.horizontalAdvance(line.text)
                painter.drawText(QPointF(end, baseline), line.alarm)
            baseline += metrics.lineSpacing()
        painter.end()
        return pixels
