"""`visualizer bench`: how fast the kernels and the picture are on this machine."""

from __future__ import annotations

import argparse
import logging
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visualizer.cli.options import file_name, require_writable
from visualizer.errors import ConfigError, DisplayError
from visualizer.support.system import display_problem

if TYPE_CHECKING:
    from visualizer.tools.bench.measure import BenchResult, DrawingResult


def register(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--peers", action="store_true", help="time other libraries as well")
    parser.add_argument(
        "--drawing",
        action="store_true",
        help="time the picture's updates in a window instead, or, with --peers or --chart, as well",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="save all figures as JSON")
    parser.add_argument("--chart", type=file_name(".png"), metavar="PNG", help="save a chart")


def run(arguments: argparse.Namespace) -> int:
    """Measure; print tables and write what was asked for."""
    from visualizer.engine.report import write_report
    from visualizer.support.console import print_tables
    from visualizer.tools.bench.tables import bench_tables, drawing_tables

    require_writable((arguments.json, "the figures"), (arguments.chart, "the chart"))
    problem = display_problem() if arguments.drawing else None
    if problem:
        raise DisplayError(f"--drawing needs a window: {problem}")
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
    # The file first: the reader of the tables may have seen enough before their end.
    if arguments.json is not None:
        write_report(arguments.json, figures)
    print_tables(parts)
    return 0


def _bench_kernels(arguments: argparse.Namespace) -> BenchResult:
    from visualizer.support.console import progress_on_terminal
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
    with progress_on_terminal() as progress:
        task = progress.add_task("", total=Bench.N_STEPS + 1)
        result = Bench(
            arguments.peers,
            lambda step: progress.update(task, description=step, advance=1),
        ).run()
    if arguments.chart is not None:
        save_chart(result, arguments.chart)
    return result


def _bench_drawing() -> DrawingResult:
    from visualizer.support.console import progress_on_terminal

    # Its torch is loaded before Qt: on Windows torch does not find its libraries after that.
    from visualizer.tools.bench.measure import DrawingResult, machine, now  # isort: split
    from PyQt6.QtWidgets import QApplication

    from visualizer.tools.bench import drawing as drawing_bench
    from visualizer.ui.app import make_application

    application = QApplication.instance() or make_application(sys.argv[:1])
    assert isinstance(application, QApplication)
    sizes = drawing_bench.sizes_that_fit(application)
    with progress_on_terminal() as progress:
        task = progress.add_task("", total=len(sizes) + 1)
        timings = drawing_bench.time_drawing(
            application,
            sizes,
            lambda step: progress.update(task, description=step, advance=1),
        )
    return DrawingResult(now(), machine(), timings)
