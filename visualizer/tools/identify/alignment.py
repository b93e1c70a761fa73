"""Where in the sound the columns lie: their hop, the middle of the first, and the window's length.

Whatever a front-end makes of its bands, a row of the features follows the levels of the sound at
the columns' moments. So each grid of moments is rated by how much of the rows a straight line of
generic levels explains: filters, logarithms, normalisations and cosine transforms do not matter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visualizer.mel.scales import hz_to_scale, scale_to_hz

Values = NDArray[np.float64]

_MOST_COLUMNS = 224
_MOST_BANDS = 28
_LONGEST_S = 0.13
"""A window's half, or twice what is put in front of the sound."""
_WINDOWS = (1.25, 2.5, 5.0)
"""In hops: which the coarse search tries."""
_FINER_WINDOWS = (1.0, 1.25, 1.6, 2.0, 2.5, 3.2, 4.0, 5.0, 6.4, 8.0)
_STEPS_A_HOP = 8


@dataclass(frozen=True)
class Alignment:
    """A grid of moments that fits the features."""

    hop_length: int
    """samples"""
    middle: float
    """of column 0's window, in samples"""
    win_length: float
    """samples, roughly"""
    explained: float
    """the share of the rows' variance, at most 1"""


def align(levels: Values, samples: Values, sample_rate: int) -> tuple[Alignment, ...]:
    """Return the grids that fit best, the best first.

    Args:
        levels: (n_columns, n_rows), that grow with the logarithm of the sound; NaN is unknown.
        samples: (n_samples,) at `sample_rate`, in Hz.
    """
    n_columns = len(levels)
    longest = max(round(_LONGEST_S * sample_rate), 1024)
    low = max(1, -((longest * 2 - len(samples)) // n_columns))
    high = max(low, (len(samples) + longest) // max(1, n_columns - 1))
    if high > len(samples) // max(1, n_columns - 2):
        high = max(low, len(samples) // max(1, n_columns - 2))
    chosen = np.unique(np.linspace(0, n_columns - 1, _MOST_COLUMNS).round().astype(int))
    target = _centred(np.nan_to_num(levels[chosen], nan=float(np.nanmin(levels))))
    rough_hop = max(1, round(len(samples) / n_columns))
    found = []
    for share in _WINDOWS:
        win_length = max(16, round(share * rough_hop))
        found += _coarse(target, chosen, samples, sample_rate, (low, high), win_length)
    found.sort(key=lambda one: -one.explained)
    refined = {one.hop_length: one for one in reversed(found[:12])}
    finer = [_refined(one, target, chosen, samples, sample_rate) for one in refined.values()]
    return tuple(sorted(finer, key=lambda one: -one.explained)[:3])


def _coarse(
    target: Values,
    chosen: NDArray[np.int_],
    samples: Values,
    sample_rate: int,
    hops: tuple[int, int],
    win_length: int,
) -> list[Alignment]:
    step = max(1, hops[0] // _STEPS_A_HOP, len(samples) // 24_000)
    margin = win_length + round(_LONGEST_S * sample_rate)
    starts = np.arange(-margin, len(samples) + margin, step)
    grid = _levels(samples, starts, win_length, sample_rate, _n_bands(len(chosen)))
    found = []
    middles = np.arange(-round(_LONGEST_S * sample_rate / 2), margin, step)
    hop_step = max(1, (hops[1] - hops[0]) // 160)
    for hop in range(hops[0], hops[1] + 1, hop_step):
        places = (chosen[None, :] * hop + middles[:, None] - starts[0]) / step
        places = np.clip(places.round().astype(int), 0, len(grid) - 1)
        rated = [_explained(grid[row], target) for row in places[::2]]
        best = 2 * int(np.argmax(rated))
        near = {i: _explained(grid[places[i]], target) for i in (best - 1, best, best + 1)
                if 0 <= i < len(places)}
        top = max(near, key=lambda i: near[i])
        found.append(Alignment(hop, float(middles[top]), float(win_length), near[top]))
    return found


def _refined(
    one: Alignment, target: Values, chosen: NDArray[np.int_], samples: Values, sample_rate: int
) -> Alignment:
    """Try other windows and moments between those tried."""
    best = one
    step = max(1.0, one.hop_length / _STEPS_A_HOP)
    n_bands = _n_bands(len(chosen))

    def rate(hop: int, middle: float, win_length: int) -> Alignment:
        starts = np.round(chosen * hop + middle).astype(int)
        columns = _levels(samples, starts, win_length, sample_rate, n_bands)
        return Alignment(hop, middle, float(win_length), _explained(columns, target))

    for share in _FINER_WINDOWS:
        win_length = max(16, round(share * one.hop_length))
        best = max(best, rate(one.hop_length, one.middle, win_length), key=lambda a: a.explained)
    while step >= 1.0:
        tries = [
            rate(best.hop_length + hop, best.middle + move, round(best.win_length))
            for hop, move in ((0, -step), (0, step), (-1, 0.0), (1, 0.0))
            if best.hop_length + hop >= 1
        ]
        better = max(tries, key=lambda a: a.explained)
        if better.explained > best.explained:
            best = better
        else:
            step /= 2
    return best


def _n_bands(n_columns: int) -> int:
    return min(_MOST_BANDS, max(4, n_columns // 5))


def _levels(
    samples: Values, middles: NDArray[np.int_], win_length: int, sample_rate: int, n_bands: int
) -> Values:
    """Return generic levels around samples: (n, n_bands), each band with a mean of 0."""
    places = middles[:, None] - win_length // 2 + np.arange(win_length)
    inside = (places >= 0) & (places < len(samples))
    frames = np.where(inside, samples[np.clip(places, 0, len(samples) - 1)], 0.0)
    n_fft = 1 << max(7, (win_length - 1).bit_length())
    powers = np.abs(np.fft.rfft(frames * np.hanning(win_length), n_fft)) ** 2
    edges = scale_to_hz(
        np.linspace(*hz_to_scale([40.0, sample_rate / 2], "htk"), n_bands + 1), "htk"
    )
    bins = np.unique(np.searchsorted(np.arange(n_fft // 2 + 1) * sample_rate / n_fft, edges))
    bands = np.add.reduceat(powers, bins[:-1], axis=1)
    return _centred(np.log(bands + 1e-9 * bands.max() + 1e-30))


def _centred(values: Values) -> Values:
    centred: Values = values - values.mean(axis=0)
    deviation = centred.std(axis=0)
    return centred / np.where(deviation > 1e-9, deviation, np.inf)


def _explained(columns: Values, target: Values) -> float:
    """Return the share of the target's variance that a straight line of the columns explains."""
    n, n_bands = columns.shape
    columns = columns - columns.mean(axis=0)
    product = columns.T @ target
    gram = columns.T @ columns + 1e-3 * n * np.eye(n_bands)
    variance = float((target * target).sum())
    if variance == 0.0:
        return 0.0
    share = float((product * np.linalg.solve(gram, product)).sum()) / variance
    return 1.0 - (1.0 - share) * (n - 1) / max(1, n - n_bands - 1)
