"""The spectrum of a frame."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

import numpy as np

from visualizer.errors import FieldError, quoted
from visualizer.mel.arrays import Array, Arrays, Operator
from visualizer.mel.limits import MAX_SAMPLES, number, one_of, whole
from visualizer.mel.stage import Layout, LinearLevel, Place, Rows, Stage, Values

Power = Literal[1, 2]
Part = Literal["magnitude", "real"]
FloorRule = Literal["max", "add"]

_MOST = 2.0**44
"""Of the points times what samples are scaled by, so that no sound overflows; see audio.sanitize"""


@dataclass(frozen=True)
class Spectrum(Stage):
    """Take the magnitudes or powers of a frame's discrete Fourier transform.

    Bin k lies at exactly k·sample_rate/n_fft Hz, for an odd n_fft and an odd rate too (spacing the
    bins over 0 to sample_rate//2 would shift them by up to 1/n_fft).
    """

    stage: ClassVar[str] = "spectrum"
    place: ClassVar[Place] = "spectrum"

    n_fft: int = field(
        metadata=whole(2, usual=(256, 320, 400, 512, 640, 800, 1024, 1200, 2048, 2560, 4096))
    )
    """points of the transform; the frame is zero-padded up to it"""
    power: Power = field(metadata=one_of(Power))
    """1 gives magnitudes, 2 powers"""
    epsilon: float = field(
        default=0.0,
        metadata=number(0.0, 1.0, "from 0 to 1", usual=(0.0, 1e-10, 1e-9, 1e-8, 1e-6, 1e-5)),
    )
    """keeps the power of a bin from zero before its root"""
    epsilon_rule: FloorRule = field(default="add", metadata=one_of(FloorRule))
    """"max" raises smaller powers to epsilon, "add" adds it to all"""
    part: Part = field(default="magnitude", metadata=one_of(Part))
    """"real": the real part with its sign, which is no magnitude, at a power of 1"""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.part == "real" and (self.power, self.epsilon) != (1, 0.0):
            limits = "'magnitude' where power is 2 or epsilon above 0"
            raise FieldError("part", self.part, limits)

    def after(self, before: Layout) -> Layout:
        if self.n_fft < before.width:
            limits = f"from win_length ({quoted(before.width)}) to {MAX_SAMPLES}"
            raise FieldError("n_fft", self.n_fft, limits)
        if self.n_fft * before.full_scale > _MOST:
            limits = f"at most {int(_MOST / before.full_scale)} where samples are scaled by "
            limits += f"{before.full_scale:g}: float32 holds no loud sound's powers beyond that"
            raise FieldError("n_fft", self.n_fft, limits)
        n_bins = self.n_fft // 2 + 1
        # A sine of amplitude 1.0 has the spectral magnitude sum(window)/2 at its bin.
        full_scale = (before.full_scale * before.window_sum / 2.0) ** self.power
        edges_hz = np.arange(-1.0, n_bins + 1.0) * (before.sample_rate / self.n_fft)
        level = LinearLevel(0.0, full_scale, self.power) if full_scale else None
        usual = level.usual if level else (0.0, 1.0)
        if self.part == "real":
            # How loud a bin is, it tells only together with its imaginary part.
            usual, level = (-usual[1], usual[1]), None
        return replace(
            before,
            width=n_bins,
            full_scale=full_scale,
            n_fft=self.n_fft,
            rows=Rows(edges_hz, kind="bin", plural="bins"),
            values=Values(usual, level),
        )

    def operator(self, arrays: Arrays, before: Layout) -> Operator:
        if not self.epsilon:
            return arrays.spectrum(self.n_fft, "real" if self.part == "real" else self.power)
        xp, powers_of = arrays.xp, arrays.spectrum(self.n_fft, 2)
        epsilon, adds = arrays.constant(self.epsilon), self.epsilon_rule == "add"

        def bins(frames: Array) -> Array:
            powers = powers_of(frames)
            powers = powers + epsilon if adds else xp.maximum(powers, epsilon)
            return xp.sqrt(powers) if self.power == 1 else powers

        return bins
