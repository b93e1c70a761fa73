"""What a model answers, drawn over the time of the picture above it."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, Qt, pyqtSignal
from PyQt6.QtGui import (
    QColor,
    QImage,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
    QResizeEvent,
    QStaticText,
    QWheelEvent,
)
from PyQt6.QtWidgets import QWidget

from visualizer.models.contract import Output
from visualizer.ui.picture.answers import ShownAnswers
from visualizer.ui.picture.curves import CurveColours, CurveRaster, Steps
from visualizer.ui.picture.pixels import draw_ring, pixels_of
from visualizer.ui.picture.raster import Grid, Raster, as_it_is
from visualizer.ui.picture.spectrogram import DRAG_PIXELS, MARK_COLOURS, colour_table
from visualizer.ui.picture.tints import CURVE_COLOURS, SHADE, dimmed, mixed

_BUDGET_S = 0.004
"""For what one call colours; a piece more may come on top."""
_THICKNESS = 1.5
"""of the lines"""
_REACH = 6
"""Pixels from a threshold within which the mouse takes hold of it."""
_MOST_CURVES, _MOST_MAPS, _MOST_TEXTS = 4, 2, 2
"""outputs of each kind that are drawn"""
_CURVE_LINES, _TEXT_LINES = 4.5, 1.5
_MAP_LINES = (3.0, 8.0)
"""Heights, in lines of text."""
_MANY_OCTAVES = 4.0
"""As a ratio of frequencies."""
_SHADE = 0.16
"""of a segment"""
_DASHES = 6.0
"""Pixels after which Qt's dashes, and its dots, are at the same place again."""
_NEVER = 1 << 62
"""An answer that no stream comes to."""
_EDGE = 3
"""Pixels that what is drawn may reach to the left of where it is."""
_LONGEST_TEXTS = 200
_KEPT_TEXTS = 500


@dataclass(frozen=True)
class Section:
    """A part of the plot, from top to bottom of it."""

    kind: Literal["curves", "classes", "text"]
    outputs: tuple[Output, ...]
    lines: float
    """its height, in lines of text"""


def sections_of(outputs: Sequence[Output]) -> tuple[Section, ...]:
    """Return how outputs are laid out: those of a kind beyond the first few are not drawn."""
    curves = [o for o in outputs if o.kind in ("probability", "curve")][:_MOST_CURVES]
    maps = [o for o in outputs if o.kind == "classes"][:_MOST_MAPS]
    texts = [o for o in outputs if o.kind == "text"][:_MOST_TEXTS]
    sections = [Section("curves", tuple(curves), _CURVE_LINES)] if curves else []
    for output in maps:
        lines = min(max(_MAP_LINES[0], 1.0 * len(output.labels)), _MAP_LINES[1])
        sections.append(Section("classes", (output,), lines))
    return (*sections, *(Section("text", (output,), _TEXT_LINES) for output in texts))


