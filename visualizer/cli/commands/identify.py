"""`visualizer identify`: which front-end made these features."""

from __future__ import annotations

import argparse
from pathlib import Path

from visualizer.cli.options import (
    add_channel,
    add_gain,
    add_option,
    file_name,
    require_writable,
)


def register(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.description = "Find the front-end that made an array of features of a known sound."
    parser.epilog = (
        "The exit code is 0 where the front-end that was found gives the same features, to their "
        "rounding, and 1 where it is only the nearest."
    )
    parser.add_argument(
        "features",
        type=file_name(".npy", ".npz", ".safetensors"),
        metavar="FEATURES",
        help="a .npy, or a .npz or .safetensors with one array or one named mel, in either "
        "orientation",
    )
    parser.add_argument(
        "--on",
        required=True,
        metavar="SOUND",
        help="the audio file that they were made of, or demo, the built-in sound",
    )
    add_channel(parser)
    text = "what to compare with: a preset, a model's folder or file (default: the nearest)"
    add_gain(parser)
    add_option(parser, "--near", "WHAT", str, text)
    add_option(parser, "--json", "FILE", Path, "save what was found as JSON")
    text = "save the front-end that was found; the window opens it, and diff and mel take it"
    add_option(parser, "--save", "MINE", file_name(".json"), text)


def run(arguments: argparse.Namespace) -> int:
    """Identify the features; print a line a field and write what was asked for."""
    import numpy as np

    from visualizer.audio.demo import demo_path
    from visualizer.cli.said import say
    from visualizer.engine.report import write_report
    from visualizer.export.offline import opened_mono
    from visualizer.mel.flat import written
    from visualizer.mel.front_ends import find_front_end
    from visualizer.support.console import progress_on_terminal
    from visualizer.tools.identify.observation import read_features
    from visualizer.tools.identify.search import identify

    require_writable((arguments.json, "what was found"), (arguments.save, "the front-end"))
    if arguments.near is not None:
        find_front_end(arguments.near)
    features = read_features(arguments.features)
    path = demo_path() if arguments.on == "demo" else Path(arguments.on).expanduser()
    sound = opened_mono(path, gain_db=arguments.gain, channel=arguments.channel, on_notice=say)
    with sound as (file, blocks):
        samples = np.concatenate([np.zeros(0, np.float32), *(block[:, 0] for block in blocks)])
        sample_rate = file.sample_rate
    with progress_on_terminal() as progress:
        task = progress.add_task(arguments.features.name, total=1.0)
        found = identify(
            features,
            samples,
            sample_rate,
            arguments.near,
            lambda share: progress.update(task, completed=share),
        )
    # The files first: the reader of the lines may have seen enough before their end.
    if arguments.json is not None:
        write_report(arguments.json, found.to_dict())
    if arguments.save is not None:
        write_report(arguments.save, written(found.front_end))
    print("\n".join(found.sentences()))
    return 0 if found.is_same else 1
