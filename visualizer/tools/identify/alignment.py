"""Where in the sound the columns lie: their hop, the middle of the first, and the window's length.

Whatever a front-end makes of its bands, a row of the features follows the levels of the sound at
the columns' moments. So each grid of moments is rated by how much of the rows a straight line of
generic levels explains: filters, logarithms, normalisations and cosine transforms do not matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visualizer.mel.scales import hz_to_scale, scale_to_hz

Values = NDArray[np.float64]

_MOST_COLUMNS = 224
_MOST_BANDS = 28
_MOST_COMPONENTS = 20
"""Of the rows: what they have in common is enough."""
_LEAST_RATE_HZ = 16_000
"""Of the sound that is looked at: levels below 8 kHz tell the moments."""
_LONGEST_S = 0.13
"""A window's half, or twice what is put in front of the sound."""
_WINDOWS = (1.6, 4.0)
"""In hops: which the coarse search tries."""
_FINER_WINDOWS = (1.0, 1.25, 2.0, 2.5, 3.2, 5.0, 8.0)
_STEPS_A_HOP = 8
_MOST_REFINED = 4


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


def align(
    levels: Values, samples: Values, sample_rate: int, raised: float = 0.0
) -> tuple[Alignment, ...]:
    """Return the grids that fit best, the best first.

    Args:
        levels: (n_columns, n_rows), that grow with the logarithm of the sound; NaN is unknown.
        samples: (n_samples,) at `sample_rate`, in Hz.
        raised: the share of the levels that were raised to a floor.
    """
    return _Aligner(levels, samples, sample_rate, raised).found()


def usual_grids(grid: Alignment, n_columns: int, n_samples: int, rate: int) -> list[Alignment]:
    """Return grids of usual hops that a number of columns allows, beside the one that fits best.

    A sound whose pitch glides may fit better where the columns are a little off.
    """
    usual = {*_HOPS, *(round(s * rate) for s in _HOPS_S), *(int(s * rate) for s in _HOPS_S)}
    low = (n_samples - 2 * grid.win_length) / (n_columns + 1)
    high = n_samples / max(1, n_columns - 2)
    win = grid.win_length
    return [
        Alignment(hop, middle, win, 0.0)
        for hop in sorted(usual)
        if low <= hop <= high
        for middle in (0.0, win / 2, hop / 2)
    ]


_HOPS = (64, 80, 100, 128, 160, 200, 220, 240, 256, 275, 300, 320, 400, 441, 480, 512, 1024)
_HOPS_S = (0.005, 0.008, 0.01, 0.0116, 0.0125, 0.015, 0.016, 0.02, 0.025)


