"""Building compiled kernels with torch's compiler, and timing what it offers besides."""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from visualizer.errors import KernelError
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.kernels import artifacts
from visualizer.mel.kernels.artifacts import Artifact
from visualizer.mel.kernels.host import Frames, kernel_operator
from visualizer.mel.kernels.torch_arrays import CompilableArrays, TorchArrays

_LINK_OPTIONS: dict[str, Any] = {
    "aot_inductor.link_libtorch": False,
    "aot_inductor.custom_op_libs": ["torch_cpu"],
}
"""By default a library needs libtorch, and with it all of CUDA's."""
_LIBRARY_SUFFIXES = (".so", ".dylib", ".dll", ".pyd")


class _IntoBuffer(torch.nn.Module):
    """Writes the columns where it is told, which saves making a tensor and an array each hop."""

    def __init__(self, front_end: FrontEnd, n_rows: int) -> None:
        super().__init__()
        self._operator = kernel_operator(front_end, CompilableArrays(n_rows))

    def forward(self, frames: torch.Tensor, columns: torch.Tensor) -> None:
        columns.copy_(self._operator(frames))


def build(artifact: Artifact) -> None:
    """Compile the kernel and put it in its place.

    Raises:
        KernelError: where that cannot be done.
    """
    artifacts.require_folder(artifact.folder)
    try:
        code = _compiled(artifact)
    except Exception as error:
        # Whatever goes wrong in a compiler; its first line says what.
        reason = str(error).strip().split("\n", 1)[0] or type(error).__name__
        if "InvalidCxxCompiler" in f"{type(error).__name__} {error}":
            reason = "there is no C++ compiler; install g++ or clang++"
        raise KernelError(f"the kernel could not be compiled: {reason}") from error
    artifacts.put_library(artifact, code)


def _compiled(artifact: Artifact) -> bytes:
    """Return the machine code, as a library."""
    front_end, n_rows = artifact.front_end, artifact.n_rows
    frames = torch.zeros((n_rows, front_end.win_length))
    columns = torch.zeros((n_rows, front_end.n_kernel_rows))
    with tempfile.TemporaryDirectory() as scratch, torch.no_grad():
        package = Path(scratch, "kernel.pt2")
        program = torch.export.export(_IntoBuffer(front_end, n_rows), (frames, columns))
        with _search_path(Path(torch.__file__).parent / "lib"):
            torch._inductor.aoti_compile_and_package(
                program, package_path=str(package), inductor_configs=_LINK_OPTIONS
            )
        # The package is an archive that torch would unpack at each start.
        with zipfile.ZipFile(package) as archive:
            (name,) = (n for n in archive.namelist() if Path(n).suffix in _LIBRARY_SUFFIXES)
            return archive.read(name)


@contextmanager
def _search_path(folder: Path) -> Iterator[None]:
    """Let the linker look into a folder."""
    before = os.environ.get("LIBRARY_PATH")
    os.environ["LIBRARY_PATH"] = os.pathsep.join(filter(None, (str(folder), before)))
    try:
        yield
    finally:
        if before is None:
            del os.environ["LIBRARY_PATH"]
        else:
            os.environ["LIBRARY_PATH"] = before


def reduce_overhead(front_end: FrontEnd, device: str) -> Callable[[Frames], object]:
    """Return the kernel as the article compiles its own: torch.compile(mode="reduce-overhead").

    It takes many seconds at its first call and needs a C++ compiler.
    """
    operator = kernel_operator(front_end, TorchArrays(device))
    compiled = torch.compile(operator, mode="reduce-overhead")
    return lambda frames: compiled(torch.from_numpy(frames).to(device)).cpu().numpy()
