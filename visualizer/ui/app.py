"""Runs the window from first paint to exit code."""

from __future__ import annotations

import logging
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from PyQt6.QtCore import QMessageLogContext, Qt, QTimer, QtMsgType, qInstallMessageHandler
from PyQt6.QtGui import QIcon, QPixmap
from PyQt6.QtWidgets import QApplication

from visualizer.engine.engine import Engine
from visualizer.engine.options import (
    DEFAULT_ENGINE_CONFIG,
    RunOptions,
    engine_config,
    fallbacks,
    kernel_plan,
)
from visualizer.engine.reader import FIRST_COLUMN_LIMIT_S
from visualizer.engine.report import RunMeter, make_report, write_report
from visualizer.engine.tap import SoundTap
from visualizer.errors import ConfigError, DeviceError
from visualizer.models.answers import model_fields
from visualizer.support.faults import Fault, Faults
from visualizer.support.files import writing
from visualizer.support.process import age_ms
from visualizer.support.shipped import shipped
from visualizer.ui.bridge import Bridge
from visualizer.ui.controls.details import fault_line, make_details
from visualizer.ui.controls.settings import Settings
from visualizer.ui.garbage import settle_here
from visualizer.ui.picture.png import png_of
from visualizer.ui.placement import keep_on_screen
from visualizer.ui.theme import apply_theme
from visualizer.ui.window import Window

_LOOK_MS = 500
"""From a fault of the program itself until it is shown, with those that came meanwhile."""

_log = logging.getLogger(__name__)


def make_application(arguments: list[str]) -> QApplication:
    """The Qt application with the program's calm look, as dark or light as the desktop's."""
    application = QApplication(arguments)
    application.setApplicationName("mel-visualizer")
    application.setApplicationDisplayName("Mel visualizer")
    # By this name a desktop finds the entry, and so the name and the icon of its own theme.
    application.setDesktopFileName("mel-visualizer")
    application.setWindowIcon(QIcon(str(shipped("icon.svg"))))
    application.setStyle("Fusion")
    apply_theme(application, "system")
    return application


def run_window(options: RunOptions, faults: Faults) -> int:
    """Show the window until it is closed or the duration is over; return the exit code.

    Raises DeviceError where exactly what was asked for cannot be opened.
    """
    meter = RunMeter()

    def on_qt_message(kind: QtMsgType, _: QMessageLogContext, text: str | None) -> None:
        if kind not in (QtMsgType.QtDebugMsg, QtMsgType.QtInfoMsg):
            faults.warn(f"Qt: {text}")

    qInstallMessageHandler(on_qt_message)
    application = make_application(sys.argv[:1])
    store = Settings()
    stored = store.engine_config() or DEFAULT_ENGINE_CONFIG
    config = engine_config(options, stored)

    def start_engine(on_update: Callable[[], None], tap: SoundTap | None = None) -> Engine:
        return Engine(
            config,
            fallbacks(options, config.capture),
            on_update,
            strict=options.must_open,
            kernels=kernel_plan(options),
            tap=tap,
        )

    window = Window(start_engine, store)
    if options.size is not None:
        window.resize(*options.size)
        keep_on_screen(window)
    if options.model is not None:
        # A front-end that is named, too, is what is to be seen.
        window.analysing.start(
            options.model,
            trusted=options.trust_model,
            sets_front_end=not options.says_front_end,
        )
    window.offer_details(lambda: make_details(window.engine_status(), faults))
    run = _Run(application, window, options, meter)
    watch = FaultWatch(window, faults)
    watch.say_at_start(store.take_problem())
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda n, _: application.exit(128 + n))
    sys.excepthook = faults.on_exception
    try:
        window.show()
        exit_code = application.exec()
        return run.finish(exit_code)
    finally:
        sys.excepthook = sys.__excepthook__
        qInstallMessageHandler(None)
        watch.close()
        problem = store.take_problem()
        if problem is not None:
            _log.warning(problem)


