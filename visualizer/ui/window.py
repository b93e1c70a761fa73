"""The window: composes the widgets, and is the only one that holds the engine.

Everything here runs on the GUI thread. The worker's wake-ups arrive through `Bridge`, at most one
of them queued at a time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path

from PyQt6.QtCore import Qt, QTimer, pyqtSignal
from PyQt6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDropEvent,
    QGuiApplication,
    QResizeEvent,
)
from PyQt6.QtWidgets import (
    QApplication,
    QMainWindow,
    QMenu,
    QVBoxLayout,
    QWidget,
)

from visualizer.engine.config import EngineConfig, choice
from visualizer.engine.engine import Engine
from visualizer.engine.latency import LatencyLog
from visualizer.engine.options import DEFAULT_ENGINE_CONFIG, MINIMUM_SIZE, USUAL_SIZE
from visualizer.engine.reader import EngineReader
from visualizer.engine.status import EngineStatus
from visualizer.export.recorder import RECORDING_END_S
from visualizer.mel.front_ends import Found
from visualizer.ui.analysing import Analysing
from visualizer.ui.bridge import Bridge
from visualizer.ui.commands import COMMANDS, GESTURES, SWITCHES, acts_of
from visualizer.ui.controls.banner import Banner
from visualizer.ui.controls.device_watch import DeviceWatch
from visualizer.ui.controls.files import (
    RecentFiles,
    ask_for_audio,
    dropped_file,
    is_front_end,
    is_model,
)
from visualizer.ui.controls.gain import ask_for_gain
from visualizer.ui.controls.key_sheet import KeySheet
from visualizer.ui.controls.keys import Keys
from visualizer.ui.controls.menus import Act, Menus
from visualizer.ui.controls.settings import Settings
from visualizer.ui.controls.status_line import StatusLine
from visualizer.ui.controls.toolbar import Controls
from visualizer.ui.docks import Panels
from visualizer.ui.front_ends import OwnFrontEnds
from visualizer.ui.idle import IdleWork
from visualizer.ui.pace import PaintPace
from visualizer.ui.panels.latency_figures import numbers_table
from visualizer.ui.picture.display import FRONT_ENDS, DisplayConfig
from visualizer.ui.picture.overlay import latency_lines, short_latency_lines
from visualizer.ui.picture.viewer import Viewer
from visualizer.ui.placement import keep_on_screen
from visualizer.ui.recordings import Recordings
from visualizer.ui.regions import save_region
from visualizer.ui.saver import Saver
from visualizer.ui.sight import Sight
from visualizer.ui.theme import apply_theme

_TEXT_INTERVAL_MS = 200
"""Between two updates of the numbers: faster, nobody could read them."""

_UNSEEN_INTERVAL_MS = 100
"""Between two looks at what comes while nobody sees it, be it recorded or analysed."""

_CONTEXT = ("mark.a", "mark.b", "mark.region", "mark.clear", "file.region", "view.freeze")
"""Commands that the right button offers on the picture."""


class Window(QMainWindow):
    """The live picture with its controls."""

    first_painted = pyqtSignal()
    """The window is on the screen for the first time."""
    failed = pyqtSignal(str)
    """Nothing runs, and why."""
    first_column = pyqtSignal()
    """The first column is painted."""
    completed = pyqtSignal()
    """All is made that a person may open, some time after the first column."""

    def __init__(self, start_engine: Callable[..., Engine], store: Settings) -> None:
        """`start_engine` makes the engine, given the function to call on each update, and, where a
        model is to hear it from its first sample on, its `tap`."""
        super().__init__()
        self._start_engine = start_engine
        self._store = store
        self._choice = store.engine_config() or DEFAULT_ENGINE_CONFIG
        self._choice_is_new = False
        self._asked: EngineConfig | None = None
        self._reader: EngineReader | None = None
        self._status: EngineStatus | None = None
        self.latency = LatencyLog()

        self._bridge = Bridge()
        # Queued also from this thread: what an update wakes comes after all of that update.
        queued = Qt.ConnectionType.QueuedConnection
        self._bridge.woken.connect(self._on_news, queued)  # type: ignore[call-arg]
        self._unseen = QTimer(self)
        self._unseen.setSingleShot(True)
        self._unseen.timeout.connect(self._on_update)
        self._texts = QTimer(self)
        self._texts.timeout.connect(self._look)
        self._sight: Sight | None = None
        self._is_watched = True
        """whether somebody sees the picture move"""
        self.devices = DeviceWatch()

        self.setWindowTitle("Mel visualizer")
        self.setAcceptDrops(True)
        self.banner = Banner()
        self.failures = Banner()
        """Of the program itself; the other banner is the engine's."""
        self.viewer = Viewer(store.display_config())
        self.controls = Controls(FRONT_ENDS)
        self.stack = self.viewer.stack
        self._pace = PaintPace(self.stack, self.latency)
        self._pace.first_column.connect(self.first_column)
        self._pace.first_column.connect(self._look_for_devices)
        self.controls.show_display(self.viewer.display)
        self.stack.first_painted.connect(self._start)
        self.panels = Panels(self, self.viewer)
        self._saver = Saver()
        self.recordings = Recordings(store, self, self.viewer, self.engine_status, self._saver)
        self.status_line = StatusLine(self.recordings.label)
        self.analysing = Analysing(store, self, self.viewer, self.latency.model, self._bridge.wake)
        self.front_ends = OwnFrontEnds(store, self)
        self._lay_out()
        self._connect_controls()
        self.menus = Menus(self, COMMANDS, self._acts())
        is_16_bit = store.recording_config().sound_format == "int16"
        self.menus.check("file.16-bit", is_16_bit)
        for command in ("file.front-end", "file.model"):
            self.controls.preset.list.offer(self.menus.actions[command])
        self.analysing.join(self.menus)
        recent, actions = QMenu("Open recent", self), self.menus.actions
        self.menus.menus["file"].insertMenu(actions["file.front-end"], recent)
        self.menus.menus["file"].insertMenu(actions["file.region"], self.front_ends.menu)
        self.recent = RecentFiles(store, recent)
        self.recent.picked.connect(self.open_file)
        bar = self.menuBar()
        assert bar is not None
        self._keys = Keys(self.menus.actions.values(), bar)
        self._context = QMenu(self)
        self._context.addActions([self.menus.actions[command] for command in _CONTEXT])
        self._show_display(self.viewer.display)
        self.setMinimumSize(*MINIMUM_SIZE)
        self.resize(*USUAL_SIZE)
        self.restoreGeometry(store.geometry())
        keep_on_screen(self)
        self.restoreState(store.docks())
        self._idle_work = IdleWork([*self.panels.makers(), lambda: self._key_sheet], self)
        self._pace.first_column.connect(self._idle_work.begin)
        self._idle_work.done.connect(self.completed)

    def _lay_out(self) -> None:
        body = QWidget()
        layout = QVBoxLayout(body)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.controls)
        framed = QVBoxLayout()
        framed.setContentsMargins(8, 0, 8, 0)
        framed.addWidget(self.failures)
        framed.addWidget(self.banner)
        framed.addWidget(self.analysing.banner)
        layout.addLayout(framed)
        layout.addWidget(self.viewer, 1)
        layout.addWidget(self.status_line)
        self.setCentralWidget(body)
        # At first it is not with a control, which would take some keys for itself.
        self.viewer.setFocus()

    def _connect_controls(self) -> None:
        controls, viewer = self.controls, self.viewer
        controls.engine_picked.connect(lambda changes: self._change(**changes))
        controls.display_picked.connect(lambda changes: viewer.show_in(**changes))
        controls.file_wanted.connect(self._pick_file)
        controls.front_end_wanted.connect(self.front_ends.open)
        self.front_ends.found.connect(self._use_front_end)
        self.front_ends.failed.connect(self._show_front_end_failure)
        self.front_ends.recent_changed.connect(controls.show_recent)
        controls.show_recent(self._store.recent_front_ends())
        controls.refresh.clicked.connect(self._look_for_devices)
        self.devices.found.connect(controls.show_devices)
        self.devices.failed.connect(self._show_list_failure)
        controls.freeze.toggled.connect(self._freeze)
        # Only what a person does: what is shown need not be done again.
        controls.record.clicked.connect(self.recordings.turn)
        self.recordings.turned.connect(controls.record.setChecked)
        self.recordings.turned.connect(self._rest)
        self.analysing.turned.connect(self._rest)
        self.analysing.front_end_wanted.connect(self._show_front_end)
        controls.overlay.toggled.connect(self._show_overlay)
        viewer.display_changed.connect(self._show_display)
        viewer.display_changed.connect(self._store.save_display_config)
        viewer.refused.connect(self.show_fault)
        self._saver.saved.connect(self._show_saved)
        self._saver.failed.connect(self.show_fault)
        self.panels.spectrum_wanted.connect(self._show_spectrum)
        self.stack.held_changed.connect(self._on_held)
        self.stack.menu_wanted.connect(lambda _, where: self._context.popup(where))

    def _acts(self) -> dict[str, Act]:
        return {
            "file.open": self._pick_file,
            "file.region": self._save_region,
            "file.gain": self._choose_gain,
            "file.devices": self._look_for_devices,
            "file.quit": self.close,
            "view.freeze": self.controls.freeze.toggle,
            "view.overlay": self.controls.overlay.toggle,
            "view.copy-latency": self._copy_latency,
            "view.full-screen": self._toggle_full_screen,
            "help.keys": self._toggle_key_sheet,
            **self.front_ends.acts(),
            **self.recordings.acts(),
            **self.analysing.acts(),
            **self.panels.acts(),
            **acts_of(self.viewer),
        }

    @cached_property
    def _key_sheet(self) -> KeySheet:
        return KeySheet([*self.menus.sheet(), ("Mouse", GESTURES)], self)

    @property
    def frozen(self) -> bool:
        return self.stack.held

    def engine_status(self) -> EngineStatus | None:
        """The engine's state of now; None before it was started."""
        return self._reader.engine.status() if self._reader else None

    def open_file(self, path: Path) -> None:
        """Play an audio file."""
        self.controls.play(path)

    def show_fault(self, text: str) -> None:
        """Say in the banner what went wrong."""
        self.banner.show_text(text)

    def offer_details(self, details: Callable[[], str]) -> None:
        """Offer to copy these details with every fault of the engine and of the program."""
        self.banner.offer_details(details)
        self.failures.offer_details(details)
        self.analysing.banner.offer_details(lambda: f"{self.analysing.details()}\n\n{details()}")

    def closeEvent(self, event: QCloseEvent | None) -> None:
        self._store.save_geometry(self.saveGeometry())
        self._store.save_docks(self.saveState())
        self._texts.stop()
        self._unseen.stop()
        self._idle_work.stop()
        self.devices.close()
        self.viewer.tracks.close()
        give_up_at = time.monotonic() + RECORDING_END_S
        self.recordings.close(give_up_at)
        self._saver.close(give_up_at)
        self.front_ends.close(give_up_at)
        self.analysing.close()
        if self._reader is not None:
            self._reader.close()
        super().closeEvent(event)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        self.panels.leave_room()

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:
        assert event is not None
        if dropped_file(event) is not None:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent | None) -> None:
        assert event is not None
        path = dropped_file(event)
        if path is not None:
            event.acceptProposedAction()
            if is_model(path):
                self.analysing.start(str(path))
            elif is_front_end(path):
                self.front_ends.open(path)
            else:
                self.open_file(path)

    def _rest(self) -> None:
        """Have done at once what is looked at, recorded or analysed, and all else later."""
        if self._reader is None or self._sight is None:
            return
        is_seen, was_watched = self._sight.is_open, self._is_watched
        self._is_watched = is_seen and not self.frozen
        at_once = self._is_watched or self.recordings.is_on or self.analysing.is_on
        self._reader.engine.need("now" if at_once else "later")
        state = "starting" if self._status is None else self._status.state
        waits = state == "waiting"
        # Of what runs and is needed later, the texts come with the columns.
        if is_seen and (at_once or state != "running"):
            self._texts.start(_TEXT_INTERVAL_MS)
        else:
            self._texts.stop()
        self._pace.keep_moving(waits and self._is_watched)
        if self._is_watched and not was_watched:
            if self._unseen.isActive():
                self._unseen.stop()
                self._on_update()
            if waits:
                # The last batch may have come after the word that the device is away.
                self.stack.set_away(True)
                self.stack.catch_up()
            self.stack.refresh()
            self._look()

    def _change(self, **changes: object) -> None:
        status = self.engine_status()
        if self._reader is None or status is None:
            return
        if "mel" in changes:
            # What was asked for before it, and is still being read, comes too late.
            self.front_ends.give_up()
        # What runs may stand in for what was chosen; only choices are worth keeping.
        self._choice = replace(self._choice, **changes)  # type: ignore[arg-type]
        self._choice_is_new = True
        self._ask_for(status, changes)

    def _ask_for(self, status: EngineStatus, changes: dict[str, object]) -> None:
        # What is still on its way is kept by the next change.
        self._asked = replace(self._asked or status.config, **changes)  # type: ignore[arg-type]
        if self._reader is not None:
            self._reader.engine.configure(self._asked)

    def _show_display(self, display: DisplayConfig) -> None:
        """Show in the controls and menus how the picture is shown."""
        self.controls.show_display(display)
        for command, field in SWITCHES.items():
            self.menus.check(command, getattr(display, field))
        self.menus.check(f"view.theme.{display.theme}", True)
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        apply_theme(application, display.theme)

    def _freeze(self, frozen: bool) -> None:
        if frozen and not self.frozen:
            self.stack.hold()
        elif not frozen:
            self.stack.go_live()

    def _on_held(self, held: bool) -> None:
        self.controls.freeze.setChecked(held)
        self._pace.clear()
        self._rest()
        self._show_texts()

    def _show_overlay(self, on: bool) -> None:
        self.stack.latency.visible = on
        self.stack.refresh()

    def _toggle_full_screen(self) -> None:
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    def _toggle_key_sheet(self) -> None:
        self._key_sheet.setVisible(not self._key_sheet.isVisible())

    def _copy_latency(self) -> None:
        status, clipboard = self.engine_status(), QGuiApplication.clipboard()
        if status is not None and clipboard is not None:
            clipboard.setText(numbers_table(status, self.latency))

    def _save_region(self) -> None:
        status = self.engine_status()
        if status is not None:
            save_region(self.viewer, status, self, self._saver)

    def _choose_gain(self) -> None:
        """Of the sound that plays; another one begins without."""
        status = self.engine_status()
        if status is None:
            return
        capture, meant_db = status.config.capture, self.status_line.meant_gain_db
        gain_db = ask_for_gain(self, capture.gain_db if meant_db is None else meant_db)
        if gain_db is not None and gain_db != capture.gain_db:
            self._change(capture=replace(capture, gain_db=gain_db))

    def _pick_file(self) -> None:
        path = ask_for_audio(self)
        if path is not None:
            self.open_file(path)
        elif self._status is not None:
            self.controls.show_status(self._status)

    def _show_front_end(self, changes: dict[str, object]) -> None:
        """Show the front-end that a model is fed, where that is not what is shown."""
        status = self.engine_status()
        if status is not None and changes != {key: getattr(status.config, key) for key in changes}:
            # It goes with the model, and is not what this person chose for the next time.
            self.front_ends.give_up()
            self._ask_for(status, changes)

    def _use_front_end(self, found: Found) -> None:
        self.status_line.front_end.note_origins(found.described)
        self._change(**choice(found))

    def _show_front_end_failure(self, problem: str) -> None:
        self.show_fault(problem)
        if self._status is not None:
            self.controls.show_status(self._status)

    def _start(self) -> None:
        # Its frame is known now.
        keep_on_screen(self)
        # Only now is the window visible, and the time that torch takes to load costs no wait.
        tap = self.analysing.first_tap()
        start = self._start_engine if tap is None else partial(self._start_engine, tap=tap)
        self._reader = EngineReader(start, on_news=self._bridge.wake)
        self.analysing.begin(self._reader.engine)
        handle = self.windowHandle()
        assert handle is not None
        handle.installEventFilter(self._keys)
        self._sight = Sight(handle)
        self._sight.changed.connect(self._rest)
        self._rest()
        handle.screenChanged.connect(self._pace.limit_to)
        self._pace.limit_to(self.screen())
        self.first_painted.emit()

    def _on_news(self) -> None:
        if self._is_watched:
            self._on_update()
        elif not self._unseen.isActive():
            # Until these are accepted, no others wake this thread.
            self._unseen.start(_UNSEEN_INTERVAL_MS)

    def _on_update(self) -> None:
        self._bridge.accept()
        if self._reader is None:
            return
        deliveries, status = self._reader.drain(), self._reader.uncounted
        self._show_status(status)
        for columns in deliveries:
            self.status_line.note_peak(columns.peak)
            self.recordings.add(columns)
            if columns.config_id != status.config_id or status.mel is None:
                continue
            self.status_line.observe(columns, status.mel.hop_s)
            self.viewer.append(columns)
            if self._is_watched:
                self._pace.add(columns)
        if status.state == "waiting":
            # The last columns may come with, or after, the word that the device is away.
            self.stack.set_away(True)
        if self._is_watched:
            self._pace.paint_soon()
        elif self._sight is not None and not self._sight.is_open:
            if deliveries:
                self.stack.catch_up()
        elif not self._texts.isActive():
            self._look()
        # Last: columns do not wait for them.
        self.analysing.take()

    def _show_status(self, status: EngineStatus) -> None:
        before = self._status
        if before is not None and before.revision == status.revision:
            return
        self._status = status
        self._asked = None
        self.controls.show_status(status)
        self._show_fault_or_note(before, status)
        if self._choice_is_new and status.state == "running":
            self._choice_is_new = False
            if status.fault is None:
                self._store.save_engine_config(self._choice)
            else:
                self._choice = self._store.engine_config() or DEFAULT_ENGINE_CONFIG
        played = status.config.capture.path
        if status.state == "running" and played is not None:
            self.recent.remember(played)
        sound = status.sound
        is_new = before is None or before.config_id != status.config_id
        if status.mel is not None and sound is not None and is_new:
            self._pace.clear()
            self.latency.clear()
            if before is None or before.stream_id != status.stream_id:
                self.status_line.begin_sound()
            # First: the picture of what was recorded until now is still there.
            self.recordings.follow(status)
            self.viewer.begin(status, sound)
        if before is None or before.state != status.state:
            self.stack.set_away(status.state == "waiting")
            self._rest()
        self._show_texts()
        if status.state in ("ended", "failed"):
            self.recordings.turn(False)
        if status.state == "ended":
            self.viewer.tracks.end()
        if status.state == "failed":
            self.failed.emit(status.fault)

    def _show_fault_or_note(self, before: EngineStatus | None, status: EngineStatus) -> None:
        """Say what is wrong, or else what the user should know of the source, until closed."""
        now, told = ((s.fault, s.note) if s else (None, "") for s in (status, before))
        if now == (None, "") or status.fault is not None:
            self.banner.show_fault(status.fault or "")
        elif now != told:
            self.banner.show_text(" · ".join((now[1], *self._ended_with(before, status))))

    def _ended_with(self, before: EngineStatus | None, status: EngineStatus) -> list[str]:
        """What a person loses, or finds elsewhere, as another stream begins unasked."""
        if before is None or before.state not in ("running", "waiting"):
            return []
        is_asked = before.config.capture != status.config.capture
        if is_asked or before.stream_id == status.stream_id:
            return []
        anew = "the picture began anew"
        ended = [f"{anew}, and the frozen one is gone" if self.frozen else anew]
        if self.recordings.is_on:
            ended.append("the recording goes on in a second file")
        return ended

    def _look(self) -> None:
        """A few times a second: what need not be shown at once."""
        self._show_texts()
        self._show_store_problem()

    def _show_texts(self) -> None:
        status = self.engine_status()
        self.status_line.show_status(status, self.frozen, self.analysing.words)
        if status is None:
            return
        self.panels.show_latency(status, self.latency)
        if not self._is_watched:
            return
        self.viewer.inspector.show()
        self.viewer.follow_range()
        plate = self.stack.latency
        if not plate.visible:
            return
        lines = latency_lines(status, self.latency)
        if plate.set_lines(lines, short_latency_lines(status, self.latency)):
            self.stack.refresh_soon()

    def _show_spectrum(self) -> None:
        is_seen = self._sight is not None and self._sight.is_open
        found = self.viewer.slice() if is_seen else None
        if found is not None:
            self.panels.spectrum.show_slice(found)

    def _look_for_devices(self) -> None:
        status = self.engine_status()
        source = status.source if status else None
        on_microphone = source is not None and source.is_live
        self.devices.ask((source.host_api or "", source.name) if source and on_microphone else None)

    def _show_saved(self, words: str) -> None:
        """Say what was saved, after a fault that is still there."""
        fault = self._status.fault if self._status is not None else None
        if fault is None:
            self.banner.show_news(words)
        else:
            self.banner.show_fault(f"{fault} · {words}")

    def _show_store_problem(self) -> None:
        """Once the start is over, which has words of its own, and where nothing else is said."""
        is_starting = self._status is None or self._status.state == "starting"
        problem = None if is_starting or self.banner.isVisible() else self._store.take_problem()
        if problem is not None:
            self.show_fault(problem)

    def _show_list_failure(self, reason: str) -> None:
        if not self.banner.isVisible():
            self.banner.show_fault(f"the devices could not be listed: {reason}")