class AnswerPlot(QWidget):
    """Curves, heat maps and words on the pixels of the picture's own grid.

    They are coloured once, when they come, and drawn with two blits.
    """

    pointed = pyqtSignal()
    """the mouse is elsewhere on it, or has left it"""
    clicked = pyqtSignal(float, bool)
    """a moment of the stream (s), and whether Shift was held"""
    dragged = pyqtSignal(float)
    """the seconds to move the picture by"""
    scrolled = pyqtSignal(float, bool)
    """turns of the wheel, and whether Ctrl was held"""
    threshold_dragged = pyqtSignal(str, float)
    """of which probability, and where to"""
    resized = pyqtSignal()
    """there is nothing in it now"""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMouseTracking(True)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setAccessibleName("Model's answers")
        self.sections: tuple[Section, ...] = ()
        self._shown: ShownAnswers | None = None
        self._colour_map = ""
        self._span_s = self._pixel_s = self._ratio = 1.0
        self._first = self._end = 0
        """what is to be seen are these pixels of the stream's grid"""
        self._is_away = False
        self._rasters: list[Raster] = []
        self._looks: list[_Look] = []
        self._edges = [0]
        """of the sections, in pixels of the screen from the top"""
        self._image = QImage()
        self._on_screen: int | None = None
        """the end of the view that is on the screen, if it is there as it would be painted now"""
        self._changed_from = 0
        self._moments: tuple[tuple[str, float], ...] = ()
        self._region: tuple[float, float] | None = None
        self._texts: dict[tuple[str, int], QStaticText] = {}
        self._pointer: QPointF | None = None
        self._pressed: tuple[QPointF, str | None] | None = None
        self._dragging = False

    def show_answers(self, shown: ShownAnswers | None) -> None:
        """Show these from now on, or none."""
        self._shown = shown
        self.sections = () if shown is None else sections_of(shown.spec.outputs)
        self._begin()

    def set_colour_map(self, name: str) -> None:
        """Colour classes by this colour map of a DisplayConfig."""
        if name != self._colour_map:
            self._colour_map = name
            self._begin()

    def set_marks(
        self, moments: tuple[tuple[str, float], ...], region: tuple[float, float] | None
    ) -> None:
        """Have lines at moments of the stream (s), by the marks' names, and a shade between two."""
        if (moments, region) != (self._moments, self._region):
            self._moments, self._region = moments, region
            self._on_screen = None

    def set_away(self, away: bool) -> None:
        """Show what is after the newest answer as a gap, or as not there yet."""
        self._is_away = away
        for raster in self._rasters:
            raster.set_away(away)

    def forget(self) -> None:
        """Colour everything again: older answers have changed."""
        for raster in self._rasters:
            raster.forget()

    def changed(self, since_s: float) -> None:
        """What is to be seen differs from a moment of the stream on."""
        self._changed_from = min(self._changed_from, math.floor(since_s / self._pixel_s) - _EDGE)

    def colour(self, end_s: float, span_s: float) -> bool:
        """Have the plot ready that ends at a moment of the stream; return whether it is whole.

        The rest comes with further calls.
        """
        if (span_s, self.devicePixelRatioF()) != (self._span_s, self._ratio):
            self._span_s = span_s
            self._begin()
        self._end = math.floor(end_s / self._pixel_s) + 1
        self._first = self._end - self._image.width()
        until = time.perf_counter() + _BUDGET_S
        whole = True
        for raster in self._rasters:
            is_whole = raster.colour(self._end)
            while not is_whole and time.perf_counter() < until:
                is_whole = raster.colour(self._end)
            self._changed_from = min(self._changed_from, raster.changed_from)
            whole = whole and is_whole
        if not whole:
            self._on_screen = None
        return whole

    def move_on(self) -> None:
        """Move what is on the screen by as much as the picture has, and have the rest painted."""
        before = self._on_screen
        step = math.inf if before is None else (self._end - before) / self._ratio
        is_marked = bool(self._moments) or self._region is not None or self._pointer is not None
        if is_marked or not 0 <= step < self.width() or not step.is_integer():
            self.update()
            return
        if step:
            self.scroll(-int(step), 0)
        changed = max(0, math.floor((self._changed_from - self._first) / self._ratio))
        self._on_screen = self._changed_from = self._end
        self.update(changed, 0, self.width() - changed, self.height())

    def place_of(self, section: Section) -> QRectF:
        """Return where a section is, in the widget's coordinates."""
        n = self.sections.index(section)
        top, bottom = self._edges[n] / self._ratio, self._edges[n + 1] / self._ratio
        return QRectF(0, top, self.width(), bottom - top)

    def y_of(self, section: Section, share: float) -> float:
        """Return where a share of the range of a section's curves is."""
        place, thick = self.place_of(section), _THICKNESS
        return place.top() + (1 - share) * (place.height() - thick) + thick / 2

    def pointed_s(self) -> float | None:
        """The moment of the stream under the mouse; None where that is elsewhere."""
        return None if self._pointer is None else self._moment_at(self._pointer.x())

    def forget_pointer(self) -> None:
        """Let the mouse mean nothing until it moves again."""
        self._pointer = None

    def _moment_at(self, x: float) -> float:
        return (self._first + math.floor(x * self._ratio) + 0.5) * self._pixel_s

    def _x_at(self, seconds: float) -> float:
        return (seconds / self._pixel_s - self._first) / self._ratio

    def _begin(self) -> None:
        """Forget all pixels: their grid, their size or what they show has changed."""
        self._on_screen = None
        self._ratio = self.devicePixelRatioF()
        width, height = (max(1, round(n * self._ratio)) for n in (self.width(), self.height()))
        self._pixel_s = self._span_s / width
        self._image = QImage(width, height, QImage.Format.Format_RGB32)
        self._image.fill(self.palette().color(QPalette.ColorRole.Base))
        self._rasters = []
        self._texts.clear()
        ground = self.palette().color(QPalette.ColorRole.Base)
        self._looks = [_Look.of(colour, ground) for colour in CURVE_COLOURS]
        whole = sum(section.lines for section in self.sections)
        heights = np.cumsum([section.lines for section in self.sections]) * height
        self._edges = [0, *(round(edge / whole) for edge in heights)]
        pixels = pixels_of(self._image)
        for n, section in enumerate(self.sections):
            rows = pixels[self._edges[n] : self._edges[n + 1]]
            if len(rows) and section.kind != "text":
                self._rasters.append(self._raster(section, rows))
        self.set_away(self._is_away)
        self.update()

    def _raster(self, section: Section, rows: NDArray[np.uint32]) -> Raster:
        shown, outputs = self._shown, section.outputs
        assert shown is not None
        ranges = [output.range for output in outputs for _ in range(output.n_numbers)]
        limits = np.array(ranges, np.float32)
        by_octaves = np.array([_is_by_octaves(o) for o in outputs for _ in range(o.n_numbers)])
        steps = Steps(shown.bounds, partial(shown.numbers, outputs), limits, by_octaves)
        grid = Grid(shown.grid.start_s, shown.grid.period_s, len(limits))
        if section.kind == "classes":
            raster = Raster(rows, self._pixel_s, grid, _Classes(steps), as_it_is)
            raster.set_colours(colour_table(self._colour_map), (0.0, 1.0))
            return raster
        curves = tuple(colour.rgb() for colour in CURVE_COLOURS)
        colours = CurveColours(self.palette().color(QPalette.ColorRole.Base).rgb(), curves)
        thickness = max(1, round(_THICKNESS * self._ratio))
        return CurveRaster(rows, self._pixel_s, grid, steps, colours, thickness)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        assert event is not None
        painter, part = QPainter(self), event.rect()
        # Clipped to more than one rectangle, Qt would paint line by line, on several threads.
        painter.setClipRect(part)
        if part == self.rect():
            self._on_screen = self._changed_from = self._end
        pixels = (
            self._first + math.floor(part.left() * self._ratio),
            min(self._end, self._first + math.ceil((part.right() + 1) * self._ratio)),
        )
        draw_ring(painter, self._image, pixels, self._first, self._ratio)
        for n, section in enumerate(self.sections):
            if n:
                top = self.place_of(section).top()
                painter.setPen(self.palette().color(QPalette.ColorRole.Mid))
                painter.drawLine(QPointF(part.left(), top), QPointF(part.right() + 1, top))
            if section.kind == "curves":
                self._draw_segments(painter, section, part)
            elif section.kind == "text":
                self._draw_words(painter, section, part)
        if self._region is not None:
            left, right = map(self._x_at, self._region)
            painter.fillRect(QRectF(left, 0, right - left, self.height()), SHADE)
        for name, moment_s in self._moments:
            painter.setPen(QPen(self._mark_colour(name), 1.0))
            x = self._x_at(moment_s)
            painter.drawLine(QPointF(x, 0), QPointF(x, self.height()))

    def _mark_colour(self, name: str) -> QColor:
        """That of the picture's markers, or of what can be seen on the ground of the plot."""
        return dimmed(self.palette()) if name == "" else MARK_COLOURS[name]

    def _draw_segments(self, painter: QPainter, section: Section, part: QRect) -> None:
        """And the thresholds that they come from."""
        shown, place = self._shown, self.place_of(section)
        assert shown is not None
        top, bottom = round(place.top()), round(place.bottom())
        edges_s = self._moment_at(part.left() - 1), self._moment_at(part.right() + 1)
        rules, first = shown.rules, self._first / self._ratio + part.left()
        for output, look in zip(section.outputs, self._looks, strict=False):
            if output.name not in rules:
                continue
            for start_s, end_s in shown.segments(output.name, *edges_s):
                left = max(round(self._x_at(start_s)), part.left())
                right = min(round(self._x_at(end_s)), part.right() + 1)
                painter.fillRect(left, top, right - left, bottom - top, look.shade)
            rule = rules[output.name]
            for level, pen in ((rule.threshold, look.threshold), (rule.release, look.release)):
                y = self.y_of(section, _share(output, level))
                # Its dashes move with the sound.
                pen.setDashOffset(first % _DASHES)
                painter.setPen(pen)
                painter.drawLine(QPointF(part.left(), y), QPointF(part.right() + 1, y))

    def _draw_words(self, painter: QPainter, section: Section, part: QRect) -> None:
        """Each from the beginning of what it is for, elided where the next one begins."""
        shown, place = self._shown, self.place_of(section)
        assert shown is not None
        grid, metrics = shown.grid, self.fontMetrics()
        top = place.top() + 1
        ground = self.palette().color(QPalette.ColorRole.Base)
        painter.fillRect(QRectF(part.left(), top, part.width(), place.height() - 1), ground)
        edges_s = self._moment_at(part.left() - 1), self._moment_at(part.right() + 1)
        words = shown.words(section.outputs[0], *edges_s, beside=1)
        gap, middle = metrics.averageCharWidth(), place.center().y() - metrics.height() / 2
        tick, text = QPen(dimmed(self.palette())), QPen(self.palette().text().color())
        for (k, word), (next_k, _) in pairwise([*words, (_NEVER, "")]):
            x = self._x_at(grid.start_s + k * grid.period_s)
            room = (next_k - k) * grid.period_s * self.width() / self._span_s
            painter.setPen(tick)
            painter.drawLine(QPointF(x, top + 1), QPointF(x, place.bottom() - 2))
            if room > 3 * gap:
                painter.setPen(text)
                said = self._elided(word, room - 2 * gap)
                painter.drawStaticText(QPointF(x + gap / 2 + 1, middle), said)

    def _elided(self, word: str, room: float) -> QStaticText:
        metrics = self.fontMetrics()
        word = " ".join(word[:_LONGEST_TEXTS].split())
        room = math.floor(min(room, metrics.horizontalAdvance(word)))
        key = word, room
        if key not in self._texts:
            if len(self._texts) > _KEPT_TEXTS:
                self._texts.clear()
            text = QStaticText(metrics.elidedText(word, Qt.TextElideMode.ElideRight, room))
            text.setTextFormat(Qt.TextFormat.PlainText)
            self._texts[key] = text
        return self._texts[key]

    def _threshold_at(self, point: QPointF) -> str | None:
        """The probability whose threshold is under a point, or next to it."""
        shown, near = self._shown, list[tuple[float, str]]()
        for section in self.sections:
            if shown is None or section.kind != "curves":
                continue
            for output in section.outputs:
                if output.name in shown.rules:
                    threshold = shown.rules[output.name].threshold
                    y = self.y_of(section, _share(output, threshold))
                    near.append((abs(y - point.y()), output.name))
        distance, name = min(near, default=(math.inf, ""))
        return name if distance <= _REACH else None

    def _drag_threshold(self, name: str, y: float) -> None:
        section = next(section for section in self.sections if section.kind == "curves")
        output = next(output for output in section.outputs if output.name == name)
        top, bottom = self.y_of(section, 1.0), self.y_of(section, 0.0)
        low, high = output.range
        value = low + (bottom - y) / (bottom - top) * (high - low)
        self.threshold_dragged.emit(name, value)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        self._begin()
        self.resized.emit()

    def changeEvent(self, event: QEvent | None) -> None:
        super().changeEvent(event)
        changes = (QEvent.Type.PaletteChange, QEvent.Type.FontChange)
        if event is not None and event.type() in changes:
            self._begin()
            self.resized.emit()

    def leaveEvent(self, event: QEvent | None) -> None:
        super().leaveEvent(event)
        self._pointer = None
        self.pointed.emit()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        assert event is not None
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed = event.position(), self._threshold_at(event.position())
            self._dragging = False

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        assert event is not None
        position = self._pointer = event.position()
        if self._pressed is None:
            is_near = self._threshold_at(position) is not None
            shape = Qt.CursorShape.SizeVerCursor if is_near else Qt.CursorShape.CrossCursor
            if self.cursor().shape() != shape:
                self.setCursor(shape)
            self.pointed.emit()
            return
        start, threshold = self._pressed
        moved = position - start
        self._dragging |= abs(moved.x()) + abs(moved.y()) >= DRAG_PIXELS
        if self._dragging and threshold is not None:
            self._drag_threshold(threshold, position.y())
        elif self._dragging:
            self.dragged.emit(moved.x() / self.width() * self._span_s)
            self._pressed = position, None
        self.pointed.emit()

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        assert event is not None
        if self._pressed is None or event.button() != Qt.MouseButton.LeftButton:
            return
        self._pressed = None
        inside = self.rect().contains(QPoint(int(event.position().x()), int(event.position().y())))
        if not self._dragging and inside:
            shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self.clicked.emit(self._moment_at(event.position().x()), shift)

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        assert event is not None
        delta = event.angleDelta()
        ctrl = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        self.scrolled.emit((delta.y() or delta.x()) / 120, ctrl)
        event.accept()


