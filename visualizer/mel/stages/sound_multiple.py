"""Sounds whose length is a multiple."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from visualizer.mel.arrays import Array, Arrays
from visualizer.mel.limits import whole
from visualizer.mel.stage import Dependence, Layout, Place, Stage


@dataclass(frozen=True)
class SoundMultiple(Stage):
    """Fill the sound with zeros at its end, to `first` samples or a multiple more than that."""

    stage: ClassVar[str] = "sound_multiple"
    place: ClassVar[Place] = "sound"

    of: int = field(metadata=whole(1, unit=" samples", usual=(128, 320, 1280, 7680)))
    """samples"""
    first: int = field(default=0, metadata=whole(0, unit=" samples", usual=(0, 15600)))
    """samples, of the shortest"""

    @property
    def dependence(self) -> Dependence:
        return "past"

    def n_samples(self, n_samples: int) -> int:
        return self.first + max(0, -(-(n_samples - self.first) // self.of)) * self.of

    def state(self, arrays: Arrays, before: Layout, n_channels: int) -> SoundMultipleState:
        return SoundMultipleState(self, arrays, n_channels)


class SoundMultipleState:
    """How long the sound is so far."""

    def __init__(self, stage: SoundMultiple, arrays: Arrays, n_channels: int) -> None:
        self._stage, self._arrays, self._n_channels = stage, arrays, n_channels
        self._n_samples = 0

    def push(self, samples: Array) -> Array:
        self._n_samples += samples.shape[1]
        return samples

    def skip(self, n_samples: int) -> int:
        self._n_samples += n_samples
        return n_samples

    def flush(self) -> Array | None:
        missing = self._stage.n_samples(self._n_samples) - self._n_samples
        return self._arrays.constant(np.zeros((self._n_channels, missing)))
