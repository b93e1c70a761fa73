"""Records what is heard, and the columns that come of it, beside the running stream.

Thread "recorder" (owned here) writes: the sound it reads from the stream's history by itself, so
that neither the worker nor the window waits for a disk, and a slow one loses nothing while the
history lasts; the columns are given to it by the user's thread, which also starts and stops it.
"""

from __future__ import annotations

import logging
import math
import queue
import shutil
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from visualizer.engine.columns import MelColumns
from visualizer.engine.history import SoundHistory
from visualizer.engine.options import RecordingConfig
from visualizer.engine.report import COUNTERS
from visualizer.engine.status import EngineStatus
from visualizer.errors import ConfigError, VisualizerError
from visualizer.export.take import Take, TakeFiles, begin_on_grid
from visualizer.export.writer import TakeWriter
from visualizer.models.history import Answered
from visualizer.support.files import writing

LEAST_FREE_BYTES = 200 * 2**20
"""A recording ends before the disk is as full as that."""
WAITING_COLUMNS_MAX = 1 << 16
"""Deliveries that may wait for the disk; further ones are left out and counted."""
RECORDING_END_S = 3.0
"""A program that ends waits so long for the files to be whole."""
_LOOK_S = 0.25
PIECE_S = 5.0
"""Of sound that is written at once."""
_ABOUT_S = 1.0
_PATIENCE_S = 1.0
"""With a front-end that has begun and gives no column yet."""
_COUNTERS = (*COUNTERS, "lost_s", "max_lag_s", "drift_ppm")

Picture = Callable[[], bytes]
"""makes a PNG; called on the thread that writes it"""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RecorderState:
    """What is being recorded, or was last."""

    is_on: bool = False
    files: tuple[TakeFiles, ...] = ()
    """those of each part, the newest last"""
    duration_s: float = 0.0
    """of all parts"""
    n_bytes: int = 0
    fault: str | None = None
    """why it ended by itself"""


@dataclass(frozen=True)
class _Next:
    """What is to be recorded once its columns come."""

    status: EngineStatus
    at: int
    """sample of its stream"""
    picture: Picture | None = None
    """of what was recorded before it"""
    asked_at: float = field(default_factory=time.monotonic)


