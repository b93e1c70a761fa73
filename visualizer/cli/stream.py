"""The engine without a window or a view: its columns, written to standard output for scripts.

Two threads are at work here: the writer writes, and waits for the reader; the main thread looks
after signals and the duration, so that it ends even where nobody reads.
"""

from __future__ import annotations

import errno
import io
import os
import sys
import threading
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from visualizer.audio.channels import Channel, n_signals
from visualizer.audio.notices import integers_taken_for_floats, said_of
from visualizer.audio.sanitize import NO_FAULTS
from visualizer.cli.beside import model_beside
from visualizer.cli.formats import WRITERS, Heading, StreamAnswer, StreamColumn
from visualizer.cli.said import Said, say, saying_once
from visualizer.engine.columns import MelColumns
from visualizer.engine.engine import Engine
from visualizer.engine.history import FORGETFUL_BYTES
from visualizer.engine.latency import ModelLog
from visualizer.engine.options import OutputFormat, RunOptions, engine_config, kernel_plan
from visualizer.engine.reader import LOOK_S, EngineReader
from visualizer.engine.status import EngineStatus
from visualizer.errors import ConfigError
from visualizer.models.answers import Answers, values_of
from visualizer.support.process import StopSignals, settle

if TYPE_CHECKING:
    from visualizer.models.reader import ModelReader

_LAST_S = 1.0
"""At the end, for what waits to be written."""
_FULL_S = 0.005
"""Where a pipe that is full does not let us wait."""


def run_stream(options: RunOptions, form: OutputFormat) -> int:
    """Write columns until the duration or the sound ends, Ctrl-C, or nobody reads.

    Returns the exit code. Raises DeviceError where the source cannot be opened or ends badly,
    ConfigError where the output cannot be written, and what `model_beside` raises, also where the
    model has failed by the end.
    """
    signals = StopSignals()
    with model_beside(options, ModelLog(), lambda: bool(signals.exit_code)) as (options, model):
        return signals.exit_code or _stream(options, form, signals, model)


def _stream(
    options: RunOptions, form: OutputFormat, signals: StopSignals, model: ModelReader | None
) -> int:
    config = engine_config(options)
    reader = EngineReader(
        lambda wake: Engine(
            config,
            (),
            wake,
            strict=True,
            kernels=kernel_plan(options),
            sound_bytes=FORGETFUL_BYTES,
            tap=None if model is None else model.tap,
        ),
        duration_s=options.duration_s,
    )
    output = _Output(reader, form, config.channel, model)
    while not signals.exit_code and (left_s := reader.deadline - time.perf_counter()) > 0:
        if output.over.wait(min(LOOK_S, left_s)):
            break
    reader.close()
    if model is not None:
        # What it was given by now it still answers.
        model.tap.end()
    output.finish(_LAST_S)
    if output.written:
        say(output.summary(reader.engine.status()))
    if signals.exit_code or (output.error is not None and is_closed_pipe(output.error, os.name)):
        # It was told to stop, or its reader has seen enough.
        return signals.exit_code
    if isinstance(output.error, OSError):
        raise ConfigError(f"the output cannot be written: {output.error.strerror}")
    if output.error is not None:
        raise output.error
    reader.require_success()
    if model is not None:
        model.require_success()
    return 0


def is_closed_pipe(error: Exception, system: str) -> bool:
    """Whether an error of writing says that nobody reads any more; `system` is os.name."""
    # Windows says of a pipe whose reader has gone no more than "invalid argument".
    is_windows = system == "nt" and isinstance(error, OSError) and error.errno == errno.EINVAL
    return isinstance(error, BrokenPipeError) or is_windows


