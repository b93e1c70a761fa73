"""`visualizer mel`: the features of a file, or of many, as the model would get them."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from visualizer.cli.options import (
    add_channel,
    add_front_end,
    add_gain,
    channel,
    chosen_front_end,
    require_writable,
    whole_number,
)
from visualizer.errors import ConfigError, quoted
from visualizer.export.archive import FORMATS

if TYPE_CHECKING:
    from visualizer.export.corpus import Job, Making, Outcome

_SUFFIXES = tuple(f".{form}" for form in FORMATS)
_MOST_JOBS = 61
"""Processes that Windows can wait for."""


def register(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = (
        "With several IN, a folder, a pattern such as 'talks/**/*.wav', or an existing folder as "
        "OUT, many files are computed: OUT is the folder for their features, and features.jsonl in "
        "it lists them. What is there already, of the same sound and front-end, is not made again."
    )
    what = "a file of sound: WAV, FLAC, MP3, M4A, Ogg, Opus, WebM, …, or a video; for many files "
    what += "also folders, whose subfolders are kept, and patterns"
    parser.add_argument("inputs", nargs="+", metavar="IN", help=what)
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        metavar="OUT",
        help="a .npy, .npz or .safetensors file; for many files a folder",
    )
    add_front_end(parser, "front-end (default: simli)")
    add_channel(parser, "has an array of its own")
    # What it was called before 0.2.
    parser.add_argument(
        "--channels",
        dest="channel",
        type=lambda text: channel(each=True)("each" if text == "all" else text),
        default=argparse.SUPPRESS,
        help=argparse.SUPPRESS,
    )
    add_gain(parser)
    parser.add_argument(
        "--streaming", action="store_true", help="through the live path, in blocks of 10 ms"
    )
    many = parser.add_argument_group("many files")
    many.add_argument("--format", choices=FORMATS, help="of the features (default: npy)")
    by = many.add_mutually_exclusive_group()
    jobs = whole_number(1, _MOST_JOBS)
    text = "processes that compute (default: one for each core)"
    by.add_argument("--jobs", metavar="N", type=jobs, help=text)
    text = "compute on a Dask cluster, given its scheduler's address, such as tcp://10.0.0.1:8786; "
    text += "its workers need this program, and the files under the same paths"
    by.add_argument("--cluster", metavar="ADDRESS", help=text)


def run(arguments: argparse.Namespace) -> int:
    """Write the features and say what they are."""
    if "-" in arguments.inputs:
        raise ConfigError(
            "mel reads files, not standard input", "`visualizer stream --source -` takes that"
        )
    return _many(arguments) if _is_many(arguments) else _one(arguments)


def _is_many(arguments: argparse.Namespace) -> bool:
    inputs: list[str] = arguments.inputs
    options = (arguments.format, arguments.jobs, arguments.cluster)
    if not arguments.output.suffix and any(option is not None for option in options):
        return True
    if len(inputs) > 1 or arguments.output.is_dir() or Path(inputs[0]).is_dir():
        return True
    # Not with the module, which computes single files without it.
    from visualizer.export.corpus import is_pattern

    return is_pattern(inputs[0])


def _one(arguments: argparse.Namespace) -> int:
    from visualizer.cli.said import say
    from visualizer.export.offline import write_features
    from visualizer.mel.empty_filters import empty_filters_text
    from visualizer.support.console import progress_on_terminal

    output: Path = arguments.output
    source = Path(arguments.inputs[0])
    for option in ("format", "jobs", "cluster"):
        if getattr(arguments, option) is not None:
            raise ConfigError(
                f"--{option} is for many files", f"{quoted(output)} would be a folder then"
            )
    if output.suffix.lower() not in _SUFFIXES:
        raise ConfigError(
            f"--output: {quoted(output)} must end in .npy or .npz or .safetensors",
            "or name an existing folder",
        )
    require_writable((output, "the features"))
    front_end = chosen_front_end(arguments)
    with progress_on_terminal() as progress:
        task = progress.add_task(source.name, total=1.0)
        shape, config = write_features(
            source,
            output,
            front_end.at,
            arguments.channel,
            streaming=arguments.streaming,
            gain_db=arguments.gain,
            on_progress=lambda share: progress.update(task, completed=share),
            on_notice=say,
        )
    if (empty := empty_filters_text(config)) is not None:
        say(empty)
    form = " (streaming form)" if arguments.streaming and config.needs_whole_clip else ""
    sizes = " × ".join(map(str, shape))
    print(f"{output}: {sizes} float32, {config.name} at {config.sample_rate} Hz{form}")
    return 0


def _many(arguments: argparse.Namespace) -> int:
    from visualizer.cli.said import say, saying_once
    from visualizer.export.corpus import find_jobs, summed_up
    from visualizer.export.made import opened
    from visualizer.support.console import progress_on_terminal
    from visualizer.support.files import remove_unfinished
    from visualizer.support.process import TerminatedError, raising_on_sigterm

    folder: Path = arguments.output
    if folder.suffix.lower() in _SUFFIXES and not folder.is_dir():
        raise ConfigError(f"{quoted(folder)} is a file's name", "many files need a folder as OUT")
    making = _making(arguments)
    unread: list[str] = []
    jobs = find_jobs(arguments.inputs, folder, arguments.format or "npy", unread.append)
    folders = {job.output.parent for job in jobs}
    name = making.front_end if isinstance(making.front_end, str) else making.front_end.name
    n_written = n_there = 0
    others: dict[Job, str] = {}
    replaced: Counter[str] = Counter()
    bad: list[Outcome] = []
    say_once = saying_once()
    try:
        with (
            raising_on_sigterm(),
            _workers(arguments, making, len(jobs)) as outcomes_of,
            opened(folder, making) as listed,
            progress_on_terminal() as progress,
        ):
            remove_unfinished(folders)
            task = progress.add_task(folder.name, total=len(jobs))

            def advance() -> None:
                done = n_written + n_there + len(bad)
                of_all = f"{folder.name}: {done} of {len(jobs)} files"
                progress.update(task, completed=done, description=of_all)

            def left() -> Iterator[Job]:
                nonlocal n_there
                for job in jobs:
                    if not listed.holds(job):
                        if other := listed.other(job, name):
                            others[job] = other
                        yield job
                        continue
                    n_there += 1
                    advance()

            with closing(outcomes_of(left())) as outcomes:
                for outcome in outcomes:
                    for notice in outcome.notices:
                        say_once(notice)
                    other = others.pop(outcome.job, "")
                    if not outcome.problem:
                        listed.add(outcome)
                        n_written += 1
                        replaced.update([other] if other else [])
                    elif listed.drop(outcome):
                        removed = f"{outcome.problem}; its features, of before, are removed"
                        bad.append(replace(outcome, problem=removed))
                    else:
                        bad.append(outcome)
                    advance()
            n_orphans = listed.n_without_source(jobs)
    except KeyboardInterrupt as stop:
        remove_unfinished(folders)
        done = f"{n_written + n_there} of {len(jobs)} files are done"
        say(f"stopped: {done}; run the same command again to go on")
        return stop.exit_code if isinstance(stop, TerminatedError) else 130
    for problem in (*unread, *summed_up(bad)):
        say(problem)
    n_replaced = replaced.total()
    were = "it was" if n_replaced == 1 else "they were"
    kinds = ", ".join(kind for kind, _ in replaced.most_common(3))
    instead = f" ({n_replaced} replaced: {were} {kinds})" if replaced else ""
    there = f", {n_there} already there" if n_there else ""
    failed = f", {len(bad)} could not be computed" if bad else ""
    orphans = f"; {n_orphans} there without a source" if n_orphans else ""
    written = f"{n_written} of {len(jobs)} files written{instead}"
    print(f"{folder}: {written}{there}{failed}, {name}{orphans}")
    return 1 if bad or unread else 0


def _making(arguments: argparse.Namespace) -> Making:
    from visualizer.export.corpus import Making

    found = chosen_front_end(arguments)
    front_end = found.name if found.preset is not None else found.at(None)
    return Making(front_end, arguments.channel, arguments.gain, arguments.streaming)


@contextmanager
def _workers(
    arguments: argparse.Namespace, making: Making, n_jobs: int
) -> Iterator[Callable[[Iterator[Job]], Generator[Outcome, None, object]]]:
    """Yield a function that has jobs done and yields what came of each."""
    from visualizer.export.corpus import compute
    from visualizer.export.workers import cores, done_by, done_by_processes, on_one_thread

    work = partial(compute, making)
    if arguments.cluster is None:
        n = min(arguments.jobs or min(cores(), _MOST_JOBS), n_jobs)
        yield lambda jobs: done_by_processes(work, jobs, n)
        return
    from visualizer.export.cluster import connected

    with connected(arguments.cluster) as cluster:
        work = partial(on_one_thread, work)
        yield lambda jobs: done_by(cluster.executor, work, jobs, cluster.n, cluster.require)
