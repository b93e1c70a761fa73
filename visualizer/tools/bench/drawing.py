"""One update of the picture and its paint, beside the way that people usually take in pyqtgraph.

Everything here runs on the GUI thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PyQt6.QtCore import QSize, Qt
from PyQt6.QtWidgets import QApplication, QStackedWidget, QWidget

from visualizer.engine.history import ColumnHistory
from visualizer.engine.tracks import Track
from visualizer.errors import DisplayError
from visualizer.mel.kernels.timing import summary
from visualizer.mel.picture import PictureUnit
from visualizer.mel.presets import preset_for
from visualizer.tools.bench.measure import RATE_HZ, DrawingTiming
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


class _Ours:
    """The window's stack of pictures, with one lane."""

    name = "ours"

    def __init__(self, columns: Values) -> None:
        history = ColumnHistory(_CONFIG.n_rows, _CONFIG.hop_s)
        history.append(0, columns)
        track = Track("", _CONFIG, history, None)
        lane = Lane("", _CONFIG, history, _UNIT, track, _UNIT.label, _UNIT.range())
        self.page = PictureStack()
        self.page.show_lanes((lane,), _DISPLAY)
        self.view = self.page.pictures[0].view
        self._grid, self._history = lane.grid, history

    def update(self, column: Values) -> None:
        """Take (n_mels, 1), and have it painted."""
        self._history.append(self._history.end, column)
        self.page.note_newest(self._grid.start_s + self._history.end * self._grid.hop_s)
        self.page.show_new()


class _Plain:
    """A pyqtgraph image that is given the whole array, each time moved on by a column."""

    name = "setImage"

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
        """Take (n_mels, 1), and have it painted."""
        self._array = np.roll(self._array, -1, axis=0)
        self._array[-1:] = _UNIT(column.T)
        self._image.setImage(self._array, autoLevels=False)
        # Once the events are processed Qt paints again; that is left out.
        self.page.viewport().repaint()


def sizes_that_fit(application: QApplication) -> tuple[tuple[int, int], ...]:
    """The smallest of the windows, and the others where the screen has room for them."""
    screen = application.primaryScreen()
    assert screen is not None
    room = screen.size() * screen.devicePixelRatio()
    fits = (size for size in SIZES[1:] if size[0] <= room.width() and size[1] <= room.height())
    return (SIZES[0], *fits)


def time_drawing(
    application: QApplication,
    sizes: Sequence[tuple[int, int]],
    on_step: Callable[[str], None],
    rounds: int = ROUNDS,
    updates_a_round: int = UPDATES_A_ROUND,
) -> tuple[DrawingTiming, ...]:
    """Time both ways in turns, in windows of these sizes (pixels). Raises DisplayError."""
    timings: list[DrawingTiming] = []
    for width, height in sizes:
        on_step(f"drawing in a window of {width}×{height}")
        timings += _Window(application, width, height).run(rounds, updates_a_round)
    return tuple(timings)


class _Window:
    """Both ways as pages of one window, of which one is seen."""

    def __init__(self, application: QApplication, width: int, height: int) -> None:
        self._application = application
        self._random = np.random.default_rng()
        columns = self._columns(_N_COLUMNS)
        self._ours, self._plain = _Ours(columns), _Plain(columns)
        self._pages = QStackedWidget()
        # A frame would leave less room on a screen that is no larger.
        self._pages.setWindowFlag(Qt.WindowType.FramelessWindowHint)
        for way in (self._ours, self._plain):
            self._pages.addWidget(way.page)
        self._ratio = self._pages.devicePixelRatioF()
        self._pages.resize(round(width / self._ratio), round(height / self._ratio))

    def run(self, rounds: int, updates_a_round: int) -> list[DrawingTiming]:
        """Time the updates of both ways, and close the window."""
        self._show()
        ways = (self._ours, self._plain)
        taken: dict[str, list[tuple[float, float]]] = {way.name: [] for way in ways}
        for _ in range(rounds):
            for way in ways:
                self._pages.setCurrentWidget(way.page)
                updates = [self._update(way) for _ in range(_WARM_UP_UPDATES + updates_a_round)]
                taken[way.name] += updates[_WARM_UP_UPDATES:]
        window, picture = self._pixels(self._pages), self._pixels(self._ours.view)
        painted = self._ours.page.paints
        self._pages.close()
        if painted < rounds * updates_a_round:
            raise DisplayError("the window must be seen while it is timed, and was not")
        timings: list[DrawingTiming] = []
        for name, pairs in taken.items():
            seconds, cpu_s = np.array(pairs).T
            timing = summary(name, seconds.tolist(), _CONFIG.hop_s)
            ours_us = timings[0].timing.p50_us if timings else timing.p50_us
            times_ours = round(timing.p50_us / ours_us, 2)
            cpu_us = round(float(cpu_s.mean()) * 1e6, 1)
            timings.append(DrawingTiming(window, picture, timing, times_ours, cpu_us))
        return timings

    def _show(self) -> None:
        """Have the window on the screen, and both pictures of one size in it."""
        self._pages.setCurrentWidget(self._plain.page)
        self._pages.show()
        self._application.processEvents()
        self._pages.setCurrentWidget(self._ours.page)
        until = time.perf_counter() + _SHOW_LIMIT_S
        while self._ours.page.paints == 0:
            self._application.processEvents()
            if time.perf_counter() > until:
                raise DisplayError(f"no window was on the screen within {_SHOW_LIMIT_S:g} s")
        self._plain.fit(self._ours.view.size())

    def _update(self, way: _Ours | _Plain) -> tuple[float, float]:
        """Seconds that an update took, on the clock and of the process; then wait for the next."""
        column = self._columns(1)
        started_at, cpu_before_s = time.perf_counter(), time.process_time()
        way.update(column)
        cpu_s = time.process_time() - cpu_before_s
        taken_s = time.perf_counter() - started_at
        self._application.processEvents()
        time.sleep(max(0.0, started_at + _CONFIG.hop_s - time.perf_counter()))
        return taken_s, cpu_s

    def _columns(self, n: int) -> Values:
        """Something to show: (n_mels, n)."""
        levels_db = self._random.uniform(*_UNIT.range(), (_CONFIG.n_rows, n))
        return (full_scale(_CONFIG) * 10.0 ** (levels_db / 20.0)).astype(np.float32)

    def _pixels(self, widget: QWidget) -> tuple[int, int]:
        return round(widget.width() * self._ratio), round(widget.height() * self._ratio)
