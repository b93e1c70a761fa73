"""The bins' pitch classes: how much there is of each note, whatever its octave."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from visualizer.mel.arrays import Arrays, Operator
from visualizer.mel.filters import filtered, require_room
from visualizer.mel.limits import boolean, number, optional, whole
from visualizer.mel.stage import Layout, Place, Rows, Stage

_LOWEST_A_HZ = 27.5
_NOTES = ("C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B")


@dataclass(frozen=True)
class Chroma(Stage):
    """Sum the bins by their pitch class: Gaussian bumps around each note, in all octaves.

    The formula is that of Ellis's "Chroma Feature Analysis and Synthesis" (2007), which librosa and
    transformers compute as well.
    """

    stage: ClassVar[str] = "chroma"
    place: ClassVar[Place] = "filters"

    n_chroma: int = field(default=12, metadata=whole(1, 1200, usual=(12, 24, 36)))
    """pitch classes of an octave"""
    tuning: float = field(default=0.0, metadata=number(-1.0, 1.0, "from -1 to 1"))
    """by how much A lies above 440 Hz, in pitch classes"""
    centre: float = field(default=5.0, metadata=number(-20.0, 20.0, "from -20 to 20"))
    """octaves above 27.5 Hz, where bins weigh most"""
    width: float | None = field(
        default=2.0, metadata=optional(number(1e-3, 1e3, "from 0.001 to 1000"))
    )
    """octaves from there to where bins weigh e^−½; None lets all weigh alike"""
    norm: float | None = field(
        default=2.0, metadata=optional(number(0.1, 100.0, "from 0.1 to 100", usual=(1.0, 2.0)))
    )
    """p of the p-norm that the weights of each bin have; None leaves the peaks at 1"""
    starts_at_c: bool = field(default=True, metadata=boolean())
    """whether row 0 is C; else A"""

    def filters(self, sample_rate: int, n_fft: int) -> NDArray[np.float64]:
        """Return the weights of the bins in the pitch classes, (n_fft // 2 + 1, n_chroma)."""
        n = self.n_chroma
        # One bin more, to which the width of the last of an even n_fft reaches.
        hz = np.arange(1, n_fft // 2 + 2, dtype=np.float64) * (sample_rate / n_fft)
        above_a = np.log2(hz / (_LOWEST_A_HZ * 2.0 ** (self.tuning / n)))
        # 0 Hz counts as an octave and a half below the first bin, so that it is wide.
        places = np.concatenate(([above_a[0] - 1.5], above_a))[:, None] * n
        widths = np.maximum(1.0, np.diff(places, axis=0))
        places = places[:-1]
        half = np.round(n / 2.0)
        distances = (places - np.arange(n) + half) % n - half
        weights: NDArray[np.float64] = np.exp(-2.0 * (distances / widths) ** 2)
        if self.norm is not None:
            weights /= (weights**self.norm).sum(axis=1, keepdims=True) ** (1.0 / self.norm)
        if self.width is not None:
            weights *= np.exp(-0.5 * ((places / n - self.centre) / self.width) ** 2)
        return np.roll(weights, -3 * (n // 12), axis=1) if self.starts_at_c else weights

    def after(self, before: Layout) -> Layout:
        require_room(before, "n_chroma", self.n_chroma)
        tallest = float(self.filters(before.sample_rate, before.n_fft).max())
        labels = tuple(map(str, range(1, self.n_chroma + 1)))
        if self.n_chroma == len(_NOTES):
            labels = _NOTES if self.starts_at_c else (*_NOTES[9:], *_NOTES[:9])
        rows = Rows(kind="pitch class", plural="pitch classes", labels=labels)
        return filtered(before, self.n_chroma, tallest, rows)

    def operator(self, arrays: Arrays, before: Layout) -> Operator:
        return arrays.product(self.filters(before.sample_rate, before.n_fft))
