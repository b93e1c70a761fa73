"""The bar that says which colour stands for which value."""

from __future__ import annotations

import math

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PyQt6.QtCore import pyqtSignal
from PyQt6.QtGui import QImage, QPixmap
from PyQt6.QtWidgets import QGraphicsPixmapItem

from visualizer.ui.picture.raster import N_COLOURS

WIDTH = 25
_FRAME = (150, 150, 150)
_REST = (0.25 * N_COLOURS, 0.75 * N_COLOURS)
"""Where the handles are while nobody drags them."""
_HOVER = "#FF000080"

Limits = tuple[float, float]


class ColourBar(pg.ViewBox):
    """Colours from low to high; `axis`, to be laid beside it, has the values.

    pyqtgraph's ColorBarItem is a plot with menus of its own, of which some hundred widgets are.
    """

    dragged = pyqtSignal(object)
    """(low, high), as a person dragged the handles"""

    def __init__(self, *, interactive: bool) -> None:
        """`interactive` gives it handles that a person can drag."""
        super().__init__(enableMouse=False, enableMenu=False, border=_FRAME)
        self.disableAutoRange()
        self.setRange(xRange=(0, 1), yRange=(0, N_COLOURS), padding=0)
        self.axis = pg.AxisItem("right")
        # Else it says thousandths where the readings say values.
        self.axis.enableAutoSIPrefix(False)
        # Its axis needs a label from the start to have room for one.
        self.axis.setLabel(" ")
        self.axis.setZValue(0.5)
        self._limits: Limits = (0.0, 1.0)
        self._before: Limits | None = None
        """the limits before the drag that is under way"""
        self._colours = QGraphicsPixmapItem()
        self._colours.setShapeMode(QGraphicsPixmapItem.ShapeMode.BoundingRectShape)
        self.addItem(self._colours, ignoreBounds=True)
        self._handles: pg.LinearRegionItem | None = None
        if interactive:
            self._handles = self._made_handles()

    def _made_handles(self) -> pg.LinearRegionItem:
        handles = pg.LinearRegionItem(
            _REST,
            "horizontal",
            swapMode="block",
            pen="w",
            brush=pg.mkBrush(None),
            hoverPen="r",
            hoverBrush=_HOVER,
        )
        for line in handles.lines:
            line.addMarker("<|>", size=6)
        handles.setZValue(1000)
        handles.sigRegionChanged.connect(self._drag)
        handles.sigRegionChangeFinished.connect(self._release)
        self.addItem(handles, ignoreBounds=True)
        return handles

    def set_colours(self, table: NDArray[np.uint32]) -> None:
        """Show a table (512,) of 0xffRRGGBB, low to high."""
        pixels = table.tobytes()
        image = QImage(pixels, 1, N_COLOURS, 4, QImage.Format.Format_RGB32)
        # Both only point at them.
        self._colours.setPixmap(QPixmap.fromImage(image.copy()))

    def set_limits(self, limits: Limits) -> None:
        """Show the values of the lowest and of the highest colour."""
        self._limits = limits
        self.axis.setRange(*limits)

    def _drag(self) -> None:
        """The farther a handle is dragged, the faster its limit moves."""
        assert self._handles is not None
        places = self._handles.getRegion()
        before = self._before = self._before or self._limits
        low, high = before
        step = 10.0 ** math.floor(math.log10((high - low) / 50))
        shares = [(place - rest) / _REST[0] for place, rest in zip(places, _REST, strict=True)]
        low, high = (
            step * round((end + share * abs(share) * (high - low)) / step)
            for end, share in zip(before, shares, strict=True)
        )
        if high - low >= step:
            self.dragged.emit((low, high))

    def _release(self) -> None:
        assert self._handles is not None
        self._before = None
        self._handles.blockSignals(True)
        self._handles.setRegion(_REST)
        self._handles.blockSignals(False)
