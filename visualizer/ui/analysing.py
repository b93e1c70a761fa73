"""A model beside the stream, as the window has it: chosen, asked about, shown, ended.

Methods are called, and signals arrive, on the GUI thread.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from PyQt6.QtCore import QObject, Qt, pyqtSignal
from PyQt6.QtWidgets import QMenu, QMessageBox, QWidget

from visualizer.engine.engine import Engine
from visualizer.engine.latency import ModelLog
from visualizer.engine.tap import SoundTap
from visualizer.errors import ConfigError
from visualizer.models.answers import Answers, ModelStatus
from visualizer.models.beside import ModelBeside
from visualizer.models.contract import AnswerGrid, ModelSpec
from visualizer.models.feed import choice_of
from visualizer.models.loading import adapters, find
from visualizer.ui.controls.banner import Banner
from visualizer.ui.controls.files import ask_for_model_code, fill_recent
from visualizer.ui.controls.menus import Act, Menus
from visualizer.ui.controls.settings import RecentModel, Settings
from visualizer.ui.picture.viewer import Viewer

_log = logging.getLogger(__name__)

_AGAIN = "load the model anew, as its file is now (F9)"


class Analysing(QObject):
    """Runs the model that a person picks, beside the engine that the window has."""

    turned = pyqtSignal()
    """Whether there is a model is another now."""
    front_end_wanted = pyqtSignal(object)
    """the fields of an EngineConfig that set the front-end which the model is fed"""

    def __init__(
        self,
        store: Settings,
        window: QWidget,
        viewer: Viewer,
        log: ModelLog,
        on_news: Callable[[], None],
    ) -> None:
        """`on_news` is called on any thread when `take` has something to do; must not block."""
        super().__init__(window)
        self._store = store
        self._window = window
        self._viewer = viewer
        self._log = log
        self._on_news = on_news
        self._engine: Engine | None = None
        self._waiting: Callable[[], None] | None = None
        """what was to be started before there was an engine"""
        self._beside: ModelBeside | None = None
        self._status: ModelStatus | None = None
        self._shown: tuple[int, AnswerGrid, int] | None = None
        """what the answers on the screen are of: the run of the model, and the stream"""
        self._front_end: dict[str, Any] | None = None
        """which the model is fed, as it was asked for"""
        self._sets_front_end = True
        self._question: QMessageBox | None = None
        self.banner = Banner()
        self.banner.offer_remedy("Start again", _AGAIN, self.restart)
        self._recent = QMenu("Recent models", window)

    @property
    def is_on(self) -> bool:
        return self._beside is not None

    @property
    def status(self) -> ModelStatus | None:
        """Of the model that there is; None: there is none."""
        return None if self._beside is None else self._beside.status()

    @property
    def words(self) -> str:
        """What a person should know of it now; "" where there is nothing."""
        status = self.status
        if status is None or self._engine is None:
            return ""
        source = self._engine.status().source
        name = status.name
        behind = f" {status.behind_s:.1f} s behind" if status.behind_s else ""
        if behind and source is not None and not source.is_live:
            behind += ", and the sound waits for it"
        states = {
            "loading": f"loading {name}",
            "asking": f"{name} waits for an answer",
            "running": f"{name}{behind}",
            "failed": f"{name} has stopped",
        }
        return ", ".join(filter(None, (states.get(status.state, ""), status.note)))

    def acts(self) -> dict[str, Act]:
        """Return, by command of the menu of models, what is done."""
        return {"model.file": self._ask, "model.restart": self.restart, "model.stop": self.stop}

    def join(self, menus: Menus) -> None:
        """Offer in the menu of models what there is, and what is possible."""
        menu, actions = menus.menus["model"], menus.actions
        for name in adapters():
            action = menu.addAction(name)
            assert action is not None
            action.triggered.connect(partial(self._pick, name))
            menu.insertAction(actions["model.file"], action)
        menu.insertMenu(actions["model.restart"], self._recent)
        self._fill_recent()

        def show() -> None:
            for command in ("model.restart", "model.stop"):
                actions[command].setEnabled(self.is_on)

        self.turned.connect(show)
        show()

    def details(self) -> str:
        """Return what helps to find the cause of the model's fault."""
        status = self._status
        if status is None:
            return "no model"
        return f"the model {status.what}: {status.fault}\n\n{status.traceback}".rstrip()

    def first_tap(self) -> SoundTap | None:
        """Run the model that waits for the window, and return what is to hear all sound for it."""
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting()
        return None if self._beside is None else self._beside.tap

    def begin(self, engine: Engine) -> None:
        """Give the models to come this engine's sound; it has the first tap already."""
        self._engine = engine

    def start(self, what: str, *, trusted: bool = False, sets_front_end: bool = True) -> None:
        """Run a model from now on, in the place of another.

        Args:
            what: as --model takes it.
            trusted: whether it may unpickle its own file without being asked about.
            sets_front_end: whether the picture is to show the front-end that it is fed.
        """
        start = partial(self._start, what, trusted, sets_front_end)
        if self._engine is None:
            # Until the window is seen: a process that begins is no help to it.
            self._waiting = start
        else:
            start()

    def _start(self, what: str, trusted: bool, sets_front_end: bool) -> None:
        try:
            what = _from_anywhere(what)
            self.stop()
            trusted = trusted or what in self._store.trusted_models()
            self._beside = ModelBeside(what, self._on_news, trusted=trusted)
        except ConfigError as error:
            self.banner.show_text(error.line)
            self._store.forget_recent_model(what)
            self._fill_recent()
            return
        self._sets_front_end = sets_front_end
        if self._engine is not None:
            self._engine.attach(self._beside.tap)
        self.turned.emit()
        self.take()

    def restart(self) -> None:
        """Load the model anew, as its file is now."""
        if self._beside is not None:
            self.banner.show_text("")
            # It may fail in the same way, before anybody sees that it was loaded.
            self._status = None
            self._log.clear()
            self._beside.restart()
            if self._engine is not None:
                # Which, where it has ended, is heard anew.
                self._engine.attach(self._beside.tap)

    def stop(self) -> None:
        """End the model, and show nothing of it any more."""
        beside = self._leave()
        if beside is not None:
            # It may take a moment, for which the picture does not wait.
            threading.Thread(target=beside.close, name="end of model", daemon=True).start()
            self._status = self._shown = self._front_end = None
            self.banner.show_text("")
            self._viewer.follow_model(None)
            self._log.clear()
            self.turned.emit()

    def close(self) -> None:
        """End the model, and wait for that."""
        beside = self._leave()
        if beside is not None:
            beside.close()

    def take(self) -> None:
        """Show what came since the last call."""
        if self._beside is None:
            return
        answers, status = self._beside.drain(), self._beside.status()
        if status.grid is not None:
            self._show(status, status.grid, answers)
        before, self._status = self._status, status
        if before is not None and (status.state, status.fault) == (before.state, before.fault):
            return
        self.banner.show_fault(f"the model {status.fault}" if status.state == "failed" else "")
        if status.state == "failed":
            _log.warning("%s", self.details())
        if status.state == "asking":
            self._ask_for_trust(status)
        elif status.state == "running" and status.spec is not None:
            self._note_running(status.what, status.spec)

    def _leave(self) -> ModelBeside | None:
        """Return the model that there was, which nothing holds any more."""
        beside, self._beside = self._beside, None
        if beside is None:
            return None
        if self._engine is not None:
            self._engine.attach(None)
        if self._question is not None:
            self._question.close()
        return beside

    def _show(self, status: ModelStatus, grid: AnswerGrid, came: list[Answers]) -> None:
        now = status.run, grid, status.stream_id
        if self._shown != now:
            if self._shown is None or self._shown[0] != status.run:
                self._log.clear()
                # What it answered before it was loaded anew says nothing of it now.
                self._viewer.follow_model(None)
            self._shown = now
            self._viewer.follow_model(status)
        # The first may be of the run or the stream before.
        answers = [o for o in came if (o.run, o.stream_id) == (status.run, status.stream_id)]
        self._log.lost = status.lost
        for one in answers:
            self._log.record(one.late_ms, one.answered_at, len(one.numbers) * grid.period_s)
        if answers:
            self._viewer.add_answers(answers)

    def _note_running(self, what: str, spec: ModelSpec) -> None:
        if what not in adapters():
            self._store.save_recent_model(RecentModel(what, spec.name))
            self._fill_recent()
        # What a person chose meanwhile stays, unless the model is fed another one.
        before, self._front_end = self._front_end, choice_of(spec)
        if self._sets_front_end and self._front_end not in (None, before):
            self.front_end_wanted.emit(self._front_end)

    def _ask_for_trust(self, status: ModelStatus) -> None:
        box = self._question = QMessageBox(
            QMessageBox.Icon.Warning,
            "Trust this model?",
            f"{status.what} unpickles {status.question}, and so may run any code that is in it.",
            parent=self._window,
        )
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setInformativeText("If you trust it, this will not be asked again.")
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        trust = box.addButton("Trust it", QMessageBox.ButtonRole.AcceptRole)
        refuse = box.addButton("Do not load it", QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(refuse)

        def take_answer() -> None:
            is_trusted, self._question = box.clickedButton() is trust, None
            if self._beside is None:
                return
            if is_trusted:
                self._store.trust_model(status.what)
                self._beside.restart(trusted=True)
            else:
                self.stop()

        box.finished.connect(take_answer)
        # A live stream goes on meanwhile; a file waits for the answer.
        box.open()

    def _ask(self) -> None:
        path = ask_for_model_code(self._window)
        if path is not None:
            self.start(str(path))

    def _pick(self, what: str, *_: object) -> None:
        self.start(what)

    def _fill_recent(self) -> None:
        recent = self._store.recent_models()
        fill_recent(self._recent, ((one.name, one.what, one.what) for one in recent), self.start)


def _from_anywhere(what: str) -> str:
    """Return what names the same model from any folder. Raises ConfigError where it is none."""
    found = find(what)
    if found.file is None:
        return what
    return str(found.file) + ("" if found.name is None else f":{found.name}")