class _Output:
    """Writes what an engine gives, on a thread of its own.

    A slow reader holds it up. What can wait, a file or a pipe, does so then (see
    `outbox`); of a microphone the engine drops the oldest columns.
    """

    def __init__(
        self,
        reader: EngineReader,
        form: OutputFormat,
        channel: Channel,
        model: ModelReader | None,
    ) -> None:
        """Begin to write to standard output; from now on the readers are of the writer's thread."""
        self._reader = reader
        self._model = model
        if model is not None:
            model.on_news = reader.wake
        self._channel = channel
        self._writer = WRITERS[form]()
        # Not sys.stdout: its lock is held by a write that hangs, and the end would wait for it.
        self._file = io.FileIO(sys.stdout.fileno(), "wb", closefd=False)
        self._is_last = False
        self._heading: Heading | None = None
        self._config_id = self._stream_id = -1
        self._next_column = self._next_answer = 0
        self._answered_stream_id = -1
        self._drops = self._told_drops = 0
        self._said = Said()
        self._faults = NO_FAULTS
        self._say_once = saying_once()
        self.written = self.gaps = self.missing = 0
        self.error: Exception | None = None
        """what ended it, other than the engine's end"""
        self.over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    def finish(self, timeout_s: float) -> None:
        """End once all is written that the engine has, waiting at most so long for that."""
        self._is_last = True
        self._reader.wake()
        self.over.wait(timeout_s)

    def summary(self, status: EngineStatus) -> str:
        """One line of numbers; `status` is the last."""
        left = status.columns - status.dropped_columns - self.written
        return (
            f"{self.written} columns · gaps {self.gaps} ({self.missing} columns missing) · drops "
            f"{status.dropped_columns} columns {status.dropped_blocks} blocks · overflows "
            f"{status.input_overflows} · {status.backend} on {status.device}"
            + (f" · not read any more: {left}" if left else "")
            + (f" · {said_of(self._faults, None)}" if self._faults.bad else "")
            + (f" · {self._model.summary()}" if self._model is not None else "")
        )

    def _run(self) -> None:
        try:
            while self._goes_on():
                self._reader.wait()
        except Exception as error:
            self.error = error
        finally:
            self.over.set()

    def _goes_on(self) -> bool:
        """Write what there is; return whether more may come."""
        is_last, is_first, reader = self._is_last, self._reader.first_at is None, self._reader
        # Before the columns, so that an answer is written after those that it is for.
        answers = [] if self._model is None else list(self._model.drain())
        deliveries = reader.drain()
        status = reader.status
        # A source is lost after its columns, and back before them; the heading comes first.
        if status.state == "running" and self._heading is not None:
            self._tell(status)
        self._drops = reader.engine.status().dropped_columns
        if deliveries and is_first:
            settle()
        for columns in deliveries:
            self._write(columns)
        for some in answers:
            self._write_answers(some)
        if status.state == "waiting" or self._heading is not None:
            self._tell(status)
        if self._model is not None:
            for line in self._model.news():
                say(line)
        return bool(deliveries or answers) or not self._is_over(is_last)

    def _is_over(self, is_last: bool) -> bool:
        """Whether nothing more will come."""
        is_over = is_last or self._reader.is_over
        if self._model is None or self._reader.status.state == "failed":
            return is_over
        return is_over and self._model.is_done()

    def _tell(self, status: EngineStatus) -> None:
        news = self._said.news(status)
        if news is not None:
            self._put(self._writer.state(status.state, status.fault, status.note))
            say(news)

    def _write(self, columns: MelColumns) -> None:
        if columns.config_id != self._config_id and not self._begin(columns.config_id):
            return
        assert self._heading is not None
        if (bits := columns.integer_bits) is not None:
            self._say_once(f"{self._heading.source.name}: {integers_taken_for_floats(bits)}")
        self._faults = columns.faults
        mel, dequeued_at = self._heading.mel, columns.dequeued_at
        now = time.time() - time.perf_counter()
        for i in range(columns.n_columns):
            index = columns.first_column + i
            gap = index - self._next_column
            dropped = min(gap, self._drops - self._told_drops)
            values = columns.values[:, :, i]
            column = StreamColumn(
                column=index,
                time_s=round(mel.middle_s + index * mel.hop_s, 9),
                gap=gap,
                dropped=dropped,
                captured_at=round(columns.captured_at + now, 6),
                wait_ms=round(1e3 * (dequeued_at - columns.captured_at), 3),
                kernel_ms=round(1e3 * (columns.computed_at - dequeued_at), 3),
                values=values[0] if self._heading.n_signals is None else values,
            )
            self._put(self._writer.column(column))
            self._told_drops += dropped
            self._next_column = index + 1
            self.gaps += gap > 0
            self.missing += gap
            self.written += 1

    def _write_answers(self, answers: Answers) -> None:
        spec = None if self._heading is None else self._heading.model
        if spec is None:
            return
        if answers.stream_id != self._answered_stream_id:
            self._answered_stream_id, self._next_answer = answers.stream_id, 0
        names = [output.name for output in spec.outputs]
        for i, (numbers, texts) in enumerate(zip(answers.numbers, answers.texts, strict=True)):
            index = answers.first + i
            answer = StreamAnswer(
                name=spec.name,
                time_s=round(answers.grid.middle_s(index), 9),
                gap=index - self._next_answer,
                outputs=names,
                values=values_of(spec, numbers, texts),
                late_ms=round(answers.late_ms, 3),
            )
            self._put(self._writer.answer(answer))
            self._next_answer = index + 1

    def _begin(self, config_id: int) -> bool:
        """Say what follows; False where that is not known any more."""
        status = self._reader.status
        source, mel = status.source, status.mel
        if status.config_id != config_id or source is None or mel is None:
            return False
        if status.stream_id != self._stream_id:
            if self._heading is not None:
                say(f"the stream begins anew: {source.name}, {source.sample_rate} Hz")
            self._next_column = 0
        self._config_id, self._stream_id = config_id, status.stream_id
        is_each = self._channel == "each"
        n = n_signals(source.channels, "each") if is_each else None
        spec = None if self._model is None else self._model.status.spec
        self._heading = Heading(source, mel, status.config.capture.gain_db, n, spec)
        self._put(self._writer.heading(self._heading))
        return True

    def _put(self, pieces: Iterable[bytes]) -> None:
        for piece in pieces:
            view = memoryview(piece)
            while view:
                n_bytes = self._file.write(view)
                if n_bytes is None:
                    time.sleep(_FULL_S)
                else:
                    view = view[n_bytes:]