class FaultWatch:
    """Shows unforeseen faults in the window, whichever thread they came from."""

    def __init__(self, window: Window, faults: Faults) -> None:
        self._window, self._faults = window, faults
        self._shown: tuple[Fault, ...] = ()
        # A fault may come with every paint, and from any thread.
        self._bridge = Bridge()
        self._pause = QTimer(window)
        self._pause.setSingleShot(True)
        self._pause.timeout.connect(self._look)
        queued = Qt.ConnectionType.QueuedConnection
        self._bridge.woken.connect(lambda: self._pause.start(_LOOK_MS), queued)  # type: ignore[call-arg]
        faults.on_report = self._bridge.wake
        # For what was reported before there was a window.
        self._bridge.wake()

    def say_at_start(self, problem: str | None) -> None:
        """Tell of the crash of the last run, and of what cannot be kept in this one."""
        crash = self._faults.crash
        notes = [f"the last run crashed; details in {crash}"] if crash is not None else []
        if problem is not None:
            _log.warning(problem)
            notes.append(problem)
        self._window.failures.show_fault(" · ".join(notes))

    def close(self) -> None:
        self._faults.on_report = lambda: None
        self._pause.stop()

    def _look(self) -> None:
        self._bridge.accept()
        found, before = self._faults.reported(), self._shown
        if found == before:
            return
        self._shown = found
        banner = self._window.failures
        # Once closed, it stays so while the faults are the same.
        is_new = [fault.text for fault in found] != [fault.text for fault in before]
        if is_new or not banner.isHidden():
            banner.show_fault(fault_line(found))


class _Run:
    """One run of the window: its clock, its measures and its end."""

    def __init__(
        self, application: QApplication, window: Window, options: RunOptions, meter: RunMeter
    ) -> None:
        self._application = application
        self._window = window
        self._options = options
        self._meter = meter
        self._window_ms: float | None = None
        self._has_begun = False
        self._failure: str | None = None
        self._collector: object = None
        window.first_painted.connect(self._on_first_paint)
        window.first_column.connect(self._on_first_column)
        window.completed.connect(self._settle)
        window.failed.connect(self._on_failed)

    def _on_first_paint(self) -> None:
        self._window_ms = age_ms()
        if self._options.duration_s is not None:
            self._quit_after(self._options.duration_s + FIRST_COLUMN_LIMIT_S)

    def _on_first_column(self) -> None:
        self._has_begun = True
        self._meter.begin()
        if self._options.recording is not None:
            self._window.recordings.start(self._options.recording)
        if self._options.duration_s is not None:
            self._quit_after(self._options.duration_s)

    def _settle(self) -> None:
        if self._collector is None:
            self._collector = settle_here()

    def _quit_after(self, seconds: float) -> None:
        QTimer.singleShot(
            round(seconds * 1e3), Qt.TimerType.PreciseTimer, lambda: self._application.exit(0)
        )

    def _on_failed(self, fault: str) -> None:
        self._settle()
        scripted = self._options.must_open or self._options.duration_s is not None
        if not self._has_begun and scripted:
            self._failure = fault
            self._application.exit(2)

    def finish(self, exit_code: int) -> int:
        """Write what was asked for and close the window; return the exit code."""
        window, options = self._window, self._options
        measures = self._meter.measures(window.stack.paints, self._window_ms)
        status = window.engine_status()
        model = window.analysing.status
        if model is not None:
            measures |= model_fields(model, window.latency.model)
        picture = window.grab() if options.screenshot is not None else None
        window.close()
        problems = []
        if options.recording is not None and window.recordings.fault is not None:
            problems.append(window.recordings.fault)
        try:
            if options.report is not None and status is not None:
                write_report(options.report, make_report(status, window.latency, measures))
        except ConfigError as error:
            problems.append(str(error))
        try:
            if options.screenshot is not None and picture is not None:
                _write_picture(options.screenshot, picture)
        except ConfigError as error:
            problems.append(str(error))
        if self._failure is not None:
            raise DeviceError(self._failure)
        if exit_code == 0 and not self._has_begun and options.duration_s is not None:
            raise DeviceError((status and status.fault) or "no column came in time")
        if problems:
            raise ConfigError("; ".join(problems))
        return exit_code


def _write_picture(path: Path, picture: QPixmap) -> None:
    """Write a PNG file. Raises ConfigError where that fails."""
    with writing(path, "the picture"):
        path.write_bytes(png_of(picture.toImage()))
