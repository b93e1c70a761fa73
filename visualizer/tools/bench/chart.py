"""A chart of a bench run, drawn without a display."""

from __future__ import annotations

import math
from pathlib import Path

from PyQt6.QtCore import QRectF, Qt
from PyQt6.QtGui import QColor, QFont, QGuiApplication, QImage, QPainter

from visualizer.errors import ConfigError
from visualizer.tools.bench.measure import OUR_KERNELS, BenchResult, ratios
from visualizer.ui.picture.tints import DIM, TEXT

_WIDTH, _ROW, _TOP, _BOTTOM, _LABELS, _NUMBERS = 1000, 34, 84, 44, 300, 150
_BACKGROUND = QColor("#1b1b22")
_OURS, _THEIRS = QColor("#e0548d"), QColor("#4a4a5c")


def save_chart(result: BenchResult, path: Path) -> None:
    """Draw the hops of all candidates as bars and save a PNG. Raises ConfigError."""
    # Whatever the environment says: without the display it asks for, Qt would end the process.
    offscreen = ["chart", "-platform", "offscreen"]
    application = QGuiApplication.instance() or QGuiApplication(offscreen)
    assert application is not None
    timings = sorted(result.tight, key=lambda timing: timing.p50_us)
    image = QImage(_WIDTH, _TOP + _ROW * len(timings) + _BOTTOM, QImage.Format.Format_RGB32)
    image.fill(_BACKGROUND)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    _text(painter, 15, 20, 16, f"One hop of {result.front_end}: median time", TEXT, bold=True)
    under = f"{result.date[:10]} · {result.machine['cpu']} · torch {result.machine['torch']}"
    _text(painter, 11, 48, 16, under + " · logarithmic", DIM)
    times = ratios(result)
    low, high = math.log10(timings[0].p50_us / 2), math.log10(timings[-1].p50_us)
    length = _WIDTH - _LABELS - _NUMBERS - 16
    for row, timing in enumerate(timings):
        top = _TOP + row * _ROW
        ours = timing.name == result.ours
        name = f"{timing.name} (ours)" if timing.name in OUR_KERNELS else timing.name
        _text(painter, 12, top, 16, name, TEXT if ours else DIM, bold=ours)
        share = (math.log10(timing.p50_us) - low) / (high - low)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(_OURS if ours else _THEIRS)
        painter.drawRoundedRect(QRectF(_LABELS, top + 3, share * length, _ROW - 10), 3, 3)
        numbers = f"{timing.p50_us:.1f} µs"
        if not ours:
            numbers += f"  ×{times[timing.name]:.1f}"
        _text(painter, 12, top, _LABELS + share * length + 8, numbers, TEXT, bold=ours)
    foot = f"offline {result.offline_x:,.0f} × real time on one core" if result.offline_x else ""
    _text(painter, 11, _TOP + _ROW * len(timings) + 8, 16, foot, DIM)
    painter.end()
    if not image.save(str(path)):
        raise ConfigError(f"the chart cannot be written to {str(path)!r}")


def _text(
    painter: QPainter,
    size: int,
    top: float,
    left: float,
    text: str,
    colour: QColor,
    *,
    bold: bool = False,
) -> None:
    font = QFont()
    font.setPointSize(size)
    font.setBold(bold)
    painter.setFont(font)
    painter.setPen(colour)
    painter.drawText(
        QRectF(left, top, _WIDTH, _ROW - 4),
        Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter,
        text,
    )
