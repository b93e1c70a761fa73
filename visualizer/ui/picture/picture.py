"""One lane of the picture: a spectrogram with its frequency axis and colour bar."""

from __future__ import annotations

import html
import math

import pyqtgraph as pg
from PyQt6.QtCore import QEvent, Qt, pyqtSignal
from PyQt6.QtGui import QFontMetrics, QResizeEvent

from visualizer.mel.front_end import FrontEnd
from visualizer.ui.picture.axis import FrequencyAxis
from visualizer.ui.picture.colour_bar import WIDTH, ColourBar
from visualizer.ui.picture.overlay import Line, TextPlate
from visualizer.ui.picture.plot import Plot
from visualizer.ui.picture.spectrogram import Scene, SpectrogramView, colour_table
from visualizer.ui.picture.tints import TEXT

_LEAST_OF_UNIT = 10
"""Letters: of fewer nobody makes out what the level refers to."""
_GAP = 12
"""Between the picture and its colour bar, in pixels, beside the height of a line."""
_WIDEST = ("00000", "−000.0")
"""numbers at the frequency axis and at the colour bar"""


class Picture(Plot):
    """Shows what it is given; the mouse on it is told by `view`."""

    range_changed = pyqtSignal(object)
    """(low, high), as a person dragged them"""
    placed = pyqtSignal()
    """The spectrogram lies elsewhere now."""

    def __init__(self, *, interactive: bool = True) -> None:
        """`interactive` gives the colour bar handles that a person can drag."""
        self._frequency_axis = FrequencyAxis()
        # Before the first changeEvent, which comes while the widget is being made.
        self._axes: tuple[pg.AxisItem, ...] = ()
        super().__init__(self._frequency_axis)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.page.setContentsMargins(4, 6, 8, 6)
        # Outwards: in the text's colour they could not be seen on the picture.
        self._frequency_axis.setStyle(tickLength=4)
        self._colours = self._unit_label = ""
        self.limits = (0.0, 1.0)
        self._colour_bar = ColourBar(interactive=interactive)
        self._colour_bar.dragged.connect(self.range_changed)
        self.grid.addItem(self._colour_bar, 0, 3)
        self.grid.setColumnFixedWidth(3, WIDTH)
        self.grid.addItem(self._colour_bar.axis, 0, 4)
        self.view = SpectrogramView()
        self.view.setParent(self.viewport())
        self._title = TextPlate()
        self.box.sigResized.connect(self._place_view)
        self._axes = (self._frequency_axis, self._colour_bar.axis)
        self._recolour()
        self._make_room()

    def show_lane(
        self,
        scene: Scene,
        title: str,
        mel: FrontEnd | None,
        unit_label: str,
        colours: str,
        limits: tuple[float, float],
        span_s: float,
    ) -> None:
        """Show `span_s` of a front-end's columns, coloured over a range.

        Without a front-end, the axis counts bands.
        """
        self._title.set_lines([Line(title, TEXT)] if title else [])
        self._frequency_axis.set_rows(None if mel is None else mel.rows)
        self.box.setYRange(0, scene.grid.n_bands, padding=0)
        self._unit_label = unit_label
        self._show_unit()
        self.view.set_scene(scene, span_s)
        self._colours = colours
        self._colour_bar.set_colours(colour_table(colours))
        self.set_range(limits)

    def set_plates(self, plates: list[tuple[TextPlate, Qt.Corner]]) -> None:
        """Have these on the picture, in addition to its title."""
        self.view.plates = [(self._title, Qt.Corner.TopRightCorner), *plates]

    def set_notes(self, notes: bool) -> None:
        """Name notes at the frequency axis, or hertz."""
        self._frequency_axis.set_notes(notes)

    def set_range(self, limits: tuple[float, float]) -> None:
        """Colour from the lower limit to the upper."""
        self.limits = limits
        self._colour_bar.set_limits(limits)
        self.view.set_colours(colour_table(self._colours), limits)

    def _place_view(self, *_: object) -> None:
        area = self.mapFromScene(self.box.sceneBoundingRect())
        rect = area.boundingRect()
        self._show_unit()
        if rect != self.view.geometry():
            self.view.setGeometry(rect)
            self.placed.emit()

    def _show_unit(self) -> None:
        """Label the colour bar with as much of the unit as its height has room for."""
        axis = self._colour_bar.axis
        metrics, margin = QFontMetrics(axis.label.font()), axis.label.document().documentMargin()
        # Upright, its letters stand a little farther apart than the font says.
        room = math.floor(axis.size().height() - 2 * margin - metrics.averageCharWidth())
        elided = metrics.elidedText(self._unit_label, Qt.TextElideMode.ElideRight, room)
        if len(elided) < _LEAST_OF_UNIT and self._unit_label.startswith("dB "):
            elided = "dB"
        # It would be taken for HTML.
        text = html.escape(elided)
        if text != axis.labelText:
            axis.setLabel(text)
            # It has the place that suited the text before.
            axis.resizeEvent()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        if self._axes:
            self._place_view()

    def changeEvent(self, event: QEvent | None) -> None:
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.PaletteChange:
            self._recolour()
        elif event is not None and event.type() == QEvent.Type.FontChange:
            self._make_room()

    def close(self) -> None:
        # pyqtgraph takes them apart, and the palette may still change.
        self._axes = ()
        super().close()

    def _recolour(self) -> None:
        text = self.palette().windowText().color()
        for axis in self._axes:
            axis.setTextPen(text)
            axis.setPen(pg.mkPen(text, width=1))

    def _make_room(self) -> None:
        """For the numbers of both axes and their labels: the same in all lanes."""
        metrics = self.fontMetrics()
        self.grid.setColumnFixedWidth(2, _GAP + metrics.height())
        for axis, widest in zip(self._axes, _WIDEST, strict=False):
            axis.setStyle(tickFont=self.font())
            axis.label.setFont(self.font())
            axis.setWidth(metrics.horizontalAdvance(widest) + round(1.8 * metrics.height()))
