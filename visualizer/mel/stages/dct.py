"""Cepstral coefficients: the cosine transform of a column."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from visualizer.errors import FieldError
from visualizer.mel.arrays import Arrays, Operator
from visualizer.mel.limits import MAX_BANDS, number, one_of, optional, whole
from visualizer.mel.stage import Layout, Place, Rows, Stage, Values

Norm = Literal["ortho"]
_MOST_WEIGHTS = MAX_BANDS * MAX_BANDS
LifterFrom = Literal[0, 1]


@dataclass(frozen=True)
class Dct(Stage):
    """Take the first coefficients of each column's discrete cosine transform (type 2).

    After the logarithm of mel bands these are MFCCs. Rows are coefficients then, no frequencies.
    """

    stage: ClassVar[str] = "dct"
    place: ClassVar[Place] = "column"

    n_coefficients: int = field(metadata=whole(1, MAX_BANDS, usual=(12, 13, 20, 23, 24, 40)))
    norm: Norm | None = field(default="ortho", metadata=optional(one_of(Norm)))
    """"ortho" makes the transform orthonormal; None doubles the plain sum, as SciPy does"""
    lifter: float = field(
        default=0.0,
        metadata=number(0.0, 1e6, "0, for none, or from 0.001 to 1e6", usual=(0.0, 22.0)),
    )
    """L: coefficient k is multiplied by 1 + L/2·sin(πk/L) (HTK Book, section 5.6)"""
    lifter_from: LifterFrom = field(default=0, metadata=one_of(LifterFrom))
    """which k the first coefficient has there; 1 in librosa"""

    def __post_init__(self) -> None:
        super().__post_init__()
        if 0.0 < self.lifter < 1e-3:
            raise FieldError("lifter", self.lifter, "0, for none, or from 0.001 to 1e6")

    def matrix(self, n_rows: int) -> NDArray[np.float64]:
        """Return the weights of a column's rows in the coefficients, (n_rows, n_coefficients)."""
        k = np.arange(self.n_coefficients)
        weights = 2.0 * np.cos(np.pi / n_rows * np.outer(np.arange(n_rows) + 0.5, k))
        if self.norm == "ortho":
            weights *= math.sqrt(0.5 / n_rows)
            weights[:, 0] *= math.sqrt(0.5)
        return weights * self._lifted(k)

    def after(self, before: Layout) -> Layout:
        if self.n_coefficients > before.width:
            limits = f"at most {before.width}, the rows before the transform"
            raise FieldError("n_coefficients", self.n_coefficients, limits)
        if self.n_coefficients * before.width > _MOST_WEIGHTS:
            limits = f"up to {_MOST_WEIGHTS} divided by the rows ({before.width})"
            raise FieldError("n_coefficients", self.n_coefficients, limits)
        assert before.values is not None
        low, high = before.values.usual
        reach = 0.15 * (high - low) * math.sqrt(before.width) * self._reach(before.width)
        labels = tuple(str(k) for k in range(self.n_coefficients))
        return replace(
            before,
            width=self.n_coefficients,
            rows=Rows(kind="coefficient", plural="coefficients", labels=labels),
            values=Values((-reach, reach), level=None),
        )

    def _reach(self, n_rows: int) -> float:
        """Return how far coefficients go for columns of length 1, as those of speech do.

        The first is left out, since the loudness alone may put it anywhere; of the others the
        higher are the smaller (measured: as 1/√k), and yet are to be seen beside the lower.
        """
        k = np.arange(self.n_coefficients)
        lengths = np.abs(self._lifted(k)) / np.maximum(1, k) ** 0.25
        if self.norm is None:
            # The sum of cos² over the rows is half their number, but for k = 0.
            lengths *= np.where(k == 0, 2.0, math.sqrt(2.0)) * math.sqrt(n_rows)
        return float(lengths[1:].max(initial=0.0) if len(k) > 1 else lengths[0])

    def _lifted(self, k: NDArray[np.integer]) -> NDArray[np.float64]:
        """Return what coefficients are multiplied by."""
        if not self.lifter:
            return np.ones(len(k))
        turns = (k + self.lifter_from) / self.lifter
        return 1.0 + 0.5 * self.lifter * np.sin(np.pi * turns)

    def operator(self, arrays: Arrays, before: Layout) -> Operator:
        return arrays.product(self.matrix(before.width))
