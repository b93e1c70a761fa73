"""What the commands do; each takes its parsed arguments and returns an exit code.

`run` and `stream` are in visualizer/cli/live_commands.py.
"""

from __future__ import annotations

import argparse
import json
import logging
import subprocess
import sys
import warnings
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visualizer.audio.capture import CaptureConfig
from visualizer.engine.config import EngineConfig, front_end
from visualizer.errors import ConfigError, DisplayError
from visualizer.mel.flat import MelConfig
from visualizer.mel.front_end_files import read_front_end
from visualizer.mel.presets import PRESETS, preset
from visualizer.support.system import display_problem

if TYPE_CHECKING:
    from rich.progress import Progress

    from visualizer.tools.bench.measure import BenchResult, DrawingResult

QUIETEST_DB, LOUDEST_DB = -60.0, -3.0
"""Of full scale: what may be asked of the clicks' peak."""
FEWEST_CLICKS, MOST_CLICKS = 5, 100


def mel(arguments: argparse.Namespace) -> int:
    from visualizer.engine.report import require_writable
    from visualizer.export.offline import write_features

    output: Path = arguments.output
    if output.suffix not in (".npy", ".npz"):
        raise ConfigError(f"--output is {str(output)!r}; it must end in .npy or .npz")
    if arguments.channels not in ("mean", "all") and not arguments.channels.isdecimal():
        raise ConfigError(f"--channels is {arguments.channels!r}; it must be mean, all or a number")
    require_writable(output, "the features")
    channels = arguments.channels
    wanted = EngineConfig(
        CaptureConfig("demo"), preset=arguments.preset or "simli", mel=own_front_end(arguments)
    )
    preset(wanted.preset)
    with _progress() as progress:
        task = progress.add_task(arguments.input.name, total=1.0)
        shape, config = write_features(
            arguments.input,
            output,
            lambda rate: front_end(wanted, rate),
            int(channels) if channels.isdecimal() else channels,
            streaming=arguments.streaming,
            on_progress=lambda share: progress.update(task, completed=share),
        )
    form = " (streaming form)" if arguments.streaming and config.needs_whole_clip else ""
    sizes = " × ".join(map(str, shape))
    print(f"{output}: {sizes} float32, {config.name} at {config.sample_rate} Hz{form}")
    return 0


def diff(arguments: argparse.Namespace) -> int:
    from visualizer.audio.demo import demo_path
    from visualizer.engine.report import require_writable, write_report
    from visualizer.support.console import print_tables
    from visualizer.support.folders import cache_folder
    from visualizer.tools.diff.difference import compare
    from visualizer.tools.diff.sides import (
        DEMO,
        FrontEndOperand,
        RecordingOperand,
        Shared,
        obtain,
        operand,
    )
    from visualizer.tools.diff.tables import diff_tables

    for path, what in ((arguments.json, "the figures"), (arguments.picture, "the picture")):
        if path is not None:
            require_writable(path, what)
    if arguments.picture is not None and arguments.picture.suffix.lower() != ".png":
        raise ConfigError(f"--picture is {str(arguments.picture)!r}; it must end in .png")
    wanted = EngineConfig(
        CaptureConfig("demo"), preset=arguments.preset or "simli", mel=own_front_end(arguments)
    )
    preset(wanted.preset)
    a, b = operand(arguments.a), operand(arguments.b)
    kinds = {type(a), type(b)}
    if kinds == {FrontEndOperand, RecordingOperand}:
        raise ConfigError(
            "one is a front-end and one a recording; give two of a kind, and with --on what two "
            "front-ends go over, or with --preset what two recordings go through"
        )
    if arguments.on is not None and FrontEndOperand not in kinds:
        raise ConfigError("--on is what front-ends go over, and neither of the two is one")
    is_said = arguments.preset is not None or arguments.config is not None
    if is_said and kinds == {FrontEndOperand}:
        raise ConfigError("--preset and --config go with recordings and features, not front-ends")
    shared = Shared(
        sound=demo_path() if arguments.on in (None, DEMO) else Path(arguments.on).expanduser(),
        front_end=lambda rate: front_end(wanted, rate),
        features_front_end=front_end(wanted) if is_said else None,
        kernels=cache_folder() / "kernels",
    )
    with _progress() as progress:
        tasks = [progress.add_task(side.title, total=1.0) for side in (a, b)]
        side_a = obtain(a, shared, lambda share: progress.update(tasks[0], completed=share))
        side_b = obtain(b, shared, lambda share: progress.update(tasks[1], completed=share))
    found = compare(side_a, side_b, arguments.unit)
    # The files first: whoever reads the tables may have seen enough before their end.
    if arguments.picture is not None:
        from visualizer.tools.diff.picture import save_picture

        save_picture(found, arguments.picture)
    if arguments.json is not None:
        write_report(arguments.json, found.to_dict())
    print_tables(diff_tables(found))
    return 0


