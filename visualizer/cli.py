"""The command line: puts the parts together."""

from __future__ import annotations

import argparse
import difflib
import json
import logging
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from visualizer import __version__, process
from visualizer.config import (
    COMPUTE_CHOICES,
    CaptureConfig,
    EngineConfig,
    MelConfig,
    SourceKind,
)
from visualizer.errors import ConfigError, DisplayError, VisualizerError
from visualizer.options import RunOptions
from visualizer.presets import PRESETS, front_end, preset
from visualizer.system import display_problem


class _Parser(argparse.ArgumentParser):
    """Answers in one line, and takes no option by its first letters."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"visualizer: {message}; see `{self.prog} --help`\n")


def main() -> int:
    """Run what the command line says and return the exit code."""
    return process.leave(run_command(sys.argv[1:]))


def run_command(arguments: list[str]) -> int:
    """Run one command and return its exit code; errors of the user's are one line and a 2."""
    parser, commands = _parser()
    if arguments and not arguments[0].startswith("-") and arguments[0] not in commands:
        near = difflib.get_close_matches(arguments[0], commands, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(commands)}"
        parser.error(f"unknown command {arguments[0]!r}; {hint}")
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
    parser = _Parser(
        prog="visualizer",
        epilog="`visualizer run --help` shows the options of the window.",
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
    presets.add_argument(
        "--check", action="store_true", help="compute each and show how far it is from float64"
    )
    presets.add_argument("--json", action="store_true", help="print JSON, with the whole configs")
    presets.set_defaults(command=_presets)

    _add_mel(commands.add_parser("mel", help="a file's features, as the model would get them"))

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
        "--preset",
        metavar="NAME",
        help="front-end (default: what was chosen last, at first simli; see: visualizer presets)",
    )
    analysis.add_argument(
        "--config", type=Path, metavar="JSON", help="a front-end of your own instead of a preset"
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
    mel.set_defaults(command=_mel)


def _mel(arguments: argparse.Namespace) -> int:
    import numpy as np
    from rich.console import Console
    from rich.progress import Progress

    from visualizer.offline import column_times_s, file_columns
    from visualizer.report import require_writable

    output: Path = arguments.output
    if output.suffix not in (".npy", ".npz"):
        raise ConfigError(f"--output is {str(output)!r}; it must end in .npy or .npz")
    if arguments.channels not in ("mean", "all") and not arguments.channels.isdecimal():
        raise ConfigError(f"--channels is {arguments.channels!r}; it must be mean, all or a number")
    require_writable(output, "the features")
    channels = arguments.channels
    wanted = EngineConfig(
        CaptureConfig("demo"), preset=arguments.preset or "simli", mel=_own_front_end(arguments)
    )
    preset(wanted.preset)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(arguments.input.name, total=1.0)
        columns, config = file_columns(
            arguments.input,
            lambda rate: front_end(wanted, rate),
            int(channels) if channels.isdecimal() else channels,
            streaming=arguments.streaming,
            on_progress=lambda share: progress.update(task, completed=share),
        )
    if output.suffix == ".npy":
        np.save(output, columns, allow_pickle=False)
    else:
        np.savez(
            output,
            mel=columns,
            config=json.dumps(config.to_dict()),
            sample_rate=config.sample_rate,
            times_s=column_times_s(config, columns.shape[-1]),
        )
    shape = " × ".join(map(str, columns.shape))
    form = " (streaming form)" if arguments.streaming and config.needs_whole_clip else ""
    print(f"{output}: {shape} float32, {config.name} at {config.sample_rate} Hz{form}")
    return 0


def _own_front_end(arguments: argparse.Namespace) -> MelConfig | None:
    path: Path | None = arguments.config
    if path is None:
        return None
    if arguments.preset is not None:
        raise ConfigError("--preset and --config exclude each other; give one of them")
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{str(path)!r} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(f"{str(path)!r} is not JSON: {error}") from error
    return MelConfig.from_dict(values)


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
        mel=_own_front_end(arguments),
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

        if not source:
            raise ConfigError("--source is empty; it must be mic, demo or a file")
        open_audio(Path(source).expanduser()).close()
    return CaptureConfig(
        kind=kind,
        device=device,
        path=str(Path(source).expanduser().resolve()) if kind == "file" else None,
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
    if arguments.check:
        return _check_presets()
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


def _check_presets() -> int:
    import numpy as np

    from visualizer.offline import largest_deviation

    width = max(map(len, PRESETS))
    print("The largest deviation of the kernel (float32) from the reference (float64) over 2 s of")
    print("fresh noise, and the largest value there is:")
    for p in PRESETS.values():
        noise = np.random.default_rng().normal(0.0, 0.1, 2 * p.config.sample_rate)
        deviation, largest = largest_deviation(p.config, noise.astype(np.float32))
        print(f"{p.name:<{width}}  {deviation:8.1e} of {largest:9.4g}", flush=True)
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
        [python, "-c", "from importlinter.cli import lint_imports_command as c; c()"],
        [python, "-m", "pytest", *arguments.pytest_args],
    )
    failed = [check for check in checks if subprocess.run(check, cwd=root).returncode != 0]
    for check in failed:
        print(f"failed: {' '.join(check[1:] or check)}", file=sys.stderr)
    return 1 if failed else 0
