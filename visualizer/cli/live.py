"""What the commands on live sound share: `run` and `stream`."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable
from pathlib import Path

from visualizer.audio.capture import CaptureConfig, SourceKind
from visualizer.audio.channels import SIDE_BY_SIDE_MAX
from visualizer.cli.options import (
    Group,
    add_channel,
    add_front_end,
    add_gain,
    add_model,
    add_option,
    integer,
    number,
    said_front_end,
)
from visualizer.engine.config import choice
from visualizer.engine.options import RunOptions
from visualizer.errors import ConfigError, VisualizerError
from visualizer.mel.compute import COMPUTE_CHOICES
from visualizer.support.faults import Faults

_log = logging.getLogger(__name__)


def add_sound(parser: argparse.ArgumentParser, sources: str, source_help: str) -> Group:
    """Declare what to open; return the group for what only one command has."""
    sound = parser.add_argument_group("sound")
    add_option(sound, "--source", sources, str, source_help)
    text = (
        "which microphone: its index, its name or a part of it, or the sound server's own name of "
        "a source (see: visualizer devices)"
    )
    add_option(sound, "--device", "NAME_OR_INDEX", str, text)
    add_option(sound, "--sample-rate", "HZ", integer(48_000), "default: the device's own")
    text = "how many to open, the first ones (default: all it has)"
    add_option(sound, "--channels", "N", integer(2), text)
    add_gain(sound)
    sound.add_argument("--loop", action="store_true", help="play the file again and again")
    return sound


def add_analysis(parser: argparse.ArgumentParser, default: str) -> Group:
    """Declare the front-end and the kernel; return the group for what only one command has."""
    analysis = parser.add_argument_group("analysis")
    add_front_end(analysis, f"front-end (default: {default})")
    each = f"up to {SIDE_BY_SIDE_MAX} side by side"
    add_channel(analysis, each, None)
    analysis.add_argument("--compute", choices=COMPUTE_CHOICES, help="where the kernel runs")
    analysis.add_argument(
        "--kernel",
        choices=("auto", "numpy", "eager"),
        default="auto",
        help="auto begins with NumPy's and compiles one beside the running stream, which it keeps "
        "and uses where it is faster; numpy stays; eager is plain torch (default: auto)",
    )
    add_model(analysis)
    return analysis


def add_duration(output: Group) -> None:
    """Declare --duration."""
    seconds = number(1e-9, 1e7, "a number of seconds above 0")
    add_option(output, "--duration", "S", seconds, "quit this many seconds after the first column")


def capture_config(arguments: argparse.Namespace) -> CaptureConfig | None:
    """Return which sound to open; None where no option says it. Raises ConfigError."""
    source, device = arguments.source, arguments.device
    rate, channels, gain_db = arguments.sample_rate, arguments.channels, arguments.gain
    if source is device is rate is channels is None and not gain_db:
        if arguments.loop:
            raise ConfigError("--loop goes with --source FILE")
        return None
    kinds: dict[str | None, SourceKind] = {None: "mic", "mic": "mic", "demo": "demo"}
    kind = kinds.get(source, "file")
    if device is not None and kind != "mic":
        raise ConfigError(f"--device goes with a microphone, not with --source {source}")
    if kind == "file":
        from visualizer.audio.file import open_audio

        if not source:
            raise ConfigError("--source is empty", "it must be mic, demo or a file")
        if source == "-":
            raise ConfigError("--source - is standard input, which `visualizer stream` reads")
        open_audio(Path(source).expanduser()).close()
    return CaptureConfig(
        kind=kind,
        device=device,
        path=str(Path(source).expanduser().resolve()) if kind == "file" else None,
        sample_rate=rate,
        channels=channels,
        loop=arguments.loop,
        gain_db=gain_db,
    )


def run_options(arguments: argparse.Namespace, capture: CaptureConfig | None) -> RunOptions:
    """Return what is the same with and without a window. Raises ConfigError."""
    found = said_front_end(arguments)
    return RunOptions(
        capture=capture,
        **({} if found is None else choice(found)),
        channel=arguments.channel,
        compute=arguments.compute,
        kernel=arguments.kernel,
        model=arguments.model,
        trust_model=arguments.trust_model,
        duration_s=arguments.duration,
    )


def with_faults(action: Callable[[Faults], int]) -> int:
    """Return the exit code of a run whose faults are logged."""
    with Faults() as faults:
        try:
            return action(faults)
        except (VisualizerError, BrokenPipeError):
            raise
        except Exception:
            _log.exception("the program failed")
            return 1
