"""Per-channel energy normalisation, in place of a logarithm."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

from visualizer.errors import FieldError
from visualizer.mel.arrays import Array, Arrays
from visualizer.mel.limits import number, one_of
from visualizer.mel.stage import Dependence, Layout, LinearLevel, Place, Stage, Values

Start = Literal["one", "first"]

_PEAK = 10.0
"""Times the average of loud speech: what the picture's range reaches at first."""

_MOST_NEPERS = 80.0
"""By which silence may be raised: e^88 is beyond float32."""


@dataclass(frozen=True)
class Pcen(Stage):
    """Divide each band by its own average so far, and compress the result.

    With M[t] = (1 − smoothing)·M[t − 1] + smoothing·x[t], a value becomes
    (x/(epsilon + M)^gain + bias)^power − bias^power (Wang et al., "Trainable Frontend For Robust
    and Far-Field Keyword Spotting", 2017). A power of 0 stands for ln(1 + x/(epsilon + M)^gain).

    What is lost of a stream is left out of the average.
    """

    stage: ClassVar[str] = "pcen"
    place: ClassVar[Place] = "column"

    smoothing: float = field(
        metadata=number(
            1e-9, 1.0, "above 0 and up to 1", usual=(0.025, 0.04, 0.05638943879134889, 0.1, 0.145)
        )
    )
    """the share of the newest value in the average"""
    gain: float = field(
        default=0.98, metadata=number(0.0, 10.0, "from 0 to 10", usual=(0.5, 0.8, 0.95, 0.98))
    )
    bias: float = field(
        default=2.0, metadata=number(1e-6, 1e6, "from 1e-6 to 1e6", usual=(2.0, 10.0, 80.0))
    )
    power: float = field(
        default=0.5, metadata=number(0.0, 1.0, "from 0 to 1", usual=(0.0, 0.25, 0.5))
    )
    epsilon: float = field(
        default=1e-6, metadata=number(1e-12, 1.0, "from 1e-12 to 1", usual=(1e-6,))
    )
    start: Start = field(default="one", metadata=one_of(Start))
    """of the average: "one" as though 1.0 had come before (librosa), "first" the first value"""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.gain * -math.log(self.epsilon) > _MOST_NEPERS:
            limits = f"up to {_MOST_NEPERS} divided by -ln epsilon ({-math.log(self.epsilon):.4g})"
            raise FieldError("gain", self.gain, limits)

    @property
    def dependence(self) -> Dependence:
        return "past"

    def after(self, before: Layout) -> Layout:
        assert before.values is not None
        level = before.values.level
        if not isinstance(level, LinearLevel) or level.silence < 0.0:
            limits = "such that pcen follows amplitudes or powers, straight after the filters"
            raise FieldError("stages", self.stage, limits)
        average = max(before.values.usual[1], self.epsilon)
        loudest = _PEAK * average ** (1.0 - self.gain)
        if self.power == 0.0:
            top = math.log1p(loudest)
        else:
            top = (loudest + self.bias) ** self.power - self.bias**self.power
        return replace(before, values=Values((0.0, top), level=None))

    def state(self, arrays: Arrays, before: Layout, n_channels: int) -> PcenState:
        return PcenState(self, arrays)


class PcenState:
    """The average of each band, of the columns so far."""

    def __init__(self, stage: Pcen, arrays: Arrays) -> None:
        self._stage = stage
        self._xp = arrays.xp
        self._log_epsilon = arrays.xp.log(arrays.constant(stage.epsilon))
        self._average: Array | None = None

    def push(self, columns: Array) -> Array:
        if columns.shape[1] == 0:
            return columns
        stage, xp = self._stage, self._xp
        averages = []
        for t in range(columns.shape[1]):
            newest = columns[:, t : t + 1]
            if self._average is None:
                self._average = newest if stage.start == "first" else xp.ones_like(newest)
            self._average = (1.0 - stage.smoothing) * self._average + stage.smoothing * newest
            averages.append(self._average)
        average = xp.concat(averages, axis=1)
        # By logarithms: in float32 a small average would be lost beside epsilon, and a small value
        # beside the bias.
        log_average = self._log_epsilon + xp.log1p(average / stage.epsilon)
        normalised = columns * xp.exp(-stage.gain * log_average)
        if stage.power == 0.0:
            return xp.log1p(normalised)
        exponent = stage.power * xp.log1p(normalised / stage.bias)
        return stage.bias**stage.power * xp.expm1(exponent)
