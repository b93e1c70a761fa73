"""One update of the picture and its paint, beside the way that people usually take in pyqtgraph.

Everything here runs on the GUI thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PyQt6.QtCore import QSize, Qt
from PyQt6.QtWidgets import QApplication, QStackedWidget, QWidget

from visualizer.engine.history import ColumnHistory
from visualizer.engine.tracks import Track
from visualizer.errors import DisplayError
from visualizer.mel.picture import PictureUnit
from visualizer.mel.presets import preset_for
from visualizer.tools.bench.cases import RATE_HZ
from visualizer.ui.picture.display import DisplayConfig
from visualizer.ui.picture.lanes import Lane
from visualizer.ui.picture.spectrogram import colour_map
from visualizer.ui.picture.stack import PictureStack

SIZES = ((1280, 720), (1920, 1080), (3840, 2160))
"""of the window, in pixels of the screen"""
ROUNDS, UPDATES_A_ROUND = 60, 6
"""short turns, since the machine's speed changes every few seconds"""
_WARM_UP_UPDATES = 3
"""of each turn: what was hidden is drawn whole at first"""
_SHOW_LIMIT_S = 10.0

_CONFIG = preset_for("simli", RATE_HZ)
_UNIT = PictureUnit.default(_CONFIG)
_DISPLAY = DisplayConfig()
_N_COLUMNS = round(_DISPLAY.span_s / _CONFIG.hop_s)

Values = NDArray[np.float32]


@dataclass(frozen=True)
class DrawingRow:
    """Updates of the picture by one column, each with its paint, in one of the ways."""

    window: str
    """width and height in pixels of the screen"""
    picture: str
    """inside the axes"""
    case: str
    p50_ms: float
    p99_ms: float
    times_ours: float
    """by the medians"""
    cpu_ms: float
    """processor time of this process, the mean of the updates"""


class _Ours:
    """The window's stack of pictures, with one lane."""

    case = "ours"

    def __init__(self, columns: Values) -> None:
        history = ColumnHistory(_CONFIG.n_rows, _CONFIG.hop_s)
        history.append(0, columns)
        track = Track("", _CONFIG, history, "mean")
        lane = Lane("", _CONFIG, history, _UNIT, track, _UNIT.label, _UNIT.range())
        self.page = PictureStack()
        self.page.show_lanes((lane,), _DISPLAY)
        self.view = self.page.pictures[0].view
        self._grid, self._history = lane.grid, history

    def update(self, column: Values) -> None:
        """Take (n_rows, 1), and have it painted."""
        self._history.append(self._history.end, column)
        self.page.note_newest(self._grid.start_s + self._history.end * self._grid.hop_s)
        self.page.show_new()


class _Plain:
    """A pyqtgraph image that is given the whole array, each time moved on by a column."""

    case = "setImage"

    def __init__(self, columns: Values) -> None:
        self._array = _UNIT(columns.T)
        self._image = pg.ImageItem(axisOrder="col-major")
        self._image.setLookupTable(colour_map(_DISPLAY.colour_map).getLookupTable(nPts=256))
        self._image.setImage(self._array, autoLevels=False, levels=_UNIT.range())
        self._image.setRect(-_DISPLAY.span_s, 0, _DISPLAY.span_s, _CONFIG.n_rows)
        self.page = pg.PlotWidget()
        self.page.addItem(self._image)
        self.page.setXRange(-_DISPLAY.span_s, 0, padding=0)
        self.page.setYRange(0, _CONFIG.n_rows, padding=0)

    def fit(self, size: QSize) -> None:
        """Have a picture of that size inside the axes."""
        inside = self.page.getPlotItem().getViewBox().sceneBoundingRect().size().toSize()
        self.page.setFixedSize(self.page.size() - inside + size)

    def update(self, column: Values) -> None:
        """Take (n_rows, 1), and have it painted."""
        self._array = np.roll(self._array, -1, axis=0)
        self._array[-1:] = _UNIT(column.T)
        self._image.setImage(self._array, autoLevels=False)
        # Once the events are processed Qt paints again; that is left out.
        self.page.viewport().repaint()