def _progress() -> Progress:
    """Shown on standard error while it lasts, and only to a person."""
    from rich.console import Console
    from rich.progress import Progress

    beside = Console(stderr=True)
    return Progress(console=beside, transient=True, disable=not beside.is_terminal)


def own_front_end(arguments: argparse.Namespace) -> MelConfig | None:
    path: Path | None = arguments.config
    if path is None:
        return None
    if arguments.preset is not None:
        raise ConfigError("--preset and --config exclude each other; give one of them")
    return read_front_end(path)


def devices(arguments: argparse.Namespace) -> int:
    from visualizer.audio.devices import table
    from visualizer.audio.listing import accepted_rates, list_devices, rates_to_try
    from visualizer.audio.portaudio import rescan

    if arguments.watch:
        from visualizer.audio.watch import watch
        from visualizer.support.children import yield_to_others

        yield_to_others()
        watch(sys.stdin, sys.stdout)
    rescan(jack=True)
    listed = list_devices()
    if arguments.json:
        rows = [
            asdict(replace(device, sample_rates=accepted_rates(device, rates_to_try(device))))
            for device in listed.devices
        ]
        print(json.dumps(rows, indent=2))
    else:
        print(table(listed.devices) if listed.devices else "no microphone was found")
    if listed.note:
        print(listed.note, file=sys.stderr)
    return 0


def presets(arguments: argparse.Namespace) -> int:
    if arguments.check:
        return _check()
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


def _check() -> int:
    import numpy as np

    from visualizer.mel.clip import largest_deviation

    width = max(map(len, PRESETS))
    print("The largest deviation of the kernel (float32) from the reference (float64) over 2 s of")
    print("fresh noise, the largest value there is, and the one as a share of the other:")
    for p in PRESETS.values():
        noise = np.random.default_rng().normal(0.0, 0.1, 2 * p.config.sample_rate)
        deviation, largest = largest_deviation(p.config, noise.astype(np.float32))
        share = deviation / largest
        print(f"{p.name:<{width}}  {deviation:8.1e} of {largest:9.4g}  {share:8.1e}", flush=True)
    return 0


def bench(arguments: argparse.Namespace) -> int:
    from visualizer.engine.report import require_writable, write_report
    from visualizer.support.console import print_tables
    from visualizer.tools.bench.tables import bench_tables, drawing_tables

    for path, what in ((arguments.json, "the figures"), (arguments.chart, "the chart")):
        if path is not None:
            require_writable(path, what)
    if arguments.chart is not None and arguments.chart.suffix.lower() != ".png":
        raise ConfigError(f"--chart is {str(arguments.chart)!r}; it must end in .png")
    problem = display_problem() if arguments.drawing else None
    if problem:
        raise DisplayError(f"--drawing needs a window: {problem.problem}", problem.remedy)
    figures: dict[str, Any] = {}
    parts: list[Any] = []
    if arguments.peers or arguments.chart is not None or not arguments.drawing:
        result = _bench_kernels(arguments)
        figures |= result.to_dict()
        parts += bench_tables(result)
    if arguments.drawing:
        drawing = _bench_drawing()
        figures |= drawing.to_dict()
        parts += drawing_tables(drawing)
    # The file first: whoever reads the tables may have seen enough before their end.
    if arguments.json is not None:
        write_report(arguments.json, figures)
    print_tables(parts)
    return 0


