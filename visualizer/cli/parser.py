"""The commands and their options, in the words of their help."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import Any, NoReturn, get_args

from visualizer._version import __version__
from visualizer.audio.capture import SAMPLE_FORMATS
from visualizer.audio.wav import SoundFormat
from visualizer.cli import live_commands
from visualizer.cli import other_commands as commands
from visualizer.cli.commands import test as test_command
from visualizer.engine.options import OUTPUT_FORMATS
from visualizer.mel.compute import COMPUTE_CHOICES
from visualizer.mel.picture import Unit

_Group = argparse._ArgumentGroup
"""which argparse gives, and does not name"""


class Parser(argparse.ArgumentParser):
    """Answers in one line, and takes no option by its first letters."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"visualizer: {message}; see `{self.prog} --help`\n")


def make_parser() -> tuple[Parser, dict[str, Parser]]:
    """The whole one, and those of the commands by their names."""
    parser = Parser(
        prog="visualizer",
        epilog="`visualizer run --help` shows the options of the window.",
        description="Show, as you speak, the mel features that a model would be fed, and how "
        "many milliseconds late each of them is. Without a command: run.",
    )
    parser.add_argument("--version", action="version", version=f"mel-visualizer {__version__}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND")
    _add_run(subparsers.add_parser("run", help="open the live window (the default)"))

    devices = subparsers.add_parser("devices", help="list what can be recorded from")
    form = devices.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON, with accepted rates")
    form.add_argument(
        "--watch",
        action="store_true",
        help="print the list as a line of JSON, now and on each change, until standard input ends",
    )
    devices.set_defaults(command=commands.devices)

    presets = subparsers.add_parser("presets", help="list the front-ends")
    presets.add_argument(
        "--check", action="store_true", help="compute each and show how far it is from float64"
    )
    presets.add_argument("--json", action="store_true", help="print JSON, with the whole configs")
    presets.set_defaults(command=commands.presets)

    _add_stream(
        subparsers.add_parser("stream", help="columns on standard output, for scripts and pipes")
    )
    _add_mel(subparsers.add_parser("mel", help="a file's features, as the model would get them"))

    _add_diff(
        subparsers.add_parser("diff", help="two front-ends, kernels, recordings or feature files")
    )

    bench = subparsers.add_parser(
        "bench", help="time our kernels, and what people call instead, on this machine"
    )
    bench.add_argument("--peers", action="store_true", help="time other libraries as well")
    bench.add_argument(
        "--drawing",
        action="store_true",
        help="time the picture's updates in a window instead, or, with --peers or --chart, as well",
    )
    bench.add_argument("--json", type=Path, metavar="FILE", help="save all figures as JSON")
    bench.add_argument("--chart", type=Path, metavar="PNG", help="save a chart")
    bench.set_defaults(command=commands.bench)

    _add_latency(
        subparsers.add_parser(
            "latency", help="play clicks, find them in the input, and say how late they are"
        )
    )

    doctor = subparsers.add_parser(
        "doctor", help="what this machine has and lacks for the app, with a try of the microphone"
    )
    doctor.add_argument("--json", action="store_true", help="print one JSON object")
    doctor.add_argument("--no-capture", action="store_true", help="do not try the microphone")
    doctor.set_defaults(command=commands.doctor)

    completion = subparsers.add_parser(
        "completion",
        help="print a script that has a shell complete commands, options, presets and files",
        epilog="For the current bash: source <(visualizer completion bash). For good, write it to "
        "~/.local/share/bash-completion/completions/visualizer, or for zsh to a file _visualizer "
        "in a folder of $fpath.",
    )
    completion.add_argument("shell", choices=("bash", "zsh"))
    completion.set_defaults(command=partial(commands.completion, parser))

    test = subparsers.add_parser(
        "test", help="run the project's tests (in a checkout); further options are pytest's"
    )
    test.set_defaults(command=test_command.run)
    return parser, subparsers.choices


def _add_run(run: argparse.ArgumentParser) -> None:
    _add_sound(
        run,
        "mic|demo|FILE",
        "a microphone, the built-in recording, or an audio file (WAV, FLAC, OGG, MP3) played at "
        "its own pace (default: what was chosen last, at first the microphone)",
    )
    _add_analysis(run, "what was chosen last, at first simli")
    output = run.add_argument_group("output")
    _add_duration(output)
    output.add_argument("--screenshot", type=Path, metavar="PNG", help="save the window at the end")
    output.add_argument(
        "--report", type=Path, metavar="FILE", help="save what was measured as JSON"
    )
    output.add_argument(
        "--record", type=Path, metavar="FOLDER", help="record the sound and its columns there"
    )
    output.add_argument(
        "--record-format",
        choices=get_args(SoundFormat),
        default="float32",
        help="of the recorded sound's samples (default: float32, which is exact)",
    )
    output.add_argument(
        "--headless", action="store_true", help="a live view in the terminal instead"
    )
    output.add_argument("--size", metavar="WxH", help="of the window, such as 1280x720")
    run.set_defaults(command=live_commands.run)