def sizes_that_fit(application: QApplication) -> tuple[tuple[int, int], ...]:
    """Return the smallest of the windows, and the others where the screen has room for them."""
    screen = application.primaryScreen()
    assert screen is not None
    room = screen.size() * screen.devicePixelRatio()
    fits = (size for size in SIZES[1:] if size[0] <= room.width() and size[1] <= room.height())
    return (SIZES[0], *fits)


def time_drawing(
    application: QApplication, sizes: tuple[tuple[int, int], ...], on_step: Callable[[str], None]
) -> tuple[DrawingRow, ...]:
    """Time both ways in turns, in windows of these sizes (pixels). Raises DisplayError."""
    rows: list[DrawingRow] = []
    for width, height in sizes:
        on_step(f"drawing in a window of {width}×{height}")
        rows += TwoWays(application, width, height).run()
    return tuple(rows)


class TwoWays:
    """Both ways as pages of one window, of which one is seen."""

    def __init__(self, application: QApplication, width: int, height: int) -> None:
        """Show the window (pixels), both pictures of one size in it. Raises DisplayError."""
        self._application = application
        self._random = np.random.default_rng()
        columns = self._columns(_N_COLUMNS)
        self.ours, self.plain = _Ours(columns), _Plain(columns)
        self.pages = QStackedWidget()
        # A frame would leave less room on a screen that is no larger.
        self.pages.setWindowFlag(Qt.WindowType.FramelessWindowHint)
        self.pages.addWidget(self.ours.page)
        self.pages.addWidget(self.plain.page)
        self._ratio = self.pages.devicePixelRatioF()
        self.pages.resize(round(width / self._ratio), round(height / self._ratio))
        self.pages.setCurrentWidget(self.plain.page)
        self.pages.show()
        application.processEvents()
        self.pages.setCurrentWidget(self.ours.page)
        until = time.perf_counter() + _SHOW_LIMIT_S
        while self.ours.page.paints == 0:
            application.processEvents()
            if time.perf_counter() > until:
                raise DisplayError(f"no window was on the screen within {_SHOW_LIMIT_S:g} s")
        self.plain.fit(self.ours.view.size())

    def run(self) -> Iterator[DrawingRow]:
        """Time the updates of both ways, and close the window. Raises DisplayError."""
        taken: dict[str, list[tuple[float, float]]] = {self.ours.case: [], self.plain.case: []}
        for _ in range(ROUNDS):
            for way in (self.ours, self.plain):
                self.pages.setCurrentWidget(way.page)
                updates = [self.update(way) for _ in range(_WARM_UP_UPDATES + UPDATES_A_ROUND)]
                taken[way.case] += updates[_WARM_UP_UPDATES:]
        window, picture = self._pixels(self.pages), self._pixels(self.ours.view)
        painted = self.ours.page.paints
        self.pages.close()
        if painted < ROUNDS * UPDATES_A_ROUND:
            raise DisplayError("the window must be seen while it is timed, and was not")
        times_ms = {case: 1e3 * np.array(pairs) for case, pairs in taken.items()}
        ours_ms = np.median(times_ms[self.ours.case][:, 0])
        for case, times in times_ms.items():
            p50, p99 = np.percentile(times[:, 0], (50, 99))
            numbers = (p50, p99, p50 / ours_ms, times[:, 1].mean())
            yield DrawingRow(window, picture, case, *(round(float(n), 3) for n in numbers))

    def update(self, way: _Ours | _Plain) -> tuple[float, float]:
        """Return seconds that an update took, by the clock and of the process; await the next."""
        column = self._columns(1)
        started_at, cpu_before_s = time.perf_counter(), time.process_time()
        way.update(column)
        cpu_s = time.process_time() - cpu_before_s
        taken_s = time.perf_counter() - started_at
        self._application.processEvents()
        time.sleep(max(0.0, started_at + _CONFIG.hop_s - time.perf_counter()))
        return taken_s, cpu_s

    def _columns(self, n: int) -> Values:
        """Something to show: (n_rows, n)."""
        level = _CONFIG.values.level
        assert level is not None
        levels_db = self._random.uniform(*_UNIT.range(), (_CONFIG.n_rows, n))
        return level.value(levels_db).astype(np.float32)

    def _pixels(self, widget: QWidget) -> str:
        return f"{round(widget.width() * self._ratio)}×{round(widget.height() * self._ratio)}"
