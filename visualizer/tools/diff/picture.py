"""The picture of `diff`, drawn without a display: A, B and A less B below each other."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtCore import QMessageLogContext, QRectF, Qt, QtMsgType, qInstallMessageHandler
from PyQt6.QtGui import QColor, QFont, QFontMetricsF, QGuiApplication, QImage, QPainter

from visualizer.errors import ConfigError
from visualizer.mel.front_end import FrontEnd
from visualizer.tools.diff.difference import Comparison
from visualizer.tools.diff.tables import describe, where
from visualizer.ui.panels.chart_widget import ticks_up_to
from visualizer.ui.picture.axis import Ticks, placed_ticks, tick_groups
from visualizer.ui.picture.display import DisplayConfig
from visualizer.ui.picture.raster import EMPTY_COLOUR, GAP_COLOUR, N_COLOURS
from visualizer.ui.picture.spectrogram import colour_table
from visualizer.ui.picture.tints import DIM, TEXT

WIDTH, LANE = 1400, 240
LEFT, RIGHT, TOP, HEAD, FOOT = 76, 132, 14, 30, 52
"""Pixels beside the lanes, above each, and below the last."""
_BAR_GAP, _BAR = 16, 14
_BACKGROUND = QColor("#1b1b22")
_TEXTS_SHARE = 0.98
"""Of the height of a colour bar: how far the texts beside it lie apart."""
_COLOURED_SHARE = 0.99
"""Of the differences: how many have a colour of their own; larger ones have that of the end."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Lane:
    title: str
    values: NDArray[np.float32]
    """(n_bands, n)"""
    mel: FrontEnd | None
    levels: tuple[float, float]
    label: str
    """of the colour bar"""
    colours: str
    start_s: float
    hop_s: float
    is_difference: bool = False

    @property
    def end_s(self) -> float:
        return self.start_s + int(self.values.shape[1]) * self.hop_s


def save_picture(found: Comparison, path: Path) -> None:
    """Draw a comparison and save a PNG. Raises ConfigError."""
    application = QGuiApplication.instance() or _offscreen_application()
    assert application is not None
    lanes = _lanes(found)
    height = TOP + len(lanes) * (HEAD + LANE) + FOOT
    image = QImage(WIDTH, height, QImage.Format.Format_RGB32)
    image.fill(_BACKGROUND)
    painter = QPainter(image)
    painter.setFont(_font())
    # What has no place in time is numbered from 0.
    left_s = min(0.0, *(lane.start_s for lane in lanes))
    # Where no column is, there is a span all the same.
    right_s = max(left_s + lanes[0].hop_s, *(lane.end_s for lane in lanes))
    for row, lane in enumerate(lanes):
        area = QRectF(LEFT, TOP + HEAD + row * (HEAD + LANE), WIDTH - LEFT - RIGHT, LANE)
        _draw_lane(painter, lane, area, (left_s, right_s))
    unit = "columns" if found.a.mel is None or found.b.mel is None else "s"
    _draw_times(painter, area, (left_s, right_s), unit)
    if found.figures is None:
        words = f"no difference of columns: {found.reason}"
        _text(painter, QRectF(LEFT, height - 26, WIDTH - LEFT, 20), words, DIM)
    painter.end()
    if not image.save(str(path)):
        raise ConfigError(f"the picture cannot be written to {str(path)!r}")


def _offscreen_application() -> QGuiApplication:
    # What Qt says of the locale, and of the display that it does without, is nobody's concern.
    before = qInstallMessageHandler(_note)
    try:
        # Whatever the environment says: without the display it asks for, Qt would end the process.
        return QGuiApplication(["diff", "-platform", "offscreen"])
    finally:
        qInstallMessageHandler(before)


def _note(kind: QtMsgType, _: QMessageLogContext, text: str | None) -> None:
    is_grave = kind in (QtMsgType.QtCriticalMsg, QtMsgType.QtFatalMsg)
    _log.log(logging.ERROR if is_grave else logging.DEBUG, "Qt: %s", text)


