"""What an array of features tells by itself: its form, its type, and what it was rounded to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from visualizer.errors import ConfigError, one_line, quoted
from visualizer.export.archive import read_tensors

Values = NDArray[np.float64]
Rounding = Literal["float64", "float32", "float16", "bfloat16", "whole numbers"]

_STEPS: dict[Rounding, float] = {
    "float64": 2.0**-53,
    "float32": 2.0**-24,
    "float16": 2.0**-11,
    "bfloat16": 2.0**-8,
}
"""Half a unit in the last place, as a share of the value."""
_LEAST_STEP: dict[Rounding, float] = {"float16": 2.0**-25}
"""Half the distance of the numbers nearest to zero."""
"""The share of values that may be infinite or no numbers."""
_FEWEST = 8
"""Columns, with fewer of which nothing can be told."""


@dataclass(frozen=True, eq=False)
class Observation:
    """Features as columns × rows, with what their numbers were rounded to."""

    values: Values
    """(n_columns, n_rows); what is not finite is NaN"""
    rounding: Rounding
    columns_first: bool
    """whether the array had its columns along the first axis"""
    lowest: float
    """of the values"""
    at_lowest: NDArray[np.bool_]
    """which values are the lowest, where several are: they may have been raised to there"""
    at_rows_lowest: NDArray[np.bool_]
    """which are the lowest of their rows, where several are"""
    highest: float
    at_highest: NDArray[np.bool_]

    @property
    def n_columns(self) -> int:
        return len(self.values)

    @property
    def n_rows(self) -> int:
        return int(self.values.shape[1])

    @cached_property
    def n_sounding(self) -> int:
        """Columns up to where all that follow are the same: the sound was filled up there."""
        last = self.values[-1]
        differs = (self.values != last).any(axis=1)
        if not differs.any():
            return self.n_columns
        end = int(np.flatnonzero(differs)[-1]) + 1
        return end if end < 0.9 * self.n_columns and end >= _FEWEST else self.n_columns

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which values tell the sound: not those that are not finite or at an end."""
        at_ends = self.at_lowest | self.at_rows_lowest | self.at_highest
        return np.isfinite(self.values) & ~at_ends

    @property
    def step(self) -> Values:
        """How far rounding may have moved each value: same shape."""
        if self.rounding == "whole numbers":
            return np.full(self.values.shape, 0.5)
        least = _LEAST_STEP.get(self.rounding, 0.0)
        step: Values = np.maximum(np.abs(self.values) * _STEPS[self.rounding], least)
        return step


def read_features(path: Path) -> NDArray[Any]:
    """Return the array of a .npy, or of a .npz or .safetensors with one array or one named "mel".

    Raises:
        ConfigError: where there is none.
    """
    name = quoted(path)
    try:
        if path.suffix.lower() == ".safetensors":
            return _chosen(read_tensors(path)[0], name)
        held = np.load(path, allow_pickle=False)
        if not isinstance(held, np.ndarray):
            with held:
                held = _chosen(held, name)
    except ConfigError:
        raise
    except OSError as error:
        raise ConfigError(f"{name} cannot be read: {error.strerror or one_line(error)}") from error
    except Exception as error:
        # A damaged one is found by NumPy, zipfile or zlib, each with errors of its own.
        raise ConfigError(f"{name} is not an array of numbers: {one_line(error)}") from error
    return np.asarray(held)


def _chosen(held: Mapping[str, NDArray[Any]], name: str) -> NDArray[Any]:
    names = list(held)
    chosen = "mel" if "mel" in names else names[0] if len(names) == 1 else None
    if chosen is None:
        known = ", ".join(map(quoted, names[:5]))
        raise ConfigError(f"{name} holds the arrays {known}", "one must be named 'mel'")
    return held[chosen]


def observations(features: NDArray[Any]) -> tuple[Observation, ...]:
    """Return the array in both orientations.

    Args:
        features: of any number type, with two axes and any number of axes of length 1.

    Raises:
        ConfigError: where it holds no features.
    """
    if features.dtype.kind not in "fiu":
        raise ConfigError(
            f"the array holds {features.dtype}, no numbers", "features are an array of float32"
        )
    flat = np.squeeze(features)
    if flat.ndim != 2:
        raise ConfigError(
            f"the array has the shape {quoted(features.shape)}",
            "features have rows and columns, of one channel",
        )
    rounding = _rounding(flat)
    lost = np.argwhere(~np.isfinite(flat))
    if len(lost):
        i, j = lost[0].tolist()
        raise ConfigError(
            f"{len(lost)} values of the array are not finite, the first at [{i}, {j}]",
            "give a stretch without such values, and the sound that it was made of",
        )
    values = flat.astype(np.float64)
    if np.nanmax(values) == np.nanmin(values):
        raise ConfigError("all values of the array are the same")
    turns = (_observed(values.T, rounding, False), _observed(values, rounding, True))
    long_enough = tuple(turn for turn in turns if turn.n_columns >= _FEWEST)
    if not long_enough:
        raise ConfigError(
            f"the array has the shape {quoted(features.shape)}", f"{_FEWEST} columns are needed"
        )
    return long_enough


def _observed(values: Values, rounding: Rounding, columns_first: bool) -> Observation:
    lowest, highest = float(np.nanmin(values)), float(np.nanmax(values))
    # What is raised to one value has the very same bits.
    low, high = values <= lowest, values >= highest
    # One of each there is always.
    few = max(2, round(1e-4 * values.size))
    # A floor before each row is normalised lies elsewhere in each.
    in_rows = values <= np.nanmin(values, axis=0)
    in_rows &= in_rows.sum(axis=0) > max(2, 0.01 * len(values))
    return Observation(
        np.ascontiguousarray(values),
        rounding,
        columns_first,
        lowest,
        low if low.sum() > few else np.zeros_like(low),
        in_rows,
        highest,
        high if high.sum() > few else np.zeros_like(high),
    )


def _rounding(values: NDArray[Any]) -> Rounding:
    """What the numbers were rounded to, which may be coarser than the array's own type."""
    finite = values[np.isfinite(values)]
    if values.dtype.kind in "iu":
        return "whole numbers"
    if values.dtype == np.float16:
        return "float16"
    if values.dtype == np.float64 and (finite.astype(np.float32) != finite).any():
        return "float64"
    narrow = finite.astype(np.float32)
    if not (narrow.view(np.uint32) & 0xFFFF).any():
        return "bfloat16"
    with np.errstate(over="ignore"):
        halves = narrow.astype(np.float16).astype(np.float32)
    return "float16" if (halves == narrow).all() else "float32"
