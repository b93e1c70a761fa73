"""Pre-emphasis of the whole signal, before it is cut into frames."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from visualizer.mel.arrays import Array, Arrays
from visualizer.mel.limits import number, one_of
from visualizer.mel.stage import Dependence, Layout, Place, Stage

Start = Literal["zero", "repeat", "reflect", "drop"]


@dataclass(frozen=True)
class Preemphasis(Stage):
    """Return y[n] = x[n] − coefficient·x[n − 1]."""

    stage: ClassVar[str] = "preemphasis"
    place: ClassVar[Place] = "sound"

    coefficient: float = field(metadata=number(0.0, 1.0, "from 0 to 1", usual=(0.95, 0.97, 0.98)))
    start: Start = field(default="zero", metadata=one_of(Start))
    """what stands for x[−1]: "zero" 0, "repeat" x[0], "reflect" x[1]; with "drop" there is no y[0],
    and the sound is a sample shorter"""

    @property
    def dependence(self) -> Dependence:
        return "past"

    @property
    def lead(self) -> int:
        return -1 if self.start == "drop" else 0

    def n_samples(self, n_samples: int) -> int:
        return max(0, n_samples + self.lead)

    def state(self, arrays: Arrays, before: Layout, n_channels: int) -> PreemphasisState:
        return PreemphasisState(self, arrays)


class PreemphasisState:
    """Pre-emphasis of sound that comes in pieces of (n_channels, n_samples)."""

    def __init__(self, stage: Preemphasis, arrays: Arrays) -> None:
        self._coefficient = stage.coefficient
        self._xp = arrays.xp
        self._start: Start | None = stage.start
        """None once it has begun"""
        self._last: Array | None = None
        """None where the sample before the next is not known"""
        self._held: Array | None = None
        """the first sample, while the second is waited for"""

    def push(self, samples: Array) -> Array:
        if self._held is not None:
            samples = self._xp.concat((self._held, samples), axis=1)
        if samples.shape[1] == 0:
            return samples
        if self._start == "reflect" and samples.shape[1] == 1:
            self._held = samples
            return samples[:, :0]
        if self._start is not None:
            self._last, self._start, self._held = self._before(samples), None, None
        if self._last is None:
            # It follows one that is not known, so it only serves the one after it.
            self._last, samples = samples[:, :1], samples[:, 1:]
        joined = self._xp.concat((self._last, samples), axis=1)
        self._last = joined[:, -1:]
        return joined[:, 1:] - self._coefficient * joined[:, :-1]

    def _before(self, samples: Array) -> Array | None:
        """Return what stands for the sample before the first."""
        if self._start == "drop":
            return None
        if self._start == "reflect":
            return samples[:, 1:2]
        return samples[:, :1] * (1.0 if self._start == "repeat" else 0.0)

    def skip(self, n_samples: int) -> int:
        """Note that `n_samples` were lost; return how many are missing from what comes out."""
        if not n_samples:
            return 0
        missing = n_samples
        if self._start != "drop" and (self._start or self._last is not None):
            # The first after the loss has no output, since the one before it is not known.
            missing += 1
        if self._held is not None:
            missing += 1
        self._last, self._start, self._held = None, None, None
        return missing

    def flush(self) -> Array | None:
        return self._held
