"""The worker: blocks of sound become mel columns.

Threads: the worker (owned here) runs `_work` and everything it calls; the device thread (owned by
SourceSupervisor) and the source's own thread only put messages into the inbox; the user's thread
calls the public methods, none of which waits for the others except `close`.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from visualizer.audio.file import END_OF_FILE
from visualizer.audio.ring import AudioBlock, BlockRing
from visualizer.audio.source import AudioSource, SourceInfo
from visualizer.audio.supervisor import SourceFailed, SourceOpened, SourceSupervisor, open_source
from visualizer.columns import MelColumns
from visualizer.config import CaptureConfig, Compute, EngineConfig, MelConfig
from visualizer.errors import VisualizerError
from visualizer.presets import fixed_rate, front_end, preset

if TYPE_CHECKING:
    from visualizer.pipeline import Pipeline

OUTBOX_COLUMNS = 4096
"""Columns kept for a reader that stalls: 51 s of 80 a second, then the oldest are dropped."""

_log = logging.getLogger(__name__)

State = Literal["starting", "running", "ended", "failed", "closed"]


@dataclass(frozen=True)
class EngineStatus:
    """What the engine does now, and all that went missing since it started."""

    state: State
    config: EngineConfig
    """in force"""
    source: SourceInfo | None
    mel: MelConfig | None
    backend: str | None
    device: str | None
    compute_choices: tuple[Compute, ...]
    """empty until torch is loaded"""
    config_id: int
    columns: int
    gaps: int
    input_overflows: int
    dropped_blocks: int
    dropped_columns: int
    resampling_s: float
    """how long a sample may wait in the resampler; 0.0 where there is none"""
    max_lag_s: float
    revision: int
    """counts the changes of state, settings and faults"""
    fault: str | None
    """why something asked for is not so, in words"""


@dataclass(frozen=True)
class _Configure:
    config: EngineConfig


@dataclass(frozen=True)
class _Close:
    pass


_Message = BlockRing | SourceOpened | SourceFailed | _Configure | _Close


class Engine:
    """Runs one source through one front-end until it is closed."""

    def __init__(
        self,
        config: EngineConfig,
        fallbacks: tuple[CaptureConfig, ...],
        on_update: Callable[[], None],
        open_source: Callable[[CaptureConfig], AudioSource] = open_source,
    ) -> None:
        """Start at once; what cannot be opened is replaced by the first fallback that can.

        `on_update` is called on the worker's thread whenever there are new columns or a new
        status; it must not block. `open_source` is called on the device thread.
        """
        self._config = _with_preferred_rate(config)
        self._fallbacks = fallbacks
        self._on_update = on_update
        self._inbox: queue.SimpleQueue[_Message] = queue.SimpleQueue()
        self._outbox: deque[MelColumns] = deque()
        self._state: State = "starting"
        self._source: SourceInfo | None = None
        self._ring: BlockRing | None = None
        self._pipeline: Pipeline | None = None
        self._compute_choices: tuple[Compute, ...] = ()
        self._config_id = self._revision = 0
        self._expected_sample: int | None = None
        self._peak = 0.0
        self._columns = self._gaps = self._dropped_columns = 0
        self._past_overflows = self._past_dropped_blocks = 0
        self._max_lag_s = 0.0
        self._fault: str | None = None
        self._supervisor = SourceSupervisor(self._inbox.put, self._inbox.put, open_source)
        self._thread = threading.Thread(target=self._run, name="worker", daemon=True)
        self._thread.start()

    def configure(self, config: EngineConfig) -> None:
        """Ask for other settings; the status tells when they are in force, or why not."""
        self._inbox.put(_Configure(config))

    def drain(self) -> list[MelColumns]:
        """The columns that came since the last call, oldest first."""
        drained = []
        while self._outbox:
            drained.append(self._outbox.popleft())
        return drained

    def status(self) -> EngineStatus:
        """The state of now."""
        # First, so that a change while this is read is seen as one by the next look.
        revision = self._revision
        ring, pipeline = self._ring, self._pipeline
        stream = pipeline.stream if pipeline else None
        return EngineStatus(
            state=self._state,
            config=self._config,
            source=self._source,
            mel=stream.config if stream else None,
            backend=stream.kernel.backend if stream else None,
            device=stream.kernel.device if stream else None,
            compute_choices=self._compute_choices,
            config_id=self._config_id,
            columns=self._columns,
            gaps=self._gaps,
            input_overflows=self._past_overflows + (ring.overflows if ring else 0),
            dropped_blocks=self._past_dropped_blocks + (ring.dropped_blocks if ring else 0),
            dropped_columns=self._dropped_columns,
            resampling_s=pipeline.held_back_s if pipeline else 0.0,
            max_lag_s=self._max_lag_s,
            revision=revision,
            fault=self._fault,
        )

    def close(self, timeout_s: float = 2.0) -> None:
        """Stop capturing and end the threads; again has no effect."""
        self._inbox.put(_Close())
        self._thread.join(timeout_s)
        self._supervisor.close(timeout_s)

    def _run(self) -> None:
        try:
            self._work()
        except Exception as error:
            _log.exception("the worker failed")
            self._fail(f"the analysis failed: {error!r}")

    def _work(self) -> None:
        # Loaded here, behind a window that is already visible: it takes more than a second.
        import torch

        from visualizer.mel.kernels import available_devices
        from visualizer.mel.stream import MelStream

        torch.set_num_threads(1)
        self._compute_choices = available_devices()
        # The first transform of a process sets up libraries; no column shall wait for that.
        warm_up = MelStream(preset("simli"), 1, torch.device("cpu"))
        warm_up.push(np.zeros((warm_up.config.win_length, 1), dtype=np.float32))
        self._supervisor.switch((self._config.capture, *self._fallbacks))
        while not isinstance(message := self._inbox.get(), _Close):
            if isinstance(message, BlockRing):
                if message is self._ring:
                    self._take_audio(message)
            elif isinstance(message, SourceOpened):
                self._attach(message)
            elif isinstance(message, SourceFailed):
                self._fail(message.fault)
            else:
                self._apply(message.config)
        self._state = "closed"

    def _attach(self, opened: SourceOpened) -> None:
        if self._ring is not None:
            self._past_overflows += self._ring.overflows
            self._past_dropped_blocks += self._ring.dropped_blocks
        self._ring = opened.ring
        self._source = opened.info
        self._config = replace(self._config, capture=opened.capture)
        self._fault = opened.fault
        self._pipeline = None
        try:
            self._build(self._config)
        except VisualizerError as error:
            self._fail(str(error))
            return
        self._state = "running"
        self._announce()

    def _apply(self, config: EngineConfig) -> None:
        config = _with_preferred_rate(config)
        self._fault = None
        capture = config.capture
        if capture != self._config.capture or self._state != "running":
            self._supervisor.switch((capture, self._config.capture, *self._fallbacks))
            # What is asked for with a new source comes into force with it.
            self._config = replace(config, capture=self._config.capture)
            return
        try:
            self._build(config)
        except VisualizerError as error:
            self._fault = str(error)
        else:
            self._config = config
        self._announce()

    def _build(self, config: EngineConfig) -> None:
        """Make the front-end anew, between two blocks. Raises ConfigError."""
        from visualizer.mel.kernels import choose_device
        from visualizer.pipeline import Pipeline

        assert self._source is not None
        rate = self._source.sample_rate
        mel, device = front_end(config, rate), choose_device(config.compute)
        self._pipeline = Pipeline(mel, rate, config.channel, device)
        self._expected_sample = None
        self._config_id += 1

    def _take_audio(self, ring: BlockRing) -> None:
        while (block := ring.read()) is not None:
            self._process(block, time.perf_counter())
        if ring.end_reason is not None:
            self._state = "ended"
            if ring.end_reason != END_OF_FILE:
                self._fault = ring.end_reason
            self._announce()

    def _process(self, block: AudioBlock, dequeued_at: float) -> None:
        pipeline = self._pipeline
        if pipeline is None:
            return
        if self._expected_sample is not None and block.start_sample > self._expected_sample:
            self._gaps += 1
            pipeline.skip(block.start_sample - self._expected_sample)
        self._expected_sample = block.start_sample + len(block.samples)
        self._max_lag_s = max(self._max_lag_s, dequeued_at - block.captured_at)
        self._peak = max(self._peak, float(np.abs(block.samples).max()))
        first_column = pipeline.next_column
        values = pipeline.push(block.samples)
        if values.shape[1] == 0:
            return
        values.flags.writeable = False
        columns = MelColumns(
            values=values,
            first_column=first_column,
            config_id=self._config_id,
            captured_at=block.captured_at,
            dequeued_at=dequeued_at,
            computed_at=time.perf_counter(),
            peak=self._peak,
        )
        self._peak = 0.0
        self._columns += columns.n_columns
        self._outbox.append(columns)
        while len(self._outbox) > OUTBOX_COLUMNS:
            self._dropped_columns += self._outbox.popleft().n_columns
        self._on_update()

    def _fail(self, fault: str) -> None:
        self._fault = fault
        self._state = "failed"
        self._announce()

    def _announce(self) -> None:
        self._revision += 1
        self._on_update()


def _with_preferred_rate(config: EngineConfig) -> EngineConfig:
    """Let a microphone open at the front-end's own rate, so that nothing has to be resampled."""
    rate = fixed_rate(config) if config.capture.kind == "mic" else None
    return replace(config, capture=replace(config.capture, preferred_rate=rate))
