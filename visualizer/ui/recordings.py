"""Recording from the window: its commands, its folder and its label."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from PyQt6.QtCore import QObject, pyqtSignal
from PyQt6.QtWidgets import QFileDialog, QLabel, QWidget

from visualizer.engine.columns import MelColumns
from visualizer.engine.options import RecordingConfig
from visualizer.engine.status import EngineStatus
from visualizer.errors import ConfigError
from visualizer.export.past import save_last
from visualizer.export.recorder import Recorder, warn_unfinished
from visualizer.export.take import TakeFiles
from visualizer.models.answers import Answers
from visualizer.models.history import Answered
from visualizer.ui.commands import PASTS_S
from visualizer.ui.controls.label import plain_tip
from visualizer.ui.controls.menus import Act
from visualizer.ui.controls.settings import Settings
from visualizer.ui.controls.toolbar import span_text
from visualizer.ui.picture.answers import ShownAnswers
from visualizer.ui.picture.png import png_of
from visualizer.ui.picture.viewer import Viewer
from visualizer.ui.saver import Saver


class Recordings(QObject):
    """Records what runs, and saves what was heard."""

    turned = pyqtSignal(bool)
    """Whether it records now."""
    _moved = pyqtSignal()

    def __init__(
        self,
        store: Settings,
        window: QWidget,
        viewer: Viewer,
        engine_status: Callable[[], EngineStatus | None],
        saver: Saver,
    ) -> None:
        """`engine_status` gives the state of now."""
        super().__init__(window)
        self._store = store
        self._window = window
        self._viewer = viewer
        viewer.answered.connect(self._add_answers)
        self._engine_status = engine_status
        self._saver = saver
        self._recorder: Recorder | None = None
        self._ending: list[Recorder] = []
        self.fault: str | None = None
        """why a recording ended by itself"""
        self.label = QLabel()
        # By this name the theme colours it.
        self.label.setObjectName("recording")
        self.label.setAccessibleName("Recording")
        self.label.hide()
        # Emitted on another thread, so it arrives here later.
        self._moved.connect(self._show)

    @property
    def is_on(self) -> bool:
        return self._recorder is not None

    def acts(self) -> dict[str, Act]:
        """Return, by command of the menu of files, what is done."""
        return {
            "file.record": lambda: self.turn(not self.is_on),
            "file.folder": self.choose_folder,
            "file.16-bit": self._choose_format,
            **{f"file.past.{s:g}": partial(self.save_last, s) for s in PASTS_S},
        }

    def choose_folder(self) -> bool:
        """Ask where recordings go; whether that is known now."""
        config = self._store.recording_config()
        chosen = QFileDialog.getExistingDirectory(
            self._window, "Where recordings go", config.folder or ""
        )
        if chosen:
            self._store.save_recording_config(replace(config, folder=chosen))
        return bool(chosen)

    def turn(self, on: bool) -> None:
        """Record from now on, or stop."""
        if on and not self.is_on:
            config = self._chosen()
            if config is not None:
                self.start(config)
        elif not on and self._recorder is not None:
            self._recorder.stop(self._png())
            # Its files may take a while; another may begin meanwhile.
            self._ending.append(self._recorder)
            self._recorder = None
            self.label.hide()
        self.turned.emit(self.is_on)

    def start(self, config: RecordingConfig) -> None:
        """Record what runs from now on."""
        status = self._engine_status()
        if status is None or status.sound is None or status.state not in ("running", "waiting"):
            self._saver.failed.emit("nothing to record: no source is running")
            return
        self._recorder = Recorder(config, status, self._engine_status, self._moved.emit)
        self._show()
        self.turned.emit(True)

    def save_last(self, seconds: float) -> None:
        """Save the last seconds of what was heard."""
        config, status = self._chosen(), self._engine_status()
        if config is None:
            return
        if status is None or status.sound is None or status.mel is None:
            self._saver.failed.emit("nothing to save: no sound has come yet")
            return
        picture, shown, sound = self._png(), self._viewer.stack.answers, status.sound
        end_s = sound.end / sound.sample_rate
        answers = None if shown is None else shown.history.during(end_s - seconds, end_s)

        def write() -> tuple[str, str]:
            return _names(save_last(config, status, seconds, picture, answers)), ""

        self._saver.save(f"the last {span_text(seconds)}", write)

    def add(self, columns: MelColumns) -> None:
        """Take live columns."""
        if self._recorder is not None:
            self._recorder.add(columns)

    def _add_answers(self, shown: ShownAnswers, answers: Answers) -> None:
        """Take what a model answered."""
        if self._recorder is not None:
            answered = Answered.of(shown.spec, answers)
            self._recorder.add_answers(answered, answers.stream_id)

    def follow(self, status: EngineStatus) -> None:
        """Another front-end or source runs now."""
        if self._recorder is not None:
            self._recorder.follow(status, self._png())

    def close(self, give_up_at: float) -> None:
        """End what is being recorded, until then (in s of `time.monotonic`)."""
        self.turn(False)
        for recorder in self._ending:
            recorder.join(max(0.0, give_up_at - time.monotonic()))
            self.fault = self.fault or recorder.state.fault
            if recorder.state.is_on:
                warn_unfinished(recorder)

    def _chosen(self) -> RecordingConfig | None:
        """Return where to, asking for it where that is not known; None where nobody answers."""
        try:
            self._store.recording_config().require_folder()
        except ConfigError:
            if not self.choose_folder():
                return None
        return self._store.recording_config()

    def _choose_format(self, is_16_bit: bool) -> None:
        config = self._store.recording_config()
        config = replace(config, sound_format="int16" if is_16_bit else "float32")
        self._store.save_recording_config(config)

    def _png(self) -> Callable[[], bytes]:
        image = self._viewer.grab().toImage()
        return lambda: png_of(image)

    def _show(self) -> None:
        if self._recorder is not None:
            state = self._recorder.state
            minutes, seconds = divmod(int(state.duration_s), 60)
            self.label.setText(f"● REC {minutes}:{seconds:02} · {state.n_bytes / 1e6:.1f} MB")
            self.label.setToolTip(plain_tip("\n".join(str(files.sound) for files in state.files)))
            self.label.show()
            if not state.is_on:
                self._ending.append(self._recorder)
                self._recorder = None
                self.label.hide()
                self.turned.emit(False)
        for recorder in [recorder for recorder in self._ending if not recorder.state.is_on]:
            self._ending.remove(recorder)
            state = recorder.state
            saved = "; ".join(map(_names, state.files)) or "nothing"
            self.fault = state.fault or self.fault
            if state.fault is None:
                self._saver.saved.emit(f"saved: {saved}")
            else:
                self._saver.failed.emit(f"{state.fault} · so far: {saved}")


def _names(files: TakeFiles) -> str:
    first, *others = files.there() or [files.sound]
    beside = ", ".join(path.name for path in others)
    return f"{first}, with {beside}" if others else str(first)
