"""The window: composes the widgets, and is the only one that holds the engine.

Everything here runs on the GUI thread. The worker's wake-ups arrive through `_Bridge`, at most one
of them queued at a time.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PyQt6.QtCore import QObject, Qt, QTimer, pyqtSignal
from PyQt6.QtGui import QCloseEvent, QKeySequence, QShortcut
from PyQt6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QMainWindow,
    QVBoxLayout,
    QWidget,
)

from visualizer.columns import MelColumns
from visualizer.config import CaptureConfig, EngineConfig, MelConfig
from visualizer.engine import Engine
from visualizer.latency import LatencyLog
from visualizer.mel.level import STREAMING_FORM
from visualizer.options import DEFAULT_ENGINE_CONFIG, MINIMUM_SIZE
from visualizer.status import EngineStatus
from visualizer.ui.badge import KernelBadge
from visualizer.ui.banner import Banner
from visualizer.ui.controls import Controls
from visualizer.ui.label import ElidedLabel
from visualizer.ui.meter import LevelMeter
from visualizer.ui.overlay import latency_lines
from visualizer.ui.picture import Picture
from visualizer.ui.scan import DeviceScan
from visualizer.ui.settings import Settings

_TEXT_INTERVAL_MS = 200
"""The numbers change this often: faster, nobody can read them."""
_UNPAINTED_COLUMNS = 4096
"""Kept for their paint; the oldest of more are left out of the latencies."""

_log = logging.getLogger(__name__)


class _Bridge(QObject):
    """Brings the worker's calls to the GUI thread, many as one."""

    woken = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self._queued = False

    def wake(self) -> None:
        """Called on the worker's thread."""
        if not self._queued:
            self._queued = True
            self.woken.emit()

    def accept(self) -> None:
        """Called on the GUI thread before it looks for what is new."""
        self._queued = False


