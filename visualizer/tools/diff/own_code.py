"""A user's own function as a side: called in a process of its own, which may do what it likes.

The process gets the sound as a file and writes its features to another; what it prints is read by
a thread here, so that a full pipe never holds it up, and only the end of it is kept.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from visualizer.errors import CodeError, ConfigError, one_line, quoted
from visualizer.support.children import end, how_it_ended

LIMIT_S = 60.0
"""for the function and what it imports"""
_CHILD = Path(__file__).with_name("own_code_child.py")
_GRACE_S = 3.0
"""for Python's own start, and for telling where it hangs"""
_KEPT_BYTES, _KEPT_LINES = 1 << 14, 30


@dataclass(frozen=True)
class OwnCode:
    """A function of samples, float32 (n,), and their sample rate in Hz, that returns features."""

    path: Path
    name: str

    @property
    def title(self) -> str:
        return f"{self.path.name}:{self.name}"


@dataclass(frozen=True)
class Python:
    """What runs a user's code, and for how long at most."""

    executable: str = sys.executable
    limit_s: float = LIMIT_S


def own_code(text: str) -> OwnCode | None:
    """Return what "FILE.py:NAME" names; None for what is written otherwise.

    Raises:
        ConfigError: where the file is not there, or no function is named.
    """
    found = re.fullmatch(r"(.+\.py)(?::(.*))?", text, re.DOTALL)
    if found is None:
        return None
    path = Path(found[1]).expanduser()
    if not found[2]:
        example = f"{found[1]}:mel, for a function mel(samples, sample_rate) in it"
        raise ConfigError(f"{quoted(text)} names no function", f"say which, such as {example}")
    if not path.is_file():
        raise ConfigError(f"there is no file {quoted(path)}")
    return OwnCode(path, found[2])


def call(
    code: OwnCode, samples: NDArray[np.float32], sample_rate: int, python: Python
) -> NDArray[Any]:
    """Return what the function returns for a sound, as an array of any shape and real dtype.

    Args:
        code: the function.
        samples: (n,) float32.
        sample_rate: in Hz.
        python: what runs it.

    Raises:
        ConfigError: where that Python cannot be started.
        CodeError: where there is no such function or it does not return an array, with the
            traceback, or the end of what it wrote to standard error.
    """
    with TemporaryDirectory(prefix="mel-visualizer-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        np.save(folder / "sound.npy", samples)
        numbers = str(sample_rate), str(python.limit_s)
        command = [python.executable, str(_CHILD), str(code.path), code.name]
        began = time.monotonic()
        try:
            process = subprocess.Popen(
                [*command, *numbers, name],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                # A group of its own, so that what it starts ends with it.
                start_new_session=True,
            )
        except OSError as error:
            problem = f"the Python {quoted(python.executable)} cannot be started"
            raise ConfigError(f"{problem}: {error.strerror or one_line(error)}") from error
        assert process.stderr is not None
        last_words = _LastWords(process.stderr)
        try:
            exit_code: int | None = process.wait(python.limit_s + _GRACE_S)
        except subprocess.TimeoutExpired:
            exit_code = None
        finally:
            end(process)
            process.wait()
            last_words.join()
        why, features = folder / "why.json", folder / "features.npy"
        if why.exists():
            told = json.loads(why.read_text("utf-8"))
            raise CodeError(f"{code.title} {one_line(told['problem'])}", "", told["traceback"])
        if features.exists() and exit_code == 0:
            found: NDArray[Any] = np.load(features, allow_pickle=False)
            return found
        if exit_code is None or time.monotonic() - began > python.limit_s:
            problem, remedy = f"did not return within {python.limit_s:g} s", "--limit gives more"
        else:
            problem, remedy = f"ended {how_it_ended(exit_code)} before it returned", ""
        raise CodeError(f"{code.title} {problem}", remedy, last_words.text())


class _LastWords:
    """The end of what a process writes to a pipe, read by a thread until all have closed it."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe
        self._kept = b""
        self._thread = threading.Thread(target=self._read, name="last words", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        with self._pipe:
            while came := self._pipe.read1(1 << 16):  # type: ignore[attr-defined]
                self._kept = (self._kept + came)[-_KEPT_BYTES:]

    def join(self) -> None:
        """Wait for the last of it, though not for what has left the process's group."""
        self._thread.join(1.0)

    def text(self) -> str:
        """Return its last lines, without those on this program's own part."""
        lines = self._kept.decode(errors="replace").strip().splitlines()
        return "\n".join(line for line in lines[-_KEPT_LINES:] if _CHILD.name not in line)
