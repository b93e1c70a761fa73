"""The mathematics of a front-end in torch: what every kernel runs, as it is or compiled."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from visualizer.mel.filterbank import analysis_window, mel_filterbank
from visualizer.mel.flat import MelConfig
from visualizer.mel.reference import LOG_FACTORS

_ROWS_SUMMED_ALIKE = 4
"""The matrix product of fewer rows is summed in another order by the CPU's library, so that the
last bit of a column would depend on how many are computed at once."""


class MelTransform:
    """Frames to columns, the logarithm included, with window and filters made once and kept.

    Where tested (x86-64) and with one thread of torch's, a column is the same to the last bit in
    whatever company it is computed; with more, matrix products are cut up by their size.
    """

    def __init__(self, config: MelConfig, device: torch.device | None = None) -> None:
        """On the CPU where no device is said."""
        self._config = config
        window = config.input_scale * analysis_window(config)
        self._window = torch.from_numpy(window).float().to(device)
        self._filters = torch.from_numpy(mel_filterbank(config)).float().to(device)

    def __call__(self, frames: torch.Tensor) -> torch.Tensor:
        """(n, win_length) float32 in ±1.0 to (n, n_mels) float32."""
        config = self._config
        power = self._power(self._conditioned(frames) * self._window)
        if config.epsilon and config.epsilon_rule == "add":
            power = power + config.epsilon
        elif config.epsilon:
            power = power.clamp(min=config.epsilon)
        return self._logarithm(self._filtered(power.sqrt() if config.power == 1 else power))

    def _power(self, windowed: torch.Tensor) -> torch.Tensor:
        """(n, win_length) to the power of at least n_freqs bins."""
        # From real parts, since compilers have no complex numbers.
        parts = torch.view_as_real(torch.fft.rfft(windowed, self._config.n_fft))
        real, imaginary = parts.unbind(-1)
        return torch.addcmul(real * real, imaginary, imaginary)

    def _conditioned(self, frames: torch.Tensor) -> torch.Tensor:
        """What some models do to each frame before the window."""
        config = self._config
        if config.remove_dc:
            frames = frames - frames.mean(dim=1, keepdim=True)
        if config.preemphasis_scope == "frame" and config.preemphasis:
            before = torch.cat((frames[:, :1], frames[:, :-1]), dim=1)
            frames = frames - config.preemphasis * before
        return frames

    def _filtered(self, bins: torch.Tensor) -> torch.Tensor:
        n = len(bins)
        if n == 1:
            return (bins.expand(_ROWS_SUMMED_ALIKE, -1) @ self._filters)[:1]
        if n < _ROWS_SUMMED_ALIKE:
            bins = bins.repeat(_ROWS_SUMMED_ALIKE, 1)
        return (bins @ self._filters)[:n]

    def _logarithm(self, mel: torch.Tensor) -> torch.Tensor:
        config = self._config
        if config.log is None:
            return mel
        if config.log_floor_rule == "add":
            mel = mel + config.log_floor
        else:
            mel = mel.clamp(min=config.log_floor)
        return mel.log10() * LOG_FACTORS[config.log]


class CompilableMelTransform(MelTransform):
    """The same in a form that a compiler turns into plain loops; run as it is, it would be slow.

    Filters: nine in ten of their elements are zero, so each group of neighbouring filters sums
    only the bins it reaches. Short transforms: in two steps (Cooley and Tukey, 1965), as sums over
    n1 and n2 with n = n1·N2 + n2 and k = k1 + N1·k2; one call of the library's FFT for one row
    was measured to take eight times a row's share of a large batch, and longer than all of this.
    """

    _GROUP = 16
    """filters: two of a CPU's vectors of eight float32"""
    _LIMIT = 110_000
    """multiplications up to which two steps were measured to be faster than the library's FFT"""

    def __init__(self, config: MelConfig, n_rows: int) -> None:
        """For calls with `n_rows` rows."""
        super().__init__(config)
        self._groups: list[tuple[slice, torch.Tensor]] = []
        filters = self._filters.numpy()
        for first in range(0, config.n_mels, self._GROUP):
            group = filters[:, first : first + self._GROUP]
            reached = np.flatnonzero(group.any(axis=1))
            # A group without a bin, such as one above the Nyquist frequency, sums one zero.
            bins = slice(reached[0], reached[-1] + 1) if len(reached) else slice(0, 1)
            self._groups.append((bins, _constant(group[bins])))
        n, n1 = config.n_fft, _first_factor(config.n_fft)
        self._in_two_steps = n_rows * _multiplications(n, n1) <= self._LIMIT
        if self._in_two_steps:
            n2, k1 = n // n1, np.arange(n1)
            k2 = np.arange(-(-config.n_freqs // n1))
            first_step = np.exp(-2j * np.pi / n1 * np.outer(np.arange(n1), k1))
            turned = np.exp(-2j * np.pi / n * np.outer(np.arange(n2), k1))
            second_step = np.exp(-2j * np.pi / n2 * np.outer(k2, np.arange(n2)))
            self._first = _parts(first_step[None, :, None, :])
            self._turned = _parts(turned[None])
            self._second = _parts(second_step[None, :, :, None])
            self._shape = (n1, n2)

    def _power(self, windowed: torch.Tensor) -> torch.Tensor:
        if not self._in_two_steps:
            return super()._power(windowed)
        n1, n2 = self._shape
        padded = torch.nn.functional.pad(windowed, (0, n1 * n2 - windowed.shape[1]))
        samples = padded.view(-1, n1, n2, 1)
        (c1, s1), (ct, st), (c2, s2) = self._first, self._turned, self._second
        real, imaginary = (samples * c1).sum(1), (samples * s1).sum(1)
        real, imaginary = real * ct - imaginary * st, real * st + imaginary * ct
        real, imaginary = real[:, None], imaginary[:, None]
        real, imaginary = (
            (real * c2 - imaginary * s2).sum(2),
            (real * s2 + imaginary * c2).sum(2),
        )
        return (real * real + imaginary * imaginary).flatten(1)

    def _filtered(self, bins: torch.Tensor) -> torch.Tensor:
        sums = [(bins[:, reached, None] * weights).sum(1) for reached, weights in self._groups]
        return torch.cat(sums, dim=1)


def _constant(values: NDArray[np.floating]) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))


def _parts(values: NDArray[np.complexfloating]) -> tuple[torch.Tensor, torch.Tensor]:
    return _constant(values.real), _constant(values.imag)


def _first_factor(n: int) -> int:
    """The N1 with which the two steps take the fewest multiplications."""
    divisors = (n1 for n1 in range(1, n + 1) if n % n1 == 0)
    return min(divisors, key=lambda n1: _multiplications(n, n1))


def _multiplications(n: int, n1: int) -> int:
    """Of both steps, in vectors of eight over k1."""
    n2, n_outputs = n // n1, -(-(n // 2 + 1) // n1)
    lanes = -(-n1 // 8) * 8
    return 2 * n1 * n2 * lanes + 4 * n_outputs * n2 * lanes
