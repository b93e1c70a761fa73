"""The analysis window."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from visualizer.mel.arrays import Arrays, Operator
from visualizer.mel.limits import one_of, optional
from visualizer.mel.rounding import Rounding, rounded
from visualizer.mel.stage import Layout, Place, Stage

Kind = Literal[
    "hann",
    "hann_symmetric",
    "hamming",
    "hamming_symmetric",
    "blackman",
    "blackman_symmetric",
    "bartlett",
    "bartlett_symmetric",
    "povey",
]


@dataclass(frozen=True)
class Window(Stage):
    """Multiply each frame by a window as long as the frame."""

    stage: ClassVar[str] = "window"
    place: ClassVar[Place] = "frame"

    kind: Kind = field(default="hann", metadata=one_of(Kind))
    """periodic, where its name says nothing else; "povey" is the symmetric Hann to the power of
    0.85"""
    rounding: Rounding | None = field(default=None, metadata=optional(one_of(Rounding)))
    """of the weights, where the model holds them in such a type"""

    def weights(self, win_length: int) -> NDArray[np.float64]:
        """Return the window, (win_length,)."""
        symmetric = self.kind == "povey" or self.kind.endswith("_symmetric")
        turns = np.arange(win_length) / (win_length - 1 if symmetric else win_length)
        weights = self._shape(turns)
        return weights if self.rounding is None else rounded(weights, self.rounding).astype(float)

    def _shape(self, turns: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the window where `turns` of its period have gone by."""
        cosine = np.cos(2.0 * np.pi * turns)
        if self.kind.startswith("hamming"):
            return 0.54 - 0.46 * cosine
        if self.kind.startswith("bartlett"):
            return 1.0 - np.abs(2.0 * turns - 1.0)
        if self.kind.startswith("blackman"):
            return np.maximum(0.0, 0.42 - 0.5 * cosine + 0.08 * np.cos(4.0 * np.pi * turns))
        hann: NDArray[np.float64] = np.maximum(0.0, 0.5 - 0.5 * cosine)
        return hann**0.85 if self.kind == "povey" else hann

    def after(self, before: Layout) -> Layout:
        return replace(before, window_sum=float(self.weights(before.width).sum()))

    def operator(self, arrays: Arrays, before: Layout) -> Operator:
        weights = arrays.constant(self.weights(before.width))
        return lambda frames: frames * weights