def _lanes(found: Comparison) -> list[Lane]:
    lanes = []
    ranges = [
        _ends(values) if unit is None else unit.range()
        for values, unit in zip(found.shown, found.shown_in, strict=True)
    ]
    units = [unit and unit.label for unit in found.shown_in]
    if units[0] == units[1]:
        # The same colour is then the same value in both.
        both = min(low for low, _ in ranges), max(high for _, high in ranges)
        ranges = [both, both]
    for letter, side, values, levels, unit in zip(
        "AB", (found.a, found.b), found.shown, ranges, found.shown_in, strict=True
    ):
        lanes.append(
            Lane(
                f"{letter} · {describe(side)}",
                values,
                side.mel,
                levels,
                "values" if unit is None else "dB" if unit.unit == "db" else "own values",
                DisplayConfig().colour_map,
                side.start_s,
                side.hop_s,
            )
        )
    figures, difference = found.figures, found.difference
    if figures is None or difference is None:
        return lanes
    words = "they are the same" if figures.is_same else "no difference"
    if figures.largest:
        at = where(found, figures.largest_column, figures.largest_band)
        words = f"largest {figures.largest:.3g}{found.unit_text}, at {at}"
    lanes.append(
        Lane(
            f"A less B · {words}",
            difference.astype(np.float32),
            found.a.mel,
            _levels(difference),
            "dB" if found.unit == "db" else "own values",
            "difference",
            found.a.start_s + figures.first_column * found.a.hop_s,
            found.a.hop_s,
            is_difference=True,
        )
    )
    return lanes


def _levels(difference: NDArray[np.float64]) -> tuple[float, float]:
    """Alike to both sides of 0, and without the few largest, beside which none could be seen."""
    sizes = np.abs(difference[np.isfinite(difference) & (difference != 0)])
    most = float(np.quantile(sizes, _COLOURED_SHARE)) if len(sizes) else 1.0
    return -most, most


def _ends(values: NDArray[np.float32]) -> tuple[float, float]:
    finite = values[np.isfinite(values)]
    low, high = float(finite.min(initial=0.0)), float(finite.max(initial=0.0))
    return low, high if high > low else low + 1.0


def _draw_lane(painter: QPainter, lane: Lane, area: QRectF, span_s: tuple[float, float]) -> None:
    metrics = QFontMetricsF(painter.font())
    above = QRectF(LEFT, area.top() - HEAD, WIDTH - LEFT - 8, HEAD)
    title = metrics.elidedText(lane.title, Qt.TextElideMode.ElideRight, above.width())
    _text(painter, above, title, TEXT)
    table = colour_table(lane.colours)
    colours = coloured(lane, table, span_s, (int(area.width()), int(area.height())))
    painter.drawImage(area.topLeft(), _image(colours))
    for place, text in _band_ticks(lane, 1.6 * metrics.height()):
        at = area.bottom() - place * area.height() / len(lane.values)
        painter.fillRect(QRectF(area.left() - 5, at, 4, 1), DIM)
        beside = QRectF(0, at - 10, LEFT - 9, 20)
        _text(painter, beside, text, DIM, Qt.AlignmentFlag.AlignRight)
    _text(
        painter,
        QRectF(0, area.top() - HEAD, LEFT - 9, HEAD),
        "band" if lane.mel is None else "Hz",
        DIM,
        Qt.AlignmentFlag.AlignRight,
    )
    bar = QRectF(area.right() + _BAR_GAP, area.top(), _BAR, area.height())
    rows = np.arange(int(bar.height()))[::-1] * N_COLOURS // int(bar.height())
    painter.drawImage(bar.topLeft(), _image(np.repeat(table[rows][:, None], _BAR, axis=1)))
    for share, text in zip((0.0, 0.5, 1.0), bar_texts(lane), strict=True):
        at = bar.bottom() - (0.5 + _TEXTS_SHARE * (share - 0.5)) * bar.height()
        room = QRectF(bar.right() + 7, at - 10, WIDTH - bar.right() - 9, 20)
        _text(painter, room, text, DIM)
    # A quarter up, where no number is.
    room = QRectF(bar.right() + 7, bar.bottom() - 0.75 * bar.height() - 10, RIGHT, 20)
    _text(painter, room, lane.label, DIM)


