"""`visualizer stream`: columns on standard output, for scripts and pipes."""

from __future__ import annotations

import argparse

from visualizer.audio.capture import SAMPLE_FORMATS, CaptureConfig
from visualizer.cli.live import (
    add_analysis,
    add_duration,
    add_sound,
    capture_config,
    run_options,
    with_faults,
)
from visualizer.engine.options import OUTPUT_FORMATS
from visualizer.errors import ConfigError
from visualizer.support import process


def register(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    sound = add_sound(
        parser,
        "mic|demo|FILE|-",
        "a microphone, the built-in recording, a file (WAV, FLAC, MP3, M4A, Ogg, Opus, WebM, …, or "
        "the sound of a video) played at its own pace, or -: raw PCM from standard input, as fast "
        "as it comes, which needs --sample-rate and has 1 channel without --channels "
        "(default: mic)",
    )
    sound.add_argument(
        "--sample-format",
        choices=SAMPLE_FORMATS,
        help="of raw PCM, little-endian, channels interleaved: unsigned, signed or floating-point, "
        "and the bits (default: s16)",
    )
    add_analysis(parser, "simli")
    output = parser.add_argument_group("output")
    output.add_argument(
        "--format",
        choices=OUTPUT_FORMATS,
        default="jsonl",
        help="jsonl: a line of JSON for each column; npy: a .npy for each, one after the other; "
        "f32: little-endian float32 and nothing else; in the latter two a missing column is NaN "
        "(default: jsonl)",
    )
    add_duration(output)


def run(arguments: argparse.Namespace) -> int:
    """Write columns until the sound or the duration ends."""
    process.begin()
    # Everything that can be checked is, before anything opens.
    capture = _pipe(arguments) if arguments.source == "-" else _capture(arguments)
    options = run_options(arguments, capture)
    from visualizer.cli.stream import run_stream

    return with_faults(lambda _: run_stream(options, arguments.format))


def _capture(arguments: argparse.Namespace) -> CaptureConfig:
    if arguments.sample_format is not None:
        raise ConfigError("--sample-format goes with --source -")
    return capture_config(arguments) or CaptureConfig("mic")


def _pipe(arguments: argparse.Namespace) -> CaptureConfig:
    for option in ("device", "loop"):
        if getattr(arguments, option):
            raise ConfigError(f"--{option} does not go with --source -")
    if arguments.sample_rate is None:
        raise ConfigError("--source - needs --sample-rate HZ: raw PCM does not say its rate")
    return CaptureConfig(
        "pipe",
        sample_rate=arguments.sample_rate,
        channels=1 if arguments.channels is None else arguments.channels,
        sample_format=arguments.sample_format or "s16",
        gain_db=arguments.gain,
    )
