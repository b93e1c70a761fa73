"""`visualizer mel`: a file's features, as the model would get them."""

from __future__ import annotations

import argparse
from pathlib import Path

from visualizer.cli.options import (
    add_channel,
    add_front_end,
    add_gain,
    channel,
    chosen_front_end,
    file_name,
    require_writable,
)


def register(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    what = "a file of sound: WAV, FLAC, MP3, M4A, Ogg, Opus, WebM, …, or a video"
    parser.add_argument("input", type=Path, metavar="IN", help=what)
    parser.add_argument(
        "-o",
        "--output",
        type=file_name(".npy", ".npz"),
        required=True,
        metavar="OUT",
        help="a .npy or .npz file",
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


def run(arguments: argparse.Namespace) -> int:
    """Write the features and say what they are."""
    from visualizer.cli.said import say
    from visualizer.export.offline import write_features
    from visualizer.mel.empty_filters import empty_filters_text
    from visualizer.support.console import progress_on_terminal

    output: Path = arguments.output
    require_writable((output, "the features"))
    front_end = chosen_front_end(arguments)
    with progress_on_terminal() as progress:
        task = progress.add_task(arguments.input.name, total=1.0)
        shape, config = write_features(
            arguments.input,
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