def bar_texts(lane: Lane) -> tuple[str, str, str]:
    """What the colours at the lower end, in the middle and at the upper end stand for."""
    low, high = lane.levels
    # The colours of the ends are also those of all that lies beyond.
    below = "≤ " if (lane.values < low).any() else ""
    above = "≥ " if (lane.values > high).any() else ""
    return below + _value(low), _value((low + high) / 2), above + _value(high)


def _value(value: float) -> str:
    return "0" if value == 0 else f"{value:.3g}".replace("-", "−")


def _band_ticks(lane: Lane, nearest_px: float) -> Ticks:
    n_bands = len(lane.values)
    nearest = nearest_px * n_bands / LANE
    if lane.mel is not None:
        return placed_ticks(tick_groups(lane.mel.rows, False), (0.0, float(n_bands)), nearest)
    marks = [band for band in range(n_bands) if band % max(1, n_bands // 4) == 0]
    return tuple((band + 0.5, str(band + 1)) for band in marks)


def _draw_times(painter: QPainter, lowest: QRectF, span_s: tuple[float, float], unit: str) -> None:
    left, right = span_s
    for value, text in ticks_up_to(right, 10):
        at = lowest.left() + (value - left) / (right - left) * lowest.width()
        painter.fillRect(QRectF(at, lowest.bottom() + 1, 1, 4), DIM)
        below = QRectF(at - 60, lowest.bottom() + 5, 120, 18)
        _text(painter, below, text, DIM, Qt.AlignmentFlag.AlignHCenter)
    beside = QRectF(lowest.right() + _BAR_GAP, lowest.bottom() + 5, RIGHT - _BAR_GAP, 18)
    _text(painter, beside, unit, DIM)


def coloured(
    lane: Lane, table: NDArray[np.uint32], span_s: tuple[float, float], size: tuple[int, int]
) -> NDArray[np.uint32]:
    """The pixels of a lane, (height, width) 0xffRRGGBB, row 0 on top.

    A pixel that holds several values shows their maximum, or, of differences, the one that is the
    farthest from 0. What is not finite is a gap.
    """
    width, height = size
    left_s, right_s = span_s
    n_bands, n_columns = lane.values.shape
    if n_columns == 0:
        return np.full((height, width), EMPTY_COLOUR, dtype=np.uint32)
    moments_s = left_s + np.arange(width) * (right_s - left_s) / width
    columns = np.floor((moments_s - lane.start_s) / lane.hop_s + 1e-9).astype(np.int64)
    is_inside = (columns >= 0) & (columns < n_columns)
    starts = np.clip(columns, 0, n_columns - 1), np.arange(height) * n_bands // height
    values = np.where(np.isneginf(lane.values), lane.levels[0], lane.values)
    picked = _reduced(np.maximum.reduceat, values, starts)
    if lane.is_difference:
        lowest = _reduced(np.minimum.reduceat, values, starts)
        picked = np.where(-lowest > picked, lowest, picked)
    low, high = lane.levels
    with np.errstate(invalid="ignore"):
        shares = np.clip((picked - low) / (high - low), 0.0, 1.0)
    known = np.isfinite(shares)
    places = np.where(known, shares * (N_COLOURS - 1), 0).astype(np.int64)
    colours = np.where(known, table[places], np.uint32(GAP_COLOUR))
    colours[:, ~is_inside] = EMPTY_COLOUR
    upwards: NDArray[np.uint32] = np.ascontiguousarray(colours[::-1], dtype=np.uint32)
    return upwards


def _reduced(
    reduce_at: Callable[..., NDArray[np.float32]],
    values: NDArray[np.float32],
    starts: tuple[NDArray[np.int64], NDArray[np.int64]],
) -> NDArray[np.float32]:
    return reduce_at(reduce_at(values, starts[0], axis=1), starts[1], axis=0)


def _image(colours: NDArray[np.uint32]) -> QImage:
    height, width = colours.shape
    # A copy, which outlives the array.
    return QImage(
        np.ascontiguousarray(colours).tobytes(), width, height, QImage.Format.Format_RGB32
    ).copy()


def _font() -> QFont:
    font = QFont()
    font.setPixelSize(15)
    return font


def _text(
    painter: QPainter,
    room: QRectF,
    text: str,
    colour: QColor,
    side: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft,
) -> None:
    painter.setPen(colour)
    painter.drawText(room, side | Qt.AlignmentFlag.AlignVCenter, text)