def _add_stream(stream: argparse.ArgumentParser) -> None:
    sound = _add_sound(
        stream,
        "mic|demo|FILE|-",
        "a microphone, the built-in recording, an audio file (WAV, FLAC, OGG, MP3) played at its "
        "own pace, or -: raw PCM from standard input, as fast as it comes, which needs "
        "--sample-rate and has 1 channel without --channels (default: mic)",
    )
    sound.add_argument(
        "--sample-format",
        choices=SAMPLE_FORMATS,
        help="of raw PCM, little-endian, channels interleaved: unsigned, signed or floating-point, "
        "and the bits (default: s16)",
    )
    analysis = _add_analysis(stream, "simli")
    analysis.add_argument(
        "--channel",
        default="mean",
        metavar="mean|each|K",
        help="each analyses up to 8 side by side, K counts from 1 (default: mean)",
    )
    output = stream.add_argument_group("output")
    output.add_argument(
        "--format",
        choices=OUTPUT_FORMATS,
        default="jsonl",
        help="jsonl: a line of JSON for each column; npy: a .npy for each, one after the other; "
        "f32: little-endian float32 and nothing else; in the latter two a missing column is NaN "
        "(default: jsonl)",
    )
    _add_duration(output)
    stream.set_defaults(command=live_commands.stream)


def _add_sound(parser: argparse.ArgumentParser, sources: str, words: str) -> _Group:
    sound = parser.add_argument_group("sound")
    sound.add_argument("--source", metavar=sources, help=words)
    sound.add_argument(
        "--device",
        metavar="NAME_OR_INDEX",
        help="which microphone: its index, its name or a part of it, or the sound server's own "
        "name of a source (see: visualizer devices)",
    )
    sound.add_argument("--sample-rate", type=int, metavar="HZ", help="default: the device's own")
    sound.add_argument("--channels", type=int, metavar="N", help="how many to open (default: ≤ 2)")
    sound.add_argument("--loop", action="store_true", help="play the file again and again")
    return sound


def _add_analysis(parser: argparse.ArgumentParser, default: str) -> _Group:
    analysis = parser.add_argument_group("analysis")
    analysis.add_argument(
        "--preset",
        metavar="NAME",
        help=f"front-end (default: {default}; see: visualizer presets)",
    )
    analysis.add_argument(
        "--config", type=Path, metavar="JSON", help="a front-end of your own instead of a preset"
    )
    analysis.add_argument("--compute", choices=COMPUTE_CHOICES, help="where the kernel runs")
    analysis.add_argument(
        "--kernel",
        choices=("auto", "eager"),
        default="auto",
        help="auto compiles one for the front-end beside the running stream, and keeps it; eager "
        "is plain torch (default: auto)",
    )
    return analysis


def _add_duration(output: _Group) -> None:
    output.add_argument(
        "--duration", type=float, metavar="S", help="quit so many seconds after the first column"
    )


def _add_mel(mel: argparse.ArgumentParser) -> None:
    mel.add_argument("input", type=Path, metavar="IN", help="audio file (WAV, FLAC, OGG, MP3)")
    mel.add_argument(
        "-o", "--output", type=Path, required=True, metavar="OUT", help="a .npy or .npz file"
    )
    mel.add_argument("--preset", metavar="NAME", help="front-end (default: simli)")
    mel.add_argument("--config", type=Path, metavar="JSON", help="a front-end of your own instead")
    mel.add_argument(
        "--channels", default="mean", metavar="mean|all|K", help="K counts from 1 (default: mean)"
    )
    mel.add_argument(
        "--streaming", action="store_true", help="through the live path, in blocks of 10 ms"
    )
    mel.set_defaults(command=commands.mel)


def _add_latency(latency: argparse.ArgumentParser) -> None:
    latency.add_argument(
        "--device", metavar="NAME_OR_INDEX", help="which microphone (default: the system's)"
    )
    latency.add_argument(
        "--output",
        metavar="NAME_OR_INDEX",
        help="what to play to: its index, its name or a part of it (default: the system's)",
    )
    latency.add_argument(
        "--sample-rate", type=int, metavar="HZ", help="of both (default: each device's own)"
    )
    latency.add_argument(
        "--clicks", type=int, default=20, metavar="N", help="how many to play (default: 20)"
    )
    latency.add_argument(
        "--preset", default="simli", metavar="NAME", help="front-end (default: simli)"
    )
    latency.add_argument(
        "--level",
        type=float,
        default=-12.0,
        metavar="DB",
        help="of the clicks' peak, dB of full scale, at most -3 (default: -12)",
    )
    latency.add_argument("--json", type=Path, metavar="FILE", help="save each click as JSON")
    latency.set_defaults(command=commands.latency)


def _add_diff(diff: argparse.ArgumentParser) -> None:
    diff.description = "Show in which numbers A and B differ, and by how much their columns do."
    diff.epilog = (
        "A front-end is a preset's name or a JSON file; its kernel follows a colon: eager (the "
        "default), compiled, cuda-graph, or reference, the one in float64. The exit code is 0 "
        "whatever the difference is."
    )
    for letter in "ab":
        diff.add_argument(
            letter,
            metavar=letter.upper(),
            help="a front-end (PRESET or JSON, with :KERNEL), an audio file, demo, or a .npy or "
            ".npz of features",
        )
    diff.add_argument(
        "--on", metavar="SOUND", help="what front-ends go over (default: demo, the built-in sound)"
    )
    diff.add_argument(
        "--preset",
        metavar="NAME",
        help="what recordings go through (default: simli), or what made a .npy",
    )
    diff.add_argument(
        "--config", type=Path, metavar="JSON", help="a front-end of your own for that"
    )
    diff.add_argument(
        "--unit",
        choices=get_args(Unit),
        help="of the difference: model, the very numbers, or dB (default: dB where front-ends or "
        "sounds differ and have it, else model)",
    )
    diff.add_argument("--picture", type=Path, metavar="PNG", help="save A, B and the difference")
    diff.add_argument("--json", type=Path, metavar="FILE", help="save all figures as JSON")
    diff.set_defaults(command=commands.diff)
