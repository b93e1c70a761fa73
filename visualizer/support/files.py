"""Files that are written: replaced in one step, and what is said where that fails."""

from __future__ import annotations

import os
import platform
import shutil
import uuid
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from visualizer.errors import ConfigError

_PREFIX = f".mel-{zlib.crc32(platform.node().encode()):08x}-"
"""Of files that are not finished; other machines, which may share a folder, have another one."""


def remove_unfinished(folders: Iterable[Path]) -> None:
    """Remove from folders what processes of this machine that are gone left unfinished."""
    # Not with the module, which commands import that remove nothing.
    import psutil

    for folder in folders:
        for path in folder.glob(f"{_PREFIX}*"):
            number = path.name.removeprefix(_PREFIX).partition("-")[0]
            if number.isdecimal() and not psutil.pid_exists(int(number)):
                with suppress(OSError):
                    path.unlink()


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a path to write a file to, which then takes the place of `path` in one step.

    A reader of `path` gets all of the old or all of the new, with the old one's permissions;
    where it is a link, what it points to is replaced. If the block raises, nothing has changed.

    Raises:
        OSError: The new file cannot be put in place.
    """
    path = path.resolve()
    unfinished = path.with_name(f"{_PREFIX}{os.getpid()}-{uuid.uuid4().hex}{path.suffix}")
    try:
        yield unfinished
        if path.exists():
            shutil.copymode(path, unfinished)
        unfinished.replace(path)
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)


@contextmanager
def writing(path: Path, what: str = "", remedy: str = "") -> Iterator[None]:
    """Raise ConfigError, naming what is written and where, for an OSError of the block."""
    try:
        yield
    except OSError as error:
        name = str(path)
        problem = f"{what} cannot be written to {name!r}" if what else f"{name!r} cannot be written"
        raise ConfigError(f"{problem}: {error.strerror or error}", remedy) from error
