"""The picture: mel columns coloured once, when they come, and drawn with two blits."""

from __future__ import annotations

import math

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PyQt6.QtCore import QRectF
from PyQt6.QtGui import QImage, QPainter

from visualizer.columns import MelColumns
from visualizer.config import REVERSED, SPANS_S, DisplayConfig, MelConfig
from visualizer.history import ColumnHistory
from visualizer.mel.picture import PictureUnit

HISTORY_S = max(SPANS_S)
"""Kept as values: 3 MB of 80 bands, 80 columns a second."""

_COLOURS = 512
_GAP_COLOUR = 0xFF2F3B45
_EMPTY_COLOUR = 0xFF000000


_SOURCES = {"gray": "CET-L1"}
"""Names that pyqtgraph has other ones for."""


def colour_map(name: str) -> pg.ColorMap:
    """The colour map of a DisplayConfig, as pyqtgraph has it."""
    plain = name.removesuffix(REVERSED)
    # Not the one it keeps: reversing changes it.
    colours = pg.colormap.get(_SOURCES.get(plain, plain), skipCache=True)
    if name != plain:
        colours.reverse()
    return colours


def colour_table(name: str) -> NDArray[np.uint32]:
    """The colour map of a DisplayConfig as (512,) 0xffRRGGBB."""
    table = colour_map(name).getLookupTable(nPts=_COLOURS, alpha=False)
    red, green, blue = table.astype(np.uint32).T
    colours: NDArray[np.uint32] = np.uint32(0xFF000000) | red << 16 | green << 8 | blue
    return colours


class SpectrogramItem(pg.GraphicsObject):
    """Scrolls mel columns through [−span_s, 0] × [0, n_mels]; the newest ends at 0.

    The float32 columns are the truth. The ring of pixels, one column each, is a cache of the
    visible span in which only new columns are coloured.
    """

    def __init__(self, display: DisplayConfig, levels: tuple[float, float]) -> None:
        super().__init__()
        self.setFlag(self.GraphicsItemFlag.ItemUsesExtendedStyleOption)
        self._span_s = display.span_s
        self._levels = levels
        self._colours = colour_table(display.colour_map)
        self._config: MelConfig | None = None
        self._coloured_end = 0
        self._reset_ring(1, 1)

    def set_config(self, config: MelConfig) -> None:
        """Begin anew with a front-end."""
        self.prepareGeometryChange()
        self._config = config
        self._unit = PictureUnit(config)
        self._history = ColumnHistory(config.n_mels, round(HISTORY_S / config.hop_s))
        self._coloured_end = 0
        self._refill()

    def set_display(self, display: DisplayConfig) -> None:
        """Show what is kept in another span and other colours."""
        self.prepareGeometryChange()
        self._span_s = display.span_s
        self._colours = colour_table(display.colour_map)
        self._refill()

    def set_levels(self, levels: tuple[float, float]) -> None:
        self._levels = levels
        self._refill()

    def append(self, columns: MelColumns) -> None:
        """Take columns of the config in force; call `colour_new` once for all that came."""
        self._history.append(columns)

    def colour_new(self) -> None:
        """Colour what was appended since, so that the next paint shows it."""
        if self._config is not None:
            self._colour(self._coloured_end, self._history.end)

    def value_at(self, seconds: float, band: int) -> float:
        """What is shown `seconds` (below 0) before the newest column's end, in the picture's unit.

        NaN where there is nothing.
        """
        if self._config is None:
            return math.nan
        index = self._coloured_end + math.floor(seconds / self._config.hop_s)
        return float(self._unit(self._history.between(index, index + 1))[0, band])

    def boundingRect(self) -> QRectF:
        n_mels = self._config.n_mels if self._config else 1
        return QRectF(-self._span_s, 0, self._span_s, n_mels)

    def paint(self, painter: QPainter, option: object, widget: object = None) -> None:
        if self._config is None:
            return
        # Blits that neither flip nor rotate are the fast ones, so paint in the widget's pixels.
        target = painter.transform().mapRect(self.boundingRect())
        painter.save()
        painter.resetTransform()
        width, height = self._ring.shape[1], self._ring.shape[0]
        oldest = self._coloured_end % width
        split = target.left() + target.width() * (width - oldest) / width
        left = QRectF(target.left(), target.top(), split - target.left(), target.height())
        right = QRectF(split, target.top(), target.right() - split, target.height())
        painter.drawImage(left, self._image, QRectF(oldest, 0, width - oldest, height))
        painter.drawImage(right, self._image, QRectF(0, 0, oldest, height))
        painter.restore()

    def _reset_ring(self, width: int, height: int) -> None:
        self._image = QImage(width, height, QImage.Format.Format_RGB32)
        self._image.fill(_EMPTY_COLOUR)
        memory = self._image.bits()
        assert memory is not None
        memory.setsize(self._image.sizeInBytes())
        pixels: NDArray[np.uint32] = np.asarray(memory).view(np.uint32)
        self._ring = pixels.reshape(height, width)

    def _refill(self) -> None:
        if self._config is None:
            return
        self._reset_ring(max(1, round(self._span_s / self._config.hop_s)), self._config.n_mels)
        # Up to where it was coloured before: a frozen picture stays where it is.
        end = self._coloured_end
        self._colour(end - self._ring.shape[1], end)
        self.update()

    def _colour(self, first: int, end: int) -> None:
        assert self._config is not None
        width = self._ring.shape[1]
        first = max(first, end - width)
        values = self._unit(self._history.between(first, end))
        low, high = self._levels
        scaled = (values - low) * ((_COLOURS - 1) / (high - low))
        known = ~np.isnan(scaled)
        index = np.clip(np.where(known, scaled, 0), 0, _COLOURS - 1).astype(np.intp)
        pixels = np.where(known, self._colours[index], np.uint32(_GAP_COLOUR))
        started = np.arange(first, end) >= 0
        pixels[~started] = _EMPTY_COLOUR
        self._ring[:, np.arange(first, end) % width] = pixels.T[::-1]
        self._coloured_end = end
