"""The plot: the scrolling picture with its axes, colour bar and latency overlay."""

from __future__ import annotations

import math

import pyqtgraph as pg
from PyQt6.QtCore import QEvent, QPointF, pyqtSignal
from PyQt6.QtGui import QPaintEvent

from visualizer.config import DisplayConfig, MelConfig
from visualizer.mel.filterbank import band_edges_hz
from visualizer.mel.picture import RANGE_DB, PictureUnit
from visualizer.ui.axis import FrequencyAxis
from visualizer.ui.overlay import TEXT, Line, TextPlate
from visualizer.ui.spectrogram import SpectrogramItem, colour_map

_MARGIN = 12.0
"""of what lies on the picture, in pixels"""


def reading(config: MelConfig, unit: PictureUnit, seconds: float, band: int, value: float) -> str:
    """What there is at a place of the picture, in words; `band` counts from 0."""
    low, peak, high = band_edges_hz(config)[band : band + 3]
    shown = "nothing" if math.isnan(value) else unit.text(value)
    return (
        f"{seconds:.2f} s · band {band} of {config.n_mels}: {low:.0f} to {high:.0f} Hz, "
        f"peak {peak:.0f} Hz · {shown}"
    )


class Picture(pg.PlotWidget):
    """A plot that can be painted at once, and counts its paints."""

    first_painted = pyqtSignal()

    def __init__(self, display: DisplayConfig) -> None:
        self._frequency_axis = FrequencyAxis()
        super().__init__(axisItems={"left": self._frequency_axis}, background=None)
        self.paints = 0
        self._config: MelConfig | None = None
        self._unit: PictureUnit | None = None
        self.spectrogram = SpectrogramItem(display, RANGE_DB)
        self.overlay = TextPlate()
        self.reading = TextPlate()
        self._pointer: QPointF | None = None
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
        plot.setXRange(-display.span_s, 0, padding=0)
        # Its axis needs a label from the start to have room for one.
        self._colour_bar = pg.ColorBarItem(
            values=RANGE_DB, colorMap=colour_map(display.colour_map), label=" "
        )
        self._colour_bar.axis.setTextPen(text)
        self._colour_bar.sigLevelsChanged.connect(
            lambda bar: self.spectrogram.set_levels(bar.levels())
        )
        # Row and columns as ColorBarItem itself takes them beside an ImageItem.
        plot.layout.addItem(self._colour_bar, 2, 5)
        plot.layout.setColumnFixedWidth(4, 8)
        self.overlay.setParentItem(plot.getViewBox())
        self.overlay.setPos(_MARGIN, _MARGIN)
        self.reading.setParentItem(plot.getViewBox())
        self.reading.hide()
        self.scene().sigMouseMoved.connect(self._point)

    def set_display(self, display: DisplayConfig) -> None:
        """Show what is kept in another span and other colours."""
        self.spectrogram.set_display(display)
        self._colour_bar.setColorMap(colour_map(display.colour_map))
        self.getPlotItem().setXRange(-display.span_s, 0, padding=0)

    def begin(self, config: MelConfig) -> None:
        """Start anew with a front-end."""
        self._config = config
        self._unit = PictureUnit(config)
        self._colour_bar.axis.setLabel(self._unit.label)
        self.reset_levels()
        self.spectrogram.set_config(config)
        self._frequency_axis.set_config(config)
        self.getPlotItem().setYRange(0, config.n_mels, padding=0)

    def reset_levels(self) -> None:
        """Back to the range of colours that suits the front-end."""
        if self._unit is None:
            return
        low, high = self._unit.range()
        # What a drag of a handle moves by: about a hundredth of the range.
        self._colour_bar.rounding = 10.0 ** math.floor(math.log10((high - low) / 50))
        self._colour_bar.setLevels((low, high))
        self.spectrogram.set_levels((low, high))

    def show_reading(self) -> None:
        """Say what is under the mouse now; the picture moves below it."""
        view = self.getPlotItem().getViewBox()
        pointer, config, unit = self._pointer, self._config, self._unit
        inside = pointer is not None and view.sceneBoundingRect().contains(pointer)
        self.reading.setVisible(inside and config is not None)
        if not inside or config is None or unit is None:
            return
        point = view.mapSceneToView(pointer)
        band = min(max(0, math.floor(point.y())), config.n_mels - 1)
        value = self.spectrogram.value_at(min(point.x(), -1e-9), band)
        self.reading.set_lines([Line(reading(config, unit, point.x(), band, value), TEXT)])
        below = view.height() - self.reading.boundingRect().height() - _MARGIN
        self.reading.setPos(_MARGIN, below)

    def leaveEvent(self, event: QEvent) -> None:
        self._point(None)
        super().leaveEvent(event)

    def _point(self, position: QPointF | None) -> None:
        self._pointer = position
        self.show_reading()

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
