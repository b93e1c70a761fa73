"""The device thread: opens, watches and closes sources, one thing at a time.

Opening, starting and closing sources never runs on the worker's or the window's thread. What may
hang with a sound device runs on a further one (`Calls`) and is waited for only so long. Both are
daemons: quitting waits for them only as long as it is told to.

A microphone that delivers no more is opened again, the same one, until it delivers or something
else is asked for; its stream goes on then, with a gap. Where something else stands in for it, it
takes its place as soon as it can be opened.
"""

from __future__ import annotations

import logging
import math
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from visualizer.audio.capture import CaptureConfig, OfKind, SourceKind
from visualizer.audio.deadline import Calls, HungError
from visualizer.audio.demo import open_demo
from visualizer.audio.file import FileSource
from visualizer.audio.health import DeviceHealth, Patience
from visualizer.audio.microphone import Microphone
from visualizer.audio.pipe import open_standard_input
from visualizer.audio.ring import BlockRing, SourceEnd
from visualizer.audio.source import AudioSource, SourceInfo
from visualizer.errors import DeviceError, VisualizerError

RING_S = 2.0
"""Sound the worker may fall behind by before blocks are dropped."""

_LOOK_S = 0.1
_HURRY_S = 1.0
_CALM_S = 10.0

T = TypeVar("T")

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SourceOpened:
    """A source that delivers into `ring`."""

    requested: CaptureConfig
    capture: CaptureConfig
    """what was opened: where `requested` could not be had, what stands in for it"""
    info: SourceInfo
    ring: BlockRing
    fault: str | None
    """why what was asked for could not be had"""


@dataclass(frozen=True)
class SourceFailed:
    """Neither what was asked for nor anything else could be opened."""

    requested: CaptureConfig
    fault: str


@dataclass(frozen=True)
class SourceLost:
    """The source of `ring` delivers no more; it is opened again until it does."""

    ring: BlockRing
    fault: str


@dataclass(frozen=True)
class SourceBack:
    """It delivers again, into the same ring."""

    ring: BlockRing
    info: SourceInfo


@dataclass(frozen=True)
class SourceChanged:
    """It was opened again, into the same ring, maybe as another source that the server chose."""

    ring: BlockRing
    info: SourceInfo


SourceEvent = SourceOpened | SourceFailed | SourceLost | SourceBack | SourceChanged


@dataclass
class _Playing:
    """What is open, or is to be opened again."""

    capture: CaptureConfig
    ring: BlockRing
    info: SourceInfo
    source: AudioSource | None
    health: DeviceHealth | None
    """None: it ends by itself, or is not open now"""
    trouble: str | None = None
    """what it was lost for, until it delivers again"""
    fault: str | None = None
    """what was said last of opening it again"""
    is_spoilt: bool = False
    """whether its ring can have no other source"""


