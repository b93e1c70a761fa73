"""`visualizer bench`: how fast the kernels and the picture are on this machine."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visualizer.cli.options import add_option, file_name, require_writable
from visualizer.errors import ConfigError, DisplayError
from visualizer.support.system import display_problem

if TYPE_CHECKING:
    from visualizer.tools.bench.drawing import DrawingRow


def register(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--peers", action="store_true", help="time other libraries as well")
    parser.add_argument(
        "--drawing",
        action="store_true",
        help="time the picture's updates in a window instead, or, with --peers or --chart, as well",
    )
    parser.add_argument(
        "--gpu",
        action="store_true",
        help="test and time, on a GPU and in five minutes, all that needs one; alone or with "
        "--json and --device",
    )
    parser.add_argument(
        "--device",
        choices=("cuda", "cpu"),
        help="with --gpu: cpu runs what can be run without one (default: cuda)",
    )
    add_option(parser, "--json", "FILE", Path, "save all figures as JSON")
    add_option(parser, "--chart", "PNG", file_name(".png"), "save a chart")


def run(arguments: argparse.Namespace) -> int:
    """Measure; print tables and write what was asked for."""
    if arguments.device is not None and not arguments.gpu:
        raise ConfigError("--device goes with --gpu")
    if arguments.gpu and (arguments.peers or arguments.drawing or arguments.chart is not None):
        raise ConfigError("--gpu goes with --json and --device alone")
    require_writable((arguments.json, "the figures"), (arguments.chart, "the chart"))
    if arguments.gpu:
        from visualizer.tools.bench import gpu

        return gpu.run(arguments.device or "cuda", arguments.json)
    problem = display_problem() if arguments.drawing else None
    if problem:
        raise DisplayError(f"--drawing needs a window: {problem.problem}", problem.remedy)
    # Its torch is loaded before Qt: on Windows torch does not find its libraries after that.
    from visualizer.tools.bench.measure import machine, measure  # isort: split
    from visualizer.engine.report import write_report
    from visualizer.support.console import hush_torch, print_tables, progress_on_terminal
    from visualizer.tools.bench.tables import bench_tables, table

    if arguments.chart is not None:
        # Found out now and not after two minutes of measuring.
        try:
            from visualizer.tools.bench.chart import save_chart
        except ImportError as error:
            raise ConfigError(f"--chart needs Qt, which cannot be loaded: {error}") from error
    hush_torch()
    where = {"date": datetime.now(UTC).isoformat(timespec="seconds"), **machine()}
    parts: list[Any] = [" · ".join(f"{key} {value}" for key, value in where.items() if value)]
    figures: dict[str, Any] = {"machine": where}
    with progress_on_terminal() as progress:
        task = progress.add_task("", total=None)

        def on_step(step: str) -> None:
            progress.update(task, description=step)

        if arguments.peers or arguments.chart is not None or not arguments.drawing:
            result = measure(arguments.peers, on_step)
            figures |= asdict(result)
            parts += bench_tables(result)
        if arguments.drawing:
            rows = _time_drawing(on_step)
            figures["drawing"] = [asdict(row) for row in rows]
            parts.append(table("one column more on the screen, ms", rows, "ours"))
    # The files first: the reader of the tables may have seen enough before their end.
    if arguments.chart is not None:
        save_chart(result, f"{where['date'][:10]} · {where['cpu']}", arguments.chart)
    if arguments.json is not None:
        write_report(arguments.json, figures)
    print_tables(parts)
    return 0


def _time_drawing(on_step: Callable[[str], None]) -> tuple[DrawingRow, ...]:
    from PyQt6.QtWidgets import QApplication

    from visualizer.tools.bench.drawing import sizes_that_fit, time_drawing
    from visualizer.ui.app import make_application

    application = QApplication.instance() or make_application(sys.argv[:1])
    assert isinstance(application, QApplication)
    return time_drawing(application, sizes_that_fit(application), on_step)
