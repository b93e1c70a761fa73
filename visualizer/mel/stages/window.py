"""The analysis window."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from visualizer.mel.arrays import Arrays, Operator
from visualizer.mel.limits import one_of
from visualizer.mel.stage import Layout, Place, Stage

Kind = Literal["hann", "hann_symmetric", "hamming", "povey"]


@dataclass(frozen=True)
class Window(Stage):
    """Multiply each frame by a window as long as the frame."""

    stage: ClassVar[str] = "window"
    place: ClassVar[Place] = "frame"

    kind: Kind = field(default="hann", metadata=one_of(Kind))
    """"hann" and "hamming" are periodic; "povey" is the symmetric Hann to the power of 0.85"""

    def weights(self, win_length: int) -> NDArray[np.float64]:
        """Return the window, (win_length,)."""
        symmetric = self.kind in ("hann_symmetric", "povey")
        period = win_length - 1 if symmetric else win_length
        cosine = np.cos(2.0 * np.pi * np.arange(win_length) / period)
        if self.kind == "hamming":
            return 0.54 - 0.46 * cosine
        hann: NDArray[np.float64] = np.maximum(0.0, 0.5 - 0.5 * cosine)
        return hann**0.85 if self.kind == "povey" else hann

    def after(self, before: Layout) -> Layout:
        return replace(before, window_sum=float(self.weights(before.width).sum()))

    def operator(self, arrays: Arrays, before: Layout) -> Operator:
        weights = arrays.constant(self.weights(before.width))
        return lambda frames: frames * weights