class _Aligner:
    def __init__(self, levels: Values, samples: Values, sample_rate: int, raised: float) -> None:
        n_columns = len(levels)
        self._raised = raised
        self._n_samples, self._hz = len(samples), sample_rate
        self._columns = np.unique(np.linspace(0, n_columns - 1, _MOST_COLUMNS).round().astype(int))
        filled = np.nan_to_num(levels[self._columns], nan=float(np.nanmin(levels)))
        left, sizes, _ = np.linalg.svd(_centred(filled), full_matrices=False)
        self._target = (left * sizes)[:, :_MOST_COMPONENTS].astype(np.float32)
        self._n_bands = min(_MOST_BANDS, max(4, len(self._columns) // 5))
        # Fewer samples, each the mean of some.
        self._factor = max(1, sample_rate // _LEAST_RATE_HZ)
        whole = len(samples) // self._factor * self._factor
        self._sound = samples[:whole].reshape(-1, self._factor).mean(axis=1).astype(np.float32)
        longest = max(round(_LONGEST_S * sample_rate), 1024)
        self._longest = longest
        low = max(1, -((longest * 2 - len(samples)) // n_columns))
        high = min(
            (len(samples) + longest) // max(1, n_columns - 1),
            len(samples) // max(1, n_columns - 2),
        )
        self._hops = low, max(low, high)
        self._rough_hop = max(1, round(len(samples) / n_columns))

    def found(self) -> tuple[Alignment, ...]:
        n_columns = int(self._columns[-1]) + 1
        hop_step = max(1, round(self._rough_hop / (2.5 * n_columns)))
        coarse: list[Alignment] = []
        for share in _WINDOWS:
            coarse += self._coarse(max(16, round(share * self._rough_hop)), hop_step)
        coarse.sort(key=lambda one: -one.explained)
        by_hop = {one.hop_length: one for one in reversed(coarse)}
        first = sorted(by_hop.values(), key=lambda one: -one.explained)[:_MOST_REFINED]
        refined = {one.hop_length: one for one in map(self._refined, first)}
        return tuple(sorted(refined.values(), key=lambda one: -one.explained)[:3])

    def _coarse(self, win_length: int, hop_step: int) -> list[Alignment]:
        low, high = self._hops
        step = max(1, low // _STEPS_A_HOP, self._n_samples // 24_000)
        margin = win_length + self._longest
        starts = np.arange(-margin, self._n_samples + margin, step)
        grid = self._levels(starts, win_length)
        middles = np.arange(-self._longest // 2, margin, 2 * step)
        found = []
        for hop in range(low, high + 1, hop_step):
            places = (self._columns * hop + middles[:, None] - starts[0]) / step
            places = np.clip(places.round().astype(int), 0, len(grid) - 1)
            rated = _explained(grid[places], self._target)
            best = int(np.argmax(rated))
            found.append(
                Alignment(hop, float(middles[best]), float(win_length), float(rated[best]))
            )
        return found

    def _rate(self, hop: int, middle: float, win_length: float) -> Alignment:
        columns = self._levels(self._columns * hop + round(middle), max(16, round(win_length)))
        explained = float(_explained(columns[None], self._target)[0])
        return Alignment(hop, middle, win_length, explained)

    def _refined(self, best: Alignment) -> Alignment:
        """Try other windows, and hops and moments between those tried."""
        for share in _FINER_WINDOWS:
            other = self._rate(best.hop_length, best.middle, share * best.hop_length)
            best = max(best, other, key=lambda a: a.explained)
        # A longer hop about the same middle of the sound.
        half = int(self._columns[-1]) / 2
        step = best.hop_length / _STEPS_A_HOP
        while step >= max(1.0, best.hop_length / 40):
            hop, middle = best.hop_length, best.middle
            moves = [(hop, middle - step), (hop, middle + step)]
            moves += [(hop - 1, middle + half), (hop + 1, middle - half)]
            tries = [self._rate(h, m, best.win_length) for h, m in moves if h >= 1]
            better = max(tries, key=lambda a: a.explained)
            if better.explained > best.explained:
                best = better
            else:
                step /= 2
        for share in (0.8, 0.9, 1.12, 1.25):
            other = self._rate(best.hop_length, best.middle, share * best.win_length)
            best = max(best, other, key=lambda a: a.explained)
        return best

    def _levels(self, middles: NDArray[np.int_], win_length: int) -> NDArray[np.float32]:
        """Return generic levels around samples: (n, n_bands), each band with a mean of 0."""
        import scipy.fft

        rate, sound = self._hz / self._factor, self._sound
        size = max(8, win_length // self._factor)
        places = (middles // self._factor)[:, None] - size // 2 + np.arange(size)
        inside = (places >= 0) & (places < len(sound))
        frames = sound[np.clip(places, 0, len(sound) - 1)] * inside
        n_fft = 1 << max(6, (size - 1).bit_length())
        weights = np.hanning(size).astype(np.float32)
        spectrum = scipy.fft.rfft(frames * weights, n_fft)
        powers = spectrum.real**2 + spectrum.imag**2
        low, high = map(float, hz_to_scale([40.0, rate / 2], "htk"))
        marks = np.linspace(low, high, self._n_bands + 1)
        bins_hz = np.arange(n_fft // 2 + 1) * rate / n_fft
        bins = np.unique(np.searchsorted(bins_hz, scale_to_hz(marks, "htk")))
        bands = np.add.reduceat(powers, bins[:-1], axis=1)
        levels = np.log(bands + 1e-9 * bands.max() + 1e-30)
        if self._raised > 0.01:
            sounding = levels[(middles >= 0) & (middles < self._n_samples)]
            levels = np.maximum(levels, np.quantile(sounding, self._raised))
        return _centred(levels).astype(np.float32)


def _centred(values: NDArray[Any]) -> NDArray[Any]:
    centred = values - values.mean(axis=0)
    deviation = centred.std(axis=0)
    scaled: NDArray[Any] = centred / np.where(deviation > 1e-6, deviation, np.inf)
    return scaled


def _explained(columns: NDArray[np.float32], target: NDArray[np.float32]) -> Values:
    """Return the share of the target's variance that straight lines of the columns explain.

    Args:
        columns: (n_grids, n, n_bands).
        target: (n, n_components).
    """
    n, n_bands = columns.shape[1:]
    columns = columns - columns.mean(axis=1, keepdims=True)
    turned = columns.transpose(0, 2, 1)
    products = turned @ target
    grams = turned @ columns + np.float32(1e-3 * n) * np.eye(n_bands, dtype=np.float32)
    variance = float((target * target).sum())
    if variance == 0.0:
        return np.zeros(len(columns))
    shares = (products * np.linalg.solve(grams, products)).sum(axis=(1, 2)) / variance
    adjusted: Values = 1.0 - (1.0 - shares) * (n - 1) / max(1, n - n_bands - 1)
    return adjusted