class SourceSupervisor:
    """Keeps at most one source open."""

    def __init__(
        self,
        fallbacks: tuple[CaptureConfig, ...],
        on_audio: Callable[[BlockRing], None],
        on_event: Callable[[SourceEvent], None],
        open_source: Callable[[CaptureConfig], AudioSource],
        patience: Patience,
    ) -> None:
        """`fallbacks` are tried, after what worked last, where a source cannot be opened.

        `on_audio` is called on the source's thread, `on_event` on the device thread, `open_source`
        on one of its callers.
        """
        self._fallbacks = fallbacks
        self._open_source = open_source
        self._on_audio = on_audio
        self._on_event = on_event
        self._patience = patience
        # What is asked for, the newest last, and what wakes the thread: that, or a ring's end.
        self._requests: deque[CaptureConfig | None] = deque()
        self._wakes: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._device_calls = Calls("the sound system")
        self._file_calls = Calls("the file, or the drive that it is on,")
        self._requested: CaptureConfig | None = None
        self._playing: _Playing | None = None
        self._worked_last: CaptureConfig | None = None
        self._retries = 0
        self._retry_at = -_CALM_S
        self._thread = threading.Thread(target=self._run, name="device", daemon=True)
        self._thread.start()

    def switch(self, capture: CaptureConfig) -> None:
        """Close what is open, then open this, or what stands in for it."""
        self._requests.append(capture)
        self._wakes.put(None)

    def close(self, timeout_s: float) -> None:
        """Close the source and end the thread, waiting no longer than `timeout_s`."""
        self._requests.append(None)
        self._wakes.put(None)
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while True:
            with suppress(queue.Empty):
                self._wakes.get(timeout=_LOOK_S)
            if not self._requests:
                self._safely(self._look)
                continue
            requested = self._requests.popleft()
            if requested is None:
                break
            if not self._requests:  # else there is a newer wish already
                self._safely(partial(self._switch, requested))
        self._safely(self._close_source)
        self._device_calls.close()
        self._file_calls.close()

    def _safely(self, function: Callable[[], None]) -> None:
        """Whatever happens, the thread goes on."""
        try:
            function()
        except Exception:
            _log.exception("the supervision of the source failed")

    def _switch(self, requested: CaptureConfig) -> None:
        self._close_source()
        self._requested = requested
        self._playing = None
        self._retry_later(first=True)
        last = () if self._worked_last is None else (self._worked_last,)
        errors: list[VisualizerError] = []
        hangs = False
        for capture in dict.fromkeys((requested, *last, *self._fallbacks)):
            if self._requests:
                return
            if hangs and capture.is_live:
                continue
            try:
                playing = self._open(capture, None)
            except VisualizerError as error:
                errors.append(error)
                hangs |= isinstance(error, HungError)
                continue
            self._worked_last = capture
            self._begin(
                playing, f"{errors[0].line} · instead: {playing.info.name}" if errors else None
            )
            return
        if not self._requests:
            self._on_event(SourceFailed(requested, str(errors[0])))

    def _begin(self, playing: _Playing, fault: str | None = None) -> None:
        """Go on with this, and say so."""
        assert self._requested is not None
        self._playing = playing
        self._on_event(
            SourceOpened(self._requested, playing.capture, playing.info, playing.ring, fault)
        )

    def _open(self, capture: CaptureConfig, resumed: _Playing | None) -> _Playing:
        """Open and start a source; into the ring of what is resumed where that fits.

        Raises VisualizerError.
        """
        try:
            source = self._call(capture, lambda: self._open_source(capture), _close)
            playing = self._prepared(capture, source, resumed)

            def start() -> None:
                try:
                    source.start(playing.ring)
                except BaseException:
                    _close(source)
                    raise

            try:
                self._call(capture, start, lambda _: _close(source))
            except HungError:
                if resumed is not None:
                    # It may yet begin to write into that ring.
                    resumed.is_spoilt = True
                raise
        except VisualizerError:
            raise
        except Exception as error:
            _log.exception("opening %s failed", capture)
            raise DeviceError(f"opening {capture.kind} failed: {error!r}") from error
        return playing

    def _calls(self, source: OfKind) -> Calls:
        return self._device_calls if source.is_live else self._file_calls

    def _call(
        self,
        source: OfKind,
        function: Callable[[], T],
        undo: Callable[[T], object] = lambda _: None,
    ) -> T:
        """With a deadline, after which it is left alone, as it is soon for a newer wish."""
        began_at = time.monotonic()

        def is_unwanted() -> bool:
            return time.monotonic() - began_at > _HURRY_S and bool(self._requests)

        # A pipe is written when its writer has something to write.
        limit_s = math.inf if source.kind == "pipe" else self._patience.call_s
        return self._calls(source).make(function, limit_s, undo, is_unwanted)

    def _prepared(
        self, capture: CaptureConfig, source: AudioSource, resumed: _Playing | None
    ) -> _Playing:
        """With the ring that it is to deliver into."""
        info = source.info
        shape = (info.sample_rate, info.channels)
        fits = resumed is not None and shape == (resumed.info.sample_rate, resumed.info.channels)
        if resumed is not None and fits and not resumed.is_spoilt:
            ring = resumed.ring
            ring.resume()
        else:
            ring = BlockRing(info.channels, round(RING_S * info.sample_rate), self._on_ring)
        health = DeviceHealth(info, ring, self._patience) if info.is_live else None
        return _Playing(capture, ring, info, source, health)

    def _on_ring(self, ring: BlockRing) -> None:
        self._on_audio(ring)
        if ring.end is not None:
            self._wakes.put(None)

    def _look(self) -> None:
        playing = self._playing
        if playing is not None and playing.health is not None:
            self._look_after(playing, playing.health)
        if time.monotonic() < self._retry_at or not self._device_calls.may_call:
            return
        if playing is not None and playing.source is None:
            self._open_again(playing)
        elif self._stands_in:
            self._open_requested()

    def _look_after(self, playing: _Playing, health: DeviceHealth) -> None:
        trouble = health.trouble()
        if trouble is not None:
            has_moved = playing.ring.end is SourceEnd.MOVED
            if playing.trouble is None:
                playing.trouble = trouble
                self._retry_later(first=True)
                if not has_moved:
                    self._on_event(SourceLost(playing.ring, f"{trouble} · opening it again"))
            self._close_source()
            if has_moved:
                self._open_again(playing)
        elif playing.trouble is not None and health.has_delivered:
            playing.trouble = None
            self._on_event(SourceBack(playing.ring, playing.info))

    @property
    def _stands_in(self) -> bool:
        """Whether a microphone was asked for that can be tried without disturbing what plays."""
        requested, playing = self._requested, self._playing
        return (
            requested is not None
            and requested.is_live
            and (playing is None or (playing.capture != requested and not playing.info.is_live))
        )

    def _open_again(self, lost: _Playing) -> None:
        # The very same, not what has its index, or is the default, by now.
        info = lost.info
        name = info.server_source or info.name
        capture = replace(lost.capture, device=name, host_api=info.host_api)
        self._retry_later()
        try:
            playing = self._open(capture, lost)
        except VisualizerError as error:
            self._say_why(lost, error)
            return
        playing.capture = lost.capture
        playing.info = _with_change(info, playing.info)
        if playing.ring is lost.ring:
            playing.trouble = lost.trouble  # until it delivers
            self._playing = playing
            self._on_event(SourceChanged(playing.ring, playing.info))
        else:
            playing.info = _with_form(playing.info)
            self._begin(playing)

    def _say_why(self, lost: _Playing, error: VisualizerError) -> None:
        """Tell why it cannot be opened again, or closed, unless that was told last."""
        fault = error.line
        if fault != lost.fault:
            lost.fault = fault
            self._on_event(SourceLost(lost.ring, f"{lost.trouble} · opening it again: {fault}"))

    def _open_requested(self) -> None:
        requested = self._requested
        assert requested is not None
        self._retry_later()
        with suppress(VisualizerError):
            playing = self._open(requested, None)
            self._close_source()
            self._worked_last = requested
            self._begin(playing)

    def _retry_later(self, *, first: bool = False) -> None:
        now, waits_s = time.monotonic(), self._patience.retries_s
        # What fails as soon as it works again is not tried in haste.
        is_new = first and now - self._retry_at > _CALM_S
        self._retries = 0 if is_new else min(self._retries + 1, len(waits_s) - 1)
        self._retry_at = now + waits_s[self._retries]

    def _close_source(self) -> None:
        playing = self._playing
        if playing is None or playing.source is None:
            return
        source, playing.source, playing.health = playing.source, None, None
        try:
            self._calls(playing.info).make(lambda: _close(source), self._patience.close_s)
        except HungError as error:
            if playing.trouble is not None:
                self._say_why(playing, error)