class Window(QMainWindow):
    """The live picture with its controls."""

    first_painted = pyqtSignal()
    """The window is on the screen for the first time."""
    failed = pyqtSignal(str)
    """Nothing runs, and why."""
    first_column = pyqtSignal()
    """The first column is painted."""

    def __init__(
        self, start_engine: Callable[[Callable[[], None]], Engine], store: Settings
    ) -> None:
        """`start_engine` makes the engine, given what it shall call for each update."""
        super().__init__()
        self._start_engine = start_engine
        self._store = store
        self._wish = store.engine_config() or DEFAULT_ENGINE_CONFIG
        self._wish_is_new = False
        self._asked: EngineConfig | None = None
        self._engine: Engine | None = None
        self._status: EngineStatus | None = None
        self._unpainted: deque[MelColumns] = deque(maxlen=_UNPAINTED_COLUMNS)
        self._shown_at = 0.0
        self._peak = 0.0
        self.latency = LatencyLog()
        self._column_shown = False

        self._bridge = _Bridge()
        self._bridge.woken.connect(self._on_update)
        self._repaint = QTimer(self)
        self._repaint.setTimerType(Qt.TimerType.PreciseTimer)
        self._repaint.setSingleShot(True)
        self._repaint.timeout.connect(self._show_columns)
        self._texts = QTimer(self)
        self._texts.timeout.connect(self._show_texts)
        self._scan = DeviceScan()

        self.setWindowTitle("Mel visualizer")
        self.controls = Controls()
        self.banner = Banner()
        self.meter = LevelMeter()
        self.badge = KernelBadge()
        self.state_label = ElidedLabel("starting: loading torch")
        self._display = store.display_config()
        self.picture = Picture(self._display)
        self.controls.show_display(self._display)
        self.picture.first_painted.connect(self._start)
        self._lay_out()
        self._connect_controls()
        self.setMinimumSize(*MINIMUM_SIZE)
        self.resize(1280, 720)
        self.restoreGeometry(store.geometry())

    def _lay_out(self) -> None:
        body = QWidget()
        layout = QVBoxLayout(body)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.controls)
        framed = QHBoxLayout()
        framed.setContentsMargins(8, 0, 8, 0)
        framed.addWidget(self.banner)
        layout.addLayout(framed)
        layout.addWidget(self.picture, 1)
        foot = QHBoxLayout()
        foot.setContentsMargins(10, 2, 10, 6)
        foot.addWidget(self.meter)
        foot.addSpacing(10)
        foot.addWidget(self.state_label, 1)
        foot.addWidget(self.badge)
        layout.addLayout(foot)
        self.setCentralWidget(body)

    def _connect_controls(self) -> None:
        controls = self.controls
        controls.capture_picked.connect(self._pick_capture)
        controls.file_wanted.connect(self._pick_file)
        controls.refresh_wanted.connect(self._scan.start)
        self._scan.found.connect(controls.show_devices)
        self._scan.failed.connect(self._show_scan_failure)
        controls.preset_picked.connect(self._pick_front_end)
        controls.channel_picked.connect(lambda channel: self._change(channel=channel))
        controls.compute_picked.connect(lambda compute: self._change(compute=compute))
        controls.freeze_toggled.connect(self._freeze)
        controls.overlay_toggled.connect(self.picture.overlay.setVisible)
        controls.span_picked.connect(lambda span_s: self._show_in(span_s=span_s))
        controls.colours_picked.connect(lambda name: self._show_in(colour_map=name))

        for key, act in (
            ("Space", controls.freeze.toggle),
            ("L", controls.overlay.toggle),
            ("R", self.picture.reset_levels),
            ("F5", self._scan.start),
        ):
            # Not the buttons' own shortcuts: those act 100 ms later, and again on the release.
            shortcut = QShortcut(QKeySequence(key), self)
            shortcut.setAutoRepeat(False)
            shortcut.activated.connect(act)

    @property
    def frozen(self) -> bool:
        return self.controls.freeze.isChecked()

    def engine_status(self) -> EngineStatus | None:
        """The engine's state of now; None before it was started."""
        return self._engine.status() if self._engine else None

    def open_file(self, path: Path) -> None:
        """Play an audio file."""
        self._pick_capture(CaptureConfig("file", path=str(path)))

    def show_fault(self, text: str) -> None:
        """Say in the banner what went wrong."""
        self.banner.show_text(text)

    def closeEvent(self, event: QCloseEvent | None) -> None:
        self._store.save_geometry(self.saveGeometry())
        self._texts.stop()
        self._scan.close()
        if self._engine is not None:
            self._engine.close()
        super().closeEvent(event)

    def _change(self, **changes: object) -> None:
        status = self.engine_status()
        if self._engine is None or status is None:
            return
        # What is in force may stand in for what was wished; only wishes are worth keeping.
        self._wish = replace(self._wish, **changes)  # type: ignore[arg-type]
        self._wish_is_new = True
        # A choice that is still on its way is kept by the next one.
        self._asked = replace(self._asked or status.config, **changes)  # type: ignore[arg-type]
        self._engine.configure(self._asked)

    def _show_in(self, **changes: object) -> None:
        self._display = replace(self._display, **changes)  # type: ignore[arg-type]
        self.picture.set_display(self._display)
        self._store.save_display_config(self._display)

    def _freeze(self, frozen: bool) -> None:
        self._show_texts()
        self._repaint.stop()
        if not frozen:
            self._show_columns()

    def _pick_front_end(self, choice: str | MelConfig) -> None:
        if isinstance(choice, str):
            self._change(preset=choice, mel=None)
        else:
            self._change(mel=choice)

    def _pick_capture(self, capture: CaptureConfig) -> None:
        self._change(capture=capture, channel=None)

    def _pick_file(self) -> None:
        path, _ = QFileDialog.getOpenFileName(
            self, "Open an audio file", "", "Audio (*.wav *.flac *.ogg *.mp3 *.aiff);;All files (*)"
        )
        if path:
            self.open_file(Path(path))
        elif self._status is not None:
            self.controls.show_status(self._status)

    def _start(self) -> None:
        # Only now is the window visible, and the time that torch takes to load costs no wait.
        self._engine = self._start_engine(self._bridge.wake)
        self._texts.start(_TEXT_INTERVAL_MS)
        self.first_painted.emit()

    def _on_update(self) -> None:
        self._bridge.accept()
        assert self._engine is not None
        status = self._engine.status()
        self._show_status(status)
        shown = self.isVisible() and not self.isMinimized() and not self.frozen
        for columns in self._engine.drain():
            self._peak = max(self._peak, columns.peak)
            if columns.config_id > status.config_id:
                # Made by a front-end that came into force since the look at the status.
                status = self._engine.status()
                self._show_status(status)
            if columns.config_id != status.config_id:
                continue
            self.picture.spectrogram.append(columns)
            if shown:
                self._unpainted.append(columns)
        if shown and not self._repaint.isActive():
            wait_s = self._shown_at + self._shortest_paint_interval_s() - time.perf_counter()
            if wait_s > 0:
                self._repaint.start(round(wait_s * 1e3))
            else:
                self._show_columns()

    def _shortest_paint_interval_s(self) -> float:
        # A column that waited a whole refresh for its paint could miss the refresh it might have
        # made, so the limit is two paints a refresh.
        screen = self.screen()
        return 0.5 / (screen.refreshRate() if screen and screen.refreshRate() > 0 else 60.0)

    def _show_columns(self) -> None:
        self._shown_at = time.perf_counter()
        if not self.picture.show_new():
            # Covered or on another workspace: what is seen later was not drawn late.
            self._unpainted.clear()
            return
        painted_at = time.perf_counter()
        if self._unpainted and not self._column_shown:
            self._column_shown = True
            self.first_column.emit()
            self._scan.start()
        while self._unpainted:
            self.latency.record(self._unpainted.popleft(), painted_at)

    def _show_status(self, status: EngineStatus) -> None:
        before, self._status = self._status, status
        if before is not None and before.revision == status.revision:
            return
        self._asked = None
        self.controls.show_status(status)
        self.show_fault(status.fault or "")
        if self._wish_is_new and status.state == "running":
            self._wish_is_new = False
            if status.fault is None:
                self._store.save_engine_config(self._wish)
            else:
                self._wish = self._store.engine_config() or DEFAULT_ENGINE_CONFIG
        if status.mel is not None and (before is None or before.config_id != status.config_id):
            self._unpainted.clear()
            self.latency.clear()
            self.picture.begin(status.mel)
        self._show_texts()
        if status.state == "failed":
            self.failed.emit(status.fault)

    def _show_texts(self) -> None:
        self.meter.set_peak(self._peak)
        self._peak = 0.0
        status = self.engine_status()
        if status is None:
            return
        held = "FROZEN, Space goes on · " if self.frozen else ""
        self.state_label.setText(held + describe(status))
        self.badge.show_status(status)
        self.picture.show_reading()
        if self.picture.overlay.isVisible():
            self.picture.overlay.set_lines(latency_lines(status, self.latency))

    def _show_scan_failure(self, reason: str) -> None:
        _log.warning("the devices could not be listed: %s", reason)
        if not self.banner.isVisible():
            self.show_fault(f"the devices could not be listed: {reason}")


def describe(status: EngineStatus) -> str:
    """The line under the picture."""
    source, mel = status.source, status.mel
    if source is None or mel is None:
        return "starting: loading torch" if status.state == "starting" else "nothing is running"
    ended = " · ended" if status.state == "ended" else ""
    top = f"{mel.f_min:g}–{mel.f_max:g} Hz"
    if mel.f_max > mel.sample_rate / 2:
        top += f" (empty above {mel.sample_rate / 2:g})"
    form = f" · {STREAMING_FORM}" if mel.needs_whole_clip else ""
    streaming = " (streaming form)" if mel.needs_whole_clip else ""
    return (
        f"{source.name}{ended} · {source.sample_rate} Hz · {mel.name}{streaming}: window "
        f"{mel.win_length / mel.sample_rate * 1e3:.4g} ms, hop {mel.hop_s * 1e3:.4g} ms, "
        f"{mel.n_mels} mels {top}{form}"
    )
