"""The picture of `diff`: A, B and A less B as lanes of the window's picture, without a display."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PyQt6.QtCore import QLoggingCategory, Qt
from PyQt6.QtGui import QColor, QImage, QPalette
from PyQt6.QtWidgets import QApplication, QLabel, QVBoxLayout, QWidget

from visualizer.support.files import writing
from visualizer.tools.diff.difference import Comparison
from visualizer.tools.diff.sides import Side
from visualizer.tools.diff.tables import describe, where
from visualizer.ui.picture.display import DisplayConfig
from visualizer.ui.picture.picture import Picture
from visualizer.ui.picture.png import png_of
from visualizer.ui.picture.raster import Grid, as_it_is, farthest, largest
from visualizer.ui.picture.spectrogram import DIFFERENCE, Scene

WIDTH, LANE = 1400, 270
"""Pixels: of the picture, and of a lane's height."""
_MARGIN = 14
_FONT_PIXELS = 15
_COLOURS = DisplayConfig().colour_map
_GROUND, _BUTTON = QColor("#1b1b22"), QColor("#2a2a34")
_COLOURED_SHARE = 0.99
"""Of the differences: how many have a colour of their own; larger ones have that of the end."""


@dataclass(frozen=True)
class Lane:
    """One lane of the picture, with the title above it."""

    title: str
    of: Side
    """whose places its columns and bands have"""
    values: NDArray[np.floating[Any]]
    """(n_bands, n)"""
    range: tuple[float, float]
    label: str
    """of the colour bar"""
    first_column: int = 0
    is_difference: bool = False

    @property
    def start_s(self) -> float:
        return self.of.start_s + self.first_column * self.of.hop_s

    @property
    def end_s(self) -> float:
        return self.start_s + int(self.values.shape[1]) * self.of.hop_s


@dataclass(frozen=True)
class _Kept:
    """Columns (n, n_bands) as a raster reads them."""

    values: NDArray[np.float32]
    first = 0

    @property
    def end(self) -> int:
        return len(self.values)

    def between(self, first: int, end: int) -> NDArray[np.float32]:
        places = np.arange(first, end)
        inside = (places >= 0) & (places < self.end)
        found = np.full((end - first, self.values.shape[1]), np.nan, np.float32)
        found[inside] = self.values[places[inside]]
        return found


def save_picture(found: Comparison, path: Path) -> None:
    """Draw a comparison and save it as a PNG.

    Raises:
        ConfigError: It cannot be written.
    """
    # What Qt says of the locale, and of the display that it does without, is nobody's concern.
    QLoggingCategory.setFilterRules("*.warning=false")
    # Whatever the environment says: without the display it asks for, Qt would end the process.
    _application = QApplication.instance() or QApplication(["diff", "-platform", "offscreen"])
    with writing(path, "the picture"):
        path.write_bytes(png_of(_drawn(found)))


def _drawn(found: Comparison) -> QImage:
    lanes = lanes_of(found)
    # What has no place in time is numbered from 0.
    left_s = min(0.0, *(lane.start_s for lane in lanes))
    # Where no column is, there is a span all the same.
    right_s = max(left_s + lanes[0].of.hop_s, *(lane.end_s for lane in lanes))
    page = _page(lanes, (left_s, right_s), found.reason)
    # Laid out as if it were shown, also where there is a display.
    page.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)
    page.show()
    for picture in page.findChildren(Picture):
        # The last pixel is the one before the right edge.
        while not picture.view.colour(right_s - 1e-9):
            pass
    image = page.grab().toImage()
    page.close()
    return image