def _bench_kernels(arguments: argparse.Namespace) -> BenchResult:
    from visualizer.tools.bench.measure import Bench

    if arguments.chart is not None:
        # Found out now and not after two minutes of measuring.
        try:
            from visualizer.tools.bench.chart import save_chart
        except ImportError as error:
            raise ConfigError(f"--chart needs Qt, which cannot be loaded: {error}") from error
    # What torch's compiler says of others' functions is no fault of this program's.
    warnings.simplefilter("ignore")
    logging.getLogger("torch").setLevel(logging.ERROR)
    with _progress() as progress:
        task = progress.add_task("", total=Bench.N_STEPS + 1)
        result = Bench(
            arguments.peers,
            lambda step: progress.update(task, description=step, advance=1),
        ).run()
    if arguments.chart is not None:
        save_chart(result, arguments.chart)
    return result


def _bench_drawing() -> DrawingResult:
    # Its torch is loaded before Qt: on Windows torch does not find its libraries after that.
    from visualizer.tools.bench.measure import DrawingResult, machine, now  # isort: split
    from PyQt6.QtWidgets import QApplication

    from visualizer.tools.bench import drawing as drawing_bench
    from visualizer.ui.app import make_application

    application = QApplication.instance() or make_application(sys.argv[:1])
    assert isinstance(application, QApplication)
    sizes = drawing_bench.sizes_that_fit(application)
    with _progress() as progress:
        task = progress.add_task("", total=len(sizes) + 1)
        timings = drawing_bench.time_drawing(
            application,
            sizes,
            lambda step: progress.update(task, description=step, advance=1),
        )
    return DrawingResult(now(), machine(), timings)


def latency(arguments: argparse.Namespace) -> int:
    from visualizer.engine.report import require_writable, write_report
    from visualizer.support import process
    from visualizer.tools.roundtrip.clicks import LOWEST_RATE_HZ

    level, n_clicks, rate = arguments.level, arguments.clicks, arguments.sample_rate
    if not QUIETEST_DB <= level <= LOUDEST_DB:
        limits = f"from {QUIETEST_DB:g} to {LOUDEST_DB:g} (dB of full scale)"
        raise ConfigError(f"--level is {level:g}; it must be {limits}")
    if not FEWEST_CLICKS <= n_clicks <= MOST_CLICKS:
        limits = f"from {FEWEST_CLICKS} to {MOST_CLICKS}"
        raise ConfigError(f"--clicks is {n_clicks}; it must be {limits}")
    if rate is not None and rate < LOWEST_RATE_HZ:
        raise ConfigError(f"--sample-rate is {rate}; it must be {LOWEST_RATE_HZ} or more")
    chosen = preset(arguments.preset).name
    if arguments.json is not None:
        require_writable(arguments.json, "the figures")
    process.begin()
    from visualizer.support.console import print_tables
    from visualizer.tools.roundtrip.click_test import ClickSettings, measure
    from visualizer.tools.roundtrip.tables import click_json, click_tables

    report = measure(
        ClickSettings(
            CaptureConfig("mic", device=arguments.device, sample_rate=rate),
            chosen,
            arguments.output,
            n_clicks,
            level,
        ),
        lambda text: print(f"visualizer: {text}", file=sys.stderr, flush=True),
        process.settle,
    )
    if arguments.json is not None:
        write_report(arguments.json, click_json(report))
    print_tables(click_tables(report))
    return 0


def doctor(arguments: argparse.Namespace) -> int:
    from visualizer.tools.doctor.examination import describe, examine

    listen = not arguments.no_capture
    if arguments.json:
        found = examine(listen, lambda check: None)
        print(json.dumps(found.to_dict(), indent=2))
    else:
        found = examine(listen, lambda check: print(describe(check), flush=True))
        names = ", ".join(found.lacking)
        print(f"\nThis machine lacks: {names}." if names else "\nNothing is lacking.")
    return 1 if found.lacking else 0


def completion(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> int:
    from visualizer.cli.completion import script

    print(script(parser, arguments.shell))
    return 0


def test(arguments: argparse.Namespace) -> int:
    root = Path(__file__).parents[2]
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
