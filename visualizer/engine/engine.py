"""The worker: blocks of sound become mel columns.

Threads: the worker (owned here) runs `_run` and all it calls; the device thread (owned by
SourceSupervisor) and the thread for kernels (owned by KernelKeeper) only give orders, the source's
own thread only wakes the worker, and the user's thread calls the public methods, none of which
waits for the others except `close`.
"""

from __future__ import annotations

import logging
import math
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from visualizer.audio.capture import CaptureConfig
from visualizer.audio.channels import Channel, least_channels, said
from visualizer.audio.health import PATIENCE, Patience
from visualizer.audio.portaudio import load_soon, wait_for_start
from visualizer.audio.ring import AudioBlock, BlockRing, SourceEnd
from visualizer.audio.sanitize import Cleaner
from visualizer.audio.source import LATE_LIMIT_S, AudioSource
from visualizer.audio.supervisor import (
    SourceBack,
    SourceChanged,
    SourceEvent,
    SourceFailed,
    SourceLost,
    SourceOpened,
    SourceSupervisor,
    open_source,
)
from visualizer.engine.analysis import Analysis, begin_analysis
from visualizer.engine.columns import MelColumns
from visualizer.engine.config import EngineConfig
from visualizer.engine.follower import heard
from visualizer.engine.history import MEMORY_BYTES, SoundHistory
from visualizer.engine.keeper import NUMPY_ALONE, KernelKeeper, KernelOffer, KernelPlan
from visualizer.engine.outbox import Outbox
from visualizer.engine.pace import KernelPace
from visualizer.engine.pipeline import Pipeline
from visualizer.engine.status import EngineStatus, State
from visualizer.engine.tally import Tally
from visualizer.engine.tap import SoundTap
from visualizer.errors import VisualizerError
from visualizer.mel.compute import available_devices

Need = Literal["now", "later"]
"""When columns are needed: as they complete, or in batches of a quarter of a second."""

_BATCH_S = 0.25
_NEVER = 1 << 62
"""A sample that no stream comes to."""
_LOOK_S = 0.1
"""Of sound, after which the worker looks at it even where no column comes of it."""
_CALM_S = 10.0
"""An analysis that fails again within this time is given up."""

_log = logging.getLogger(__name__)


