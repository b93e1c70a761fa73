"""Building compiled kernels with torch's compiler, and timing what it offers besides."""

from __future__ import annotations

import os
import re
import subprocess
import sys
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

_OPTIONS: dict[str, Any] = {
    # By default a library needs libtorch, and with it all of CUDA's.
    "aot_inductor.link_libtorch": False,
    # Takes longer than a kernel does, and is gone at the machine's next start.
    "aot_inductor.precompile_headers": False,
}
_TENSORS = Path(__file__).with_name("tensors.cpp")
_TAKEN = re.compile(r"[\w+,.:/=@~-]+" if sys.platform != "win32" else r"[\w+,.:/=@~\\-]+", re.ASCII)
"""Names of folders that torch's compiler hands on as they are: it writes a command line, which is
split at spaces and quotes again."""
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
        with folder_that_compilers_take(artifact.folder):
            code = _compiled(artifact)
    except KernelError:
        raise
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
        folder, library = _at_run_time(program, Path(scratch))
        options = _OPTIONS | {"aot_inductor.custom_op_libs": [library]}
        # For the linker.
        searched = (str(folder), os.environ.get("LIBRARY_PATH"))
        with _environment(LIBRARY_PATH=os.pathsep.join(filter(None, searched))):
            torch._inductor.aoti_compile_and_package(
                program, package_path=str(package), inductor_configs=options
            )
        # The package is an archive that torch would unpack at each start.
        with zipfile.ZipFile(package) as archive:
            (name,) = (n for n in archive.namelist() if Path(n).suffix in _LIBRARY_SUFFIXES)
            return archive.read(name)


def _at_run_time(program: torch.export.ExportedProgram, scratch: Path) -> tuple[Path, str]:
    """Return what a program's machine code runs on: a folder, and the linker's name of what is in
    it.

    That is our own tensors, compiled into the scratch folder, unless it calls torch's FFT. Only
    Linux's linker takes an object for a library, and only there torch comes with CUDA unasked.
    """
    calls_torch = any("fft" in str(node.target) for node in program.graph.nodes)
    if calls_torch or sys.platform != "linux":
        return Path(torch.__file__).parent / "lib", "torch_cpu"
    compiler = torch._inductor.cpp_builder.get_cpp_compiler()
    name = "tensors.o"
    options = ("-O2", "-std=c++17", "-fPIC", "-c", str(_TENSORS), "-o", str(scratch / name))
    subprocess.run([compiler, *options], check=True, capture_output=True)
    return scratch, f":{name}"


@contextmanager
def folder_that_compilers_take(*others: Path) -> Iterator[None]:
    """For a while, have what is temporary in a folder whose name compilers take.

    Nothing changes where the name of the usual one is taken.

    Args:
        others: folders in which one could be made.

    Raises:
        KernelError: where there is none.
    """
    usual = tempfile.gettempdir()
    if _TAKEN.fullmatch(usual):
        yield
        return
    places = [str(path) for path in (*others, Path("/tmp"), Path("/var/tmp"))]
    place = next((p for p in places if _TAKEN.fullmatch(p) and os.access(p, os.W_OK)), None)
    if place is None:
        raise KernelError(
            f"the kernel could not be compiled: in the folder for temporary files, {usual!r}, "
            "spaces and quotes are not understood by the compiler",
            "set TMPDIR to a folder without them",
        )
    with tempfile.TemporaryDirectory(dir=place) as folder:
        kept = tempfile.tempdir
        tempfile.tempdir = folder
        try:
            with _environment(TMPDIR=folder, TORCHINDUCTOR_CACHE_DIR=folder):
                yield
        finally:
            tempfile.tempdir = kept


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    """Let variables have other values for a while."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def reduce_overhead(front_end: FrontEnd, device: str) -> Callable[[Frames], object]:
    """Return the kernel as the article compiles its own: torch.compile(mode="reduce-overhead").

    It takes many seconds at its first call and needs a C++ compiler.
    """
    operator = kernel_operator(front_end, TorchArrays(device))
    compiled = torch.compile(operator, mode="reduce-overhead")
    return lambda frames: compiled(torch.from_numpy(frames).to(device)).cpu().numpy()
