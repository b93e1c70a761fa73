"""The arrays that a front-end's formulas run over: NumPy's here, torch's in torch_arrays.py.

A stage writes its formula once, with the functions that NumPy 2 and torch share. A few operations
differ between them and have a name of their own here, since their speed, or the last bit of their
result, depends on the library that computes them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from visualizer.mel.rounding import Rounding, rounded

Array = Any
"""of NumPy or torch, whichever the formulas run over"""
Operator = Callable[[Array], Array]
Bins = Literal[1, 2, "real"]
"""of a transform: its magnitudes, their squares, or its real part"""

FILTERS_AT_ONCE = 16
"""Neighbours that are summed together, over the bins that any of them reaches."""


class Arrays(Protocol):
    """A library of arrays, with the type and the device of its numbers."""

    @property
    def xp(self) -> Any:
        """The namespace: numpy or torch."""

    def constant(self, values: Any) -> Array:
        """Return float64 values as an array of this type, on this device."""

    def spectrum(self, n_fft: int, bins: Bins) -> Operator:
        """Return what turns (…, win_length) into the bins of its rfft, (…, n_fft // 2 + 1)."""

    def product(self, matrix: NDArray[np.float64]) -> Operator:
        """Return what multiplies (…, k) by the matrix (k, m); returns (…, m)."""

    def rounded(self, values: Array, dtype: Rounding) -> Array:
        """Return values as numbers that `dtype` has, still in this type; see `rounding.rounded`."""

    def wide(self, values: Array) -> Array:
        """Return values as float64, for sums over a whole clip."""

    def narrow(self, values: Array) -> Array:
        """Return values in this type again."""


class NumpyArrays:
    """NumPy alone; a row has the same bits however many are computed with it."""

    xp: Any = np

    def __init__(self, dtype: type[np.floating]) -> None:
        """Compute in float32 or, for the reference, in float64."""
        self._dtype = dtype
        self._complex = np.result_type(dtype, np.complex64)

    def constant(self, values: Any) -> NDArray[np.floating]:
        return np.asarray(values, dtype=self._dtype)

    def spectrum(self, n_fft: int, bins: Bins) -> Operator:
        n_bins = n_fft // 2 + 1

        def transform(frames: NDArray[np.floating]) -> NDArray[np.floating]:
            # Left to itself, rfft takes longer to find the type of its result than to fill it.
            out = np.empty((*frames.shape[:-1], n_bins), dtype=self._complex)
            return _real(np.fft.rfft(frames, n_fft, out=out), bins)

        return transform

    def product(self, matrix: NDArray[np.float64]) -> Operator:
        factor = self.constant(matrix)

        def multiply(rows: NDArray[np.floating]) -> NDArray[np.floating]:
            if rows.ndim == 2 and len(rows) == 1:
                return rows @ factor
            # Row by row: BLAS sums a matrix of another number of rows in another order, and a
            # column would depend, in its last bit, on how many are computed at once.
            product: NDArray[np.floating] = np.matmul(rows[..., None, :], factor)[..., 0, :]
            return product

        return multiply

    def rounded(self, values: NDArray[np.floating], dtype: Rounding) -> NDArray[np.floating]:
        return self.narrow(rounded(values, dtype))

    def wide(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        return values.astype(np.float64, copy=False)

    def narrow(self, values: NDArray[np.floating]) -> NDArray[np.floating]:
        return values.astype(self._dtype, copy=False)


class BatchArrays(NumpyArrays):
    """NumPy with SciPy's transform, which works on many rows at once.

    NumPy's own takes ten times as long for 256 rows. The last bits of a column depend on
    how many are computed with it, so streams, whose blocks have any length, use NumpyArrays.
    """

    def spectrum(self, n_fft: int, bins: Bins) -> Operator:
        # Here, since it takes a quarter of a second to load and streams do not need it.
        import scipy.fft

        return lambda frames: _real(scipy.fft.rfft(frames, n_fft), bins)

    def product(self, matrix: NDArray[np.float64]) -> Operator:
        bands = banded(matrix)
        if 2 * sum(weights.size for _, weights in bands) > matrix.size:
            factor = self.constant(matrix)
            return lambda rows: rows @ factor
        factors = [(reached, self.constant(weights)) for reached, weights in bands]

        def multiply(rows: NDArray[np.floating]) -> NDArray[np.floating]:
            sums = np.empty((*rows.shape[:-1], matrix.shape[1]), dtype=self._dtype)
            first = 0
            for reached, factor in factors:
                last = first + factor.shape[1]
                np.matmul(rows[..., reached], factor, out=sums[..., first:last])
                first = last
            return sums

        return multiply


def banded(matrix: NDArray[np.float64]) -> list[tuple[slice, NDArray[np.float64]]]:
    """Cut the weights of filters (n_bins, n_filters) into those of FILTERS_AT_ONCE neighbours each.

    Nine in ten of them are zero: a filter reaches few bins.

    Returns:
        For each group the bins that it reaches, one at least, and its weights of these.
    """
    groups = []
    for first in range(0, matrix.shape[1], FILTERS_AT_ONCE):
        group = matrix[:, first : first + FILTERS_AT_ONCE]
        reached = np.flatnonzero(group.any(axis=1))
        # A group without a bin, such as one above the Nyquist frequency, sums one zero.
        bins = slice(reached[0], reached[-1] + 1) if len(reached) else slice(0, 1)
        groups.append((bins, group[bins]))
    return groups


def _real(spectrum: NDArray[np.complexfloating], bins: Bins) -> NDArray[np.floating]:
    if bins == "real":
        # Apart from the imaginary part, beside which it lies in memory.
        return np.ascontiguousarray(spectrum.real)
    magnitudes: NDArray[np.floating] = np.abs(spectrum)
    return magnitudes if bins == 1 else magnitudes * magnitudes