class Engine:
    """Runs one source through one front-end until it is closed."""

    def __init__(
        self,
        config: EngineConfig,
        fallbacks: tuple[CaptureConfig, ...],
        on_update: Callable[[], None],
        *,
        strict: bool = False,
        kernels: KernelPlan = NUMPY_ALONE,
        open_source: Callable[[CaptureConfig], AudioSource] = open_source,
        patience: Patience = PATIENCE,
        sound_bytes: int = MEMORY_BYTES,
        tap: SoundTap | None = None,
    ) -> None:
        """Start at once; what cannot be opened is replaced by the first fallback that can.

        With `strict`, nothing replaces what is asked for first: the state is then "failed".
        `kernels` says which to look for beside the stream, which begins with NumPy's.
        `on_update` is called on the worker's thread whenever there are new columns or a new
        status; it must not block. `open_source` is called on the device thread, or, for
        microphones, on one that may hang. The sound that is kept takes at most `sound_bytes`.
        `tap` has the sound from the first sample on, see `attach`.
        """
        self._wanted = _with_hints(config)
        self._status = EngineStatus("starting", self._wanted)
        self._strict = strict
        self._sound_bytes = sound_bytes
        self._device = ""
        self._on_update = on_update
        # Orders go before sound, so that an overloaded worker still obeys; the inbox wakes it. It
        # holds at most one entry for each block in a ring and each order.
        self._orders: deque[Callable[[], None]] = deque()
        self._inbox: queue.SimpleQueue[BlockRing | None] = queue.SimpleQueue()
        self._requested = self._wanted.capture
        self._outbox = Outbox(self._wake)
        self._ring: BlockRing | None = None
        self._pipeline: Pipeline | None = None
        self._need: Need = "now"
        self._asked_need: Need = "now"
        self._tap = tap
        self._tapped: tuple[int, Channel] | None = None
        """of which stream, and by which channel rule, the tap knows"""
        self._heard: Iterator[tuple[int, NDArray[np.float32]]] | None = None
        """what it is still to hear of a stream that ended before it came"""
        self._expected_sample: int | None = None
        self._sound: SoundHistory | None = None
        self._ended_well = False
        self._closing = False
        self._ready_at = 0.0
        self._waited_until = -math.inf
        """what was captured before had to wait for a reader or a model; infinity: it still does"""
        self._failed_at = -math.inf
        self._cleaner = Cleaner()
        self._tally = Tally()
        self._pace = KernelPace()
        self._keeper = KernelKeeper(
            kernels, lambda offer: self._order(lambda: self._take_kernel(offer))
        )
        self._supervisor = SourceSupervisor(
            fallbacks if not strict else (),
            self._inbox.put,
            lambda event: self._order(lambda: self._follow(event)),
            open_source,
            patience,
        )
        self._thread = threading.Thread(target=self._run, name="worker", daemon=True)
        self._thread.start()

    def configure(self, config: EngineConfig) -> None:
        """Ask for other settings; the status tells when they are in force, or why not."""
        self._order(lambda: self._apply(_with_hints(config)))

    def need(self, when: Need) -> None:
        """Say when columns are needed from here on; at first it is "now".

        Needed "later", they take a fraction of the time; needed "now", what waits comes at once.
        """
        self._order(lambda: self._meet(when))

    def attach(self, tap: SoundTap | None) -> None:
        """Let a tap have all sound from here on, or none any more.

        Of sound that has ended it gets what is kept.
        While there is one, columns are computed as if they were needed now.
        """
        self._order(lambda: self._change_tap(tap))

    def drain(self) -> list[MelColumns]:
        """The columns that came since the last call, oldest first."""
        return self._outbox.take()

    def status(self) -> EngineStatus:
        """The state of now."""
        return self.counted(self._status)

    def uncounted(self) -> EngineStatus:
        """The state of now without what changes with each block, which takes time to gather."""
        return self._status

    def counted(self, status: EngineStatus) -> EngineStatus:
        """Return a state with the counts of now."""
        return self._tally.counted(status, self._ring, self._cleaner)

    def close(self, timeout_s: float = 1.0) -> None:
        """Stop capturing and end the threads, waiting at most so long; again has no effect.

        A start of PortAudio that is under way is waited for as long once more.
        """
        give_up_at = time.monotonic() + timeout_s
        self._closing = True
        self._inbox.put(None)
        self._keeper.close()
        self._thread.join(max(0.0, give_up_at - time.monotonic()))
        self._supervisor.close(max(0.0, give_up_at - time.monotonic()))
        wait_for_start(timeout_s)

    def _order(self, order: Callable[[], None]) -> None:
        """Have the worker do this between two blocks."""
        self._orders.append(order)
        self._inbox.put(None)

    def _run(self) -> None:
        if self._requested.is_live:
            load_soon()
        self._open(self._wanted.capture)
        # Meanwhile, since a driver may take a while to answer.
        self._status = replace(self._status, compute_choices=available_devices())
        self._work()
        self._keeper.close()

    def _work(self) -> None:
        while True:
            ring = self._next()
            try:
                while self._orders and not self._closing:
                    self._orders.popleft()()
                if self._closing:
                    self._set(state="closed")
                    return
                while ring is not None and ring is self._ring and self._take_audio(ring):
                    if self._orders or self._closing:
                        self._inbox.put(ring)
                        break
            except Exception as error:
                self._recover(error)

    def _next(self) -> BlockRing | None:
        """Wait for an order, or for sound: where that is needed later, for a batch of it."""
        try:
            return self._inbox.get(timeout=None if self._need == "now" else _BATCH_S)
        except queue.Empty:
            return self._ring

    def _change_tap(self, tap: SoundTap | None) -> None:
        self._tap, self._tapped = tap, None
        if self._pipeline is not None:
            self._tell_tap()
        self._meet(self._asked_need)
        # It may have waited for room in the one before.
        self._inbox.put(self._ring)

    def _tell_tap(self) -> None:
        """Say which stream it hears, and by which channel rule, where that is new."""
        status = self._status
        told = status.stream_id, status.config.channel
        if self._tap is None or status.source is None or told == self._tapped:
            return
        self._tapped = told
        self._tap.begin(status.source, status.config.channel, status.stream_id)
        assert self._sound is not None
        self._heard = heard(self._sound) if status.state == "ended" else None

    def _meet(self, need: Need) -> None:
        self._asked_need = need
        if self._tap is not None:
            need = "now"
        if need == self._need:
            return
        ring = self._ring
        if ring is None:
            self._need = need
            return
        try:
            # What has come so far is of the need of before. No more: a pipe may never be empty.
            for _ in range(len(ring)):
                self._take_audio(ring)
        finally:
            self._need = need
        self._want_of(ring)
        # For what came meanwhile.
        self._inbox.put(ring)

    def _want_of(self, ring: BlockRing) -> None:
        """Let the ring wake this thread no sooner than there is something to do."""
        pipeline, sound = self._pipeline, self._sound
        if self._need == "later":
            ring.want(_NEVER)
        elif pipeline is not None and sound is not None:
            # Now and then in any case, so that a long hop is not taken for silence.
            soon = (self._expected_sample or 0) + round(_LOOK_S * sound.sample_rate)
            ring.want(min(pipeline.completed_by, soon))

    def _recover(self, error: Exception) -> None:
        """Go on with a front-end made anew; if that fails as well, say so."""
        _log.exception("the analysis failed")
        now = time.perf_counter()
        is_first, self._failed_at = now - self._failed_at > _CALM_S, now
        fault = f"the analysis failed: {error!r}"
        if is_first and self._pipeline is not None and self._status.state == "running":
            self._build((self._status.config,), f"{fault}; it was begun anew")
            # What it was woken for may still be there.
            if self._ring is not None:
                self._inbox.put(self._ring)
        else:
            self._fail(f"{fault}; pick another front-end or device")

    def _follow(self, event: SourceEvent) -> None:
        state = self._status.state
        if isinstance(event, SourceOpened):
            self._attach(event)
        elif isinstance(event, SourceFailed):
            if event.requested == self._requested:
                self._fail(event.fault)
        elif event.ring is not self._ring:
            return
        elif isinstance(event, SourceLost) and state in ("running", "waiting"):
            self._set(state="waiting", fault=event.fault)
        elif isinstance(event, SourceBack) and state == "waiting":
            self._tally.add(reopened=1)
            self._set(state="running", source=event.info, fault=None)
        elif isinstance(event, SourceChanged) and state == "running":
            self._tally.add(reopened=1)
            self._set(source=event.info)

    def _open(self, capture: CaptureConfig) -> None:
        self._requested = capture
        self._supervisor.switch(capture)

    def _apply(self, config: EngineConfig) -> None:
        before, state = self._wanted, self._status.state
        self._wanted = config
        analysis = (config.preset, config.mel, config.compute)
        # Of a sound that has ended another front-end looks at what was heard; else it plays again.
        looks_back = (
            state == "ended"
            and self._ended_well
            and analysis != (before.preset, before.mel, before.compute)
        )
        goes_on = state in ("running", "waiting") or looks_back
        if config.capture != before.capture or not goes_on:
            # What is asked for with a new source comes into force with it.
            self._open(config.capture)
        elif self._status.config.capture == config.capture:
            # Why it is away, or what stands in for it, goes on being so.
            stands_in = config.capture != self._requested
            fault = self._status.fault if state == "waiting" or stands_in else None
            self._build((config, self._status.config), fault, state)

    def _attach(self, opened: SourceOpened) -> None:
        self._tally.keep(self._ring, self._cleaner)
        before = self._status
        goes_on = before.state in ("running", "waiting") and before.config.capture.is_live
        if self._ring is not None and goes_on and opened.capture == before.config.capture:
            # It is back in another form, so that its stream could not go on.
            now = time.perf_counter()
            lost_s = max(0.0, now - (self._ring.due_at or now))
            self._tally.add(reopened=1, gaps=int(lost_s > 0), lost_s=lost_s)
        self._cleaner = Cleaner(opened.capture.gain_db)
        strict = self._strict and self._status.state == "starting"
        self._ring = opened.ring
        self._expected_sample = None
        self._sound = SoundHistory(opened.info.sample_rate, opened.info.channels, self._sound_bytes)
        self._status = replace(
            self._status, source=opened.info, stream_id=self._status.stream_id + 1
        )
        wanted = self._wanted
        if opened.capture != opened.requested == self._requested:
            # What came with the source that failed goes with it.
            wanted = self._status.config
        wanted = replace(wanted, capture=opened.capture)
        if opened.requested == self._requested:
            self._wanted = wanted
        spares = [
            replace(self._status.config, capture=opened.capture),
            replace(wanted, channel="mean"),
            replace(wanted, compute="cpu"),
            EngineConfig(opened.capture, compute="cpu"),
        ]
        if self._strict:
            # Another channel than the one that is asked for is never taken for it.
            spares = [spare for spare in spares if spare.channel == wanted.channel]
        self._build((wanted,) if strict else (wanted, *spares), opened.fault)
        if self._pipeline is not None:
            # From now on blocks end with samples that complete columns, if they are hops.
            opened.ring.begin_at(-self._pipeline.completed_by % opened.info.block_length)
        # What the source wrote before it was known here.
        self._inbox.put(opened.ring)

    def _build(
        self, configs: tuple[EngineConfig, ...], fault: str | None, state: State = "running"
    ) -> None:
        """Make the front-end anew, between two blocks: the first of `configs` that works."""
        source = self._status.source
        assert source is not None
        for config in configs:
            try:
                analysis = begin_analysis(config, source, self._keeper)
            except VisualizerError as error:
                fault = fault or str(error)
            except Exception as error:
                _log.exception("%s on %s failed", config.preset, config.compute)
                fault = fault or f"{config.preset} on {config.compute} failed: {error!r}"
            else:
                if config is not configs[0]:
                    self._wanted = config
                    if config.channel != configs[0].channel:
                        fault = f"{fault} · instead: {said(config.channel)}"
                self._begin(analysis, fault, state)
                if analysis.offer is None:
                    chosen = config.compute != "auto"
                    self._keeper.want(analysis.mel, analysis.device, is_chosen=chosen)
                return
        self._fail(fault or "no front-end works")

    def _begin(self, analysis: Analysis, fault: str | None, state: State) -> None:
        pipeline, offer = analysis.pipeline, analysis.offer
        self._pipeline, self._device = pipeline, analysis.device
        if self._ring is not None:
            self._ring.want(0)
        # What waited for it meanwhile is no lag.
        self._ready_at = time.perf_counter()
        self._pace = KernelPace()
        self._set(
            slow_hops=None,
            state=state,
            config=analysis.config,
            mel=analysis.mel,
            **_about_kernel(pipeline, offer),
            resampling_s=pipeline.stream.held_back_s,
            config_id=self._status.config_id + 1,
            sound=self._sound,
            front_end_since=self._expected_sample or 0,
            fault=fault,
        )
        self._tell_tap()

    def _take_kernel(self, offer: KernelOffer) -> None:
        """Between two blocks, go on with what is offered if it is for what runs.

        No change of state or settings, so the revision stays, but where there is other news.
        """
        pipeline, status = self._pipeline, self._status
        fits = (offer.front_end, offer.device) == (status.mel, self._device)
        if pipeline is None or status.state not in ("running", "waiting") or not fits:
            return
        if offer.kernel is not None:
            pipeline.stream.kernel = offer.kernel
        self._pace.begin()
        self._status = replace(status, **_about_kernel(pipeline, offer))
        if self._status.note != status.note:
            self._set()

    def _take_audio(self, ring: BlockRing) -> bool:
        """As much as brings a column, so that orders come between two; whether there is more."""
        # Before the look for a block, so that none comes between the two.
        end = ring.end
        now = time.perf_counter()
        source = self._status.source
        if source is None:
            # The analysis failed, and with it what it was of.
            return False
        late_limit_s = LATE_LIMIT_S + (_BATCH_S if self._need == "later" else 0.0)
        if source.is_live and now - late_limit_s > self._ready_at:
            ring.skip(now - late_limit_s)
        if source.can_wait and not self._has_room():
            self._waited_until = math.inf
            return False
        if self._waited_until == math.inf:
            self._waited_until = now
        block = ring.read()
        if block is not None:
            self._process(block, now)
            self._want_of(ring)
            return len(ring) > 0 or ring.end is not None
        # A device that stops is opened again.
        if end is not None and not source.is_live and self._status.state == "running":
            self._ended_well = end is SourceEnd.COMPLETE
            fault = self._flush() if self._ended_well else ring.fault
            self._set(state="ended", fault=fault)
            if self._tap is not None:
                self._tap.end()
        return self._heard is not None and self._play_again(self._heard)

    def _play_again(self, sound: Iterator[tuple[int, NDArray[np.float32]]]) -> bool:
        """Let a tap that came after the end have the next of what was heard; False: it has all."""
        if self._tap is None or self._status.state != "ended":
            self._heard = None
            return False
        for start_sample, samples in sound:
            self._tap.put(start_sample, samples, time.perf_counter())
            return True
        self._tap.end()
        self._heard = None
        return False

    def _has_room(self) -> bool:
        """Whether nothing would be lost for more sound; if not, this thread is woken then."""
        tap = self._tap
        return self._outbox.has_room() and (tap is None or tap.has_room(self._wake))

    def _wake(self) -> None:
        self._inbox.put(self._ring)

    def _process(self, block: AudioBlock, dequeued_at: float) -> None:
        pipeline = self._pipeline
        if pipeline is None:
            return
        missing = block.start_sample - (self._expected_sample or block.start_sample)
        if missing > 0:
            assert self._sound is not None
            self._tally.add(gaps=1, lost_s=missing / self._sound.sample_rate)
            self._expected_sample = block.start_sample
        if block.captured_at >= self._waited_until:
            self._tally.note_lag(dequeued_at - block.captured_at)
        samples = self._cleaner.clean(block.samples)
        columns = pipeline.push(block.start_sample, samples)
        self._note_pace(dequeued_at, columns[1].shape[2])
        # From here on it is not lost.
        self._expected_sample = block.start_sample + len(samples)
        # Before the columns, whose reader at once competes for the interpreter.
        assert self._sound is not None
        self._sound.append(block.start_sample, samples)
        self._publish(*columns, block.captured_at, dequeued_at)
        if self._tap is not None:
            self._tap.put(block.start_sample, samples, time.perf_counter())

    def _note_pace(self, dequeued_at: float, n_columns: int) -> None:
        source, mel, now = self._status.source, self._status.mel, time.perf_counter()
        # Where the sound waits, nothing is lost.
        if source is None or mel is None or not source.is_live:
            return
        if self._pace.note(now, now - dequeued_at, n_columns, mel.hop_s):
            self._set(slow_hops=self._pace.slow_hops)

    def _flush(self) -> str | None:
        """The columns that reach past the end of a file; return what is wrong with it."""
        if self._pipeline is None:
            return None
        now = time.perf_counter()
        self._publish(*self._pipeline.flush(), now, now)
        if self._pipeline.stream.next_column == 0:
            return "the sound is too short for a single column of this front-end"
        return None

    def _publish(
        self, first_column: int, values: NDArray[np.float32], captured_at: float, dequeued_at: float
    ) -> None:
        if values.shape[2] == 0:
            return
        values.flags.writeable = False
        levels = self._cleaner.take_levels()
        columns = MelColumns(
            values=values,
            first_column=first_column,
            config_id=self._status.config_id,
            captured_at=captured_at,
            dequeued_at=dequeued_at,
            computed_at=time.perf_counter(),
            peak=levels.peak,
            means=levels.means,
            faults=self._cleaner.faults,
            integer_bits=self._cleaner.integer_bits,
            in_batch=self._need == "later" or captured_at < self._waited_until,
        )
        dropped, batched = self._outbox.put(columns), columns.n_columns * columns.in_batch
        self._tally.add(columns=columns.n_columns, batched_columns=batched, dropped_columns=dropped)
        self._on_update()

    def _fail(self, fault: str) -> None:
        self._pipeline = None
        unknown = dict.fromkeys(("source", "mel", "backend", "device", "deviation"))
        self._set(state="failed", fault=fault, **unknown)

    def _set(self, **changes: Any) -> None:
        """Let the status say otherwise, as one whole."""
        self._status = replace(self._status, revision=self._status.revision + 1, **changes)
        self._on_update()


def _about_kernel(pipeline: Pipeline, offer: KernelOffer | None) -> dict[str, Any]:
    """Return what the status says of the kernel in use; without an offer nothing was measured."""
    return {
        "backend": pipeline.stream.kernel.backend,
        "device": pipeline.stream.kernel.device,
        "deviation": offer and offer.deviation,
        "timings": offer.timings if offer else (),
        "kernel_note": offer and offer.note,
        "is_building": offer is not None and offer.is_building,
    }


def _with_hints(config: EngineConfig) -> EngineConfig:
    """Let a microphone open with the channels, and deliver by the hops, that are to be analysed."""
    least, feeds = least_channels(config.channel), config.mel or config.preset
    return replace(config, capture=replace(config.capture, least_channels=least, feeds=feeds))
