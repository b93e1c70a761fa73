"""The command line: puts the parts together."""

from __future__ import annotations

import argparse
import json
import logging
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from visualizer import __version__, process
from visualizer.config import COMPUTE_CHOICES, CaptureConfig, SourceKind
from visualizer.errors import ConfigError, DisplayError, VisualizerError
from visualizer.options import RunOptions
from visualizer.presets import PRESETS, preset
from visualizer.system import display_problem


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit code; errors of the user's are one line and a 2."""
    arguments = sys.argv[1:] if argv is None else argv
    parser, commands = _parser()
    if not arguments or arguments[0] not in (*commands, "-h", "--help", "--version"):
        arguments = ["run", *arguments]
    parsed = parser.parse_args(arguments)
    logging.basicConfig(format="%(name)s: %(message)s", level=logging.WARNING)
    command: Callable[[argparse.Namespace], int] = parsed.command
    try:
        return command(parsed)
    except VisualizerError as error:
        print(f"visualizer: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # Whoever reads the output has seen enough; leave nothing for the interpreter to flush.
        sys.stderr.close()
        return 0
    except KeyboardInterrupt:
        return 130


def _parser() -> tuple[argparse.ArgumentParser, list[str]]:
    parser = argparse.ArgumentParser(
        prog="visualizer",
        description="Show, as you speak, the mel features that a model would be fed, and how "
        "many milliseconds late each of them is. Without a command: run.",
    )
    parser.add_argument("--version", action="version", version=f"mel-visualizer {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    _add_run(commands.add_parser("run", help="open the live window (the default)"))

    devices = commands.add_parser("devices", help="list the microphones")
    devices.add_argument("--json", action="store_true", help="print JSON, with accepted rates")
    devices.set_defaults(command=_devices)

    presets = commands.add_parser("presets", help="list the front-ends")
    presets.add_argument("--json", action="store_true", help="print JSON, with the whole configs")
    presets.set_defaults(command=_presets)

    test = commands.add_parser("test", help="run the project's tests (in a checkout)")
    test.add_argument("pytest_args", nargs=argparse.REMAINDER, metavar="...", help="for pytest")
    test.set_defaults(command=_test)
    return parser, list(commands.choices)


def _add_run(run: argparse.ArgumentParser) -> None:
    sound = run.add_argument_group("sound")
    sound.add_argument(
        "--source",
        metavar="mic|demo|FILE",
        help="a microphone, the built-in recording, or an audio file (WAV, FLAC, OGG, MP3) played "
        "at its own pace (default: what was chosen last, at first the microphone)",
    )
    sound.add_argument(
        "--device",
        metavar="NAME_OR_INDEX",
        help="which microphone: its index, its name or a part of it (see: visualizer devices)",
    )
    sound.add_argument("--sample-rate", type=int, metavar="HZ", help="default: the device's own")
    sound.add_argument("--channels", type=int, metavar="N", help="how many to open (default: ≤ 2)")
    sound.add_argument("--loop", action="store_true", help="play the file again and again")
    analysis = run.add_argument_group("analysis")
    analysis.add_argument(
        "--preset", metavar="NAME", help=f"front-end: {', '.join(PRESETS)} (default: simli)"
    )
    analysis.add_argument("--compute", choices=COMPUTE_CHOICES, help="where the kernel runs")
    output = run.add_argument_group("output")
    output.add_argument(
        "--duration", type=float, metavar="S", help="quit so many seconds after the first column"
    )
    output.add_argument("--screenshot", type=Path, metavar="PNG", help="save the window at the end")
    output.add_argument(
        "--report", type=Path, metavar="FILE", help="save what was measured as JSON"
    )
    output.add_argument(
        "--headless", action="store_true", help="a live view in the terminal instead"
    )
    output.add_argument("--size", metavar="WxH", help="of the window, such as 1280x720")
    run.set_defaults(command=_run)


def _run(arguments: argparse.Namespace) -> int:
    process.begin()
    options = _run_options(arguments)
    problem = None if arguments.headless else display_problem()
    if arguments.headless or problem:
        if options.screenshot is not None:
            reason = problem or "--headless opens no window"
            raise DisplayError(f"--screenshot needs a window: {reason}")
        if problem:
            print(f"visualizer: no window: {problem} Going on in the terminal.", file=sys.stderr)
        from visualizer.terminal import run_terminal

        return run_terminal(options)
    if sys.platform == "win32":
        # There, torch does not find its libraries once Qt has loaded its own.
        import torch  # noqa: F401
    from visualizer.ui.app import run_window

    return run_window(options)


def _run_options(arguments: argparse.Namespace) -> RunOptions:
    """Check everything that can be checked before anything opens."""
    from visualizer.report import require_writable

    if arguments.preset is not None:
        preset(arguments.preset)
    if arguments.duration is not None and not 0 < arguments.duration < 1e7:
        raise ConfigError(f"--duration is {arguments.duration}; it must be above 0 (seconds)")
    if arguments.report is not None:
        require_writable(arguments.report, "the report")
    if arguments.screenshot is not None:
        if arguments.screenshot.suffix.lower() != ".png":
            raise ConfigError(f"--screenshot is {str(arguments.screenshot)!r}; it must end in .png")
        require_writable(arguments.screenshot, "the screenshot")
    return RunOptions(
        capture=_capture(arguments),
        preset=arguments.preset,
        compute=arguments.compute,
        duration_s=arguments.duration,
        screenshot=arguments.screenshot,
        report=arguments.report,
        size=_size(arguments.size),
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

        open_audio(Path(source)).close()
    return CaptureConfig(
        kind=kind,
        device=device,
        path=source if kind == "file" else None,
        sample_rate=rate,
        channels=channels,
        loop=arguments.loop,
    )


def _size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    width, x, height = text.lower().partition("x")
    if not (x and width.isdecimal() and height.isdecimal()):
        raise ConfigError(f"--size is {text!r}; it must be WIDTHxHEIGHT, such as 1280x720")
    size = int(width), int(height)
    if not (640 <= size[0] <= 16384 and 360 <= size[1] <= 16384):
        raise ConfigError(f"--size is {text!r}; it must be from 640x360 to 16384x16384")
    return size


def _devices(arguments: argparse.Namespace) -> int:
    from visualizer.audio.devices import devices_to_json, list_devices, table

    devices = list_devices(with_rates=arguments.json)
    if arguments.json:
        print(json.dumps(devices_to_json(devices), indent=2))
    else:
        print(table(devices) if devices else "no microphone was found")
    return 0


def _presets(arguments: argparse.Namespace) -> int:
    if arguments.json:
        rows = [
            {
                "name": p.name,
                "summary": p.summary,
                "source": p.source,
                "front_end": preset(p.name).to_dict(),
            }
            for p in PRESETS.values()
        ]
        print(json.dumps(rows, indent=2))
    else:
        width = max(map(len, PRESETS))
        for p in PRESETS.values():
            print(f"{p.name:<{width}}  {p.summary}\n{'':<{width}}  from: {p.source}")
    return 0


def _test(arguments: argparse.Namespace) -> int:
    root = Path(__file__).parents[1]
    if not (root / "tests").is_dir():
        raise ConfigError("the tests are part of a checkout of the project, which this is not")
    python = sys.executable
    checks = (
        [python, "-m", "ruff", "check", "."],
        [python, "-m", "ruff", "format", "--check", "."],
        [python, "-m", "mypy"],
        [str(Path(python).with_name("lint-imports"))],
        [python, "-m", "pytest", *arguments.pytest_args],
    )
    failed = [check for check in checks if subprocess.run(check, cwd=root).returncode != 0]
    for check in failed:
        print(f"failed: {' '.join(check[1:] or check)}", file=sys.stderr)
    return 1 if failed else 0
