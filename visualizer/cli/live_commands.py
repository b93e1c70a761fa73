"""What the commands on live sound do: `run` and `stream`; see visualizer/cli/commands.py."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from visualizer.audio.capture import CaptureConfig, SourceKind
from visualizer.cli.commands import own_front_end
from visualizer.engine.config import Channel
from visualizer.engine.options import MINIMUM_SIZE, RecordingConfig, RunOptions, StreamOptions
from visualizer.errors import ConfigError, DisplayError, VisualizerError, quoted
from visualizer.mel.presets import preset
from visualizer.support import process
from visualizer.support.faults import Faults
from visualizer.support.system import display_problem

_log = logging.getLogger(__name__)


def run(arguments: argparse.Namespace) -> int:
    process.begin()
    options = _run_options(arguments)
    return _with_faults(lambda faults: _show(options, arguments.headless, faults))


def stream(arguments: argparse.Namespace) -> int:
    process.begin()
    options = _stream_options(arguments)
    from visualizer.cli.stream import run_stream

    return _with_faults(lambda _: run_stream(options))


def _with_faults(action: Callable[[Faults], int]) -> int:
    """The exit code of a run whose faults are logged."""
    with Faults() as faults:
        try:
            return action(faults)
        except (VisualizerError, BrokenPipeError):
            raise
        except Exception:
            _log.exception("the program failed")
            return 1


def _show(options: RunOptions, headless: bool, faults: Faults) -> int:
    problem = None if headless else display_problem()
    if headless or problem:
        if options.screenshot is not None:
            reason = problem or DisplayError("--headless opens no window")
            raise DisplayError(f"--screenshot needs a window: {reason.problem}", reason.remedy)
        if problem:
            print(f"visualizer: no window, going on in the terminal: {problem}", file=sys.stderr)
        from visualizer.cli.terminal import run_terminal

        return run_terminal(options)
    if sys.platform == "win32":
        # There, torch does not find its libraries once Qt has loaded its own.
        import torch  # noqa: F401
    from visualizer.ui.app import run_window

    return run_window(options, faults)


def _run_options(arguments: argparse.Namespace) -> RunOptions:
    """Check everything that can be checked before anything opens."""
    from visualizer.engine.report import require_writable

    options = _engine_options(arguments, _capture(arguments))
    if arguments.report is not None:
        require_writable(arguments.report, "the report")
    if arguments.screenshot is not None:
        if arguments.screenshot.suffix.lower() != ".png":
            raise ConfigError(f"--screenshot is {str(arguments.screenshot)!r}; it must end in .png")
        require_writable(arguments.screenshot, "the screenshot")
    return replace(
        options,
        screenshot=arguments.screenshot,
        report=arguments.report,
        size=_size(arguments.size),
        recording=_recording(arguments),
    )


def _stream_options(arguments: argparse.Namespace) -> StreamOptions:
    """Check everything that can be checked before anything opens."""
    if arguments.source == "-":
        capture = _pipe(arguments)
    elif arguments.sample_format is not None:
        raise ConfigError("--sample-format goes with --source -")
    else:
        capture = _capture(arguments) or CaptureConfig("mic")
    word = arguments.channel
    if word not in ("mean", "each") and not (word.isdecimal() and int(word) > 0):
        raise ConfigError(f"--channel is {word!r}; it must be mean, each or a number from 1 on")
    channel: Channel = None if word == "mean" else "each" if word == "each" else int(word) - 1
    return StreamOptions(_engine_options(arguments, capture), arguments.format, channel)


def _engine_options(arguments: argparse.Namespace, capture: CaptureConfig | None) -> RunOptions:
    """What is the same with and without a window."""
    if arguments.preset is not None:
        preset(arguments.preset)
    if arguments.duration is not None and not 0 < arguments.duration < 1e7:
        raise ConfigError(f"--duration is {arguments.duration}; it must be above 0 (seconds)")
    return RunOptions(
        capture=capture,
        preset=arguments.preset,
        mel=own_front_end(arguments),
        compute=arguments.compute,
        compiled=arguments.kernel == "auto",
        duration_s=arguments.duration,
    )


def _pipe(arguments: argparse.Namespace) -> CaptureConfig:
    for option in ("device", "loop"):
        if getattr(arguments, option):
            raise ConfigError(f"--{option} does not go with --source -")
    if arguments.sample_rate is None:
        raise ConfigError("--source - needs --sample-rate HZ: raw PCM does not tell it")
    return CaptureConfig(
        "pipe",
        sample_rate=arguments.sample_rate,
        channels=1 if arguments.channels is None else arguments.channels,
        sample_format=arguments.sample_format or "s16",
    )


def _capture(arguments: argparse.Namespace) -> CaptureConfig | None:
    source, device = arguments.source, arguments.device
    rate, channels = arguments.sample_rate, arguments.channels
    if source is None and device is None and rate is None and channels is None:
        if arguments.loop:
            raise ConfigError("--loop goes with --source FILE")
        return None
    kind: SourceKind = "file"
    if source in (None, "mic"):
        kind = "mic"
    elif source == "demo":
        kind = "demo"
    if device is not None and kind != "mic":
        raise ConfigError(f"--device goes with a microphone, not with --source {source}")
    if kind == "file":
        from visualizer.audio.file import open_audio

        if not source:
            raise ConfigError("--source is empty; it must be mic, demo or a file")
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
    )


def _recording(arguments: argparse.Namespace) -> RecordingConfig | None:
    if arguments.record is None:
        return None
    folder: Path = arguments.record.expanduser().resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"the recordings cannot go to {quoted(folder)}: {error.strerror}; "
            "name a folder that you may write to"
        ) from error
    return RecordingConfig(str(folder), arguments.record_format)


def _size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    width, x, height = text.lower().partition("x")
    if not (x and width.isdecimal() and height.isdecimal()):
        raise ConfigError(f"--size is {text!r}; it must be WIDTHxHEIGHT, such as 1280x720")
    size = int(width), int(height)
    least_width, least_height = MINIMUM_SIZE
    if not (least_width <= size[0] <= 16384 and least_height <= size[1] <= 16384):
        least = f"{least_width}x{least_height}"
        raise ConfigError(f"--size is {text!r}; it must be from {least} to 16384x16384")
    return size
