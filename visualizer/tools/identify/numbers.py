"""Round numbers near to measured ones."""

from __future__ import annotations

import itertools
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


def readings(
    value: float, tight: float, loose: float, most: int = 2
) -> Iterator[tuple[float, float]]:
    """Yield what a measured number may have been meant as, each with its cost.

    Args:
        value: as it was measured.
        tight: how exact it is where all else is right.
        loose: how exact it is at least.
        most: how many round numbers to yield of each tolerance.
    """
    found: dict[float, float] = {}
    for tolerance, extra in ((tight, 0), (loose, 2)):
        for number, cost in itertools.islice(rounder(value, tolerance), most):
            found.setdefault(number, cost + extra)
    if min(found.values(), default=math.inf) > _ROUND:
        found.setdefault(value, 12.0)
    yield from sorted(found.items(), key=lambda item: item[1])


_ROUND = 4
"""The cost of a number that nobody would take for a coincidence."""


def _significant(value: float, digits: int) -> float:
    return float(f"{value:.{digits - 1}e}")
