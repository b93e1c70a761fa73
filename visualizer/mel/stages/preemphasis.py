"""Pre-emphasis of the whole signal, before it is cut into frames."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from visualizer.mel.arrays import Array, Arrays
from visualizer.mel.limits import number
from visualizer.mel.stage import Dependence, Layout, Place, Stage


@dataclass(frozen=True)
class Preemphasis(Stage):
    """Return y[n] = x[n] − coefficient·x[n − 1], with x[−1] = 0."""

    stage: ClassVar[str] = "preemphasis"
    place: ClassVar[Place] = "sound"

    coefficient: float = field(metadata=number(0.0, 1.0, "from 0 to 1"))

    @property
    def dependence(self) -> Dependence:
        return "past"

    def state(self, arrays: Arrays, before: Layout, n_channels: int) -> PreemphasisState:
        return PreemphasisState(self, arrays)


class PreemphasisState:
    """Pre-emphasis of sound that comes in pieces of (n_channels, n_samples)."""

    def __init__(self, stage: Preemphasis, arrays: Arrays) -> None:
        self._coefficient = stage.coefficient
        self._xp = arrays.xp
        self._last: Array | None = None
        self._starts = True

    def push(self, samples: Array) -> Array:
        if samples.shape[1] == 0:
            return samples
        if self._starts:
            self._last, self._starts = samples[:, :1] * 0.0, False
        if self._last is None:
            # It follows one that is not known, so it only serves the one after it.
            self._last, samples = samples[:, :1], samples[:, 1:]
        joined = self._xp.concat((self._last, samples), axis=1)
        self._last = joined[:, -1:]
        return joined[:, 1:] - self._coefficient * joined[:, :-1]

    def skip(self, n_samples: int) -> int:
        """Note that `n_samples` were lost; return how many are missing from what comes out."""
        if not n_samples:
            return 0
        self._last, self._starts = None, False
        return n_samples + 1
