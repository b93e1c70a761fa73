"""What a run leaves behind when it crashes in a library: where each of its threads was.

Standard library alone, and begun before the heavy imports, so that a crash in one is seen too.
"""

from __future__ import annotations

import faulthandler
import os
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path

import psutil

LAST_CRASH = "last-crash.txt"
_PATTERN = "crash-*.txt"


class CrashReport:
    """The file that Python writes into as the process dies; gone again when all went well."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / _PATTERN.replace("*", str(os.getpid()))
        self._file: TextIOWrapper | None = None
        self.left_behind: Path | None = None
        """what an earlier run left that crashed and was not told of yet"""

    def begin(self) -> None:
        """Look for what was left behind, then watch. Raises OSError where no file can be kept."""
        self.left_behind = _collect(self._path.parent)
        # No buffer may stand between a dying process and its file; faulthandler writes by number.
        self._file = self._path.open("w", encoding="utf-8")
        faulthandler.enable(self._file)

    def close(self) -> None:
        """The run has ended well: nothing is left behind. Again has no effect."""
        if self._file is None:
            return
        faulthandler.disable()
        self._file.close()
        self._file = None
        with suppress(OSError):
            self._path.unlink()


def _collect(folder: Path) -> Path | None:
    """Move the newest report to `LAST_CRASH` and remove the others, and what is empty of the dead.

    That of a program that still runs is empty, and stays.
    """
    reports = []
    for path in folder.glob(_PATTERN):
        # A name with no number in it is none of ours.
        with suppress(OSError, ValueError):
            if path.stat().st_size > 0:
                reports.append((path.stat().st_mtime, path))
            elif not psutil.pid_exists(int(path.stem.partition("-")[2])):
                path.unlink()
    if not reports:
        return None
    *older, (_, newest) = sorted(reports)
    for _, path in older:
        with suppress(OSError):
            path.unlink()
    return newest.replace(folder / LAST_CRASH)
