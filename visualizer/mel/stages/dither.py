"""Noise that some models add to the sound, the same each time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from visualizer.mel.arrays import Array, Arrays
from visualizer.mel.limits import number
from visualizer.mel.stage import Dependence, Layout, Place, Stage, WholeSound

_GROUP = 16
"""How many normal numbers torch makes at once."""


@dataclass(frozen=True)
class Dither(Stage):
    """Add normal noise to each channel, from torch's generator seeded by the sound's length.

    While a sound goes on nothing is added, since its length is not known.
    """

    stage: ClassVar[str] = "dither"
    place: ClassVar[Place] = "sound"

    amount: float = field(metadata=number(0.0, 1.0, "from 0 to 1", usual=(1e-5,)))
    """the noise's standard deviation"""

    @property
    def dependence(self) -> Dependence:
        return "clip"

    @property
    def streaming(self) -> None:
        return None

    def state(self, arrays: Arrays, before: Layout, n_channels: int) -> WholeSound:
        def dithered(samples: Array) -> Array:
            return samples + arrays.constant(self.amount * torch_normal(samples.shape[1]))

        return WholeSound(arrays, dithered)


def torch_normal(n: int) -> NDArray[np.float32]:
    """Return torch.randn(n) of a CPU generator that is seeded with n, in NumPy: (n,).

    Both libraries have the same Mersenne twister, seeded alike (Matsumoto and Nishimura, 1998).
    Torch takes the lower 24 bits of each of its numbers as a fraction, and makes normal ones of
    them by the method of Box and Muller (1958): in groups of 16, eight lengths and eight angles;
    the last group is drawn anew. Fewer than 16 it makes in another way; here they are zero.
    """
    if n < _GROUP:
        return np.zeros(n, dtype=np.float32)
    generator = np.random.RandomState(n & 0xFFFFFFFF)
    bits = generator.randint(0, 1 << 32, n + _GROUP, dtype=np.uint32)
    fractions = (bits & 0xFFFFFF).astype(np.float32) * np.float32(2.0**-24)
    normal = _box_muller(fractions[: n // _GROUP * _GROUP])
    if n % _GROUP:
        normal = np.concatenate((normal, fractions[: n % _GROUP]))
        normal[-_GROUP:] = _box_muller(fractions[n:])
    return normal


def _box_muller(fractions: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths, angles = fractions.reshape(-1, 2, _GROUP // 2).swapaxes(0, 1)
    radii, turns = np.sqrt(-2.0 * np.log(1.0 - lengths)), np.float32(2.0 * np.pi) * angles
    pairs: NDArray[np.float32] = np.stack((radii * np.cos(turns), radii * np.sin(turns)), axis=1)
    return pairs.reshape(-1)
