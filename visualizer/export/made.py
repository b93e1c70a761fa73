"""The list of what a folder of features holds, by which a run knows what need not be made again.

`features.jsonl` in the folder has a line of JSON for each output. It is only ever added to, a line
at a time and after its output is in place: a run that is killed loses at most the lines of what it
had just finished, and two runs may share the folder. The last line of an output counts, and only
while the output has the size and the time that the line says, so that it is never taken for what
another run, or somebody else, has put in its place.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

from visualizer.errors import ConfigError, VisualizerError, quoted
from visualizer.export.corpus import Job, Making, Outcome, stamp_of
from visualizer.support.files import writing

NAME = "features.jsonl"
_KEPT = ("source", "source_rate", "source_stamp", "output_stamp", "digest")


class Made:
    """What was made before, and what is being made."""

    def __init__(self, folder: Path, making: Making, file: IO[bytes]) -> None:
        self._folder = folder.absolute()
        self._file = file
        self._digest = lru_cache(maxsize=64)(lambda rate_hz: making.digest(making.at(rate_hz)))
        self._known: dict[str, tuple[Any, ...]] = {}
        file.seek(0)
        line = b""
        for line in file:
            self._note(line)
        if not line.endswith(b"\n") and line:
            # Cut off when a run was killed.
            self._file.write(b"\n")

    def _note(self, line: bytes) -> None:
        try:
            entry = json.loads(line)
            self._known[entry["output"]] = tuple(entry[name] for name in _KEPT)
        except (ValueError, KeyError, TypeError):
            # No line of ours, or half of one: what it was for is made again.
            return

    def holds(self, job: Job) -> bool:
        """Whether the output of a job is there, of this very source and made this very way."""
        known = self._known.get(self._name(job))
        if known is None:
            return False
        source, rate_hz, *stamps, digest = known
        try:
            return bool(
                source == str(job.source)
                and stamps == [stamp_of(job.source), stamp_of(job.output)]
                and digest == self._digest(rate_hz)
            )
        except (OSError, VisualizerError, TypeError):
            # It is gone, or the line is of no file of sound.
            return False

    def add(self, outcome: Outcome) -> None:
        """Note features that are there now. Raises ConfigError where that cannot be written."""
        entry = {"output": self._name(outcome.job), **(outcome.entry or {})}
        with _writing(self._folder):
            self._file.write(json.dumps(entry).encode() + b"\n")
            self._file.flush()

    def _name(self, job: Job) -> str:
        return job.output.relative_to(self._folder).as_posix()


@contextmanager
def opened(folder: Path, making: Making) -> Iterator[Made]:
    """Open the list of a folder, which is made where there is none. Raises ConfigError."""
    with _writing(folder):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except FileExistsError as error:
            raise ConfigError(f"{quoted(folder)} is a file", "a folder is expected") from error
        file = (folder / NAME).open("a+b")
    with file:
        yield Made(folder, making, file)


def _writing(folder: Path) -> AbstractContextManager[None]:
    return writing(folder / NAME, "the list of the features")
