"""Sound brought to one range or one loudness."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from visualizer.mel.arrays import Array, Arrays
from visualizer.mel.limits import number, one_of
from visualizer.mel.stage import Dependence, Layout, Place, Stage, WholeSound

Kind = Literal["extremes", "statistics"]


@dataclass(frozen=True)
class SoundNormalisation(Stage):
    """Bring a clip's samples to ±1, or to a mean of 0 and a variance of 1.

    Samples that are all the same become −1 by their extremes, and 0 by their statistics. While a
    sound goes on it is left as it is.
    """

    stage: ClassVar[str] = "sound_normalisation"
    place: ClassVar[Place] = "sound"

    kind: Kind = field(metadata=one_of(Kind))
    """"extremes" gives ((x − min)/(max − min + epsilon) − ½)·2, "statistics"
    (x − mean)/√(variance + epsilon), of the population (ddof 0)"""
    epsilon: float = field(metadata=number(0.0, 1.0, "from 0 to 1", usual=(0.0, 1e-7, 1e-6)))

    @property
    def dependence(self) -> Dependence:
        return "clip"

    @property
    def streaming(self) -> None:
        return None

    def state(self, arrays: Arrays, before: Layout, n_channels: int) -> WholeSound:
        def extremes(samples: Array) -> Array:
            low = arrays.xp.amin(samples, axis=1, keepdims=True)
            moved = samples - low
            top = arrays.xp.amax(moved, axis=1, keepdims=True)
            return (moved / _not_zero(top + self.epsilon) - 0.5) * 2.0

        def statistics(samples: Array) -> Array:
            samples = arrays.wide(samples)
            moved = samples - samples.mean(axis=1, keepdims=True)
            variance = (moved**2).mean(axis=1, keepdims=True)
            return arrays.narrow(moved / _not_zero((variance + self.epsilon) ** 0.5))

        return WholeSound(arrays, extremes if self.kind == "extremes" else statistics)


def _not_zero(divisor: Array) -> Array:
    """Return the divisor, or 1 where it is 0."""
    return divisor + (divisor == 0.0)
