"""Which transforms a compiled kernel does itself, in two steps of plain sums (torch_arrays.py)."""

from __future__ import annotations

from visualizer.mel.front_end import FrontEnd
from visualizer.mel.stages.spectrum import Spectrum

_LIMIT = 110_000
"""Multiplications up to which two steps were measured to be faster than the library's FFT."""


def first_factor(n_fft: int, n_rows: int) -> int | None:
    """Return the N1 with which the two steps take the fewest multiplications.

    None where the library's FFT is faster for so many points, or rows.
    """
    divisors = [n1 for n1 in range(1, n_fft + 1) if n_fft % n1 == 0]
    n1 = min(divisors, key=lambda n1: _multiplications(n_fft, n1))
    return n1 if n_rows * _multiplications(n_fft, n1) <= _LIMIT else None


def needs_library(front_end: FrontEnd, n_rows: int) -> bool:
    """Return whether a compiled kernel would call torch's FFT, and so load torch's libraries."""
    return any(
        isinstance(stage, Spectrum) and first_factor(stage.n_fft, n_rows) is None
        for stage in front_end.kernel_stages
    )


def _multiplications(n: int, n1: int) -> int:
    """Return those of both steps, in vectors of eight over k1."""
    n2, n_outputs = n // n1, -(-(n // 2 + 1) // n1)
    lanes = -(-n1 // 8) * 8
    return 2 * n1 * n2 * lanes + 4 * n_outputs * n2 * lanes
