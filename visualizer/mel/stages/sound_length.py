"""Sounds of one length."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np

from visualizer.mel.arrays import Array, Arrays
from visualizer.mel.limits import MAX_SOUND, one_of, whole
from visualizer.mel.stage import Dependence, Layout, Place, Stage

Fill = Literal["zeros", "repeat", "repeat_whole"]
Longer = Literal["cut", "keep"]


@dataclass(frozen=True)
class SoundLength(Stage):
    """Fill the sound at its end to one length, and cut it there.

    While a sound goes on it is neither filled nor cut.
    """

    stage: ClassVar[str] = "sound_length"
    place: ClassVar[Place] = "sound"

    to: int = field(metadata=whole(1, MAX_SOUND, unit=" samples", usual=(480_000, 960_000)))
    """samples"""
    fill: Fill = field(default="zeros", metadata=one_of(Fill))
    """with what: "zeros"; "repeat", the sound again and again; "repeat_whole", as often as it fits
    whole, then zeros"""
    longer: Longer = field(default="cut", metadata=one_of(Longer))
    """what happens to a longer sound"""

    @property
    def dependence(self) -> Dependence:
        return "past"

    @property
    def streaming(self) -> None:
        return None

    def n_samples(self, n_samples: int) -> int:
        return self.to if self.longer == "cut" else max(self.to, n_samples)

    def state(self, arrays: Arrays, before: Layout, n_channels: int) -> SoundLengthState:
        return SoundLengthState(self, arrays, n_channels)


class SoundLengthState:
    """How long the sound is so far and, where it is to be repeated, the sound."""

    def __init__(self, stage: SoundLength, arrays: Arrays, n_channels: int) -> None:
        self._stage, self._arrays, self._n_channels = stage, arrays, n_channels
        self._n_samples = 0
        self._heard: list[Array] = []

    def push(self, samples: Array) -> Array:
        if self._stage.longer == "cut":
            samples = samples[:, : max(0, self._stage.to - self._n_samples)]
        self._n_samples += samples.shape[1]
        if self._stage.fill != "zeros" and self._n_samples <= self._stage.to:
            self._heard.append(samples)
        return samples

    def skip(self, n_samples: int) -> int:
        self._n_samples += n_samples
        return n_samples

    def flush(self) -> Array | None:
        missing = self._stage.to - self._n_samples
        if missing <= 0:
            return None
        xp, zeros = self._arrays.xp, self._arrays.constant(np.zeros((self._n_channels, missing)))
        if self._stage.fill == "zeros" or not self._n_samples:
            return zeros
        times = missing // self._n_samples
        heard = xp.concat(self._heard, axis=1)
        if self._stage.fill == "repeat":
            return xp.tile(heard, (1, times + 1))[:, :missing]
        filled = xp.concat((xp.tile(heard, (1, times)), zeros), axis=1) if times else zeros
        return filled[:, :missing]