def _page(lanes: list[Lane], span_s: tuple[float, float], reason: str | None) -> QWidget:
    page = QWidget()
    page.setPalette(QPalette(_BUTTON, _GROUND))
    font = page.font()
    font.setPixelSize(_FONT_PIXELS)
    page.setFont(font)
    layout = QVBoxLayout(page)
    layout.setContentsMargins(_MARGIN, _MARGIN, _MARGIN, _MARGIN)
    layout.setSpacing(0)

    def write(text: str) -> None:
        room = WIDTH - 2 * _MARGIN
        label = QLabel(page.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, room))
        label.setTextFormat(Qt.TextFormat.PlainText)
        layout.addWidget(label)

    for lane in lanes:
        write(lane.title)
        picture = _picture(lane, page, span_s)
        layout.addWidget(picture)
    _show_times(picture, lanes[-1], span_s)
    if reason is not None:
        write(f"no difference of columns: {reason}")
    page.setFixedWidth(WIDTH)
    return page


def _picture(lane: Lane, page: QWidget, span_s: tuple[float, float]) -> Picture:
    picture = Picture(interactive=False)
    picture.setParent(page)
    picture.setFixedHeight(LANE)
    columns = _Kept(np.ascontiguousarray(lane.values.T, dtype=np.float32))
    peak, colours = (farthest, DIFFERENCE) if lane.is_difference else (largest, _COLOURS)
    grid = Grid(lane.start_s, lane.of.hop_s, len(lane.values))
    scene, span = Scene(0, grid, columns, as_it_is, peak), span_s[1] - span_s[0]
    picture.show_lane(scene, "", lane.of.rows_of, lane.label, colours, lane.range, span)
    return picture


def _show_times(picture: Picture, lane: Lane, span_s: tuple[float, float]) -> None:
    """Have the axis of time below a picture, which grows by as much."""
    axis, text = pg.AxisItem("bottom"), picture.palette().windowText().color()
    picture.add_bottom(axis)
    picture.box.setXRange(*span_s, padding=0)
    axis.setLabel("Column" if lane.of.mel is None else "Time (s)")
    axis.setPen(text)
    axis.setTextPen(text)
    axis.setStyle(tickFont=picture.font())
    axis.label.setFont(picture.font())
    picture.setFixedHeight(LANE + round(axis.minimumHeight()))


def lanes_of(found: Comparison) -> list[Lane]:
    """Return what is to be seen of a comparison, top to bottom."""
    sides, units = (found.a, found.b), found.shown_in
    shown = [side.bands.astype(np.float32) for side in sides]
    shown = [v if unit is None else unit(v) for v, unit in zip(shown, units, strict=True)]
    ranges = [_ends(v) if u is None else u.range() for v, u in zip(shown, units, strict=True)]
    labels = ["values" if unit is None else unit.label for unit in units]
    if labels[0] == labels[1]:
        # The same colour is then the same value in both.
        ranges = [(min(low for low, _ in ranges), max(high for _, high in ranges))] * 2
    both = zip("AB", sides, shown, ranges, labels, strict=True)
    lanes = [
        Lane(f"{letter} · {describe(side)}", side, values, limits, label)
        for letter, side, values, limits, label in both
    ]
    figures, difference = found.figures, found.difference
    if figures is None or difference is None:
        return lanes
    words = "they are the same" if figures.is_same else "no difference"
    if figures.largest:
        at = where(found, figures.largest_column, figures.largest_band)
        words = (
            f"largest {figures.largest:.3g}{found.unit_text}, at {at} · mean absolute "
            f"{figures.mean_absolute:.3g}{found.unit_text}"
        )
    title, label = f"A less B · {words}", "difference, dB" if found.unit == "db" else "difference"
    limits, first = _difference_range(difference), figures.first_column
    return [*lanes, Lane(title, found.a, difference, limits, label, first, is_difference=True)]


def _difference_range(difference: NDArray[np.float64]) -> tuple[float, float]:
    """Alike to both sides of 0, and without the few largest, next to which nothing were seen."""
    sizes = np.abs(difference[np.isfinite(difference) & (difference != 0)])
    most = float(np.quantile(sizes, _COLOURED_SHARE)) if len(sizes) else 1.0
    return -most, most


def _ends(values: NDArray[np.float32]) -> tuple[float, float]:
    finite = values[np.isfinite(values)]
    low, high = float(finite.min(initial=0.0)), float(finite.max(initial=0.0))
    return low, high if high > low else low + 1.0
