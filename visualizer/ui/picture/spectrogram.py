"""The picture of one lane: columns coloured once, when they come, and drawn with two blits.

A plain opaque widget that lies in the plot: a scene would draw what is behind it as well.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from functools import cache

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PyQt6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, Qt, pyqtSignal
from PyQt6.QtGui import (
    QColor,
    QContextMenuEvent,
    QImage,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QRegion,
    QResizeEvent,
    QWheelEvent,
)
from PyQt6.QtWidgets import QWidget

from visualizer.ui.picture.answer_overlay import REACH, AnswerOverlay
from visualizer.ui.picture.display import REVERSED
from visualizer.ui.picture.marks import Marks, Place, Region
from visualizer.ui.picture.overlay import TextPlate
from visualizer.ui.picture.pixels import draw_ring, pixels_of
from visualizer.ui.picture.raster import (
    EMPTY_COLOUR,
    N_COLOURS,
    Columns,
    Grid,
    Peak,
    Raster,
    largest,
)

DIFFERENCE = "difference"
"""The colour map of differences."""
SOURCES = {"gray": "CET-L1", DIFFERENCE: "CET-D1"}
"""Names that pyqtgraph has other ones for."""
_COLOURING_S = 0.008
"""The longest that one update colours of a lane: what is left comes with the next."""
DRAG_PIXELS = 4
"""By which the mouse must move before it is no click."""
MARK_COLOURS = {"": QColor(255, 255, 255, 110), "A": QColor("#5ad1ff"), "B": QColor("#ffd24a")}
_REGION = QColor("#f4f4f8")

Unit = Callable[[NDArray[np.float32]], NDArray[np.float32]]


@cache
def colour_map(name: str) -> pg.ColorMap:
    """The colour map of a DisplayConfig, as pyqtgraph has it.

    Everybody gets the same, which took a file to read: it is not to be changed.
    """
    plain = name.removesuffix(REVERSED)
    # Reversing changes it, and pyqtgraph gives everybody the same.
    colours = copy(pg.colormap.get(SOURCES.get(plain, plain)))
    if name != plain:
        colours.reverse()
    return colours


@cache
def colour_table(name: str) -> NDArray[np.uint32]:
    """The colour map of a DisplayConfig as (512,) 0xffRRGGBB, not to be written to."""
    table = colour_map(name).getLookupTable(nPts=N_COLOURS, alpha=False)
    red, green, blue = table.astype(np.uint32).T
    colours: NDArray[np.uint32] = np.uint32(0xFF000000) | red << 16 | green << 8 | blue
    colours.flags.writeable = False
    return colours


@dataclass(frozen=True)
class Scene:
    """What a picture is of."""

    lane: int
    grid: Grid
    columns: Columns
    unit: Unit
    peak: Peak = largest


class SpectrogramView(QWidget):
    """Shows the columns of a span that ends at some moment of the stream's clock."""

    first_painted = pyqtSignal()
    resized = pyqtSignal()
    """there is nothing in it now"""
    pointed = pyqtSignal()
    """the mouse is elsewhere on it, or has left it"""
    clicked = pyqtSignal(object, bool)
    """a Place, and whether Shift was held"""
    region_dragged = pyqtSignal(object)
    dragged = pyqtSignal(float)
    """the seconds to move the picture by"""
    scrolled = pyqtSignal(float, bool)
    """turns of the wheel, and whether Ctrl was held"""
    menu_wanted = pyqtSignal(object, QPoint)
    """a Place, and where on the screen"""

    def __init__(self) -> None:
        super().__init__()
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMouseTracking(True)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setAccessibleName("Spectrogram")
        self.paints = 0
        self.plates: list[tuple[TextPlate, Qt.Corner]] = []
        self._scene: Scene | None = None
        self._raster: Raster | None = None
        self._table = np.zeros(N_COLOURS, dtype=np.uint32)
        self._range = (0.0, 1.0)
        self._is_away = False
        self._span_s = 1.0
        self._end_s = 0.0
        self._marks = Marks()
        self._is_marked = False
        self._elsewhere: tuple[tuple[str, float], ...] = ()
        self._pointer: QPointF | None = None
        self._pressed: tuple[QPointF, Place | None, bool] | None = None
        self._dragging = False
        self._image = QImage()
        self._placed: list[tuple[TextPlate, QRectF]] = []
        """the plates as they are on the screen"""
        self._placed_as: list[tuple[TextPlate, Qt.Corner, int, bool]] = []
        """what there was of plates then"""
        self._on_screen: int | None = None
        """the end of the view that is on the screen, if it is there as it would be painted now"""
        self._changed_from = 0
        self._moved: list[QRect] = []
        """what was to be painted after the last move"""
        self._moved_region = QRegion()
        """the same as one"""
        self._overlay: AnswerOverlay | None = None

    def set_scene(self, scene: Scene, span_s: float) -> None:
        """Show a span of this scene."""
        self._scene, self._span_s = scene, span_s
        self._make_raster()

    def clear(self) -> None:
        """Show nothing, and hold on to nothing."""
        self._scene, self._raster, self._overlay, self._on_screen = None, None, None, None
        self._image = QImage()

    def set_colours(self, table: NDArray[np.uint32], limits: tuple[float, float]) -> None:
        """Colour by a table (512,) of 0xffRRGGBB, from the lower limit to the upper."""
        self._table, self._range = table, limits
        self._on_screen = None
        if self._raster is not None:
            self._raster.set_colours(table, limits)

    def set_marks(self, marks: Marks, elsewhere: tuple[tuple[str, float], ...]) -> None:
        """`elsewhere` are names and moments (s) of marks in other lanes: a line here."""
        if (marks, elsewhere) != (self._marks, self._elsewhere):
            self._marks, self._elsewhere = marks, elsewhere
            self._is_marked = marks != Marks()
            self._on_screen = None

    def set_overlay(self, overlay: AnswerOverlay | None) -> None:
        """Have what a model answers over the picture, or nothing."""
        self._overlay, self._on_screen = overlay, None

    def overlay_changed(self, since_s: float) -> None:
        """What is over the picture differs from a moment of the stream on."""
        if self._raster is not None:
            pixel = self._raster.pixel_at(since_s) - math.ceil(REACH * self.devicePixelRatioF())
            self._changed_from = min(self._changed_from, pixel)

    def set_away(self, away: bool) -> None:
        """Show what is after the newest column as a gap, or as not there yet."""
        self._is_away = away
        if self._raster is not None:
            self._raster.set_away(away)

    def forget(self) -> None:
        """Colour everything again: older columns have changed."""
        self._on_screen = None
        if self._raster is not None:
            self._raster.forget()

    def colour(self, end_s: float) -> bool:
        """Have the picture ready that ends at a moment of the stream; return whether it is whole.

        The rest comes with further calls.
        """
        self._end_s = end_s
        if self._raster is not None and self._raster.width != self._pixels()[0]:
            # On another screen pixels may have another size.
            self._make_raster()
        raster = self._raster
        if raster is None:
            return True
        until = time.perf_counter() + _COLOURING_S
        while True:
            whole = raster.colour(self._view_end())
            self._changed_from = min(self._changed_from, raster.changed_from)
            if whole or time.perf_counter() > until:
                return whole

    def moved(self) -> QRegion:
        """Move what is on the screen by as much as the picture has; return what is to be painted.

        That leaves most of the copying to the system, which may have better means.
        """
        raster, before = self._raster, self._on_screen
        if raster is None or before is None or self._is_marked or self._pointer is not None:
            return QRegion(self.rect())
        end = self._view_end()
        first = end - raster.width
        if raster.first > first:
            return QRegion(self.rect())
        self._on_screen = end
        width, ratio = self.width(), self.devicePixelRatioF()
        step = (end - before) / ratio
        if not 0 <= step < width or not step.is_integer():
            return QRegion(self.rect())
        if step:
            self.scroll(-int(step), 0)
        changed = max(0, math.floor((self._changed_from - first) / ratio))
        self._changed_from = end
        # The plates stay where they are, and what was moved of them goes.
        gone = {plate: place.translated(-step, 0) for plate, place in self._placed}
        if self._shown_plates() != self._placed_as:
            self._place_plates()
        places = [place.united(gone.pop(plate, place)) for plate, place in self._placed]
        strip = QRect(changed, 0, width - changed, self.height())
        self._moved = [strip, *(place.toAlignedRect() for place in (*places, *gone.values()))]
        self._moved_region = _region(self._moved)
        return self._moved_region

    def forget_pointer(self) -> None:
        """Let the mouse mean nothing until it moves again."""
        self._pointer = self._on_screen = None

    def place_at(self, position: QPointF) -> Place | None:
        """The column and band under a point of the widget."""
        if (
            self._scene is None
            or self._raster is None
            or not self.rect().contains(position.toPoint())
        ):
            return None
        grid = self._scene.grid
        pixel = self._view_first() + math.floor(position.x() * self.devicePixelRatioF())
        column = grid.column_at(pixel * self._raster.pixel_s)
        band = math.floor((1 - position.y() / self.height()) * grid.n_bands)
        return Place(self._scene.lane, column, min(max(band, 0), grid.n_bands - 1))

    def pointed_place(self) -> Place | None:
        """The column and band that are under the mouse now; the picture moves below it."""
        return None if self._pointer is None else self.place_at(self._pointer)

    def cell(self, place: Place) -> QRectF:
        """Where a column and band are, in the widget's coordinates."""
        assert self._scene is not None
        grid = self._scene.grid
        seconds = grid.start_s + place.column * grid.hop_s
        left, right = self._x_at(seconds), self._x_at(seconds + grid.hop_s)
        height = self.height() / grid.n_bands
        return QRectF(left, self.height() - (place.band + 1) * height, right - left, height)

    def _x_at(self, seconds: float) -> float:
        """Where a moment of the stream is, in the widget's coordinates."""
        assert self._raster is not None
        return (seconds / self._raster.pixel_s - self._view_first()) / self.devicePixelRatioF()

    def _view_end(self) -> int:
        assert self._raster is not None
        return self._raster.pixel_at(self._end_s) + 1

    def _view_first(self) -> int:
        assert self._raster is not None
        return self._view_end() - self._raster.width

    def _pixels(self) -> tuple[int, int]:
        """Width and height in pixels of the screen."""
        ratio = self.devicePixelRatioF()
        return max(1, round(self.width() * ratio)), max(1, round(self.height() * ratio))

    def _make_raster(self) -> None:
        width, height = self._pixels()
        self._on_screen = None
        if self._scene is None:
            return
        if (self._image.width(), self._image.height()) != (width, height):
            self._image = QImage(width, height, QImage.Format.Format_RGB32)
        pixels, pixel_s, scene = pixels_of(self._image), self._span_s / width, self._scene
        self._raster = Raster(pixels, pixel_s, scene.grid, scene.columns, scene.unit, scene.peak)
        self._raster.set_colours(self._table, self._range)
        self._raster.set_away(self._is_away)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        self._make_raster()
        self.resized.emit()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        assert event is not None
        painter, region = QPainter(self), event.region()
        parts = [region.boundingRect()]
        if parts == [self.rect()]:
            self._place_plates()
            self._on_screen = None if self._raster is None else self._view_end()
        elif region.subtracted(self._moved_region).isEmpty():
            parts = self._moved
        for part in parts:
            # Clipped to more than one rectangle, Qt would paint line by line, on several threads.
            painter.setClipRect(part)
            self._draw(painter, part)
        self.paints += 1
        if self.paints == 1:
            self.first_painted.emit()

    def _draw(self, painter: QPainter, part: QRect) -> None:
        if self._raster is None:
            painter.fillRect(part, QColor(EMPTY_COLOUR))
        else:
            self._draw_pixels(painter, part)
            self._draw_overlay(painter, part)
            if self._is_marked or self._pointer is not None:
                self._draw_marks(painter)
        for plate, place in self._placed:
            if place.intersects(QRectF(part)):
                plate.draw(painter, place)

    def _shown_plates(self) -> list[tuple[TextPlate, Qt.Corner, int, bool]]:
        return [(plate, corner, plate.version, plate.visible) for plate, corner in self.plates]

    def _place_plates(self) -> None:
        """Find out which of the plates are to be seen now, and where."""
        self._placed_as = self._shown_plates()
        margin = self.fontMetrics().height() * 0.75
        area = QRectF(self.rect()).adjusted(margin, margin, -margin, -margin)
        ratio = self.devicePixelRatioF()
        places = [(plate, plate.place(area, corner, ratio)) for plate, corner in self.plates]
        self._placed = [(plate, place) for plate, place in places if not place.isEmpty()]

    def _draw_pixels(self, painter: QPainter, part: QRect) -> None:
        raster, view_first, ratio = self._raster, self._view_first(), self.devicePixelRatioF()
        assert raster is not None
        first, end = max(raster.first, view_first), min(raster.end, self._view_end())
        if end - first < raster.width:
            painter.fillRect(part, QColor(EMPTY_COLOUR))
        first = max(first, view_first + math.floor(part.x() * ratio))
        end = min(end, view_first + math.ceil((part.x() + part.width()) * ratio))
        draw_ring(painter, self._image, (first, end), view_first, ratio)

    def _draw_overlay(self, painter: QPainter, part: QRect) -> None:
        if self._overlay is None or self._raster is None or self._scene is None:
            return
        pixel_s, ratio = self._raster.pixel_s, self.devicePixelRatioF()
        edges = part.left() - REACH, part.right() + 1 + REACH
        first_s, end_s = ((self._view_first() + x * ratio) * pixel_s for x in edges)
        height, n_bands = self.height(), self._scene.grid.n_bands
        self._overlay.draw(painter, height, n_bands, (first_s, end_s), self._x_at)

    def _draw_marks(self, painter: QPainter) -> None:
        scene, marks = self._scene, self._marks
        assert scene is not None
        if marks.region is not None and marks.region.lane == scene.lane:
            self._draw_region(painter, marks.region)
        for name, seconds in self._elsewhere:
            x = self._x_at(seconds)
            painter.setPen(QPen(MARK_COLOURS[name], 1.0, Qt.PenStyle.DotLine))
            painter.drawLine(QPointF(x, 0), QPointF(x, self.height()))
        cursor = self.pointed_place() or marks.cursor
        if cursor is not None and cursor.lane == scene.lane:
            middle = self.cell(cursor).center()
            painter.setPen(MARK_COLOURS[""])
            painter.drawLine(QPointF(middle.x(), 0), QPointF(middle.x(), self.height()))
            painter.drawLine(QPointF(0, middle.y()), QPointF(self.width(), middle.y()))
        for name, place in (("A", marks.a), ("B", marks.b)):
            if place is not None and place.lane == scene.lane:
                self._draw_marker(painter, name, self.cell(place))

    def _draw_region(self, painter: QPainter, region: Region) -> None:
        corners = (
            Place(region.lane, region.first_column, region.first_band),
            Place(region.lane, region.end_column - 1, region.end_band - 1),
        )
        painter.setPen(QPen(_REGION, 1.5, Qt.PenStyle.DashLine))
        painter.setBrush(QColor(255, 255, 255, 26))
        painter.drawRect(self.cell(corners[0]).united(self.cell(corners[1])))

    def _draw_marker(self, painter: QPainter, name: str, cell: QRectF) -> None:
        x, y = cell.center().x(), cell.center().y()
        painter.setPen(QPen(MARK_COLOURS[name], 1.5))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawLine(QPointF(x, 0), QPointF(x, self.height()))
        painter.drawEllipse(QPointF(x, y), 5, 5)
        metrics = self.fontMetrics()
        label = QRectF(0, 0, metrics.horizontalAdvance(name) * 2, metrics.height())
        label.moveTopLeft(QPointF(min(x, self.width() - label.width()), 0))
        painter.fillRect(label, MARK_COLOURS[name])
        painter.setPen(QColor("#101014"))
        painter.drawText(label, Qt.AlignmentFlag.AlignCenter, name)

    def leaveEvent(self, event: QEvent | None) -> None:
        super().leaveEvent(event)
        self._pointer = self._on_screen = None
        self.pointed.emit()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        assert event is not None
        if event.button() == Qt.MouseButton.LeftButton:
            shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self._pressed = event.position(), self.place_at(event.position()), shift
            self._dragging = False

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        assert event is not None
        position = event.position()
        self._pointer = position
        self.pointed.emit()
        if self._pressed is None:
            return
        start, corner, shift = self._pressed
        moved = position - start
        self._dragging |= abs(moved.x()) + abs(moved.y()) >= DRAG_PIXELS
        if not self._dragging:
            return
        if shift:
            inside = QPointF(
                min(max(position.x(), 0.0), self.width() - 1.0),
                min(max(position.y(), 0.0), self.height() - 1.0),
            )
            other = self.place_at(inside)
            if corner is not None and other is not None:
                self.region_dragged.emit(Region.between(corner, other))
        else:
            self.dragged.emit(moved.x() / self.width() * self._span_s)
            self._pressed = position, None, False

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        assert event is not None
        if self._pressed is None or event.button() != Qt.MouseButton.LeftButton:
            return
        _, _, shift = self._pressed
        self._pressed = None
        place = self.place_at(event.position())
        if not self._dragging and place is not None:
            self.clicked.emit(place, shift)

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        assert event is not None
        delta = event.angleDelta()
        ctrl = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        # A wheel to the side goes the way it is turned.
        turns = (delta.y() or delta.x()) / 120
        self.scrolled.emit(turns, ctrl)
        event.accept()

    def contextMenuEvent(self, event: QContextMenuEvent | None) -> None:
        assert event is not None
        place = self.place_at(QPointF(event.pos()))
        if place is not None:
            self.menu_wanted.emit(place, event.globalPos())


def _region(areas: list[QRect]) -> QRegion:
    region = QRegion()
    for area in areas:
        region += area
    return region
