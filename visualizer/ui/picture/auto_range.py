"""The range of colours that suits what is heard: robust, slow, and still in silence."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

PERCENTILES = (5.0, 99.5)
"""Of the values: the background, and all but the loudest moments."""
TIME_CONSTANT_S = 3.0
"""A step is followed by 63 % in this time: quick enough for a new speaker, too slow to pump."""
_ENOUGH = 1 << 17
"""Values; of more, columns are left out, since sorting them all would hold up the paint."""


class RobustRange:
    """Follows the range of the picture's values."""

    def __init__(self, usual: tuple[float, float], narrowest: float) -> None:
        """Starts from the `usual` range and is never narrower than `narrowest`.

        Both are in the picture's unit.
        """
        self._ends = np.array(usual, dtype=np.float64)
        self._narrowest = narrowest
        self._begun = False

    @property
    def ends(self) -> tuple[float, float]:
        """The lowest and highest value to colour now."""
        low, high = (float(end) for end in self._ends)
        return low, high

    def update(self, values: NDArray[np.float32], elapsed_s: float) -> tuple[float, float]:
        """Look at the (n, bands) values that are seen, `elapsed_s` after the last look.

        Returns the range now. The first look at a sound jumps to its range. NaN and infinite
        values do not count; where none is left, or all are alike as they are at a model's floor,
        that is silence, and the range stays.
        """
        values = values[:: max(1, values.size // _ENOUGH)]
        heard = values[np.isfinite(values)]
        if len(heard) == 0 or heard.min() == heard.max():
            return self.ends
        low, high = np.percentile(heard, PERCENTILES)
        # Upwards, so that a quiet background stays dark.
        target = np.array([low, max(high, low + self._narrowest)])
        share = 1.0 - math.exp(-max(0.0, elapsed_s) / TIME_CONSTANT_S) if self._begun else 1.0
        self._begun = True
        self._ends += share * (target - self._ends)
        return self.ends
