"""Reads what a model answers: the loop of every command that runs one without a window."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

from visualizer.engine.latency import ModelLog
from visualizer.engine.tap import SoundTap
from visualizer.errors import CodeError, ConfigError
from visualizer.models.answers import Answers, ModelStatus
from visualizer.models.beside import ModelBeside
from visualizer.models.contract import ModelSpec

_LOOK_S = 0.1
"""A reader looks at least this often, whether it is woken or not."""


class ModelReader:
    """Starts a model, waits until it is loaded, and takes its answers.

    Of one thread, but for `wake`.
    """

    def __init__(self, what: str, *, trusted: bool, log: ModelLog | None = None) -> None:
        """Begin to load it, see `ModelBeside`; `log` notes how late answers are.

        Raises ConfigError.
        """
        self._news = threading.Event()
        self.on_news: Callable[[], None] = self.wake
        """called on the model's thread for each news; must not block"""
        self.log = log or ModelLog()
        self._told: set[str] = set()
        self._model = ModelBeside(what, lambda: self.on_news(), trusted=trusted)

    def load(self, is_stopped: Callable[[], bool] = lambda: False) -> ModelSpec | None:
        """Wait until it is loaded, and return what it says of itself; None: it was stopped before.

        Raises ConfigError or CodeError where it cannot be.
        """
        while self.status.state == "loading":
            if is_stopped():
                return None
            self.wait()
        return self.require_success().spec

    @property
    def tap(self) -> SoundTap:
        """What hears the sound for it."""
        return self._model.tap

    @property
    def status(self) -> ModelStatus:
        return self._model.status()

    def wake(self) -> None:
        """End a `wait`; called on any thread."""
        self._news.set()

    def wait(self) -> None:
        """Wait until there is news, or it is time to look anyway."""
        self._news.wait(_LOOK_S)
        self._news.clear()

    def drain(self) -> Iterator[Answers]:
        """Yield the answers that came since the last call, oldest first."""
        for one in self._model.drain():
            self.log.record(one.late_ms, one.answered_at, len(one.numbers) * one.grid.period_s)
            yield one

    def is_done(self) -> bool:
        """Return whether no more answers will come."""
        return self._model.is_done()

    def news(self) -> list[str]:
        """Return what the user should be told now, each once: what went wrong, and notes."""
        status = self.status
        fault = status.fault and f"{status.fault}; the columns go on without it"
        lines = [line for line in (fault, status.note) if line and line not in self._told]
        self._told.update(lines)
        return lines

    def summary(self) -> str:
        """Return what it answered, and what went missing, in one line."""
        status, times = self.status, self.log.percentiles()
        late = f" · p50 {times.p50:.2f} p99 {times.p99:.2f} ms" if times else ""
        lost = f"{status.lost} lost, {self.log.behind} behind"
        return f"{status.name} {status.calls} blocks, {lost}{late}"

    def require_success(self) -> ModelStatus:
        """Return the state of now. Raises ConfigError or CodeError where it does not answer."""
        status = self.status
        if status.state == "asking":
            raise ConfigError(
                f"{status.what} unpickles {status.question}, which can run any code",
                "--trust-model says yes",
            )
        if status.fault is not None:
            error = CodeError if status.traceback else ConfigError
            raise error(status.fault, choices=status.traceback)
        return status

    def close(self) -> None:
        """End the model; again has no effect."""
        self._model.close()
