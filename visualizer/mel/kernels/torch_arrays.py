"""torch's arrays for the stages' formulas, as they are or in a form that a compiler takes."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from visualizer.mel.arrays import Bins, Operator, banded
from visualizer.mel.kernels.two_steps import first_factor
from visualizer.mel.rounding import LARGEST_FLOAT16, Rounding

_ROWS_SUMMED_ALIKE = 4
"""The matrix product of fewer rows is summed in another order by the CPU's library, so that the
last bit of a column would depend on how many are computed at once."""


class TorchArrays:
    """float32 tensors on a device, with gradients.

    Where tested (x86-64) and with one thread of torch's, a column is the same to the last bit
    however many are computed with it; with more, matrix products are cut up by their size.
    """

    xp: Any = torch

    def __init__(self, device: torch.device | str = "cpu") -> None:
        self._device = device

    def constant(self, values: Any) -> torch.Tensor:
        return torch.tensor(np.asarray(values, dtype=np.float32), device=self._device)

    def spectrum(self, n_fft: int, bins: Bins) -> Operator:
        def transform(frames: torch.Tensor) -> torch.Tensor:
            # From real parts, since compilers have no complex numbers.
            real, imaginary = torch.view_as_real(torch.fft.rfft(frames, n_fft)).unbind(-1)
            if bins == "real":
                return real
            powers = torch.addcmul(real * real, imaginary, imaginary)
            return powers.sqrt() if bins == 1 else powers

        return transform

    def product(self, matrix: NDArray[np.float64]) -> Operator:
        factor = self.constant(matrix)

        def multiply(rows: torch.Tensor) -> torch.Tensor:
            flat = rows.reshape(-1, rows.shape[-1])
            n = len(flat)
            if n == 1:
                flat = flat.expand(_ROWS_SUMMED_ALIKE, -1)
            elif n < _ROWS_SUMMED_ALIKE:
                flat = flat.repeat(_ROWS_SUMMED_ALIKE, 1)
            return (flat @ factor)[:n].reshape(*rows.shape[:-1], factor.shape[1])

        return multiply

    def rounded(self, values: torch.Tensor, dtype: Rounding) -> torch.Tensor:
        if dtype == "float16":
            values = values.clamp(-LARGEST_FLOAT16, LARGEST_FLOAT16)
        return values.to(getattr(torch, dtype)).to(torch.float32)

    def wide(self, values: torch.Tensor) -> torch.Tensor:
        # Apple's GPUs have no float64.
        return values if values.device.type == "mps" else values.double()

    def narrow(self, values: torch.Tensor) -> torch.Tensor:
        return values.float()


class CompilableArrays(TorchArrays):
    """Operations that a compiler turns into plain loops; run as they are, they would be slow.

    Filters: nine in ten of their elements are zero, so each group of neighbouring filters sums
    only the bins it reaches. Short transforms: in two steps (Cooley and Tukey, 1965), as sums over
    n1 and n2 with n = n1·N2 + n2 and k = k1 + N1·k2; one call of the library's FFT for one row
    was measured to take eight times a row's share of a large batch, and longer than all of this.
    """

    def __init__(self, n_rows: int) -> None:
        """For calls with `n_rows` rows, on the CPU."""
        super().__init__()
        self._n_rows = n_rows

    def spectrum(self, n_fft: int, bins: Bins) -> Operator:
        n1 = first_factor(n_fft, self._n_rows)
        if n1 is None:
            return super().spectrum(n_fft, bins)
        n2, k1 = n_fft // n1, np.arange(n1)
        k2 = np.arange(-(-(n_fft // 2 + 1) // n1))
        c1, s1 = self._parts(
            np.exp(-2j * np.pi / n1 * np.outer(np.arange(n1), k1))[None, :, None, :]
        )
        ct, st = self._parts(np.exp(-2j * np.pi / n_fft * np.outer(np.arange(n2), k1))[None])
        c2, s2 = self._parts(
            np.exp(-2j * np.pi / n2 * np.outer(k2, np.arange(n2)))[None, :, :, None]
        )

        def transform(frames: torch.Tensor) -> torch.Tensor:
            padded = torch.nn.functional.pad(frames, (0, n_fft - frames.shape[1]))
            samples = padded.view(-1, n1, n2, 1)
            real, imaginary = (samples * c1).sum(1), (samples * s1).sum(1)
            real, imaginary = real * ct - imaginary * st, real * st + imaginary * ct
            real, imaginary = real[:, None], imaginary[:, None]
            real, imaginary = (
                (real * c2 - imaginary * s2).sum(2),
                (real * s2 + imaginary * c2).sum(2),
            )
            if bins == "real":
                return real.flatten(1)[:, : n_fft // 2 + 1]
            powers = (real * real + imaginary * imaginary).flatten(1)[:, : n_fft // 2 + 1]
            return powers.sqrt() if bins == 1 else powers

        return transform

    def product(self, matrix: NDArray[np.float64]) -> Operator:
        groups = [(reached, self.constant(weights)) for reached, weights in banded(matrix)]

        def multiply(rows: torch.Tensor) -> torch.Tensor:
            sums = [(rows[:, reached, None] * weights).sum(1) for reached, weights in groups]
            return torch.cat(sums, dim=1)

        return multiply

    def rounded(self, values: torch.Tensor, dtype: Rounding) -> torch.Tensor:
        # By their bits: a conversion there and back is left out by the compiler.
        if dtype == "bfloat16":
            return _without_bits(values, 16)
        values = values.clamp(-LARGEST_FLOAT16, LARGEST_FLOAT16)
        # Below its normal numbers float16 has steps of 2⁻²⁴, as float32 has around 0.75.
        steps = (values + 0.75) - 0.75
        return torch.where(values.abs() < 2.0**-14, steps, _without_bits(values, 13))

    def _parts(self, values: NDArray[np.complexfloating]) -> tuple[torch.Tensor, torch.Tensor]:
        return self.constant(values.real), self.constant(values.imag)


def _without_bits(values: torch.Tensor, n: int) -> torch.Tensor:
    """Round to the nearest float32 whose last n bits are 0, of two alike to the even one."""
    bits = values.view(torch.int32)
    half = (1 << (n - 1)) - 1
    return ((bits + half + ((bits >> n) & 1)) & -(1 << n)).view(torch.float32)
