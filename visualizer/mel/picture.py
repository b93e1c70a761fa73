"""Which numbers the picture shows, and in which range.

Either the very numbers that the model gets, or dB, which are the same whatever the front-end.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from visualizer.errors import ConfigError
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.stage import USUAL_DB

Unit = Literal["model", "db"]
"""of the picture's values: what the model gets, or dB re a sine of full scale"""

NARROWEST_DB = 20.0
_NARROWEST_SHARE = 0.1


def has_db(front_end: FrontEnd) -> bool:
    """Return whether a value alone tells its level; one normalised over the clip does not."""
    return front_end.values.level is not None


class PictureUnit:
    """Turns a front-end's values into those of the picture."""

    def __init__(self, front_end: FrontEnd, unit: Unit) -> None:
        """Raise ConfigError for "db" where there is none (has_db)."""
        if unit == "db" and not has_db(front_end):
            raise ConfigError(
                f"the values of {front_end.name} do not tell the level of the sound, so they have "
                "no dB",
                "show them in the model's own unit",
            )
        self.unit: Unit = unit
        self._values = front_end.values
        self.label = "dB re full-scale sine" if unit == "db" else f"{front_end.name}'s own values"

    @classmethod
    def default(cls, front_end: FrontEnd) -> PictureUnit:
        """Return what is shown at first: dB where the model takes no logarithm, else its values."""
        return cls(front_end, "db" if front_end.values.is_linear else "model")

    def range(self) -> tuple[float, float]:
        """Return the lowest and highest value to colour at first: what speech and music reach."""
        low, high = USUAL_DB if self.unit == "db" else self._values.usual
        return low, high if high > low else low + 1.0

    def narrowest(self) -> float:
        """Return the width below which a range would show nothing but noise."""
        low, high = self.range()
        return NARROWEST_DB if self.unit == "db" else _NARROWEST_SHARE * (high - low)

    def text(self, value: float) -> str:
        """Return a value with its unit, where that has a name."""
        return f"{value:.1f} dB" if self.unit == "db" else f"{value:.3g}"

    def __call__(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the picture's values, same shape; NaN stays NaN."""
        if self.unit == "model":
            return values
        assert self._values.level is not None
        return self._values.level.decibels(values)
