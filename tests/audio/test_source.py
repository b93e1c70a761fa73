from __future__ import annotations

from fractions import Fraction

import pytest

from visualizer.audio.source import block_length


@pytest.mark.parametrize(
    ("rate", "hop", "length"),
    [
        (48_000, Fraction(600), 300),
        (16_000, Fraction(200), 100),
        (48_000, Fraction(480), 240),
        (48_000, Fraction(1536), 256),
        # Several hops at once rather than a thousand deliveries a second.
        (256_000, Fraction(256), 1280),
        # No block ends with each column.
        (44_100, Fraction(2205, 4), 220),
        (16_000, Fraction(199), 80),
        (16_000, None, 80),
    ],
)
def test_a_delivery_fits_into_hops_where_these_are_whole(
    rate: int, hop: Fraction | None, length: int
) -> None:
    assert block_length(rate, hop) == length
