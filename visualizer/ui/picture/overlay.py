"""Texts on the picture, and the latency overlay: how late columns are, stage by stage."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PyQt6.QtCore import QPointF, QRectF, QSizeF, Qt
from PyQt6.QtGui import (
    QColor,
    QFont,
    QFontDatabase,
    QFontMetricsF,
    QGuiApplication,
    QPainter,
    QPixmap,
)

from visualizer.engine.latency import STAGES, LatencyLog, ModelLog, Percentiles, Stage
from visualizer.engine.status import EngineStatus
from visualizer.ui.picture.tints import ALARM, DIM, TEXT

ROLLING_COLUMNS = 800
"""Percentiles on screen are over this many newest columns: 10 s of 80 a second."""

_BACKGROUND = QColor(12, 12, 18, 205)
_PADDING = 10.0
_SHORT_SHARE = 1 / 6
"""of the picture, at most, for a plate that can be shorter"""
_OTHER_CORNER = 6.0
"""Lines of text: the width left free, where the corner beside has a button."""


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
        lines.append(Line(f"{'device':<12}{_milliseconds(device_s * 1e3):>7}  as reported", TEXT))
    if status.drift_ppm is not None:
        lines.append(Line(f"{'drift':<12}{status.drift_ppm:+7.0f}  ppm of this clock", DIM))
    lines += _resampled(status)
    if status.resampling_s:
        held = f"{'resampling':<12}{_milliseconds(status.resampling_s * 1e3):>7}  held back"
        lines.append(Line(held, TEXT))
    hop_ms = _hop_ms(status)
    lines += [_stage_line(stage, _numbers(stage, latency), hop_ms) for stage in STAGES]
    if latency.model.answers:
        lines.append(_stage_line("model", _of_model(latency.model), latency.model.step_ms))
    if status.mel is not None:
        kernel = f"{status.backend} on {status.device}"
        lines.append(Line(f"hop {hop_ms:.2f} ms · kernel {kernel}", DIM))
    return [*lines, _counted(status), *_behind(latency.model)]


def short_latency_lines(status: EngineStatus, latency: LatencyLog) -> list[Line]:
    """What it says on a picture that all of it would cover."""
    numbers = _numbers("total", latency)
    if numbers is None:
        return [
            Line("latency –", DIM),
            *_resampled(status),
            _counted(status),
            *_behind(latency.model),
        ]
    named = zip(("p50", "p95", "p99"), numbers[1:], strict=True)
    words = [f" · {name} {_milliseconds(number)}" for name, number in named]
    n_fine = _fine(numbers, _hop_ms(status)) - 1
    total = Line("latency, ms" + "".join(words[:n_fine]), TEXT, "".join(words[n_fine:]))
    return [total, *_resampled(status), _counted(status), *_behind(latency.model)]


def _resampled(status: EngineStatus) -> list[Line]:
    """That the sound is not as the device gave it; empty where it is."""
    source = status.source
    if source is None or source.resampled_from is None:
        return []
    rates = f"{source.resampled_from} → {source.sample_rate} Hz"
    return [Line(f"{rates}, resampled by the sound server", TEXT)]


_Numbers = tuple[float, float, float, float]
"""The last, p50, p95 and p99 of a stage in ms."""


def _numbers(stage: Stage, latency: LatencyLog) -> _Numbers | None:
    return _joined(latency.latest(stage), latency.percentiles(stage, ROLLING_COLUMNS))


def _of_model(log: ModelLog) -> _Numbers | None:
    return _joined(log.latest, log.percentiles(ROLLING_COLUMNS))


def _joined(last: float | None, rolling: Percentiles | None) -> _Numbers | None:
    """None before there are any."""
    if last is None or rolling is None:
        return None
    return last, rolling.p50, rolling.p95, rolling.p99


def _stage_line(name: str, numbers: _Numbers | None, limit_ms: float) -> Line:
    if numbers is None:
        return Line(f"{name:<12}{'–':>7}", DIM)
    words = [f"{_milliseconds(number):>7}" for number in numbers]
    n_fine = _fine(numbers, limit_ms)
    return Line(f"{name:<12}" + "".join(words[:n_fine]), TEXT, "".join(words[n_fine:]))


def _hop_ms(status: EngineStatus) -> float:
    return status.mel.hop_s * 1e3 if status.mel else math.inf


def _milliseconds(number: float) -> str:
    """At most six characters up to a quarter of an hour, so that a column of seven holds it."""
    return f"{number:.2f}" if number < 999.995 else f"{number:.0f}"


def _fine(numbers: _Numbers, limit_ms: float) -> int:
    """Return how many of the numbers are before the first percentile beyond the limit."""
    # The percentiles rise, so what is late is the end of the line; the last may be by itself.
    late = [number > limit_ms for number in numbers[1:]]
    return 1 + late.index(True) if any(late) else len(numbers)


def _counted(status: EngineStatus) -> Line:
    counters = {
        "overflows": status.input_overflows,
        "drops": status.dropped_blocks + status.dropped_columns,
        "gaps": status.gaps,
        **({"bad samples": status.bad_samples} if status.bad_samples else {}),
    }
    counted = " · ".join(f"{label} {n}" for label, n in counters.items())
    if status.gaps:
        counted += f" ({_lost_text(status.lost_s)})"
    return Line(counted, ALARM if any(counters.values()) else DIM)


def _behind(model: ModelLog) -> list[Line]:
    """How often a model was, and what it lost; empty where none has answered."""
    if model.latest is None:
        return []
    is_now = model.latest > model.step_ms
    lost = f" · lost {model.lost}" if model.lost else ""
    text = f"model behind {model.behind} of {model.answers} times{lost}"
    return [Line(text, ALARM if is_now else DIM)]


def _lost_text(seconds: float) -> str:
    """A loss in time, which is seen as a bar however short it is."""
    return f"{seconds:.2f} s" if seconds >= 0.1 else f"{seconds * 1e3:.1f} ms"


class TextPlate:
    """Lines of text on a translucent plate, kept as pixels between changes."""

    def __init__(self) -> None:
        self.visible = True
        self.version = 0
        """counts the changes of its lines"""
        self._font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        self._font.setStyleHint(QFont.StyleHint.Monospace)
        self._font.setPointSizeF(QGuiApplication.font().pointSizeF())
        self._metrics = QFontMetricsF(self._font)
        self._lines: list[Line] = []
        self._short: list[Line] = []
        self._room: tuple[QRectF, Qt.Corner, float] | None = None
        """what the pixels and their place are for, as `place` takes it"""
        self._pixels = QPixmap()
        self._place = QRectF()

    def set_lines(self, lines: list[Line], short: list[Line] | None = None) -> bool:
        """Return whether they have changed.

        Args:
            lines: what it says.
            short: what it says where that would take too much of the picture.
        """
        short = short or []
        changed = (lines, short) != (self._lines, self._short)
        if changed:
            self._lines, self._short = lines, short
            self._room = None
            self.version += 1
        return changed

    def text(self) -> str:
        """All lines as plain text."""
        return "\n".join(line.text + line.alarm for line in self._lines)

    def place(self, area: QRectF, corner: Qt.Corner, ratio: float) -> QRectF:
        """Where it is when drawn into a corner of an area; `ratio` is that of device pixels."""
        if not self.visible or not self._lines:
            return QRectF()
        room = area, corner, ratio
        if room != self._room:
            self._room, self._pixels = room, self._drawn(self._fitting(area), ratio)
            self._place = self._placed(area, corner)
        return self._place

    def draw(self, painter: QPainter, place: QRectF) -> None:
        """Draw it where `place` said that it is."""
        painter.drawPixmap(place.topLeft(), self._pixels)

    def _placed(self, area: QRectF, corner: Qt.Corner) -> QRectF:
        size = self._pixels.deviceIndependentSize()
        at_right = corner in (Qt.Corner.TopRightCorner, Qt.Corner.BottomRightCorner)
        at_bottom = corner in (Qt.Corner.BottomLeftCorner, Qt.Corner.BottomRightCorner)
        left = area.right() - size.width() if at_right else area.left()
        top = area.bottom() - size.height() if at_bottom else area.top()
        return QRectF(QPointF(left, top), size)

    def _fitting(self, area: QRectF) -> list[Line]:
        """Return the lines to be drawn in an area."""
        size, share = self._size(self._lines), _SHORT_SHARE * area.width() * area.height()
        is_large = size.height() > area.height() or size.width() * size.height() > share
        lines = self._short if self._short and is_large else self._lines
        room = area.width() - _OTHER_CORNER * self._metrics.height() - 2 * _PADDING
        n_characters = int(room / self._metrics.averageCharWidth())
        return [part for line in lines for part in _wrapped(line, n_characters)]

    def _size(self, lines: list[Line]) -> QSizeF:
        metrics = self._metrics
        widths = [metrics.horizontalAdvance(line.text + line.alarm) for line in lines]
        height = metrics.lineSpacing() * len(lines)
        return QSizeF(max(widths) + 2 * _PADDING, height + 2 * _PADDING)

    def _drawn(self, lines: list[Line], ratio: float) -> QPixmap:
        metrics, size = self._metrics, self._size(lines)
        pixels = QPixmap(math.ceil(size.width() * ratio), math.ceil(size.height() * ratio))
        pixels.setDevicePixelRatio(ratio)
        pixels.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixels)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(_BACKGROUND)
        painter.drawRoundedRect(QRectF(QPointF(0, 0), size), 6, 6)
        painter.setFont(self._font)
        baseline = _PADDING + metrics.ascent()
        for line in lines:
            painter.setPen(line.colour)
            painter.drawText(QPointF(_PADDING, baseline), line.text)
            if line.alarm:
                painter.setPen(ALARM)
                end = _PADDING + metrics.horizontalAdvance(line.text)
                painter.drawText(QPointF(end, baseline), line.alarm)
            baseline += metrics.lineSpacing()
        painter.end()
        return pixels


def _wrapped(line: Line, n_characters: int) -> list[Line]:
    """Return a line as several, broken where it has dots, of at most so many characters each."""
    if line.alarm or len(line.text) <= n_characters:
        return [line]
    parts: list[str] = []
    for piece in line.text.split(" · "):
        if parts and len(parts[-1]) + 3 + len(piece) <= n_characters:
            parts[-1] += f" · {piece}"
        else:
            parts.append(f"  {piece}" if parts else piece)
    return [Line(part, line.colour) for part in parts]
