"""How well candidates explain the features, whatever comes after them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visualizer.mel.stages.dct import Dct

Values = NDArray[np.float64]

_FEWEST = 6
"""Known values of a row, with fewer of which it says nothing."""
_TINY = 1e-37


@dataclass(frozen=True)
class Compression:
    """What is done to linear values, up to a shift and a scale of each row."""

    floor: float = 0.0
    adds: bool = False
    """whether the floor is added, rather than the least value"""
    below: float | None = None
    """of the natural logarithms' maximum, by how much at most"""
    n_coefficients: int | None = None
    """of the cosine transform, if there is one"""

    def __call__(self, linear: Values) -> Values:
        """Return (n_columns, n_rows) of linear values of the same form."""
        raised = linear + self.floor if self.adds else np.maximum(linear, self.floor)
        levels: Values = np.log(np.maximum(raised, _TINY))
        if self.below is not None:
            levels = np.maximum(levels, levels.max() - self.below)
        if self.n_coefficients is not None:
            levels = levels @ Dct(self.n_coefficients).matrix(levels.shape[1])
        return levels


class Target:
    """Features of some columns, that candidates are held against row by row."""

    def __init__(self, values: Values, known: NDArray[np.bool_]) -> None:
        """Both are (n_columns, n_rows); what is not known is not compared."""
        self._weights = known.astype(np.float64)
        self._counts = self._weights.sum(axis=0)
        filled = np.where(known, values, 0.0)
        means = filled.sum(axis=0) / np.maximum(self._counts, 1.0)
        self._centred = (filled - means) * self._weights
        self._squares = (self._centred**2).sum(axis=0)
        scale = np.maximum(self._counts, 1.0) * np.maximum(1e-12, 1e-12 * means**2)
        self._varies = (self._counts >= _FEWEST) & (self._squares > scale)
        self._flat = (self._counts >= _FEWEST) & ~self._varies

    def misfit(self, columns: Values) -> float:
        """Return the share of the rows' variance that a line of each row's own leaves: 0 to 1."""
        if columns.shape != self._weights.shape:
            return 1.0
        weighted = columns * self._weights
        means = weighted.sum(axis=0) / np.maximum(self._counts, 1.0)
        centred = (columns - means) * self._weights
        squares = np.einsum("ij,ij->j", centred, centred)
        products = np.einsum("ij,ij->j", centred, self._centred)
        varies = squares > 1e-12 * np.maximum(1.0, means**2) * np.maximum(self._counts, 1.0)
        both = self._varies & varies
        shares = np.ones(len(squares))
        shares[both] = 1.0 - products[both] ** 2 / (squares[both] * self._squares[both])
        shares[self._flat & ~varies] = 0.0
        told = self._varies | self._flat
        if not told.any():
            return 1.0
        misfit = float(np.maximum(shares[told], 0.0).mean())
        return misfit if math.isfinite(misfit) else 1.0
