"""A plot that only shows: nothing in it is dragged, and it looks like the window around it."""

from __future__ import annotations

import pyqtgraph as pg
from PyQt6.QtCore import QEvent, QSize

from visualizer.ui.picture.tints import dimmed

_LEAST_LINES = 6


class QuietPlot(pg.PlotWidget):
    """Axes in the window's colours and font; `take_colours` gives a subclass its turn."""

    def __init__(
        self, name: str, tip: str, bottom: pg.AxisItem | None = None, lines: int = _LEAST_LINES
    ) -> None:
        self._least_lines = lines
        self._ready = False
        super().__init__(
            axisItems={"bottom": bottom} if bottom else None, background=None, enableMenu=False
        )
        self.setAccessibleName(name)
        self.setToolTip(tip)
        plot = self.getPlotItem()
        plot.hideButtons()
        # Half of the last ticks' texts hangs over.
        metrics = self.fontMetrics()
        plot.setContentsMargins(0, metrics.height() / 2, 2 * metrics.averageCharWidth(), 0)
        plot.setMouseEnabled(False, False)
        plot.disableAutoRange()
        for axis in self._axes():
            axis.enableAutoSIPrefix(False)
            # Their texts are drawn anew only when they change.
            axis.setCacheMode(axis.CacheMode.DeviceCoordinateCache)
        plot.getAxis("bottom").setStyle(hideOverlappingLabels=False)
        self._ready = True
        self._take_look()

    def take_colours(self) -> None:
        """Called after each change of the palette."""

    def sizeHint(self) -> QSize:
        return QSize(40 * self.fontMetrics().averageCharWidth(), self.minimumHeight())

    def changeEvent(self, event: QEvent | None) -> None:
        super().changeEvent(event)
        changes = (QEvent.Type.PaletteChange, QEvent.Type.FontChange)
        if self._ready and event is not None and event.type() in changes:
            self._take_look()

    def _axes(self) -> list[pg.AxisItem]:
        return [self.getPlotItem().getAxis(side) for side in ("left", "bottom")]

    def _take_look(self) -> None:
        for axis in self._axes():
            axis.setPen(pg.mkPen(dimmed(self.palette()), width=1))
            # After the pen, which would colour the axis's label too.
            axis.setTextPen(self.palette().windowText().color())
            axis.setTickFont(self.font())
            axis.label.setFont(self.font())
        self.setMinimumHeight(self._least_lines * self.fontMetrics().lineSpacing())
        self.take_colours()
