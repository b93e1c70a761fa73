"""The frequency axis: hertz at the places where mel bands peak."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg

from visualizer.config import MelConfig
from visualizer.mel.filterbank import band_position

# 1-2-5 with the octave-like fillers that a mel scale leaves room for, most wanted first.
_TICKS_HZ = (
    (1000, 100, 10000),
    (2000, 500, 5000, 200, 20000),
    (3000, 4000, 300, 50, 700, 7000, 15000),
    (1500, 6000, 8000, 400, 2500, 12000, 600, 800),
)
_LINES_PER_TICK = 1.8


class FrequencyAxis(pg.AxisItem):
    """Ticks in Hz beside a picture whose row i is mel band i."""

    def __init__(self) -> None:
        super().__init__("left")
        self._config: MelConfig | None = None

    def set_config(self, config: MelConfig) -> None:
        self._config = config
        self.picture = None
        self.update()

    def tickValues(
        self,
        minVal: float,  # noqa: N803
        maxVal: float,  # noqa: N803
        size: float,
    ) -> list[tuple[float, list[float]]]:
        if self._config is None or size <= 0:
            return []
        nearest = _LINES_PER_TICK * self._line_height() * (maxVal - minVal) / size
        placed: list[float] = []
        for ticks in _TICKS_HZ:
            for hz in ticks:
                position = float(band_position(hz, self._config))
                inside = self._config.f_min <= hz <= self._config.f_max
                in_view = minVal <= position <= maxVal
                if inside and in_view and all(abs(position - p) >= nearest for p in placed):
                    placed.append(position)
        return [(1.0, sorted(placed))]

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        assert self._config is not None
        known = np.array(sorted(hz for ticks in _TICKS_HZ for hz in ticks))
        positions = band_position(known, self._config)
        return [f"{known[np.argmin(np.abs(positions - value))]}" for value in values]

    def _line_height(self) -> float:
        font = self.style["tickFont"] or self.font()
        return float(pg.QtGui.QFontMetricsF(font).height())
