"""The picture of `diff`: A, B and A less B as lanes of the window's picture, without a display."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtCore import QMessageLogContext, Qt, QtMsgType, qInstallMessageHandler
from PyQt6.QtGui import QColor, QImage, QPalette
from PyQt6.QtWidgets import QApplication, QLabel, QVBoxLayout, QWidget

from visualizer.errors import ConfigError
from visualizer.mel.front_end import FrontEnd
from visualizer.tools.diff.difference import Comparison
from visualizer.tools.diff.tables import describe, where
from visualizer.ui.picture.display import DisplayConfig
from visualizer.ui.picture.picture import Picture
from visualizer.ui.picture.raster import Grid, Peak, as_it_is, farthest, largest
from visualizer.ui.picture.spectrogram import DIFFERENCE, Scene

WIDTH, LANE = 1400, 270
"""Pixels: of the picture, and of a lane's height."""
_MARGIN = 14
_FONT_PIXELS = 15
_GROUND, _BUTTON = QColor("#1b1b22"), QColor("#2a2a34")
_COLOURED_SHARE = 0.99
"""Of the differences: how many have a colour of their own; larger ones have that of the end."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Lane:
    """One lane of the picture, with the title above it."""

    title: str
    values: NDArray[np.float32]
    """(n_bands, n)"""
    mel: FrontEnd | None
    range: tuple[float, float]
    label: str
    """of the colour bar"""
    start_s: float
    hop_s: float
    colours: str = DisplayConfig().colour_map
    peak: Peak = largest

    @property
    def end_s(self) -> float:
        return self.start_s + int(self.values.shape[1]) * self.hop_s


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
    before = qInstallMessageHandler(_note)
    try:
        # Whatever the environment says: without the display it asks for, Qt would end the process.
        application = QApplication.instance() or QApplication(["diff", "-platform", "offscreen"])
        assert application is not None
        image = _drawn(found)
    finally:
        qInstallMessageHandler(before)
    if not image.save(str(path)):
        raise ConfigError(f"the picture cannot be written to {str(path)!r}")


def _note(kind: QtMsgType, _: QMessageLogContext, text: str | None) -> None:
    is_grave = kind in (QtMsgType.QtCriticalMsg, QtMsgType.QtFatalMsg)
    _log.log(logging.ERROR if is_grave else logging.DEBUG, "Qt: %s", text)


def _drawn(found: Comparison) -> QImage:
    lanes = lanes_of(found)
    # What has no place in time is numbered from 0.
    left_s = min(0.0, *(lane.start_s for lane in lanes))
    # Where no column is, there is a span all the same.
    right_s = max(left_s + lanes[0].hop_s, *(lane.end_s for lane in lanes))
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
    grid = Grid(lane.start_s, lane.hop_s, len(lane.values))
    scene = Scene(0, grid, _Kept(np.ascontiguousarray(lane.values.T)), as_it_is, lane.peak)
    span = span_s[1] - span_s[0]
    picture.show_lane(scene, "", lane.mel, lane.label, lane.colours, lane.range, span)
    if lane.mel is None:
        picture.getPlotItem().getAxis("left").setLabel("Band")
    return picture


def _show_times(picture: Picture, lane: Lane, span_s: tuple[float, float]) -> None:
    """Have the axis of time below a picture, which grows by as much."""
    plot, text = picture.getPlotItem(), picture.palette().windowText().color()
    plot.showAxis("bottom")
    plot.setXRange(*span_s, padding=0)
    axis = plot.getAxis("bottom")
    axis.setLabel("Column" if lane.mel is None else "Time (s)")
    axis.setPen(text)
    axis.setTextPen(text)
    axis.setStyle(tickFont=picture.font())
    axis.label.setFont(picture.font())
    picture.setFixedHeight(LANE + round(axis.minimumHeight()))


def lanes_of(found: Comparison) -> list[Lane]:
    """Return what is to be seen of a comparison, top to bottom."""
    lanes = []
    ranges = [
        _ends(values) if unit is None else unit.range()
        for values, unit in zip(found.shown, found.shown_in, strict=True)
    ]
    labels = ["values" if unit is None else unit.label for unit in found.shown_in]
    if labels[0] == labels[1]:
        # The same colour is then the same value in both.
        both = min(low for low, _ in ranges), max(high for _, high in ranges)
        ranges = [both, both]
    sides = ("A", found.a), ("B", found.b)
    for (letter, side), values, limits, label in zip(
        sides, found.shown, ranges, labels, strict=True
    ):
        title = f"{letter} · {describe(side)}"
        lanes.append(Lane(title, values, side.mel, limits, label, side.start_s, side.hop_s))
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
    lanes.append(
        Lane(
            f"A less B · {words}",
            difference.astype(np.float32),
            found.a.mel,
            _difference_range(difference),
            "difference, dB" if found.unit == "db" else "difference",
            found.a.start_s + figures.first_column * found.a.hop_s,
            found.a.hop_s,
            DIFFERENCE,
            farthest,
        )
    )
    return lanes


def _difference_range(difference: NDArray[np.float64]) -> tuple[float, float]:
    """Alike to both sides of 0, and without the few largest, next to which nothing were seen."""
    sizes = np.abs(difference[np.isfinite(difference) & (difference != 0)])
    most = float(np.quantile(sizes, _COLOURED_SHARE)) if len(sizes) else 1.0
    return -most, most


def _ends(values: NDArray[np.float32]) -> tuple[float, float]:
    finite = values[np.isfinite(values)]
    low, high = float(finite.min(initial=0.0)), float(finite.max(initial=0.0))
    return low, high if high > low else low + 1.0
