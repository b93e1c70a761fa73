"""Compiled kernels on disk: kept by what they were made for, and verified before they run.

Loading takes milliseconds and needs neither a compiler nor, mostly, torch; building.py, which needs
both, takes many seconds of a whole core and belongs in a process of its own
(visualizer/engine/kernel_builder.py).
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from visualizer.errors import KernelError
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.kernels.compiled import CompiledKernel
from visualizer.mel.kernels.host import HostKernel, NumpyKernel
from visualizer.mel.kernels.timing import Timing

TOLERANCE, LOG_TOLERANCE = 1e-5, 1e-3
"""By how much of the largest value a kernel may differ from NumPy's, and after a logarithm, which
blows up the rounding of a quiet band. Float32 was measured to need a tenth of it."""


@dataclass(frozen=True)
class Artifact:
    """Where the kernel for a front-end and a number of rows is kept on this machine.

    In two files, each put in its place whole; where two programs build at once and they come from
    different builds, the checksum in the record tells.
    """

    front_end: FrontEnd
    n_rows: int
    folder: Path

    @property
    def library(self) -> Path:
        """The machine code."""
        return self.folder / f"{self._key}.so"

    @property
    def record(self) -> Path:
        """JSON: what the library was made for, its checksum, and notes about it."""
        return self.folder / f"{self._key}.json"

    @property
    def _key(self) -> str:
        text = json.dumps(self.made_for(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:24]

    def made_for(self) -> dict[str, Any]:
        """Return all that decides whether a library fits: the numbers, torch, CPU and source."""
        # Here, since it takes a while to load and a start does not need it.
        from importlib.metadata import PackageNotFoundError, version

        try:
            torch = version("torch")
        except PackageNotFoundError as error:
            raise KernelError("torch is not installed", "`pip install torch` brings it") from error
        return {
            "front_end": self.front_end.to_dict(),
            "n_rows": self.n_rows,
            "torch": torch,
            "cpu": _cpu_features(),
            "source": _source_hash(),
        }


@cache
def _cpu_features() -> list[str]:
    """Return the vector extensions that this processor has, as NumPy found them."""
    found: list[str] = np.show_config(mode="dicts")["SIMD Extensions"]["found"]
    return found


@cache
def _source_hash() -> str:
    """Return a hash of all mathematics here, any of which a kernel may hold."""
    sources = sorted(
        path for path in Path(__file__).parents[1].rglob("*") if path.suffix in (".py", ".cpp")
    )
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()


def require_folder(folder: Path) -> None:
    """Make the folder, for this user alone, and raise KernelError where nothing can be kept in it.

    One that is not the user's alone is refused.
    """
    if not folder.is_absolute():
        raise KernelError("compiled kernels cannot be kept: this user has no home folder")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise KernelError(_cannot_keep(folder, error)) from error
    _require_own(folder)


def _require_own(folder: Path) -> None:
    """Raise KernelError unless nobody else can put, or exchange, what lies in the folder.

    What lies there is run as code. The folders it lies in count as well, on the way to a link and
    on the way to where it leads: who can rename the folder can put another in its place. In a
    sticky folder such as /tmp nobody can rename what is of others, and a group that a folder on
    the way is open to is mostly the user's own.
    """
    if sys.platform == "win32":
        return
    try:
        own = folder.stat()
        above = {*folder.parents, *folder.resolve().parents}
        states = {path: path.stat() for path in above}
    except (OSError, RuntimeError) as error:
        raise KernelError(f"{str(folder)!r} cannot be looked at: {error}") from error
    if own.st_uid != os.getuid() or own.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise KernelError(
            f"compiled kernels are not taken from {str(folder)!r}, since others may write there",
            "remove it, or `chmod 700` it if it is yours",
        )
    for path, state in sorted(states.items()):
        is_open = state.st_mode & stat.S_IWOTH and not state.st_mode & stat.S_ISVTX
        if is_open or state.st_uid not in (0, os.getuid()):
            raise KernelError(
                f"compiled kernels are not taken from {str(folder)!r}, since others could exchange "
                f"it: {str(path)!r} is theirs, or open to all",
                "`chmod o-w` it if it is yours",
            )


def load(artifact: Artifact) -> HostKernel | None:
    """Return the verified kernel, or None where there is none yet.

    Raises:
        KernelError: where what is there cannot be used.
    """
    record = read_record(artifact)
    if record is None or not artifact.library.exists():
        return None
    _require_own(artifact.folder)
    # Before the code is run: a broken library, or one from another machine, could end the process.
    if record.get("made_for") != artifact.made_for():
        raise KernelError("the kernel that was kept was made for something else")
    try:
        if record.get("sha256") != _checksum(artifact.library.read_bytes()):
            raise KernelError("the kernel that was kept is damaged")
        kernel = CompiledKernel(artifact.library, artifact.front_end, artifact.n_rows)
    except (OSError, RuntimeError) as error:
        raise KernelError(f"the kernel that was kept cannot be loaded: {error}") from error
    verify(kernel, artifact)
    return kernel


def obtain(artifact: Artifact) -> HostKernel:
    """Return what is on disk, or else what is built now.

    Raises:
        KernelError: where neither can be used.
    """
    with suppress(KernelError):
        kernel = load(artifact)
        if kernel is not None:
            return kernel
    # Here, since it loads torch and its compiler.
    from visualizer.mel.kernels.building import build

    build(artifact)
    try:
        kernel = load(artifact)
    except KernelError:
        # Not to be found, and refused, again.
        discard(artifact)
        raise
    if kernel is None:
        raise KernelError("the kernel was removed as soon as it was built")
    return kernel


def verify(kernel: HostKernel, artifact: Artifact) -> None:
    """Raise KernelError unless the kernel gives what NumPy's gives, for noise and for silence."""
    front_end = artifact.front_end
    ready = NumpyKernel(front_end)
    shape = (artifact.n_rows, front_end.win_length)
    share = TOLERANCE if front_end.values.is_linear else LOG_TOLERANCE
    for amplitude in (0.3, 1e-3, 0.0):
        frames = np.random.default_rng().normal(0.0, amplitude, shape).astype(np.float32)
        expected = ready(frames)
        limit = share * float(np.abs(expected).max())
        difference = float(np.abs(kernel(frames) - expected).max())
        if not difference <= limit:
            raise KernelError(
                f"the compiled kernel differs from NumPy's by {difference:.1e}, more than "
                f"{limit:.1e}"
            )