def _with_change(before: SourceInfo, now: SourceInfo) -> SourceInfo:
    """Let it say when the sound server's own choice is another one than before."""
    if before.chosen is None or now.chosen is None or before.chosen[0] == now.chosen[0]:
        return now
    (node_before, name_before), (node, name) = before.chosen, now.chosen
    note = f"{now.name!r} now records {name!r} instead of {name_before!r}"
    if name == name_before:
        note = f"{now.name!r} now records another {name!r}: {node}, not {node_before}"
    return replace(now, note=" · ".join(filter(None, (now.note, note))))


def _with_form(now: SourceInfo) -> SourceInfo:
    """Let it say with which form of sound it is a stream of its own."""
    what = now.note or f"{now.name!r} is back"
    channels = "1 channel" if now.channels == 1 else f"{now.channels} channels"
    return replace(now, note=f"{what}, at {now.sample_rate} Hz with {channels}")


def _close(source: AudioSource | None) -> None:
    try:
        if source is not None:
            source.close()
    except Exception:
        _log.exception("closing a source failed")


def open_source(capture: CaptureConfig) -> AudioSource:
    """Open what is asked for. Raises DeviceError, SourceError or ConfigError."""
    return _OPENERS[capture.kind](capture)


_OPENERS: dict[SourceKind, Callable[[CaptureConfig], AudioSource]] = {
    "mic": Microphone,
    "demo": open_demo,
    "pipe": open_standard_input,
    "file": lambda capture: FileSource(Path(capture.path or ""), capture),
}
