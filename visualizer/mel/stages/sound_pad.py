"""Silence around the sound."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from visualizer.mel.arrays import Array, Arrays
from visualizer.mel.limits import whole
from visualizer.mel.stage import Dependence, Layout, Place, Stage


@dataclass(frozen=True)
class SoundPad(Stage):
    """Put zeros in front of the sound and behind it."""

    stage: ClassVar[str] = "sound_pad"
    place: ClassVar[Place] = "sound"

    front: int = field(default=0, metadata=whole(0, unit=" samples", usual=(160, 320)))
    """samples"""
    behind: int = field(default=0, metadata=whole(0, unit=" samples", usual=(1, 160, 320)))
    """samples"""

    @property
    def dependence(self) -> Dependence:
        return "past"

    @property
    def lead(self) -> int:
        return self.front

    def n_samples(self, n_samples: int) -> int:
        return self.front + n_samples + self.behind

    def state(self, arrays: Arrays, before: Layout, n_channels: int) -> SoundPadState:
        return SoundPadState(self, arrays, n_channels)


class SoundPadState:
    """Whether the zeros in front are still to come."""

    def __init__(self, stage: SoundPad, arrays: Arrays, n_channels: int) -> None:
        self._xp = arrays.xp
        self._before = arrays.constant(np.zeros((n_channels, stage.front)))
        self._after = arrays.constant(np.zeros((n_channels, stage.behind)))

    def push(self, samples: Array) -> Array:
        if not self._before.shape[1]:
            return samples
        samples = self._xp.concat((self._before, samples), axis=1)
        self._before = self._before[:, :0]
        return samples

    def skip(self, n_samples: int) -> int:
        missing = n_samples + int(self._before.shape[1])
        self._before = self._before[:, :0]
        return missing

    def flush(self) -> Array | None:
        return self.push(self._after)
