"""FCPE: the pitch of a voice or an instrument, each 10 ms.

The network comes with the package torchfcpe (MIT, by CNChTu), which loads it without unpickling.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torchfcpe import spawn_bundled_infer_model

from visualizer.models.contract import Model, Output

_THRESHOLD = 0.006
"""The package's own, of how sure it must be that there is a pitch."""
_PAST = 24
"""Columns before a block that are looked at again: with more the answers hardly change."""


class Fcpe(Model):
    """Answers 12 columns at a time, 12 columns after they came.

    The network looks to both sides, and the package gives it the whole file at once. With so much
    around each column it answers nearly the same, in a fifth of a processor core.
    """

    name = "fcpe"
    front_end = "fcpe"
    window = 24
    step = answers = 12
    lookahead = 12

    def __init__(self) -> None:
        network = spawn_bundled_infer_model("cpu")
        limits = network.get_model_f0_range()
        self._network = network.model
        self._least_hz: float = limits["f0_min"]
        self.outputs = (Output("pitch", unit="Hz", range=(limits["f0_min"], limits["f0_max"])),)
        self._past = np.empty((128, 0), np.float32)

    def __call__(self, columns: NDArray[np.float32]) -> list[float | None]:
        seen = np.concatenate((self._past, columns), axis=1)
        n_past = self._past.shape[1]
        with torch.inference_mode():
            hertz = self._network.infer(torch.from_numpy(seen.T[None]), threshold=_THRESHOLD)
        self._past = seen[:, : n_past + self.step][:, -_PAST:]
        answered = hertz[0, n_past : n_past + self.step, 0].tolist()
        # Where it is not sure, the package says 0.
        return [f if f >= self._least_hz else None for f in answered]

    def reset(self) -> None:
        self._past = self._past[:, :0]
