"""Some of the bins of a spectrum, as they are."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

from visualizer.errors import FieldError
from visualizer.mel.arrays import Arrays, Operator
from visualizer.mel.limits import MAX_SAMPLES, whole
from visualizer.mel.stage import Layout, Place, Stage


@dataclass(frozen=True)
class Bins(Stage):
    """Keep `n_bins` bins from bin `first` on, in the place of filters.

    Models of plain spectrograms leave out 0 Hz most often, and half the sample rate.
    """

    stage: ClassVar[str] = "bins"
    place: ClassVar[Place] = "filters"

    first: int = field(metadata=whole(0, usual=(0, 1)))
    """bin k lies at k·sample_rate/n_fft Hz"""
    n_bins: int = field(metadata=whole(1, MAX_SAMPLES))

    def after(self, before: Layout) -> Layout:
        if self.first >= before.width:
            raise FieldError("first", self.first, f"from 0 to {before.width - 1}, the last bin")
        if self.first + self.n_bins > before.width:
            limits = f"from 1 to {before.width - self.first}: from bin {self.first} to the last"
            raise FieldError("n_bins", self.n_bins, limits)
        edges_hz = before.rows.edges_hz
        assert edges_hz is not None
        kept = edges_hz[self.first : self.first + self.n_bins + 2]
        return replace(before, width=self.n_bins, rows=replace(before.rows, edges_hz=kept))

    def operator(self, arrays: Arrays, before: Layout) -> Operator:
        kept = slice(self.first, self.first + self.n_bins)
        return lambda bins: bins[..., kept]