class Recorder:
    """Records from its making to `stop`; another front-end or source begins another part."""

    def __init__(
        self,
        config: RecordingConfig,
        status: EngineStatus,
        engine_status: Callable[[], EngineStatus | None],
        on_change: Callable[[], None],
        free_bytes: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free,
    ) -> None:
        """Record from now on what runs as `status` says.

        `engine_status` gives what has been counted, `on_change` says that there is another `state`;
        both are called on the recorder's thread and must not block.
        """
        self._config = config
        self._engine_status = engine_status
        self._on_change = on_change
        self._free_bytes = free_bytes
        self._orders: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._part: _Part | None = None
        self._writers: list[TakeWriter] = []
        """of each part, the newest last"""
        self._left_out = self._answers_left_out = 0
        self._looked_at = 0.0
        self._next: _Next | None = None
        self._is_over = False
        self.state = RecorderState(is_on=True)
        assert status.sound is not None
        self._orders.put(partial(self._plan, _Next(status, status.sound.end)))
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    def add(self, columns: MelColumns) -> None:
        """Take live columns; those of a front-end that is not recorded do not count."""
        if self._orders.qsize() < WAITING_COLUMNS_MAX:
            self._orders.put(partial(self._take, columns))
        else:
            self._left_out += columns.n_columns

    def add_answers(self, answers: Answered, stream_id: int) -> None:
        """Take what a model answered to a stream; that to what is not recorded does not count."""
        if self._orders.qsize() < WAITING_COLUMNS_MAX:
            self._orders.put(partial(self._take_answers, answers, stream_id))
        else:
            self._answers_left_out += len(answers.times_s)

    def follow(self, status: EngineStatus, picture: Picture | None = None) -> None:
        """Another front-end or source runs now: go on with it, in files of its own.

        `picture` is that of what ran before.
        """
        # From its first column on, so that no sound is missing; a little of it may be in both.
        self._orders.put(partial(self._plan, _Next(status, status.front_end_since, picture)))

    def stop(self, picture: Picture | None = None) -> None:
        """End with what was heard so far, and a picture; the state tells when."""
        self._orders.put(partial(self._end, picture))

    def join(self, timeout_s: float) -> None:
        """Wait for the end, at most so long."""
        self._thread.join(timeout_s)

    def _run(self) -> None:
        fault = None
        try:
            self._record()
        except Exception as error:
            is_foreseen = isinstance(error, VisualizerError)
            if not is_foreseen:
                _log.exception("the recording failed")
            fault = f"the recording ended: {error if is_foreseen else repr(error)}"
            _log.warning("%s", fault)
            self._save_the_rest()
        self.state = replace(self.state, is_on=False, fault=fault)
        self._on_change()

    def _save_the_rest(self) -> None:
        """After a fault, what can be."""
        try:
            if self._part is not None:
                self._close(self._part)
        except Exception as error:
            _log.warning("%s could not be finished: %s", self.state.files[-1].name, error)

    def _record(self) -> None:
        while not self._is_over:
            with suppress(queue.Empty):
                self._orders.get(timeout=_LOOK_S)()
            if time.monotonic() - self._looked_at >= _LOOK_S:
                self._looked_at = time.monotonic()
                self._go_on()

    def _plan(self, following: _Next) -> None:
        self._go_over()
        self._next = following
        if self._part is None:
            self._go_over()

    def _end(self, picture: Picture | None) -> None:
        self._go_over()
        self._finish()
        write_picture(self.state.files[-1], picture)
        self._is_over = True

    def _take(self, columns: MelColumns) -> None:
        if self._next is not None and columns.config_id == self._next.status.config_id:
            self._go_over()
        if self._part is not None and columns.config_id == self._part.status.config_id:
            self._part.append(columns)
        else:
            self._left_out += columns.n_columns

    def _take_answers(self, answers: Answered, stream_id: int) -> None:
        part = self._part
        is_of_it = part is not None and stream_id == part.status.stream_id
        if part is None or not is_of_it or not part.writer.append_answers(answers):
            self._answers_left_out += len(answers.times_s)

    def _go_over(self) -> None:
        """To what runs next; until its columns come, those of before may still do."""
        following, self._next = self._next, None
        if following is not None:
            self._finish()
            if self.state.files:
                write_picture(self.state.files[-1], following.picture)
            self._open(_Part(self._config, following.status, following.at))

    def _go_on(self) -> None:
        """Write what was heard meanwhile."""
        if self._next is not None and time.monotonic() - self._next.asked_at > _PATIENCE_S:
            self._go_over()
        if self._part is None:
            return
        part = self._write_sound(self._part)
        part.write_about(self._counters(), self._engine_status())
        free = self._free_bytes(self._config.require_folder())
        if free < LEAST_FREE_BYTES:
            self._finish()
            raise ConfigError(
                f"only {free / 2**20:.0f} MB are left in {self._config.folder!r}",
                "what was recorded until then is whole. Make room, or choose another folder",
            )
        self._tell()

    def _finish(self) -> None:
        if self._part is not None:
            self._close(self._write_sound(self._part))

    def _write_sound(self, part: _Part) -> _Part:
        """All that was heard so far; return the part that has the newest of it."""
        while not part.write_sound():
            self._close(part)
            part = _Part(self._config, part.status, part.position)
            self._open(part)
        return part

    def _open(self, part: _Part) -> None:
        self._part = part
        self._writers.append(part.writer)
        self._tell()

    def _close(self, part: _Part) -> None:
        self._part = None
        part.note_kernel(self._engine_status())
        part.writer.finish(self._counters())
        self._tell()

    def _tell(self) -> None:
        self.state = replace(
            self.state,
            files=tuple(writer.files for writer in self._writers),
            duration_s=sum(writer.duration_s for writer in self._writers),
            n_bytes=sum(writer.n_bytes for writer in self._writers),
        )
        self._on_change()

    def _counters(self) -> dict[str, Any]:
        return counters(self._engine_status()) | {
            "columns_left_out": self._left_out,
            "answers_left_out": self._answers_left_out,
        }


