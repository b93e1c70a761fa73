"""When what came is painted, and how late it was."""

from __future__ import annotations

import time
from collections import deque

from PyQt6.QtCore import QMetaObject, QObject, Qt, QTimer, pyqtSignal
from PyQt6.QtGui import QScreen

from visualizer.engine.columns import MelColumns
from visualizer.engine.latency import LatencyLog
from visualizer.ui.picture.stack import PictureStack

_UNPAINTED_COLUMNS = 4096
"""Kept for their paint; the oldest of more are left out of the latencies."""
_AWAY_INTERVAL_S = 0.1
"""Between two paints while the sound is away, so that it is seen that nothing comes."""
_REFRESH_HZ = 60.0
"""Of a screen that does not tell."""


class PaintPace(QObject):
    """Has the stack paint as columns come, at most twice a refresh of the screen."""

    first_column = pyqtSignal()
    """The first column is painted."""

    def __init__(self, stack: PictureStack, latency: LatencyLog) -> None:
        super().__init__(stack)
        self._stack = stack
        self._latency = latency
        self._unpainted: deque[MelColumns] = deque(maxlen=_UNPAINTED_COLUMNS)
        self._painted_at = 0.0
        self._column_painted = False
        self._followed: QMetaObject.Connection | None = None
        """the changes of the screen's refresh rate"""
        self.limit_to(None)
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._paint)
        self._away = QTimer(self)
        self._away.timeout.connect(self._move_on)

    def limit_to(self, screen: QScreen | None) -> None:
        """Paint for this screen from now on, also when its refresh rate changes."""
        if self._followed is not None:
            QObject.disconnect(self._followed)
        self._followed = None
        if screen is not None:
            self._followed = screen.refreshRateChanged.connect(self._set_rate)
        self._set_rate(0.0 if screen is None else screen.refreshRate())

    def _set_rate(self, refresh_hz: float) -> None:
        # A column that waited a whole refresh for its paint could miss the refresh it might have
        # made, so the limit is two paints a refresh.
        self._interval_s = 0.5 / (refresh_hz if refresh_hz > 0 else _REFRESH_HZ)

    def add(self, columns: MelColumns) -> None:
        """These are in the stack now and wait to be seen."""
        self._unpainted.append(columns)

    def paint_soon(self) -> None:
        """Paint what waits: now, or when the screen is due."""
        if not self._unpainted or self._timer.isActive():
            return
        wait_s = self._painted_at + self._interval_s - time.perf_counter()
        if wait_s > 0:
            self._timer.start(round(wait_s * 1e3))
        else:
            self._paint()

    def keep_moving(self, on: bool) -> None:
        """Let the picture move on while nothing comes: by pixels, a few times a second at most."""
        if not on:
            self._away.stop()
        elif not self._away.isActive():
            self._away.start(round(1e3 * max(_AWAY_INTERVAL_S, self._stack.pixel_s)))

    def clear(self) -> None:
        """What waits will not be seen, or belongs to what is over."""
        self._timer.stop()
        self._unpainted.clear()

    def _move_on(self) -> None:
        if self._stack.is_away:
            self._stack.show_new()

    def _paint(self) -> None:
        self._painted_at = time.perf_counter()
        if not self._stack.show_new():
            # Covered or on another workspace: what is seen later was not drawn late.
            self._unpainted.clear()
            return
        painted_at = time.perf_counter()
        if self._unpainted and not self._column_painted:
            self._column_painted = True
            self.first_column.emit()
        while self._unpainted:
            self._latency.record(self._unpainted.popleft(), painted_at)
