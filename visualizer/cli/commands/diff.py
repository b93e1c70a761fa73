"""`visualizer diff`: in which numbers two front-ends or recordings differ, and by how much."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from visualizer.cli.options import (
    FRONT_END,
    add_channel,
    add_front_end,
    add_gain,
    add_option,
    chosen_front_end,
    file_name,
    number,
    require_writable,
    said_front_end,
)
from visualizer.errors import ConfigError
from visualizer.mel.picture import Unit
from visualizer.tools.diff.own_code import LIMIT_S, Python

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from visualizer.tools.diff.difference import Comparison
    from visualizer.tools.diff.explain import Explained
    from visualizer.tools.diff.sides import Operand


def register(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.description = "Show in which numbers A and B differ, and by how much their columns do."
    parser.epilog = (
        f"A front-end is {FRONT_END}; its kernel follows a colon: numpy (the default), eager, "
        "compiled, cuda-graph, or reference, the one in float64. Your own code is a function of "
        "samples, a float32 array (n,), and their sample rate in Hz, which returns an array; it "
        "runs in a process of its own. The exit code is 0 whatever the difference is."
    )
    for letter in "ab":
        parser.add_argument(
            letter,
            metavar=letter.upper(),
            help="a front-end, your own code as FILE.py:FUNCTION, an audio file, demo, features as "
            ".npy, .npz or .safetensors, or a model's answers as .npz",
        )
    text = "what front-ends and your code go over (default: demo, the built-in sound)"
    add_option(parser, "--on", "SOUND", str, text)
    add_channel(parser)
    add_gain(parser, "every sound that is read")
    add_front_end(parser, "what recordings go through (default: simli), or what made a .npy")
    parser.add_argument(
        "--unit",
        choices=get_args(Unit),
        help="of the difference: model, the very numbers, or dB (default: dB where front-ends or "
        "sounds differ and have it, else model)",
    )
    add_option(
        parser, "--python", "EXE", str, "what runs your code, with NumPy (default: this one)"
    )
    seconds = number(0.1, 1e6, "a number of seconds from 0.1 on")
    text = f"how long your code may take, its imports too (default: {LIMIT_S:g})"
    add_option(parser, "--limit", "S", seconds, text, LIMIT_S)
    add_option(parser, "--picture", "PNG", file_name(".png"), "save A, B and the difference")
    add_option(parser, "--json", "FILE", Path, "save all figures as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Compare the two; print tables and write what was asked for."""
    from visualizer.audio.demo import demo_path
    from visualizer.cli.said import saying_once
    from visualizer.engine.report import write_report
    from visualizer.support.console import hush_torch, print_tables, progress_on_terminal
    from visualizer.support.folders import cache_folder
    from visualizer.tools.diff.answers import are_answers
    from visualizer.tools.diff.difference import compare
    from visualizer.tools.diff.sides import DEMO, Shared, obtain_both, operand
    from visualizer.tools.diff.tables import diff_tables

    require_writable((arguments.json, "the figures"), (arguments.picture, "the picture"))
    if are_answers(arguments.a, arguments.b):
        return _answers(arguments)
    said = said_front_end(arguments)
    a, b = operand(arguments.a), operand(arguments.b)
    _require_a_pair({a.kind, b.kind}, arguments.on, said is not None)
    executable = arguments.python or sys.executable
    shared = Shared(
        sound=demo_path() if arguments.on in (None, DEMO) else Path(arguments.on).expanduser(),
        front_end=(said or chosen_front_end(arguments)).at,
        features_front_end=None if said is None else said.at(None),
        kernels=cache_folder() / "kernels",
        channel=arguments.channel,
        python=Python(executable, arguments.limit),
        gain_db=arguments.gain,
        on_notice=saying_once(),
    )
    hush_torch()
    with progress_on_terminal() as progress:
        tasks = [progress.add_task(side.title, total=1.0) for side in (a, b)]
        sides = obtain_both(a, b, shared, lambda i, n: progress.update(tasks[i], completed=n))
        found = compare(*sides, arguments.unit)
    # The files first: the reader of the tables may have seen enough before their end.
    if arguments.picture is not None:
        from visualizer.tools.diff.picture import save_picture

        save_picture(found, arguments.picture)
    figures = found.to_dict() | {"identified": {}}
    if arguments.json is not None:
        write_report(arguments.json, figures)
    print_tables(diff_tables(found))
    # The tables first: this may take a minute.
    made = _what_made(found, (a, b), shared.python)
    if arguments.json is not None and made:
        identified = {letter: one.values for letter, one in made.items()}
        write_report(arguments.json, figures | {"identified": identified})
    for letter, one in made.items():
        heading = f"what made {letter}{one.stretch}:"
        print_tables([heading, *(f"  {line}" for line in one.sentences)])
    return 0


def _answers(arguments: argparse.Namespace) -> int:
    """Compare two files of a model's answers."""
    from visualizer.engine.report import write_report
    from visualizer.support.console import print_tables
    from visualizer.tools.diff.answers import answers_tables, compare_answers

    for option in ("on", "front_end", "unit", "picture"):
        if getattr(arguments, option) is not None:
            name = option.replace("_", "-")
            raise ConfigError(f"--{name} does not go with two files of answers")
    found = compare_answers(Path(arguments.a), Path(arguments.b))
    if arguments.json is not None:
        write_report(arguments.json, found.to_dict())
    print_tables(answers_tables(found))
    return 0


def _what_made(
    found: Comparison, operands: tuple[Operand, Operand], python: Python
) -> dict[str, Explained]:
    """Return what `identify` says of your own code, where more than rounding differs.

    The front-end of the other side is what it names the differences from. Of code that returns
    what is not finite a note says so, and that is to be mended first.
    """
    import numpy as np

    from visualizer.support.console import progress_on_terminal
    from visualizer.tools.diff.explain import explained
    from visualizer.tools.identify.search import identify

    made: dict[str, Explained] = {}
    if found.figures is not None and found.figures.is_rounding:
        return made
    with progress_on_terminal() as progress:
        for letter, side, wanted, other in zip(
            "AB", (found.a, found.b), operands, reversed(operands), strict=True
        ):
            if wanted.code is None or side.given is None or not np.isfinite(side.values).all():
                continue
            task = progress.add_task(f"what made {letter}", total=1.0)
            found_by = partial(identify, on_progress=partial(_complete, progress, task))
            made[letter] = explained(side, side.given, wanted.code, other.what, python, found_by)
    return made


def _complete(progress: Progress, task: TaskID, share: float) -> None:
    progress.update(task, completed=share)


def _require_a_pair(kinds: set[str], on: str | None, is_said: bool) -> None:
    """Raise ConfigError for two that say nothing of each other, and options that do not fit."""
    computed = kinds & {"front-end", "code"}
    if computed and "recording" in kinds:
        one = "a front-end" if "front-end" in kinds else "your code"
        raise ConfigError(
            f"one is {one} and one a recording",
            "give two of a kind, and with --on what front-ends and your code go over, or with "
            "--front-end what two recordings go through",
        )
    if computed and "features" in kinds and on is None:
        raise ConfigError(
            "the sound that the features were made of is not known", "name it with --on SOUND"
        )
    if on is not None and not computed:
        raise ConfigError("--on is what front-ends and your code go over, and neither is one")
    if is_said and not kinds - {"front-end", "code"}:
        raise ConfigError("--front-end goes with recordings and features, not with front-ends")
