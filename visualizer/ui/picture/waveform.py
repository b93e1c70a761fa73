"""The sound itself, as a strip under the picture."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtCore import QEvent, QSize, Qt, QTimer
from PyQt6.QtGui import QImage, QPainter, QPaintEvent, QPalette, QResizeEvent
from PyQt6.QtWidgets import QSizePolicy, QWidget

from visualizer.mel.limits import CLIP_PEAK
from visualizer.ui.picture.envelope import Envelope, Read
from visualizer.ui.picture.pixels import draw_ring, pixels_of
from visualizer.ui.picture.tints import GAP, STAGE_COLOURS, alarm

_LINES = 3
"""Height, in lines of text."""
_BUDGET_S = 0.008
"""For what one call computes; a chunk more may come on top."""
_REST_INTERVAL_MS = 20
_SAME_SPAN = 1e-6
"""Of the span: ends that move along the stream differ by roundings."""


class WaveformStrip(QWidget):
    """Lowest and highest sample of each pixel column over ±1.0, the newest at the right edge.

    Columns are computed and coloured once, in device pixels on the stream's own grid, and drawn
    with two blits, so that following the stream costs a column or two a time.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Waveform")
        self.setToolTip(
            "The sound of the span above, −1 to 1 of full scale, all channels overlaid; "
            "red where it clips, slate grey where some was lost"
        )
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self._read: Read | None = None
        self._sample_rate = 1
        self._span_s = 0.0
        self._end_s = 0.0
        self._end_pixel = 0
        self._envelope = Envelope(1.0, 1)
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(_REST_INTERVAL_MS)
        self._rest.timeout.connect(self.show_new)
        self._begin()

    def set_source(self, read: Read | None, sample_rate: int) -> None:
        """Begin anew with a source of samples, or with none.

        `read` as in `Envelope`; it is called with 0 ≤ first < end ≤ the view's end, by the thread
        of the window. `sample_rate` in Hz.
        """
        self._read = read
        self._sample_rate = sample_rate
        self._begin()
        self.update()

    def forget(self) -> None:
        """Compute all anew: some of what was shown as lost has come."""
        self._begin()

    def set_view(self, start_s: float, end_s: float) -> None:
        """What to show, in s of the stream; seen after `show_new`.

        What there is no sound of is shown as lost.
        """
        span_s = end_s - start_s
        self._end_s = end_s
        if abs(span_s - self._span_s) > _SAME_SPAN * span_s:
            self._span_s = span_s
            self._begin()

    def show_new(self) -> None:
        """Bring the strip up to the view.

        After a change of the span, of the size or of the source that may take some calls, each of
        some 10 ms at most; the strip makes those by itself where nobody else does.
        """
        if self._read is None or self._span_s <= 0:
            return
        width = round(self.width() * self.devicePixelRatioF())
        if (width, self._height()) != self._ring.shape[::-1]:
            self._begin()
        envelope = self._envelope
        end_sample = round(self._end_s * self._sample_rate)
        missing = envelope.missing(end_sample)
        self._end_pixel = envelope.end_pixel(end_sample)
        self._blank(missing)
        left = envelope.fill(self._read, missing, end_sample, time.perf_counter() + _BUDGET_S)
        # Each is joined to the one before it, so the ones after these change with them.
        computed = missing[len(left) :]
        self._colour(np.concatenate((computed, computed + 1)))
        self.update()
        if len(left):
            self._rest.start()
        else:
            self._rest.stop()

    @property
    def complete(self) -> bool:
        """Whether the whole view is computed."""
        return not self._rest.isActive()

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        return QSize(40 * metrics.averageCharWidth(), _LINES * metrics.lineSpacing())

    def minimumSizeHint(self) -> QSize:
        return QSize(0, self.sizeHint().height())

    def changeEvent(self, event: QEvent | None) -> None:
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.PaletteChange:
            self._begin()
            if self.isVisible():
                self.show_new()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        self.show_new()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        end, first = self._end_pixel, self._end_pixel - self._envelope.width
        draw_ring(painter, self._image, (first, end), first, self.devicePixelRatioF())

    def _height(self) -> int:
        return max(1, round(self.height() * self.devicePixelRatioF()))

    def _begin(self) -> None:
        """Forget all pixels: their grid, their size or what they show has changed."""
        width = max(1, round(self.width() * self.devicePixelRatioF()))
        samples = max(self._span_s * self._sample_rate, 1e-3)
        self._envelope = Envelope(samples / width, width)
        self._image = QImage(width, self._height(), QImage.Format.Format_RGB32)
        self._image.fill(self.palette().color(QPalette.ColorRole.Base))
        self._ring = pixels_of(self._image)
        self._rows = np.arange(self._height())[:, np.newaxis]

    def _blank(self, missing: NDArray[np.int64]) -> None:
        base = self.palette().color(QPalette.ColorRole.Base).rgb()
        width = self._envelope.width
        self._ring[:, missing % width] = base
        if self._end_pixel < width:
            # The stream begins inside the view.
            self._ring[:, np.arange(self._end_pixel - width, 0) % width] = base

    def _colour(self, pixels: NDArray[np.int64]) -> None:
        envelope, height = self._envelope, len(self._rows)
        pixels = pixels[envelope.known(pixels)]
        slots, before = pixels % envelope.width, (pixels - 1) % envelope.width
        low, high = envelope.low[slots], envelope.high[slots]
        joined = envelope.known(pixels - 1)
        # Where a steep edge falls between two pixels, a line goes from one to the other.
        top = np.where(joined, np.fmax(high, envelope.low[before]), high)
        bottom = np.where(joined, np.fmin(low, envelope.high[before]), low)
        first, last = (
            np.rint((1.0 - np.clip(level, -1.0, 1.0)) * ((height - 1) / 2))
            for level in (top, bottom)
        )
        clips = np.maximum(high, -low) >= CLIP_PEAK
        palette = self.palette()
        wave = np.where(clips, alarm(palette).rgb(), STAGE_COLOURS["wait"].rgb())
        base = palette.color(QPalette.ColorRole.Base).rgb()
        columns = np.where((self._rows >= first) & (self._rows <= last), wave, base)
        self._ring[:, slots] = np.where(np.isnan(low), GAP.rgb(), columns)
