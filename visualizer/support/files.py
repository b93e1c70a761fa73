"""Files that are replaced in one step."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a path to write a file to, which then takes the place of `path` in one step.

    Whoever reads `path` gets all of the old or all of the new, with the old one's permissions;
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
