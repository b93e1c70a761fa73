"""One column as a curve: what each mel band holds, now or under the mouse."""

from __future__ import annotations

import html

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PyQt6.QtCore import QSize, Qt
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from visualizer.ui.picture.axis import FrequencyAxis
from visualizer.ui.picture.lanes import Lane
from visualizer.ui.picture.plot import QuietPlot
from visualizer.ui.picture.tints import STAGE_COLOURS, mixed
from visualizer.ui.picture.viewer import Slice

Values = NDArray[np.float32]

_LINES = 7
"""Least height of the plot, in lines of text."""
_USUAL_LINES = 13
"""With which its title is seen as well."""


class SpectrumPlot(QuietPlot):
    """A curve of values by band, and one of their peaks."""

    def __init__(self) -> None:
        self.curve = pg.PlotCurveItem(connect="finite")
        self.peaks = pg.PlotCurveItem(connect="finite")
        self.frequency_axis = FrequencyAxis("bottom")
        super().__init__(
            "Spectrum slice",
            "The values of one column by mel band, over the picture's range of values; the "
            "thinner line is the largest of each band since its peaks were reset",
            self.frequency_axis,
            lines=_LINES,
        )
        self.box.addItem(self.peaks, ignoreBounds=True)
        self.box.addItem(self.curve, ignoreBounds=True)
        self.left.geometryChanged.connect(self.fit_title)

    def fit_title(self) -> None:
        """Leave out the title where it would be cut: the picture's colours have it, too."""
        self.left.showLabel(self.left.label.boundingRect().width() <= self.left.size().height())

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), _USUAL_LINES * self.fontMetrics().lineSpacing())

    def take_colours(self) -> None:
        text, ground = self.palette().windowText().color(), self.palette().window().color()
        self.curve.setPen(pg.mkPen(STAGE_COLOURS["wait"], width=2))
        self.peaks.setPen(pg.mkPen(mixed(text, ground, 0.55), width=1))


class SpectrumPanel(QWidget):
    """Made for a dock: a title, the plot, and a button that begins the peaks anew."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Spectrum")
        self.title = QLabel("no column yet")
        self.title.setAccessibleName("Shown column")
        # A front-end's name in it may look like markup.
        self.title.setTextFormat(Qt.TextFormat.PlainText)
        self.title.setToolTip("Which column is shown")
        self.reset = QPushButton("Reset peaks")
        self.reset.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.reset.setAccessibleName("Reset peaks")
        self.reset.setToolTip("Start the line of peaks again")
        self.reset.clicked.connect(self.reset_peaks)
        self.plot = SpectrumPlot()
        self._bands: NDArray[np.float64] = np.empty(0)
        self._held: Values = np.empty(0, np.float32)
        self._range: tuple[float, float] | None = None
        self._shown: tuple[object, str] | None = None
        head = QHBoxLayout()
        head.addWidget(self.title, 1)
        head.addWidget(self.reset)
        layout = QVBoxLayout(self)
        layout.addLayout(head)
        layout.addWidget(self.plot, 1)

    def set_lane(self, lane: Lane) -> None:
        """Show columns of this lane from now on; of another front-end or unit, with new peaks."""
        if (lane.mel, lane.label) == self._shown:
            return
        self._shown = lane.mel, lane.label
        self._bands = np.arange(0.5, lane.mel.n_rows)
        self.plot.frequency_axis.set_rows(lane.mel.rows)
        self.plot.left.setLabel(html.escape(lane.label))
        self.plot.fit_title()
        self.plot.box.setXRange(0, lane.mel.n_rows, padding=0)
        self.plot.curve.setData([], [])
        self.title.setText("no column yet")
        self.reset_peaks()

    def reset_peaks(self) -> None:
        self._held = np.full(len(self._bands), np.nan, np.float32)
        self.plot.peaks.setData([], [])

    def hold(self, columns: Values) -> None:
        """Let columns (n, n_mels) count for the peaks, shown or not; the next call shows them."""
        if len(columns):
            self._held = np.fmax(self._held, np.fmax.reduce(columns, axis=0))

    def show_slice(self, found: Slice) -> None:
        """Show a column; those that came just before count for the peaks."""
        self.set_lane(found.lane)
        self.hold(found.columns)
        self.show_values(found.columns[-1], found.range, found.title)

    def show_values(self, values: Values, limits: tuple[float, float], title: str) -> None:
        """Show a column (n_mels,) in the picture's unit, over the picture's range of values.

        NaN is not drawn, and −inf lies at the bottom.
        """
        self.hold(values[np.newaxis])
        self.title.setText(title)
        # What is above the range of colours is seen too.
        low, high = limits
        most = self._held[np.isfinite(self._held)].max(initial=high)
        limits = low, float(most)
        if limits != self._range:
            self._range = limits
            self.plot.box.setYRange(*limits, padding=0.02)
        # Where nothing below is seen, so that a fall to silence is a line down to the edge.
        low, high = limits
        bottom = np.float32(low - 0.02 * (high - low))
        self.plot.curve.setData(self._bands, np.maximum(values, bottom))
        self.plot.peaks.setData(self._bands, np.maximum(self._held, bottom))
