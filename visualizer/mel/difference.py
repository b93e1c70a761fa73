"""The columns of one front-end less those of another: which ones, and what equal ones give."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from visualizer.mel.front_end import FrontEnd
from visualizer.mel.picture import Unit

_Float = TypeVar("_Float", np.float32, np.float64)


def columns_between(mels: tuple[FrontEnd, FrontEnd], units: tuple[Unit, Unit]) -> int:
    """Column t of the first lies where column t + this of the second does.

    The windows' middles may lie apart in time; they are aligned to whole hops.

    Raises:
        ValueError: with the reason, where one cannot be subtracted from the other.
    """
    if mels[0].n_rows != mels[1].n_rows:
        raise ValueError(f"they have {mels[0].n_rows} and {mels[1].n_rows} bands")
    if mels[0].rows.kind != mels[1].rows.kind:
        raise ValueError(f"one has {mels[0].rows.plural}, the other {mels[1].rows.plural}")
    if mels[0].rows.labels != mels[1].rows.labels or mels[0].rows.falls != mels[1].rows.falls:
        raise ValueError("their rows are in another order")
    if mels[0].hop_s != mels[1].hop_s:
        hops_ms = [mel.hop_s * 1e3 for mel in mels]
        raise ValueError(f"their hops are {hops_ms[0]:.4g} and {hops_ms[1]:.4g} ms")
    if units[0] != units[1]:
        raise ValueError("one is in dB, the other in the model's own unit")
    return round((mels[0].cell_start_s - mels[1].cell_start_s) / mels[0].hop_s)


def less(a: NDArray[_Float], b: NDArray[_Float]) -> NDArray[_Float]:
    """Values less others of the same shape.

    What is the same does not differ, −inf less −inf included: there both are silent.
    """
    with np.errstate(invalid="ignore"):
        difference: NDArray[_Float] = a - b
    difference[a == b] = 0.0
    return difference
