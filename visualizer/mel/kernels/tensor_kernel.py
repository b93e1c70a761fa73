"""Frames to columns for torch tensors that stay on their device: what goes before a model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch

from visualizer.errors import ConfigError, KernelError, one_line, quoted
from visualizer.mel.arrays import Operator
from visualizer.mel.flat import MelConfig, as_front_end
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.kernels.host import kernel_operator
from visualizer.mel.kernels.torch_arrays import TorchArrays
from visualizer.mel.kernels.torch_kernels import captured
from visualizer.mel.whole import whole_clip


class MelKernel:
    """One front-end on one device: frames in, columns out, with window and filters kept.

    A call is one hop, `clip` a whole clip. Tensors come from and stay on `device`; nothing goes
    through the host. A call computes the front-end's kernel: the stages after the cutting into
    frames, up to the first that needs more than one frame (the clip's maximum or statistics, the
    past, neighbouring columns). `clip` computes all of them.

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

    def __init__(self, front_end: FrontEnd | MelConfig, device: torch.device | str = "cpu") -> None:
        """Keep window and filters on `device`.

        Args:
            front_end: what to compute.
            device: of the tensors, as torch names it, such as "cuda".

        Raises:
            ConfigError: for what is no front-end, or a device that torch does not have.
        """
        self.front_end = as_front_end(front_end)
        self.device = _present(device)
        """where frames have to be and columns will be, with its index, such as cuda:0"""
        self.backend = "eager"
        """how a call computes: "eager", "compiled" or "cuda-graph\""""
        self.n_frames: int | None = None
        """how many a call takes; None: any number"""
        self._arrays = TorchArrays(self.device)
        self._compute: Operator = kernel_operator(self.front_end, self._arrays)

    @classmethod
    def compiled(
        cls, front_end: FrontEnd | MelConfig, folder: str | Path, n_frames: int = 1
    ) -> MelKernel:
        """Return machine code for the CPU, without gradients.

        If `folder` holds what was built for this front-end, torch and CPU, that is loaded, else it
        is built, which takes 10 to 30 s and a C++ compiler. It is checked against NumPy each time.

        Args:
            front_end: what to compute.
            folder: where compiled kernels are kept.
            n_frames: how many a call takes.

        Raises:
            KernelError: where that fails, or where others may write to the folder.
        """
        from visualizer.mel.kernels.artifacts import Artifact, obtain

        kernel = cls(front_end)
        host_kernel = obtain(Artifact(kernel.front_end, n_frames, Path(folder).absolute()))
        kernel.backend, kernel.n_frames = host_kernel.backend, n_frames
        # On a CPU, arrays and tensors share their memory.
        kernel._compute = lambda frames: torch.from_numpy(host_kernel(frames.detach().numpy()))
        return kernel

    @classmethod
    def cuda_graph(
        cls,
        front_end: FrontEnd | MelConfig,
        n_frames: int = 1,
        device: torch.device | str = "cuda",
    ) -> MelKernel:
        """Return the whole call as one CUDA graph, replayed on the current stream.

        It has no gradients and does not wait for the GPU.

        Args:
            front_end: what to compute.
            n_frames: how many a call takes.
            device: a CUDA device.

        Raises:
            ConfigError: for a device that is not there or has no CUDA.
            KernelError: where the capture fails.
        """
        kernel = cls(front_end, device)
        if kernel.device.type != "cuda":
            raise ConfigError(f"device is {str(kernel.device)!r}; CUDA graphs need a CUDA device")
        shape = (n_frames, kernel.front_end.win_length)
        try:
            kernel._compute = _graph_of(kernel._compute, shape, kernel.device)
        except RuntimeError as error:
            raise KernelError(f"the CUDA graph could not be made: {one_line(error)}") from error
        kernel.backend, kernel.n_frames = "cuda-graph", n_frames
        return kernel

    def __call__(self, frames: torch.Tensor) -> torch.Tensor:
        """Return the columns of frames of as many channels, streams or moments as there are.

        Args:
            frames: (n, win_length) float32 in ±1.0, on `device`.

        Returns:
            A new (n, front_end.n_kernel_rows) float32 on `device`.

        Raises:
            ValueError: for a tensor of another shape, type or device.
        """
        win_length = self.front_end.win_length
        wanted = f"({self.n_frames or 'n'}, {win_length})"
        self._require(frames, wanted)
        if frames.shape[1] != win_length or self.n_frames not in (None, len(frames)):
            raise ValueError(f"frames have the shape {tuple(frames.shape)}; {wanted} is expected")
        columns: torch.Tensor = self._compute(frames)
        return columns

    def clip(self, samples: torch.Tensor) -> torch.Tensor:
        """Return a whole clip's columns as the model gets them: plain torch, any backend.

        Args:
            samples: (n_samples, n_channels) float32 in ±1.0 at the front-end's rate, on `device`.

        Returns:
            (n_channels, front_end.n_model_rows, n_columns) float32 on `device`.

        Raises:
            ValueError: for a tensor of another shape, type or device.
        """
        self._require(samples, "(n_samples, n_channels)")
        columns: torch.Tensor = whole_clip(self.front_end, self._arrays, samples.T)
        return columns.transpose(1, 2)

    def _require(self, tensor: torch.Tensor, shape: str) -> None:
        if not isinstance(tensor, torch.Tensor):
            raise ValueError(
                f"a torch.Tensor is expected, not {type(tensor).__name__}; torch.from_numpy makes "
                "one of an array"
            )
        if (tensor.dtype, tensor.device) != (torch.float32, self.device):
            raise ValueError(
                f"the tensor is {tensor.dtype} on {tensor.device}; torch.float32, ±1.0 at full "
                f"scale, on {self.device} is expected"
            )
        if tensor.ndim != 2:
            raise ValueError(f"the tensor has the shape {tuple(tensor.shape)}; {shape} is expected")


def _present(device: torch.device | str) -> torch.device:
    """Return the device with its index. Raise ConfigError where torch does not have it."""
    try:
        return torch.empty(0, device=device).device
    except (RuntimeError, AssertionError) as error:
        # torch says by either that it has no CUDA.
        raise ConfigError(
            f"torch {torch.__version__} cannot compute on device {quoted(str(device))} here: "
            f"{one_line(error)}"
        ) from error


def _graph_of(
    compute: Callable[[torch.Tensor], torch.Tensor], shape: tuple[int, int], device: torch.device
) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return the computation as a CUDA graph with a copy into and out of its own memory."""
    kept_frames = torch.zeros(shape, device=device)
    with torch.no_grad():
        graph, _, kept_columns = captured(lambda: compute(kept_frames), device)

    def replay(frames: torch.Tensor) -> torch.Tensor:
        with torch.no_grad(), torch.cuda.device(device):
            kept_frames.copy_(frames)
            graph.replay()
            return kept_columns.clone()

    return replay
