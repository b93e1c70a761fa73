"""A model that runs beside the stream, in a process of its own, as its user sees it.

Thread "model" (owned here): starts the process, takes the sound that the worker put, makes blocks
of it, and asks for their answers one by one. Nothing waits for it but a source that can; the user's
thread starts, drains, restarts and closes it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from visualizer.engine.tap import SoundTap
from visualizer.errors import VisualizerError
from visualizer.models.answers import Answers, ModelStatus
from visualizer.models.contract import ModelSpec
from visualizer.models.feed import Block, Feed
from visualizer.models.inbox import Begin, Sound, SoundInbox
from visualizer.models.loading import find
from visualizer.models.process import Limits, ModelFailedError, ModelProcess

_BEHIND_S = 0.1
"""less is not worth a word"""
_MOST_ANSWERS = 1 << 14
"""that wait to be drained; then the oldest are dropped, and counted"""
_CLOSE_S = 2.0

_log = logging.getLogger(__name__)


class ModelBeside:
    """Runs one model on what its tap gets, until it is closed."""

    def __init__(
        self,
        what: str,
        on_news: Callable[[], None],
        *,
        trusted: bool = False,
        limits: Limits | None = None,
    ) -> None:
        """Begin to load it.

        Args:
            what: as the user names it, see `loading.find`.
            on_news: called on the model's thread when there are answers, or another status; must
                not block.
            trusted: whether what it unpickles may be, see `Model.unpickles`.
            limits: of time and memory.

        Raises:
            ConfigError: where it can be told at once that there is no such model.
        """
        find(what)
        self._on_news = on_news
        self._limits = limits or Limits()
        self._is_trusted = trusted
        self._inbox = SoundInbox()
        # From the first moment, so that a source that can wait misses nothing.
        self._inbox.listen()
        self._answers: deque[Answers] = deque(maxlen=_MOST_ANSWERS)
        self._status = ModelStatus("loading", what)
        self._is_done = False
        self._process: ModelProcess | None = None
        self._feed: Feed | None = None
        self._averages = False
        self._heard_s = 0.0
        """of the stream, that was heard and answered"""
        # Guards the orders to the thread, and the process that they end.
        self._lock = threading.Lock()
        self._is_closing = False
        self._ordered = threading.Event()
        self._thread = threading.Thread(target=self._run, name="model", daemon=True)
        self._thread.start()

    @property
    def tap(self) -> SoundTap:
        """What `Engine.attach` takes."""
        return self._inbox

    def status(self) -> ModelStatus:
        """Return the state of now."""
        status = self._status
        if status.state != "running" or self._feed is None:
            return status
        behind_s = self._inbox.end_s - self._heard_s
        return replace(status, behind_s=behind_s if behind_s > _BEHIND_S else 0.0)

    def drain(self) -> list[Answers]:
        """Return the answers that came since the last call, oldest first."""
        return [self._answers.popleft() for _ in range(len(self._answers))]

    def is_done(self) -> bool:
        """Return whether no more answers will come: all was answered, or it cannot go on."""
        return self._is_done or self._status.state in ("failed", "closed")

    def restart(self, *, trusted: bool | None = None) -> None:
        """Load it anew, as its file is now; what it counted begins anew.

        It hears what comes from now on; attached to the engine again, also what has ended.

        Args:
            trusted: whether what it unpickles may be; None: as before.
        """
        with self._lock:
            if trusted is not None:
                self._is_trusted = trusted
            # From this moment on, as at the beginning.
            self._inbox.listen()
            self._interrupt()

    def close(self) -> None:
        """End the process and the thread; again has no effect."""
        with self._lock:
            self._is_closing = True
            self._interrupt()
        self._thread.join(_CLOSE_S)

    def _interrupt(self) -> None:
        if self._process is not None:
            self._process.end()
        self._ordered.set()
        self._inbox.wake()

    def _run(self) -> None:
        while not self._is_closing:
            try:
                self._live()
            except (ModelFailedError, VisualizerError) as error:
                self._fail(error.problem, getattr(error, "traceback", ""))
            except Exception as error:
                _log.exception("the model %s failed", self._status.what)
                self._fail(repr(error), "")
            finally:
                self._end_process()
            self._ordered.wait()
        self._inbox.deafen()
        self._set(state="closed")

    def _live(self) -> None:
        """Run one process, until it fails, or there is an order."""
        with self._lock:
            if self._is_closing:
                return
            self._ordered.clear()
            self._inbox.sleep()
            process = self._process = ModelProcess(self._limits)
        what = self._status.what
        self._feed, self._is_done = None, False
        self._status = ModelStatus("loading", what)
        self._on_news()
        loaded = process.load(find(what), is_trusted=self._is_trusted)
        if not isinstance(loaded, ModelSpec):
            self._set(state="asking", question=loaded)
            return
        self._set(state="running", spec=loaded)
        self._inbox.ready()
        while (item := self._inbox.take()) is not None:
            if isinstance(item, Begin):
                self._begin(loaded, item)
            elif isinstance(item, Sound):
                self._hear(process, loaded, item)
            else:
                self._finish(process, loaded)

    def _begin(self, spec: ModelSpec, begin: Begin) -> None:
        source = begin.source
        self._is_done = False
        feed = self._feed = Feed(spec, source, begin.channel, begin.start_sample)
        self._averages = begin.channel == "each" and source.channels > 1
        self._heard_s = begin.start_sample / source.sample_rate
        self._set(grid=feed.grid, stream_id=begin.stream_id, note=self._note())

    def _hear(self, process: ModelProcess, spec: ModelSpec, sound: Sound) -> None:
        feed = self._feed
        assert feed is not None
        skipped = feed.skipped
        blocks = feed.push(sound.start_sample, sound.samples)
        if sound.follows_drop:
            self._status = replace(self._status, lost=self._status.lost + feed.skipped - skipped)
        self._answer(process, spec, blocks, sound.ready_at)
        self._heard_s = sound.end_s

    def _finish(self, process: ModelProcess, spec: ModelSpec) -> None:
        if self._feed is not None:
            self._answer(process, spec, self._feed.flush(), time.perf_counter())
        self._is_done = True
        self._on_news()

    def _answer(
        self, process: ModelProcess, spec: ModelSpec, blocks: list[Block], ready_at: float
    ) -> None:
        for block in blocks:
            answer = process.call(spec, block.values, is_fresh=block.is_fresh)
            now, status = time.perf_counter(), self._status
            first = block.index * spec.answers
            is_full = len(self._answers) == self._answers.maxlen
            self._answers.append(
                Answers(first, answer.numbers, answer.texts, status.stream_id, ready_at, now)
            )
            self._status = replace(
                status,
                calls=status.calls + 1,
                bad_answers=status.bad_answers + answer.bad,
                lost=status.lost + is_full,
            )
            if answer.bad:
                self._status = replace(self._status, note=self._note())
            self._on_news()

    def _note(self) -> str:
        """Return what the user should know, and is no fault."""
        notes = (
            "it is fed the mean of the channels" if self._averages else "",
            "it answers NaN or infinity, shown as gaps" if self._status.bad_answers else "",
        )
        return " · ".join(filter(None, notes))

    def _fail(self, problem: str, traceback: str) -> None:
        spec = self._status.spec
        whose = self._status.what if spec is None else spec.name
        with self._lock:
            if self._ordered.is_set():
                # That is what ended it.
                return
            # From here on sources no longer wait for it.
            self._inbox.deafen()
        self._set(state="failed", fault=f"{whose}: {problem}", traceback=traceback)

    def _end_process(self) -> None:
        with self._lock:
            process, self._process = self._process, None
        if process is not None:
            process.close()

    def _set(self, **changes: Any) -> None:
        self._status = replace(self._status, **changes)
        self._on_news()