class _Part:
    """What is recorded of one stream through one front-end."""

    def __init__(self, config: RecordingConfig, status: EngineStatus, at: int) -> None:
        """From the stream's sample `at` on."""
        assert status.sound is not None
        assert status.mel is not None
        self.status = status
        self.sound: SoundHistory = status.sound
        start, first_column = begin_on_grid(
            status.mel, self.sound.sample_rate, at, self.sound.first
        )
        self._first_column = first_column
        # What was heard of its own stream before.
        take = take_of(status, start, is_normalised_before=start > status.front_end_since)
        self.position = start
        self.writer = TakeWriter(
            TakeFiles.unused(config.require_folder()), take, config.sound_format
        )
        self._about_at = time.monotonic()

    def append(self, columns: MelColumns) -> None:
        stamps = columns.captured_at, columns.dequeued_at, columns.computed_at
        first = columns.first_column - self._first_column
        self.writer.append_columns(first, columns.values, stamps)

    def write_sound(self) -> bool:
        """Write all that was heard so far; False where the file is full before that."""
        end = self.sound.end
        while self.position < end:
            piece_end = min(end, self.position + round(PIECE_S * self.sound.sample_rate))
            if not self.writer.has_room(piece_end - self.position):
                return False
            self.writer.append_sound(self.sound.read(self.position, piece_end))
            self.position = piece_end
        return True

    def note_kernel(self, status: EngineStatus | None) -> None:
        """Note what computes, if it is this part's."""
        if status is not None and status.config_id == self.status.config_id:
            self.writer.note_kernel(f"{status.backend} on {status.device}")

    def write_about(self, counted: dict[str, Any], status: EngineStatus | None) -> None:
        """Now and then."""
        self.note_kernel(status)
        now = time.monotonic()
        if now - self._about_at >= _ABOUT_S:
            self._about_at = now
            self.writer.write_about(counted)


def counters(status: EngineStatus | None) -> dict[str, Any]:
    """What the engine counted since it started, as plain JSON values."""
    return {} if status is None else {name: getattr(status, name) for name in _COUNTERS}


def take_of(status: EngineStatus, start_sample: int, *, is_normalised_before: bool) -> Take:
    """What runs, from this sample of its stream on."""
    source, mel, sound = status.source, status.mel, status.sound
    assert source is not None
    assert mel is not None
    assert sound is not None
    behind_s = (sound.end - start_sample) / source.sample_rate
    return Take(
        source=source,
        gain_db=status.config.capture.gain_db,
        mel=mel,
        channel=status.config.channel,
        start_sample=start_sample,
        # So far a resampler that holds back that much reaches.
        lead_samples=math.ceil(2 * status.resampling_s * source.sample_rate),
        is_normalised_before=is_normalised_before and mel.remembers,
        started_at=datetime.now().astimezone() - timedelta(seconds=behind_s),
    )


def write_picture(files: TakeFiles, picture: Picture | None) -> None:
    """Write it beside the rest. Raises ConfigError where that fails."""
    if picture is None:
        return
    with writing(files.picture):
        files.picture.write_bytes(picture())


def warn_unfinished(recorder: Recorder) -> None:
    """Say that a program ends before its recording is packed."""
    for files in recorder.state.files[-1:]:
        _log.warning(
            "the recording %s is left as a crash would leave it: its columns are in %s",
            files.sound,
            files.growing_columns.name,
        )