def read_record(artifact: Artifact) -> dict[str, Any] | None:
    """Return the artifact's record, or None where there is none that can be read."""
    try:
        record = json.loads(artifact.record.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) else None


def timings(artifact: Artifact) -> tuple[tuple[Timing, ...], bool]:
    """Return the times that are kept with the artifact, and whether there are any."""
    kept = (read_record(artifact) or {}).get("timings")
    try:
        return tuple(Timing(**timing) for timing in kept or ()), bool(kept)
    except TypeError:
        return (), False


def put_library(artifact: Artifact, code: bytes) -> None:
    """Put machine code in its place, with a record of it. Raise KernelError."""
    _put(artifact.library, code)
    write_record(artifact, {"sha256": _checksum(code), "timings": None})


def write_record(artifact: Artifact, notes: dict[str, Any]) -> None:
    """Keep notes with the artifact; earlier ones of other names stay. Raises KernelError."""
    record = (read_record(artifact) or {}) | {"made_for": artifact.made_for()} | notes
    _put(artifact.record, json.dumps(record, indent=1).encode())


def discard(artifact: Artifact) -> None:
    """Remove what cannot be used, as far as that is possible."""
    with suppress(OSError):
        artifact.record.unlink(missing_ok=True)
        artifact.library.unlink(missing_ok=True)


def _cannot_keep(folder: Path, error: OSError) -> str:
    return f"compiled kernels cannot be kept in {str(folder)!r}: {error.strerror}"


def _put(path: Path, content: bytes) -> None:
    """Write a file so that it is there as a whole or not at all. Raises KernelError."""
    try:
        with tempfile.TemporaryDirectory(dir=path.parent, ignore_cleanup_errors=True) as folder:
            unfinished = Path(folder, path.name)
            unfinished.write_bytes(content)
            unfinished.replace(path)
    except OSError as error:
        raise KernelError(_cannot_keep(path.parent, error)) from error


def _checksum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
