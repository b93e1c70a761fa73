"""The list of what a folder of features holds, by which a run knows what need not be made again.

`features.jsonl` in the folder has a line of JSON for each output. It is only ever added to, a line
at a time and after its output is in place: a run that is killed loses at most the lines of what it
had just finished, and two runs may share the folder. The last line of an output counts, and only
while the output has the size and the time that the line says, so that it is never taken for what
another run, or somebody else, has put in its place. A line with a `problem` is of an output that
was removed, since its sound has become bad.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

from visualizer.errors import ConfigError, VisualizerError, quoted
from visualizer.export.corpus import Job, Making, Outcome, stamp_of
from visualizer.support.files import writing

NAME = "features.jsonl"


@dataclass(frozen=True)
class _Entry:
    """What the list says of an output, as far as it matters here."""

    source: Any
    source_rate: Any
    source_stamp: Any
    output_stamp: Any
    digest: Any
    front_end: Any


_KEPT = tuple(field.name for field in fields(_Entry))


class Made:
    """What was made before, and what is being made."""

    def __init__(self, folder: Path, making: Making, file: IO[bytes]) -> None:
        self._folder = folder.absolute()
        self._file = file
        self._digest = lru_cache(maxsize=64)(lambda rate_hz: making.digest(making.at(rate_hz)))
        self._known: dict[str, _Entry] = {}
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
            output = str(entry["output"])
            if entry.get("problem"):
                self._known.pop(output, None)
            else:
                self._known[output] = _Entry(*(entry[name] for name in _KEPT))
        except (ValueError, KeyError, TypeError, AttributeError):
            # No line of ours, or half of one: what it was for is made again.
            return

    def holds(self, job: Job) -> bool:
        """Whether the output of a job is there, of this very source and made this very way."""
        known = self._known.get(self._name(job))
        if known is None:
            return False
        try:
            return bool(
                known.source == str(job.source)
                and known.source_stamp == stamp_of(job.source)
                and known.output_stamp == stamp_of(job.output)
                and known.digest == self._digest(known.source_rate)
            )
        except (OSError, VisualizerError, TypeError):
            # It is gone, or the line is of no file of sound.
            return False

    def other(self, job: Job, front_end: str) -> str:
        """Return what is in a job's place that is not of its source, or was made otherwise.

        In words that follow "they were"; "" where nothing is, or what the job makes again.
        """
        if not job.output.exists():
            return ""
        known = self._known.get(self._name(job))
        if known is None:
            return "not in the list"
        if known.source != str(job.source):
            return "of another sound"
        if known.front_end != front_end:
            return str(known.front_end)
        try:
            return "" if known.digest == self._digest(known.source_rate) else "made otherwise"
        except (VisualizerError, TypeError):
            return "made otherwise"

    def drop(self, outcome: Outcome) -> bool:
        """Remove what was made of a source that has changed since, and is bad now.

        What was made of the source as it is stays, since the fault is not the sound's; so does what
        somebody else has put there. Raises ConfigError where the list cannot be written.

        Returns:
            Whether there was any.
        """
        job, name = outcome.job, self._name(outcome.job)
        known = self._known.get(name)
        if known is None or known.source != str(job.source):
            return False
        try:
            if known.source_stamp == stamp_of(job.source):
                return False
            if known.output_stamp != stamp_of(job.output):
                return False
            job.output.unlink()
        except OSError:
            # A sound that is gone may come back, as a drive does.
            return False
        self._write({"output": name, "source": known.source, "problem": outcome.problem})
        return True

    def n_without_source(self, jobs: Iterable[Job]) -> int:
        """Return how many of the features that are there, but of no job, have lost their source."""
        rest = self._known.keys() - {self._name(job) for job in jobs}
        return sum(
            (self._folder / name).exists() and not Path(str(self._known[name].source)).exists()
            for name in rest
        )

    def add(self, outcome: Outcome) -> None:
        """Note features that are there now. Raises ConfigError where that cannot be written."""
        self._write({"output": self._name(outcome.job), **(outcome.entry or {})})

    def _write(self, entry: dict[str, Any]) -> None:
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
