"""`visualizer diff`: in which numbers two front-ends or recordings differ, and by how much."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import get_args

from visualizer.cli.options import (
    add_front_end,
    add_option,
    chosen_front_end,
    file_name,
    require_writable,
)
from visualizer.errors import ConfigError
from visualizer.mel.picture import Unit


def register(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.description = "Show in which numbers A and B differ, and by how much their columns do."
    parser.epilog = (
        "A front-end is a preset's name or a JSON file; its kernel follows a colon: numpy (the "
        "default), eager, compiled, cuda-graph, or reference, the one in float64. The exit code "
        "is 0 whatever the difference is."
    )
    for letter in "ab":
        parser.add_argument(
            letter,
            metavar=letter.upper(),
            help="a front-end (PRESET or JSON, with :KERNEL), an audio file, demo, or a .npy or "
            ".npz of features",
        )
    text = "what front-ends go over (default for two: demo, the built-in sound)"
    add_option(parser, "--on", "SOUND", str, text)
    add_front_end(parser, "what recordings go through (default: simli), or what made a .npy")
    parser.add_argument(
        "--unit",
        choices=get_args(Unit),
        help="of the difference: model, the very numbers, or dB (default: dB where front-ends or "
        "sounds differ and have it, else model)",
    )
    add_option(parser, "--picture", "PNG", file_name(".png"), "save A, B and the difference")
    add_option(parser, "--json", "FILE", Path, "save all figures as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Compare the two; print tables and write what was asked for."""
    from visualizer.audio.demo import demo_path
    from visualizer.engine.report import write_report
    from visualizer.support.console import hush_torch, print_tables, progress_on_terminal
    from visualizer.support.folders import cache_folder
    from visualizer.tools.diff.difference import compare
    from visualizer.tools.diff.sides import DEMO, Shared, obtain, operand
    from visualizer.tools.diff.tables import diff_tables

    require_writable((arguments.json, "the figures"), (arguments.picture, "the picture"))
    front_end = chosen_front_end(arguments)
    a, b = operand(arguments.a), operand(arguments.b)
    kinds = {a.kind, b.kind}
    if kinds == {"front-end", "recording"}:
        raise ConfigError(
            "one is a front-end and one a recording",
            "give two of a kind, and with --on what two front-ends go over, or with --preset what "
            "two recordings go through",
        )
    if kinds == {"front-end", "features"} and arguments.on is None:
        raise ConfigError(
            "the sound that the features were made of is not known", "name it with --on SOUND"
        )
    if arguments.on is not None and "front-end" not in kinds:
        raise ConfigError("--on is what front-ends go over, and neither of the two is one")
    is_said = arguments.preset is not None or arguments.config is not None
    if is_said and kinds == {"front-end"}:
        raise ConfigError("--preset and --config go with recordings and features, not front-ends")
    shared = Shared(
        sound=demo_path() if arguments.on in (None, DEMO) else Path(arguments.on).expanduser(),
        front_end=front_end,
        features_front_end=front_end(None) if is_said else None,
        kernels=cache_folder() / "kernels",
    )
    hush_torch()
    with progress_on_terminal() as progress:
        tasks = [progress.add_task(side.title, total=1.0) for side in (a, b)]
        side_a = obtain(a, shared, lambda share: progress.update(tasks[0], completed=share))
        side_b = obtain(b, shared, lambda share: progress.update(tasks[1], completed=share))
    found = compare(side_a, side_b, arguments.unit)
    # The files first: the reader of the tables may have seen enough before their end.
    if arguments.picture is not None:
        from visualizer.tools.diff.picture import save_picture

        save_picture(found, arguments.picture)
    if arguments.json is not None:
        write_report(arguments.json, found.to_dict())
    print_tables(diff_tables(found))
    return 0
