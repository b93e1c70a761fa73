"""Plots of pyqtgraph's axes: they only show, nothing in them is dragged."""

from __future__ import annotations

import pyqtgraph as pg
from PyQt6.QtCore import QEvent, QSize
from PyQt6.QtWidgets import QGraphicsGridLayout, QGraphicsWidget, QSizePolicy

from visualizer.ui.picture.tints import dimmed

_LEAST_LINES = 6
_MARGIN = 1.0


class Plot(pg.GraphicsView):
    """An area with an axis to its left and, where there is one, below.

    A PlotItem would be the same, but each has a menu of fifty widgets besides, which take
    milliseconds to make, and to tell of every change of the window's colours.
    """

    def __init__(self, left: pg.AxisItem) -> None:
        super().__init__(background=None)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.box = pg.ViewBox(enableMouse=False, enableMenu=False)
        self.box.disableAutoRange()
        self.left = left
        self.grid = QGraphicsGridLayout()
        self.grid.setContentsMargins(_MARGIN, _MARGIN, _MARGIN, _MARGIN)
        self.grid.setSpacing(0)
        self.page = QGraphicsWidget()
        self.page.setLayout(self.grid)
        self.grid.addItem(self.box, 0, 1)
        self._add_axis(left, 0, 0)
        self.setCentralItem(self.page)

    def add_bottom(self, axis: pg.AxisItem) -> None:
        """Have an axis below."""
        self._add_axis(axis, 1, 1)

    def changeEvent(self, event: QEvent | None) -> None:
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.PaletteChange:
            # The ground of the axes, which pyqtgraph keeps as pixels.
            self.resetCachedContent()

    def _add_axis(self, axis: pg.AxisItem, row: int, column: int) -> None:
        axis.linkToView(self.box)
        # Above what is in the area.
        axis.setZValue(0.5)
        self.grid.addItem(axis, row, column)


class QuietPlot(Plot):
    """Looks like the window around it; `take_colours` gives a subclass its turn."""

    def __init__(
        self, name: str, tip: str, bottom: pg.AxisItem | None = None, lines: int = _LEAST_LINES
    ) -> None:
        self._least_lines = lines
        self._axes: tuple[pg.AxisItem, ...] = ()
        super().__init__(pg.AxisItem("left"))
        self.bottom = bottom or pg.AxisItem("bottom")
        self.add_bottom(self.bottom)
        self.setAccessibleName(name)
        self.setToolTip(tip)
        # Half of the last ticks' texts hangs over.
        metrics = self.fontMetrics()
        self.page.setContentsMargins(0, metrics.height() / 2, 2 * metrics.averageCharWidth(), 0)
        self._axes = (self.left, self.bottom)
        for axis in self._axes:
            axis.enableAutoSIPrefix(False)
            # Their texts are drawn anew only when they change.
            axis.setCacheMode(axis.CacheMode.DeviceCoordinateCache)
        self.bottom.setStyle(hideOverlappingLabels=False)
        self._take_look()

    def take_colours(self) -> None:
        """Called after each change of the palette."""

    def sizeHint(self) -> QSize:
        return QSize(40 * self.fontMetrics().averageCharWidth(), self.minimumHeight())

    def changeEvent(self, event: QEvent | None) -> None:
        super().changeEvent(event)
        changes = (QEvent.Type.PaletteChange, QEvent.Type.FontChange)
        if self._axes and event is not None and event.type() in changes:
            self._take_look()

    def close(self) -> None:
        # pyqtgraph takes them apart, and the palette may still change.
        self._axes = ()
        super().close()

    def _take_look(self) -> None:
        for axis in self._axes:
            axis.setPen(pg.mkPen(dimmed(self.palette()), width=1))
            # After the pen, which would colour the axis's label too.
            axis.setTextPen(self.palette().windowText().color())
            axis.setTickFont(self.font())
            axis.label.setFont(self.font())
        self.setMinimumHeight(self._least_lines * self.fontMetrics().lineSpacing())
        self.take_colours()
