"""What stages that sum the bins of a spectrum by filters have in common."""

from __future__ import annotations

from dataclasses import replace

from visualizer.errors import FieldError, quoted
from visualizer.mel.limits import MAX_WEIGHTS
from visualizer.mel.stage import Layout, LinearLevel, Rows, Values


def require_room(before: Layout, field: str, n_filters: int) -> None:
    """Raise FieldError where the weights of the filters would take too much memory."""
    if before.n_fft * n_filters > MAX_WEIGHTS:
        limits = f"up to {MAX_WEIGHTS} divided by n_fft ({quoted(before.n_fft)})"
        raise FieldError(field, n_filters, limits)


def filtered(before: Layout, n_filters: int, tallest: float, rows: Rows) -> Layout:
    """Return what is known after filters over the bins.

    Args:
        before: the filters, with the bins.
        n_filters: how many.
        tallest: the largest weight of a bin; 0 dB is a sine there.
        rows: what the filters' sums are.
    """
    assert before.values is not None
    full_scale, level = before.full_scale * tallest, before.values.level
    low, high = (end * tallest for end in before.values.usual)
    if isinstance(level, LinearLevel):
        level = LinearLevel(0.0, full_scale, level.power) if full_scale else None
    if level is not None:
        low, high = level.usual
    values = Values((low, high) if high > low else (0.0, 1.0), level)
    return replace(before, width=n_filters, full_scale=full_scale, rows=rows, values=values)
