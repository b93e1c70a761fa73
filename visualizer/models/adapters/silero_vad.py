"""Silero VAD: how probable it is that somebody speaks, for each 32 ms of sound.

The network comes with the package silero-vad (MIT, by the Silero Team).
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from silero_vad import load_silero_vad

from visualizer.models.contract import Model, Output

_WARM_UP = 4
"""Calls after which TorchScript has optimised the network, and is as fast as it gets."""


class SileroVad(Model):
    """Answers chunk by chunk, and remembers by itself what came before."""

    name = "silero-vad"
    sample_rate = 16_000
    window = 512
    fills_last = True
    outputs = (Output("speech", "probability"),)

    def __init__(self) -> None:
        self._network = load_silero_vad()
        for _ in range(_WARM_UP):
            self(np.zeros(self.window, np.float32))
        self.reset()

    def __call__(self, samples: NDArray[np.float32]) -> float:
        with torch.inference_mode():
            return float(self._network(torch.from_numpy(samples), self.sample_rate))

    def reset(self) -> None:
        self._network.reset_states()
