"""Which numbers the picture shows, and in which range.

Either the very numbers that the model gets, or dB, which are the same whatever the front-end.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from visualizer.errors import ConfigError
from visualizer.mel.filterbank import full_scale, to_db
from visualizer.mel.flat import MelConfig
from visualizer.mel.level import levelled
from visualizer.mel.limits import LEAST_FLOOR
from visualizer.mel.reference import logarithm

Unit = Literal["model", "db"]
"""of the picture's values: what the model gets, or dB re a sine of full scale"""

RANGE_DB = (-90.0, -10.0)
"""What is shown at first, in dB re a sine of full scale: what speech and music reach."""
NARROWEST_DB = 20.0
_LINEAR_TOP_DB = -30.0
"""What is linear shows little but its peaks, so those of speech are to fill the range."""
_DEVIATIONS = 2.5
"""Or, of values normalised to their deviation, this many to both sides."""
_NARROWEST_SHARE = 0.1


def has_db(config: MelConfig) -> bool:
    """Whether a value alone tells its level; one normalised over the clip does not."""
    return config.statistics is None and config.scale != 0.0


class PictureUnit:
    """Turns a front-end's values into those of the picture."""

    def __init__(self, config: MelConfig, unit: Unit) -> None:
        """Raises ConfigError for "db" where there is none (has_db)."""
        if unit == "db" and not has_db(config):
            raise ConfigError(
                f"{config.name} normalises each band over the clip, so its values have no dB; "
                "show them in the model's own unit"
            )
        self.unit: Unit = unit
        self._config = config
        self._full_scale = full_scale(config)
        self.label = "dB re full-scale sine" if unit == "db" else f"{config.name}'s own values"
        # Without a floor and a clip a value is a straight line: of the mel value, or its logarithm.
        line = replace(config, clip=None, log_floor=LEAST_FLOOR)
        self._ends: NDArray[np.float32] = self._values(
            [0.0 if config.log is None else self._mel(-20.0), self._full_scale], line
        ).astype(np.float32)

    @classmethod
    def default(cls, config: MelConfig) -> PictureUnit:
        """What is shown at first: dB where the model takes no logarithm, else its own values."""
        return cls(config, "db" if config.log is None and has_db(config) else "model")

    def range(self) -> tuple[float, float]:
        """The lowest and highest value to colour at first: what speech and music reach."""
        config = self._config
        if self.unit == "db":
            return RANGE_DB
        if config.statistics is not None:
            ends = levelled(np.array([-_DEVIATIONS, _DEVIATIONS]), config)
        elif config.log is None:
            ends = self._values([0.0, self._mel(_LINEAR_TOP_DB)], config)
        else:
            ends = self._values([self._mel(level) for level in RANGE_DB], config)
        # A front-end of a user's own may turn its values over, or make them all alike.
        low, high = sorted(float(end) for end in ends)
        return low, high if high > low else low + 1.0

    def narrowest(self) -> float:
        """The width below which a range would show nothing but noise."""
        low, high = self.range()
        return NARROWEST_DB if self.unit == "db" else _NARROWEST_SHARE * (high - low)

    def text(self, value: float) -> str:
        """A value with its unit, where that has a name."""
        return f"{value:.1f} dB" if self.unit == "db" else f"{value:.3g}"

    def __call__(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Same shape; NaN stays NaN."""
        if self.unit == "model":
            return values
        if self._config.log is None:
            zero, one = self._ends
            shares = (values - zero) / (one - zero)
            return to_db(np.maximum(shares, 0), self._config, 1.0)
        lower, upper = self._ends
        decibels: NDArray[np.float32] = (values - upper) * (np.float32(20.0) / (upper - lower))
        return decibels

    def _mel(self, level_db: float) -> float:
        """The value of a filter before the logarithm, from its dB re full scale."""
        return self._full_scale * float(10.0 ** (level_db * self._config.power / 20.0))

    @staticmethod
    def _values(mel: ArrayLike, config: MelConfig) -> NDArray[np.float64]:
        """What the model gets for values of a filter, as far as that is known of each alone."""
        values: NDArray[np.float64] = levelled(
            logarithm(np.asarray(mel, dtype=np.float64), config), config
        )
        return values
