"""Runs the window from first paint to exit code."""

from __future__ import annotations

import logging
import signal
import sys
import time
from collections.abc import Callable
from types import TracebackType

from PyQt6.QtCore import Qt, QTimer
from PyQt6.QtWidgets import QApplication

from visualizer.engine import Engine
from visualizer.errors import ConfigError, DeviceError
from visualizer.options import (
    DEFAULT_ENGINE_CONFIG,
    FIRST_COLUMN_LIMIT_S,
    RunOptions,
    engine_config,
    fallbacks,
    kernel_folder,
)
from visualizer.process import ProcessMeter, settle
from visualizer.report import RunMeasures, make_report, write_report
from visualizer.ui.settings import Settings
from visualizer.ui.theme import apply_theme
from visualizer.ui.window import Window

_log = logging.getLogger(__name__)


def make_application(arguments: list[str]) -> QApplication:
    """The Qt application with the program's calm look, as dark or light as the desktop's."""
    application = QApplication(arguments)
    application.setApplicationName("mel-visualizer")
    application.setApplicationDisplayName("Mel visualizer")
    application.setStyle("Fusion")
    apply_theme(application, "system")
    return application


def run_window(options: RunOptions) -> int:
    """Show the window until it is closed or the duration is over; return the exit code.

    Raises DeviceError where exactly what was asked for cannot be opened.
    """
    meter = ProcessMeter()
    application = make_application(sys.argv[:1])
    store = Settings()
    stored = store.engine_config() or DEFAULT_ENGINE_CONFIG
    config = engine_config(options, stored)

    def start_engine(on_update: Callable[[], None]) -> Engine:
        return Engine(
            config,
            fallbacks(options, config.capture),
            on_update,
            strict=options.must_open,
            kernels=kernel_folder(options),
        )

    window = Window(start_engine, store)
    if options.size is not None:
        window.resize(*options.size)
    run = _Run(application, window, options, meter)
    sys.excepthook = run.on_exception
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda n, _: application.exit(128 + n))
    window.show()
    exit_code = application.exec()
    return run.finish(exit_code)


class _Run:
    """One run of the window: its clock, its measures and its end."""

    def __init__(
        self, application: QApplication, window: Window, options: RunOptions, meter: ProcessMeter
    ) -> None:
        self._application = application
        self._window = window
        self._options = options
        self._meter = meter
        self._window_ms: float | None = None
        self._first_column_ms: float | None = None
        self._first_column_at: float | None = None
        self._failure: str | None = None
        window.first_painted.connect(self._on_first_paint)
        window.first_column.connect(self._on_first_column)
        window.failed.connect(self._on_failed)

    def _on_first_paint(self) -> None:
        self._window_ms = self._meter.age_ms()
        if self._options.duration_s is not None:
            self._quit_after(self._options.duration_s + FIRST_COLUMN_LIMIT_S)

    def _on_first_column(self) -> None:
        self._first_column_ms = self._meter.age_ms()
        self._first_column_at = time.perf_counter()
        settle()
        self._meter.restart()
        if self._options.duration_s is not None:
            self._quit_after(self._options.duration_s)

    def _quit_after(self, seconds: float) -> None:
        QTimer.singleShot(
            round(seconds * 1e3), Qt.TimerType.PreciseTimer, lambda: self._application.exit(0)
        )

    def _on_failed(self, fault: str) -> None:
        settle()
        scripted = self._options.must_open or self._options.duration_s is not None
        if self._first_column_at is None and scripted:
            self._failure = fault
            self._application.exit(2)

    def on_exception(
        self,
        kind: type[BaseException],
        error: BaseException,
        traceback: TracebackType | None,
    ) -> None:
        """Without a hook of its own, an exception in a slot ends a PyQt program."""
        _log.error("a part of the window failed", exc_info=(kind, error, traceback))
        self._window.show_fault(f"a part of the window failed: {error!r}")

    def finish(self, exit_code: int) -> int:
        """Write what was asked for and close the window; return the exit code."""
        window, options = self._window, self._options
        first_at = self._first_column_at
        measures = RunMeasures(
            duration_s=0.0 if first_at is None else time.perf_counter() - first_at,
            paints=window.stack.paints,
            window_ms=self._window_ms,
            first_column_ms=self._first_column_ms,
            cpu_percent=self._meter.cpu_percent(),
            rss_mb=self._meter.rss_mb(),
        )
        status = window.engine_status()
        saved = options.screenshot is None or window.grab().save(str(options.screenshot))
        window.close()
        if options.report is not None and status is not None:
            write_report(options.report, make_report(status, window.latency, measures))
        if self._failure is not None:
            raise DeviceError(self._failure)
        if exit_code == 0 and first_at is None and options.duration_s is not None:
            raise DeviceError((status and status.fault) or "no column came in time")
        if not saved:
            raise ConfigError(
                f"the picture cannot be written to {str(options.screenshot)!r}; "
                "name a .png file in a folder that you may write to"
            )
        return exit_code
