"""One frame in, one mel column out: what runs on every hop."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from visualizer.config import Compute, MelConfig
from visualizer.errors import ConfigError
from visualizer.mel.filterbank import analysis_window, mel_filterbank
from visualizer.mel.reference import LOG_FACTORS


class MelKernel(Protocol):
    """A mel transform with its window and filterbank made once and kept."""

    backend: str
    device: str

    def __call__(self, frame: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n_channels, win_length) to a new array (n_channels, n_mels), the logarithm included."""


class EagerKernel:
    """Plain torch operations into buffers that are allocated once."""

    backend = "eager"

    def __init__(self, config: MelConfig, n_channels: int, device: torch.device) -> None:
        self.device = str(device)
        self._device = device
        self._config = config
        self._window = torch.from_numpy(config.input_scale * analysis_window(config))
        self._window = self._window.float().to(device)
        self._filters = torch.from_numpy(mel_filterbank(config)).float().to(device)

        def buffer(n: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
            return torch.zeros((n_channels, n), dtype=dtype, device=device)

        self._padded = buffer(config.n_fft)
        # Where the frame sits inside n_fft only turns phases, which the magnitude drops.
        self._windowed = self._padded[:, : config.win_length]
        self._spectrum = buffer(config.n_freqs, torch.complex64)
        self._magnitude = buffer(config.n_freqs)
        self._mel = buffer(config.n_mels)

    @torch.inference_mode()
    def __call__(self, frame: NDArray[np.float32]) -> NDArray[np.float32]:
        samples = self._condition(torch.from_numpy(frame).to(self._device))
        torch.mul(samples, self._window, out=self._windowed)
        torch.fft.rfft(self._padded, out=self._spectrum)
        torch.abs(self._spectrum, out=self._magnitude)
        self._to_power()
        torch.mm(self._magnitude, self._filters, out=self._mel)
        self._to_logarithm()
        return self._mel.cpu().numpy().copy()

    def _condition(self, samples: torch.Tensor) -> torch.Tensor:
        """What some models do to each frame before the window."""
        config = self._config
        if config.remove_dc:
            samples = samples - samples.mean(dim=1, keepdim=True)
        if config.preemphasis_scope == "frame" and config.preemphasis:
            before = torch.cat((samples[:, :1], samples[:, :-1]), dim=1)
            samples = samples - config.preemphasis * before
        return samples

    def _to_power(self) -> None:
        config = self._config
        if config.power == 2 or config.epsilon:
            self._magnitude.square_()
        if config.epsilon:
            if config.epsilon_rule == "add":
                self._magnitude.add_(config.epsilon)
            else:
                self._magnitude.clamp_(min=config.epsilon)
            if config.power == 1:
                self._magnitude.sqrt_()

    def _to_logarithm(self) -> None:
        config = self._config
        if config.log is None:
            return
        if config.log_floor_rule == "add":
            self._mel.add_(config.log_floor)
        else:
            self._mel.clamp_(min=config.log_floor)
        self._mel.log10_().mul_(LOG_FACTORS[config.log])


def available_devices() -> tuple[Compute, ...]:
    """What `--compute` can ask for with this torch on this machine."""
    devices: list[Compute] = ["auto", "cpu"]
    if torch.cuda.is_available():
        devices.append("cuda")
    if torch.backends.mps.is_available():
        devices.append("mps")
    return tuple(devices)


def choose_device(compute: Compute) -> torch.device:
    """The torch device for a choice of the user's; "auto" is CUDA where there is one.

    Raises ConfigError where the choice is not available.
    """
    available = available_devices()
    if compute not in available:
        raise ConfigError(
            f"compute device {compute!r} is not available to torch {torch.__version__} here; "
            f"choose {' or '.join(available)}"
        )
    if compute == "auto":
        return torch.device("cuda" if "cuda" in available else "cpu")
    return torch.device(compute)
