"""`visualizer run`, the default: the live window, or a live view in the terminal."""

from __future__ import annotations

import argparse
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import get_args

from visualizer.audio.wav import SoundFormat
from visualizer.cli.live import (
    add_analysis,
    add_duration,
    add_sound,
    capture_config,
    run_options,
    with_faults,
)
from visualizer.cli.options import add_option, file_name, refused, require_writable
from visualizer.engine.options import MINIMUM_SIZE, RecordingConfig, RunOptions
from visualizer.errors import ConfigError, DisplayError, quoted
from visualizer.models.loading import find as find_model
from visualizer.support import process
from visualizer.support.faults import Faults
from visualizer.support.system import display_problem

_LARGEST_SIZE = (16384, 16384)


def register(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_sound(
        parser,
        "mic|demo|FILE",
        "a microphone, the built-in recording, or a file (WAV, FLAC, MP3, M4A, Ogg, Opus, "
        "WebM, …, or the sound of a video) played at its own pace (default: what was chosen "
        "last, at first the microphone)",
    )
    add_analysis(parser, "what was chosen last, at first simli")
    output = parser.add_argument_group("output")
    add_duration(output)
    add_option(output, "--screenshot", "PNG", file_name(".png"), "save the window at the end")
    add_option(output, "--report", "FILE", Path, "save what was measured as JSON")
    add_option(output, "--record", "FOLDER", Path, "record the sound and its columns there")
    output.add_argument(
        "--record-format",
        choices=get_args(SoundFormat),
        default="float32",
        help="of the recorded sound's samples (default: float32, which is exact)",
    )
    output.add_argument(
        "--headless", action="store_true", help="a live view in the terminal instead"
    )
    add_option(
        output, "--size", "WxH", _size, "of the window, such as 1280x720; at most the screen"
    )


def run(arguments: argparse.Namespace) -> int:
    """Open the window, or go on in the terminal where there is none."""
    process.begin()
    # Everything that can be checked is, before anything opens.
    options = replace(
        run_options(arguments, capture_config(arguments)),
        screenshot=arguments.screenshot,
        report=arguments.report,
        size=arguments.size,
        recording=_recording(arguments),
    )
    require_writable((options.report, "the report"), (options.screenshot, "the screenshot"))
    if options.model is not None:
        find_model(options.model)
    return with_faults(lambda faults: _show(options, arguments.headless, faults))


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


def _size(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d+)x(\d+)", text, re.IGNORECASE)
    if found is None:
        raise refused(text, "WIDTHxHEIGHT, such as 1280x720")
    width, height = map(int, found.groups())
    (least_width, least_height), (most_width, most_height) = MINIMUM_SIZE, _LARGEST_SIZE
    if not (least_width <= width <= most_width and least_height <= height <= most_height):
        limits = f"{least_width}x{least_height} to {most_width}x{most_height}"
        raise refused(text, f"a size from {limits}")
    return width, height


def _recording(arguments: argparse.Namespace) -> RecordingConfig | None:
    if arguments.record is None:
        return None
    folder: Path = arguments.record.expanduser().resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise ConfigError(
            f"{quoted(folder)} is a file", "recordings need a folder, which need not exist"
        ) from error
    except OSError as error:
        raise ConfigError(
            f"the recordings cannot go to {quoted(folder)}: {error.strerror}",
            "name a folder that you may write to",
        ) from error
    return RecordingConfig(str(folder), arguments.record_format)
