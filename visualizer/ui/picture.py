"""The plot: the scrolling picture with its axes, colour bar and latency overlay."""

from __future__ import annotations

import pyqtgraph as pg
from PyQt6.QtCore import pyqtSignal
from PyQt6.QtGui import QPaintEvent

from visualizer.config import MelConfig
from visualizer.ui.axis import FrequencyAxis
from visualizer.ui.overlay import LatencyOverlay
from visualizer.ui.spectrogram import SpectrogramItem

SPAN_S = 10.0
LEVELS_DB = (-90.0, -10.0)
LEVEL_LIMITS_DB = (-160.0, 40.0)
COLOUR_MAP = "magma"


class Picture(pg.PlotWidget):
    """A plot that can be painted at once, and counts its paints."""

    first_painted = pyqtSignal()

    def __init__(self) -> None:
        self._frequency_axis = FrequencyAxis()
        super().__init__(axisItems={"left": self._frequency_axis}, background=None)
        self.paints = 0
        self.spectrogram = SpectrogramItem(SPAN_S, LEVELS_DB, COLOUR_MAP)
        self.overlay = LatencyOverlay()
        plot = self.getPlotItem()
        plot.hideButtons()
        plot.setMenuEnabled(False)
        plot.setMouseEnabled(False, False)
        plot.setContentsMargins(4, 10, 8, 4)
        text = self.palette().windowText().color()
        for side, label in (("left", "Frequency (Hz)"), ("bottom", "Seconds before now")):
            axis = plot.getAxis(side)
            axis.setLabel(label)
            axis.setTextPen(text)
            axis.setPen(pg.mkPen(text, width=1))
            # They touch the picture, so without it each column would draw their texts again.
            axis.setCacheMode(axis.CacheMode.DeviceCoordinateCache)
        plot.getAxis("bottom").enableAutoSIPrefix(False)
        plot.getAxis("bottom").setStyle(hideOverlappingLabels=False)
        plot.addItem(self.spectrogram)
        plot.setXRange(-SPAN_S, 0, padding=0)
        colour_bar = pg.ColorBarItem(
            values=LEVELS_DB,
            colorMap=COLOUR_MAP,
            label="dB re full-scale sine",
            limits=LEVEL_LIMITS_DB,
        )
        colour_bar.axis.setTextPen(text)
        colour_bar.sigLevelsChanged.connect(lambda bar: self.spectrogram.set_levels(bar.levels()))
        # Row and columns as ColorBarItem itself takes them beside an ImageItem.
        plot.layout.addItem(colour_bar, 2, 5)
        plot.layout.setColumnFixedWidth(4, 8)
        self.overlay.setParentItem(plot.getViewBox())
        self.overlay.setPos(12, 12)

    def begin(self, config: MelConfig) -> None:
        """Start anew with a front-end."""
        self.spectrogram.set_config(config)
        self._frequency_axis.set_config(config)
        self.getPlotItem().setYRange(0, config.n_mels, padding=0)

    def show_new(self) -> bool:
        """Paint what was appended; return, when that is done, whether there was a paint.

        `update` would hand it to Qt's update timer, which waits 5 ms for more to come.
        """
        self.spectrogram.colour_new()
        before = self.paints
        area = self.getPlotItem().getViewBox().sceneBoundingRect()
        self.viewport().repaint(self.mapFromScene(area).boundingRect())
        return self.paints > before

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        self.paints += 1
        if self.paints == 1:
            self.first_painted.emit()
