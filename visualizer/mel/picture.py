"""Which numbers the picture shows, and in which range.

Front-ends without a logarithm are shown in decibels; all others in the very unit that the model
gets.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from visualizer.config import MelConfig
from visualizer.mel.filterbank import full_scale, to_db
from visualizer.mel.level import levelled
from visualizer.mel.reference import logarithm

RANGE_DB = (-90.0, -10.0)
"""What is shown at first, in dB re a sine of full scale."""
_DEVIATIONS = 2.5
"""Or, of values normalised to their deviation, this many to both sides."""


class PictureUnit:
    """Turns a front-end's values into those of the picture."""

    def __init__(self, config: MelConfig) -> None:
        self._config = config
        self._full_scale = full_scale(config)
        self.label = f"{config.name}'s own values" if config.log else "dB re full-scale sine"

    def range(self) -> tuple[float, float]:
        """The lowest and highest value to colour at first: what speech and music reach."""
        config = self._config
        if config.log is None:
            return RANGE_DB
        if config.statistics is not None:
            ends = np.array([-_DEVIATIONS, _DEVIATIONS])
        else:
            ratios = 10.0 ** (np.array(RANGE_DB) * config.power / 20.0)
            ends = logarithm(self._full_scale * ratios, config)
        low, high = (float(end) for end in levelled(ends, config))
        return low, high

    def text(self, value: float) -> str:
        """A value with its unit, where that has a name."""
        return f"{value:.3g}" if self._config.log else f"{value:.1f} dB"

    def __call__(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Same shape; NaN stays NaN."""
        return values if self._config.log else to_db(values, self._config, self._full_scale)
