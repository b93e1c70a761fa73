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
        "the sound of a video) played at its own pace, or -: standard input, as fast as it comes: "
        "a file of any such kind, or, with --sample-rate, raw PCM, which has 1 channel without "
        "--channels (default: mic)",
    )
    sound.add_argument(
        "--sample-format",
        choices=SAMPLE_FORMATS,
        help="of raw PCM, channels interleaved: unsigned, signed or floating-point, the bits, and "
        "be where it is big-endian; s24in32 is ALSA's S24_LE (default: s16)",
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
    if arguments.model is not None and arguments.format != "jsonl":
        raise ConfigError(
            f"--format {arguments.format} holds columns alone, and no answers of a model",
            "leave out --model, or take --format jsonl",
        )
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
    rate, form, channels = arguments.sample_rate, arguments.sample_format, arguments.channels
    if rate is None and form is not None:
        raise ConfigError("--sample-format needs --sample-rate HZ: raw PCM does not say its rate")
    is_raw = rate is not None
    return CaptureConfig(
        "pipe",
        sample_rate=rate,
        channels=1 if is_raw and channels is None else channels,
        sample_format=form or "s16" if is_raw else None,
        gain_db=arguments.gain,
    )