@dataclass(frozen=True)
class _Look:
    """How a probability's segments and thresholds are drawn."""

    shade: QColor
    threshold: QPen
    release: QPen

    @classmethod
    def of(cls, colour: QColor, ground: QColor) -> _Look:
        shade = QColor(colour)
        shade.setAlphaF(_SHADE)
        threshold = QPen(colour, 1.0, Qt.PenStyle.DashLine)
        release = QPen(mixed(colour, ground, 0.6), 1.0, Qt.PenStyle.DotLine)
        return cls(shade, threshold, release)


class _Classes:
    """The numbers of classes as columns of a raster: the first label on top."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps

    @property
    def first(self) -> int:
        return self._steps.first

    @property
    def end(self) -> int:
        return self._steps.end

    def between(self, first: int, end: int) -> NDArray[np.float32]:
        shares = self._steps.between(first, end)[:, ::-1]
        # A raster takes NaN for lost; what has no number is as the lowest.
        shares[np.isnan(shares)] = 0.0
        shares[np.isinf(shares)] = np.nan
        return shares


def _is_by_octaves(output: Output) -> bool:
    """Whether a curve is a pitch of many octaves: evenly in Hz, most lie at the foot."""
    low, high = output.range
    return output.unit == "Hz" and low > 0 and high / low >= _MANY_OCTAVES


def _share(output: Output, value: float) -> float:
    low, high = output.range
    return min(max((value - low) / (high - low), 0.0), 1.0)
