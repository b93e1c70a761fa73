"""Frames to mel columns for torch tensors that stay where they are: what goes before a model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from visualizer.errors import ConfigError, KernelError, one_line, quoted
from visualizer.mel.flat import MelConfig, checked_config
from visualizer.mel.framing import PAD_MODES
from visualizer.mel.level import divisor, levelled
from visualizer.mel.transform import MelTransform

_FRAMES_AT_ONCE = 4096
"""Of a clip: enough to keep a GPU busy, and some tens of MB."""


class MelKernel:
    """One front-end on one device: frames in, columns out, with window and filters kept.

    A call is one hop, `clip` a whole clip. Tensors come from and stay on `device`; nothing goes
    through the host. The formula is MelConfig's, with the logarithm; a call leaves out what
    follows it (the level by the clip's maximum or statistics, shift, scale, stacking), since one
    frame does not know its clip, and `clip` includes it.

    >>> import torch, visualizer
    >>> kernel = visualizer.MelKernel(visualizer.preset("whisper-80"))
    >>> kernel(torch.zeros(2, 400)).shape
    torch.Size([2, 80])
    >>> kernel.clip(torch.zeros(16_000, 1)).shape
    torch.Size([1, 80, 100])

    Made like this it is plain torch operations (`backend` "eager"): for any number of frames, with
    gradients, and with torch.compile or a CUDA graph around it and your model. `compiled` and
    `cuda_graph` make faster ones for a fixed number of frames. Not safe to share between threads.
    """

    def __init__(self, config: MelConfig, device: torch.device | str = "cpu") -> None:
        """Raises ConfigError for what is no MelConfig, or a device that torch does not have."""
        self.config = checked_config(config)
        self.device = _present(device)
        """where frames have to be and columns will be, with its index, such as cuda:0"""
        self.backend = "eager"
        """how a call computes: "eager", "compiled" or "cuda-graph\""""
        self.n_frames: int | None = None
        """how many a call takes; None: any number"""
        self._transform = MelTransform(config, self.device)
        self._compute: Callable[[torch.Tensor], torch.Tensor] = self._transform

    @classmethod
    def compiled(cls, config: MelConfig, folder: str | Path, n_frames: int = 1) -> MelKernel:
        """Machine code for the CPU and calls of `n_frames`, without gradients.

        It is taken from `folder` if it was built for this front-end, torch and CPU before, else
        built, which takes 10 to 30 s and a C++ compiler, and is checked against eager each time.
        Raises KernelError where that fails, or where others may write to the folder.
        """
        from visualizer.mel.artifacts import Artifact, obtain

        kernel = cls(config)
        host_kernel = obtain(Artifact(config, n_frames, Path(folder).absolute()))
        kernel.backend, kernel.n_frames = host_kernel.backend, n_frames
        # On a CPU, arrays and tensors share their memory.
        kernel._compute = lambda frames: torch.from_numpy(host_kernel(frames.detach().numpy()))
        return kernel

    @classmethod
    def cuda_graph(
        cls, config: MelConfig, n_frames: int = 1, device: torch.device | str = "cuda"
    ) -> MelKernel:
        """The whole call as one CUDA graph for `n_frames`, replayed on the current stream.

        Without gradients; nothing waits for the GPU. Raises ConfigError for a device that is not
        there or has no CUDA, KernelError where the capture fails.
        """
        kernel = cls(config, device)
        if kernel.device.type != "cuda":
            raise ConfigError(f"device is {str(kernel.device)!r}; CUDA graphs need a CUDA device")
        try:
            kernel._compute = _graph_of(kernel._transform, n_frames, config, kernel.device)
        except RuntimeError as error:
            raise KernelError(f"the CUDA graph could not be made: {one_line(error)}") from error
        kernel.backend, kernel.n_frames = "cuda-graph", n_frames
        return kernel

    def __call__(self, frames: torch.Tensor) -> torch.Tensor:
        """Take (n, win_length) float32 in ±1.0; return a new (n, n_mels) float32.

        Rows are frames of as many channels, streams or moments as are to be done at once. Both are
        on `device`. Raises ValueError for a tensor of another shape, type or device.
        """
        wanted = f"({self.n_frames or 'n'}, {self.config.win_length})"
        self._require(frames, wanted)
        n, win_length = frames.shape
        if win_length != self.config.win_length or self.n_frames not in (None, n):
            raise ValueError(f"frames have the shape {tuple(frames.shape)}; {wanted} is wanted")
        return self._compute(frames)

    def clip(self, samples: torch.Tensor) -> torch.Tensor:
        """A whole clip as the model gets it, level, stacking and all: plain torch, any backend.

        Takes (n_samples, n_channels) float32 in ±1.0 at config.sample_rate (Hz), as
        MelStream.push; returns (n_channels, n_mels·stack, n_columns) float32. Both are on
        `device`. Raises ValueError for a tensor of another shape, type or device.
        """
        self._require(samples, "(n_samples, n_channels)")
        columns = self._columns(samples.T)
        return self._shaped(self._levelled(columns))

    def _require(self, tensor: torch.Tensor, shape: str) -> None:
        if not isinstance(tensor, torch.Tensor):
            raise ValueError(
                f"a torch.Tensor is wanted, not {type(tensor).__name__}; torch.from_numpy makes "
                "one of an array"
            )
        if (tensor.dtype, tensor.device) != (torch.float32, self.device):
            raise ValueError(
                f"the tensor is {tensor.dtype} on {tensor.device}; torch.float32, ±1.0 at full "
                f"scale, on {self.device} is wanted"
            )
        if tensor.ndim != 2:
            raise ValueError(f"the tensor has the shape {tuple(tensor.shape)}; {shape} is wanted")

    def _columns(self, signals: torch.Tensor) -> torch.Tensor:
        """(n_channels, n_samples) to (n_channels, n_mels, n_columns), the logarithm included."""
        config = self.config
        n_channels, n_samples = signals.shape
        n_columns = config.n_columns(n_samples)
        if n_columns == 0:
            return signals.new_zeros((n_channels, config.n_mels, 0))
        if config.preemphasis and config.preemphasis_scope == "signal":
            before = torch.nn.functional.pad(signals, (1, 0))[:, :-1]
            signals = signals - config.preemphasis * before
        end = (n_columns - 1) * config.hop_length + config.offset + config.win_length
        signals = self._padded(signals, -config.offset, max(0, end - n_samples))
        frames = signals.unfold(1, config.win_length, config.hop_length)[:, :n_columns]
        # Frames share their samples until they are brought into rows: never all of them at once.
        some_columns = torch.split(frames, max(1, _FRAMES_AT_ONCE // max(1, n_channels)), dim=1)
        columns = [
            self._transform(some.flatten(0, 1)).view(n_channels, some.shape[1], config.n_mels)
            for some in some_columns
        ]
        return torch.cat(columns, dim=1).transpose(1, 2)

    def _padded(self, signals: torch.Tensor, before: int, after: int) -> torch.Tensor:
        if self.config.edge == "zeros":
            return torch.nn.functional.pad(signals, (before, after))
        # NumPy alone mirrors a short clip more than once.
        places = np.arange(signals.shape[1])
        places = np.pad(places, (before, after), mode=PAD_MODES[self.config.edge])
        return signals[:, torch.from_numpy(places).to(self.device)]

    def _levelled(self, columns: torch.Tensor) -> torch.Tensor:
        """ClipLevel's formulas over all columns."""
        config, n = self.config, columns.shape[2]
        if config.dynamic_range is not None and n:
            top = columns.amax((1, 2), keepdim=True)
            if config.reference_max is not None:
                top = torch.full_like(top, config.reference_max)
            columns = columns.maximum(top - config.dynamic_range)
        if config.statistics is not None and n:
            columns = columns - columns.mean(2, keepdim=True)
            variance = (columns**2).sum(2, keepdim=True) / max(1, n - 1)
            columns = columns / divisor(variance, config)
        result: torch.Tensor = levelled(columns, config)
        return result

    def _shaped(self, columns: torch.Tensor) -> torch.Tensor:
        """ClipShape's cut, filling and stacking."""
        config = self.config
        n_channels, n_mels, n = columns.shape
        if config.fixed_columns is not None:
            filling = columns.new_zeros((n_channels, n_mels, max(0, config.fixed_columns - n)))
            columns = torch.cat((columns, levelled(filling, config)), dim=2)
            columns = columns[:, :, : config.fixed_columns]
        if config.stack == 1:
            return columns
        n_stacks = columns.shape[2] // config.stack
        groups = columns[:, :, : n_stacks * config.stack].transpose(1, 2)
        return groups.reshape(n_channels, n_stacks, n_mels * config.stack).transpose(1, 2)


def _present(device: torch.device | str) -> torch.device:
    """The device with its index. Raises ConfigError."""
    try:
        return torch.empty(0, device=device).device
    except (RuntimeError, AssertionError) as error:
        # torch says by either that it has no CUDA.
        raise ConfigError(
            f"torch {torch.__version__} cannot compute on device {quoted(str(device))} here: "
            f"{one_line(error)}"
        ) from error


def _graph_of(
    transform: MelTransform, n_frames: int, config: MelConfig, device: torch.device
) -> Callable[[torch.Tensor], torch.Tensor]:
    """The transform as a CUDA graph with a copy into and out of its own memory."""
    kept_frames = torch.zeros((n_frames, config.win_length), device=device)
    stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    stream.wait_stream(torch.cuda.current_stream(device))
    graph = torch.cuda.CUDAGraph()
    with torch.no_grad(), torch.cuda.device(device):
        with torch.cuda.stream(stream):
            # cuFFT's plan and the libraries' workspaces cannot be made during a capture.
            for _ in range(3):
                transform(kept_frames)
        stream.synchronize()
        with torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"):
            kept_columns = transform(kept_frames)

    def replay(frames: torch.Tensor) -> torch.Tensor:
        with torch.no_grad(), torch.cuda.device(device):
            kept_frames.copy_(frames)
            graph.replay()
            return kept_columns.clone()

    return replay
