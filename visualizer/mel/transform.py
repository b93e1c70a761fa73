"""The mathematics of a front-end in torch: what every kernel runs, as it is or compiled."""

from __future__ import annotations

import numpy as np
import torch

from visualizer.config import MelConfig
from visualizer.mel.filterbank import analysis_window, mel_filterbank
from visualizer.mel.reference import LOG_FACTORS

_ROWS_SUMMED_ALIKE = 4
"""The matrix product of fewer rows is summed in another order by the CPU's library, so that the
last bit of a column would depend on how many are computed at once."""


class MelTransform(torch.nn.Module):
    """Frames to columns, the logarithm included, with window and filters made once and kept.

    With one thread of torch's, a column is the same to the last bit in whatever company it is
    computed; with more, matrix products are cut up by their size.
    """

    window: torch.Tensor
    filters: torch.Tensor

    def __init__(self, config: MelConfig) -> None:
        super().__init__()
        self._config = config
        window = config.input_scale * analysis_window(config)
        self.register_buffer("window", torch.from_numpy(window).float())
        self.register_buffer("filters", torch.from_numpy(mel_filterbank(config)).float())

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        """(n, win_length) float32 in ±1.0 to (n, n_mels) float32."""
        config = self._config
        spectrum = torch.fft.rfft(self._conditioned(frames) * self.window, config.n_fft)
        # From real parts, since compilers have no complex numbers.
        real, imaginary = torch.view_as_real(spectrum).unbind(-1)
        power = torch.addcmul(real * real, imaginary, imaginary)
        if config.epsilon and config.epsilon_rule == "add":
            power = power + config.epsilon
        elif config.epsilon:
            power = power.clamp(min=config.epsilon)
        return self._logarithm(self._filtered(power.sqrt() if config.power == 1 else power))

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
        if n < _ROWS_SUMMED_ALIKE:
            bins = torch.nn.functional.pad(bins, (0, 0, 0, _ROWS_SUMMED_ALIKE - n))
        return (bins @ self.filters)[:n]

    def _logarithm(self, mel: torch.Tensor) -> torch.Tensor:
        config = self._config
        if config.log is None:
            return mel
        if config.log_floor_rule == "add":
            mel = mel + config.log_floor
        else:
            mel = mel.clamp(min=config.log_floor)
        return mel.log10() * LOG_FACTORS[config.log]


class BandedMelTransform(MelTransform):
    """The same, summing only the bins that a group of neighbouring filters reaches.

    Nine in ten of the filterbank's elements are zero. Compiled, the sums become plain loops over
    a few kB of weights; run as it is, this would be slower than one matrix product.
    """

    _GROUP = 16
    """filters: two of a CPU's vectors of eight float32"""

    def __init__(self, config: MelConfig) -> None:
        super().__init__(config)
        self._groups: list[tuple[slice, torch.Tensor]] = []
        filters = self.filters.numpy()
        for first in range(0, config.n_mels, self._GROUP):
            group = filters[:, first : first + self._GROUP]
            reached = np.flatnonzero(group.any(axis=1))
            # A group without a bin, such as one above the Nyquist frequency, sums one zero.
            bins = slice(reached[0], reached[-1] + 1) if len(reached) else slice(0, 1)
            weights = torch.from_numpy(group[bins].copy())
            self.register_buffer(f"weights_{first}", weights)
            self._groups.append((bins, weights))

    def _filtered(self, bins: torch.Tensor) -> torch.Tensor:
        sums = [(bins[:, reached, None] * weights).sum(1) for reached, weights in self._groups]
        return torch.cat(sums, dim=1)
