"""Files that are written: replaced in one step, and what is said where that fails."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from visualizer.errors import ConfigError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a path to write a file to, which then takes the place of `path` in one step.

    A reader of `path` gets all of the old or all of the new, with the old one's permissions;
    where it is a link, what it points to is replaced. If the block raises, nothing has changed.

    Raises:
        OSError: The new file cannot be put in place.
    """
    path = path.resolve()
    unfinished = path.with_name(f".mel-{uuid.uuid4().hex}{path.suffix}")
    try:
        yield unfinished
        if path.exists():
            shutil.copymode(path, unfinished)
        unfinished.replace(path)
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)


@contextmanager
def writing(path: Path, what: str = "") -> Iterator[None]:
    """Raise ConfigError, naming what is written and where, for an OSError of the block."""
    try:
        yield
    except OSError as error:
        name = str(path)
        problem = f"{what} cannot be written to {name!r}" if what else f"{name!r} cannot be written"
        raise ConfigError(f"{problem}: {error.strerror or error}") from error
