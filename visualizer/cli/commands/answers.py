"""`visualizer answers`: what a model answers to a whole file, the same as beside a stream."""

from __future__ import annotations

import argparse
from pathlib import Path

from visualizer.cli.options import (
    MODEL,
    add_channel,
    add_gain,
    add_trust_model,
    file_name,
    require_writable,
)


def register(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = (
        "OUT holds `model`, (numbers, answers) float32 with NaN where there was nothing to tell, "
        "`model_times_s`, the middle of what each is for, `model_spec`, JSON, and, of a model that "
        "answers texts, `model_texts`. `visualizer diff` compares two of them."
    )
    text = "a file of sound: WAV, FLAC, MP3, M4A, Ogg, Opus, WebM, …, or a video"
    parser.add_argument("input", metavar="IN", type=Path, help=text)
    text = "an .npz file"
    parser.add_argument(
        "-o", "--output", type=file_name(".npz"), required=True, metavar="OUT", help=text
    )
    parser.add_argument("--model", metavar="WHAT", required=True, help=f"the model: {MODEL}")
    add_trust_model(parser)
    add_channel(parser)
    add_gain(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write the answers and say what they are."""
    from visualizer.cli.said import say
    from visualizer.export.answering import answers_to
    from visualizer.export.answers import write_answers
    from visualizer.models.reader import ModelReader
    from visualizer.support.console import progress_on_terminal

    source: Path = arguments.input
    output: Path = arguments.output
    require_writable((output, "the answers"))
    reader = ModelReader(arguments.model, trusted=arguments.trust_model)
    try:
        reader.load()
        with progress_on_terminal() as progress:
            task = progress.add_task(source.name, total=1.0)
            answered = answers_to(
                source,
                reader,
                channel=arguments.channel,
                gain_db=arguments.gain,
                on_progress=lambda share: progress.update(task, completed=share),
                on_notice=say,
            )
    finally:
        reader.close()
    write_answers(output, answered)
    if note := reader.status.note:
        say(note)
    names = ", ".join(one.name for one in answered.spec.outputs)
    print(f"{output}: {len(answered.times_s)} answers of {answered.spec.name}: {names}")
    return 0
