"""Mel filters that no bin falls into, whose rows are the same whatever is heard."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from visualizer.mel.front_end import FrontEnd
from visualizer.mel.stages.mel import Mel

_MOST_NAMED = 8
"""Rows, or ranges of them."""


def empty_filters(front_end: FrontEnd) -> tuple[int, ...]:
    """Return which filters of a front-end are empty, counted from 1, the lowest."""
    return _found(front_end)[1]


def empty_filters_text(front_end: FrontEnd) -> str | None:
    """Return a line on how many filters are empty, which, why and what to do; None without any."""
    mel, empty = _found(front_end)
    if mel is None or not empty:
        return None
    n_fft = front_end.before(mel).n_fft
    rate = mel.rate or front_end.sample_rate
    above = [n for n in empty if mel.edges_hz()[n - 1] >= rate / 2]
    causes, remedies = [], []
    if len(above) < len(empty):
        causes.append(
            f"the bins of n_fft = {n_fft} are {rate / n_fft:g} Hz apart, and none lies within them"
        )
        remedies.append("take a longer n_fft or fewer bands")
    if above:
        which = "they lie" if len(above) == len(empty) else f"{len(above)} lie"
        causes.append(f"{which} above half the sample rate, {rate / 2:g} Hz")
        remedies.append(f"let f_max ({mel.f_max:g} Hz) be {rate / 2:g} Hz or less")
    rows = front_end.rows
    is_row = rows.edges_hz is not None and front_end.n_rows == mel.n_mels
    numbers = sorted(mel.n_mels + 1 - n for n in empty) if is_row and rows.falls else empty
    are = "is" if len(empty) == 1 else "are"
    return (
        f"{len(empty)} of {mel.n_mels} mel filters {are} empty ({'row' if is_row else 'filter'}"
        f"{'s' if len(empty) > 1 else ''} {_listed(numbers)}): {', and '.join(causes)}; "
        f"unless the model has them so, {', and '.join(remedies)}"
    )


def _found(front_end: FrontEnd) -> tuple[Mel | None, tuple[int, ...]]:
    mel = next((stage for stage in front_end.stages if isinstance(stage, Mel)), None)
    if mel is None:
        return None, ()
    weights = mel.filters(front_end.sample_rate, front_end.before(mel).n_fft)
    return mel, tuple((np.flatnonzero(~weights.any(axis=0)) + 1).tolist())


def _listed(numbers: Sequence[int]) -> str:
    """Return numbers in rising order as "1, 2 and 5" or "65 to 80"."""
    ranges: list[list[int]] = []
    for n in numbers:
        if ranges and n == ranges[-1][-1] + 1:
            ranges[-1].append(n)
        else:
            ranges.append([n])
    texts: list[str] = []
    for run in ranges:
        texts += [f"{run[0]} to {run[-1]}"] if len(run) > 2 else map(str, run)
    if len(texts) > _MOST_NAMED:
        return ", ".join((*texts[:_MOST_NAMED], "…"))
    return " and ".join(filter(None, (", ".join(texts[:-1]), texts[-1])))
