"""Round numbers near to measured ones."""

from __future__ import annotations

import math
from collections.abc import Iterator

_MOST_DIGITS = 8


def rounder(value: float, tolerance: float) -> Iterator[tuple[float, int]]:
    """Yield rounder numbers within a tolerance of a value, the roundest first.

    Each comes with its cost: its digits, so that 1e-10 costs 1. Powers of 2 cost 3, and what is
    the inverse of a round number one more than that.
    """
    if value == 0.0 or abs(value) <= tolerance:
        yield 0.0, 0
    if value == 0.0:
        return
    found: dict[float, int] = {}
    for digits in range(1, _MOST_DIGITS + 1):
        for candidate, extra in (
            (_significant(value, digits), 0),
            (1.0 / _significant(1.0 / value, digits), 1),
        ):
            if abs(candidate - value) <= tolerance:
                found.setdefault(candidate, digits + extra)
    power = math.copysign(2.0 ** round(math.log2(abs(value))), value)
    if abs(power - value) <= tolerance:
        found[power] = min(found.get(power, 3), 3)
    yield from sorted(found.items(), key=lambda item: item[1])


def _significant(value: float, digits: int) -> float:
    return float(f"{value:.{digits - 1}e}")
