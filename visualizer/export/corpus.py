"""Many files: which there are, where the features of each go, and how one of them is computed.

Each file is a job of its own, and `compute` does it: in one of several processes (workers.py) or
on a cluster (cluster.py).
"""

from __future__ import annotations

import glob
import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from visualizer._version import __version__
from visualizer.audio.channels import Channel, spelled
from visualizer.audio.reader import SUFFIXES
from visualizer.errors import ConfigError, SourceError, VisualizerError, one_line, quoted
from visualizer.export.offline import form_of, write_features
from visualizer.mel.empty_filters import empty_filters_text
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.front_ends import as_found

_MANY_ALIKE = 3
"""Files after the first with the same fault, from which on they are not named."""


@dataclass(frozen=True)
class Job:
    """A file and where its features go."""

    source: Path
    output: Path


@dataclass(frozen=True)
class Making:
    """How features are made, alike for all files."""

    front_end: str | FrontEnd
    """a preset's name, whose chain may depend on the rate of the sound, or the chain itself"""
    channel: Channel = "mean"
    gain_db: float = 0.0
    streaming: bool = False

    def at(self, sample_rate: int) -> FrontEnd:
        """Return the chain for sound of a rate (Hz)."""
        return as_found(self.front_end).at(sample_rate)

    def digest(self, chain: FrontEnd) -> str:
        """Return what is the same for features that are made alike, and for no others."""
        made = {
            "program": __version__,
            "chain": chain.to_dict(),
            "form": form_of(streaming=self.streaming),
            "channel": spelled(self.channel),
            "gain_db": self.gain_db,
        }
        return hashlib.sha256(json.dumps(made, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Outcome:
    """What came of a job."""

    job: Job
    problem: str = ""
    """why there are no features, in one line"""
    notices: tuple[str, ...] = ()
    """what a person should know of the sound or the front-end, each a line"""
    entry: dict[str, Any] | None = None
    """what the list of the folder says of the features"""


def compute(making: Making, job: Job) -> Outcome:
    """Write the features of one file; whatever is wrong with it is in the outcome."""
    notices: list[str] = []
    rates_hz: list[int] = []

    def front_end(sample_rate: int) -> FrontEnd:
        rates_hz.append(sample_rate)
        return making.at(sample_rate)

    try:
        _require_no_dangling_link(job.source)
        source_stamp = stamp_of(job.source)
        job.output.parent.mkdir(parents=True, exist_ok=True)
        shape, config = write_features(
            job.source,
            job.output,
            front_end,
            making.channel,
            streaming=making.streaming,
            gain_db=making.gain_db,
            on_notice=notices.append,
        )
        output_stamp = stamp_of(job.output)
    except Exception as error:
        # Also what nobody thought of: the other files still count.
        return failed(job, error, tuple(notices))
    (rate_hz,) = rates_hz
    if (empty := empty_filters_text(config)) is not None:
        notices.append(empty)
    entry = {
        "source": str(job.source),
        "source_rate": rate_hz,
        "source_stamp": source_stamp,
        "output_stamp": output_stamp,
        "shape": shape,
        "front_end": config.name,
        "sample_rate": config.sample_rate,
        "channel": spelled(making.channel),
        "gain_db": making.gain_db,
        "form": form_of(streaming=making.streaming),
        "digest": making.digest(config),
    }
    return Outcome(job, notices=tuple(notices), entry=entry)


def failed(job: Job, error: BaseException, notices: tuple[str, ...] = ()) -> Outcome:
    """Return the outcome of a job that ended with an error."""
    words = one_line(str(error)) if str(error) else type(error).__name__
    if not isinstance(error, VisualizerError | OSError) and str(error):
        words = f"{type(error).__name__}: {words}"
    name = quoted(job.source)
    return Outcome(job, words if name in words else f"{name}: {words}", notices)


def summed_up(bad: Sequence[Outcome]) -> list[str]:
    """Return what is wrong, a line for each file, or for the first of many with the same fault."""
    alike: dict[str, list[str]] = {}
    for outcome in bad:
        fault = outcome.problem.replace(quoted(outcome.job.source), "")
        alike.setdefault(fault, []).append(outcome.problem)
    lines: list[str] = []
    for first, *others in alike.values():
        if len(others) < _MANY_ALIKE:
            lines += (first, *others)
        else:
            lines.append(f"{first} (and the same of {len(others)} other files)")
    return lines


def _require_no_dangling_link(path: Path) -> None:
    if path.is_symlink() and not path.exists():
        raise SourceError(f"{quoted(path)} points to a file that is not there")


def stamp_of(path: Path) -> list[int]:
    """Return the size (bytes) and the time (ns) of a file's last change. Raises OSError."""
    status = path.stat()
    return [status.st_size, status.st_mtime_ns]


def is_pattern(text: str) -> bool:
    """Whether a text is no file or folder, and stands for several as a shell would have it."""
    return glob.has_magic(text) and not Path(text).exists()


def find_jobs(
    inputs: Sequence[str], folder: Path, form: str, on_unreadable: Callable[[str], None]
) -> list[Job]:
    """Return what is to be computed, in the order of the names.

    Args:
        inputs: Files, folders, which are searched for sound with their subfolders, and patterns
            such as `talks/**/*.wav`. Subfolders of a folder, or of what a pattern begins with, are
            kept.
        folder: Where the features go.
        form: What their names end in, without the dot.
        on_unreadable: Told of each subfolder that cannot be looked into, in a line.

    Raises:
        ConfigError: There is no such file, no sound in a folder, or two have one output.
    """
    # With links in their names left as they are: where those lead may be called otherwise, or be
    # elsewhere, on the machines of a cluster.
    folder = folder.absolute()
    jobs: dict[str, Job] = {}
    # Where a name is the same file in capitals.
    folded = str.casefold if sys.platform in ("win32", "darwin") else str
    for text in inputs:
        for source, place in sorted(_found(text, on_unreadable)):
            output = (folder / place).with_name(f"{place.stem}.{form}")
            before = jobs.setdefault(folded(str(output)), Job(source, output)).source
            if before.resolve() != source.resolve():
                raise ConfigError(
                    f"{quoted(before)} and {quoted(source)} would both be written to "
                    f"{quoted(output)}",
                    "rename one, or compute them in two runs, each with another -o"
                    if before.parent == source.parent
                    else "name a folder that holds both, whose subfolders are kept",
                )
    return sorted(jobs.values(), key=lambda job: (job.source, job.output))


def _found(text: str, on_unreadable: Callable[[str], None]) -> Iterator[tuple[Path, Path]]:
    """Yield the files that an input stands for, and where they lie within it."""
    path = Path(text).expanduser()
    if is_pattern(text):
        base = _without_pattern(path)
        try:
            found = [match.relative_to(base) for match in base.glob(str(path.relative_to(base)))]
        except ValueError as error:
            # Such as "**.wav", before Python 3.13.
            raise ConfigError(f"{quoted(text)} cannot be searched for: {error}") from error
        matches = [base / place for place in found if not _is_hidden(*place.parts)]
        if not matches:
            raise ConfigError(f"nothing is called {quoted(text)}")
        for match in matches:
            # What names a file itself is taken whatever its name ends in.
            files = tuple(_sounds_in(match, on_unreadable)) if match.is_dir() else (match,)
            yield from ((file.absolute(), file.relative_to(base)) for file in files)
    elif path.is_dir():
        problems: list[str] = []
        files = tuple(_sounds_in(path, problems.append))
        if not files:
            nothing = f"there is no sound in the folder {quoted(text)}"
            raise ConfigError("; ".join(problems) or nothing)
        for problem in problems:
            on_unreadable(problem)
        yield from ((file.absolute(), file.relative_to(path)) for file in files)
    elif path.exists():
        yield path.absolute(), Path(path.name)
    else:
        _require_no_dangling_link(path)
        raise ConfigError(f"there is no file or folder {quoted(text)}")


def _without_pattern(path: Path) -> Path:
    """Return the folder that a pattern begins with, whatever characters there are in its name."""
    return next(
        parent for parent in path.parents if parent.is_dir() or not glob.has_magic(str(parent))
    )


def _sounds_in(folder: Path, on_unreadable: Callable[[str], None]) -> Iterator[Path]:
    def note(error: OSError) -> None:
        on_unreadable(f"the folder {quoted(error.filename)} cannot be read: {error.strerror}")

    for parent, folders, names in os.walk(folder, onerror=note):
        folders[:] = [name for name in folders if not _is_hidden(name)]
        for name in names:
            if name.lower().endswith(SUFFIXES) and not _is_hidden(name):
                yield Path(parent, name)


def _is_hidden(*names: str) -> bool:
    """Whether a shell would pass over it; macOS puts "._a.wav", no sound, beside "a.wav"."""
    return any(name.startswith(".") and name != ".." for name in names)
