"""The device thread: all that may hang with a sound device happens here, one thing at a time.

Opening, starting and closing sources never runs on the worker's or the window's thread. The
thread is a daemon: quitting waits for it only as long as it is told to.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from visualizer.audio.demo import open_demo
from visualizer.audio.file import FileSource
from visualizer.audio.microphone import Microphone
from visualizer.audio.ring import BlockRing
from visualizer.audio.source import AudioSource, SourceInfo
from visualizer.config import CaptureConfig
from visualizer.errors import VisualizerError

RING_S = 2.0
"""Sound the worker may fall behind by before blocks are dropped."""

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


class SourceSupervisor:
    """Keeps at most one source open."""

    def __init__(
        self,
        fallbacks: tuple[CaptureConfig, ...],
        on_audio: Callable[[BlockRing], None],
        on_result: Callable[[SourceOpened | SourceFailed], None],
        open_source: Callable[[CaptureConfig], AudioSource],
    ) -> None:
        """`fallbacks` are tried, after what worked last, where a source cannot be opened.

        `on_audio` is called on the source's thread, the others on the device thread.
        """
        self._fallbacks = fallbacks
        self._open_source = open_source
        self._on_audio = on_audio
        self._on_result = on_result
        self._requests: queue.SimpleQueue[CaptureConfig | None] = queue.SimpleQueue()
        self._source: AudioSource | None = None
        self._worked_last: CaptureConfig | None = None
        self._thread = threading.Thread(target=self._run, name="device", daemon=True)
        self._thread.start()

    def switch(self, capture: CaptureConfig) -> None:
        """Close what is open, then open this, or what stands in for it."""
        self._requests.put(capture)

    def close(self, timeout_s: float) -> None:
        """Close the source and end the thread, waiting no longer than `timeout_s`."""
        self._requests.put(None)
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while (requested := self._requests.get()) is not None:
            if self._requests.empty():  # else there is a newer wish already
                self._close_source()
                self._on_result(self._open_first(requested))
        self._close_source()

    def _open_first(self, requested: CaptureConfig) -> SourceOpened | SourceFailed:
        last = () if self._worked_last is None else (self._worked_last,)
        faults: list[str] = []
        for capture in dict.fromkeys((requested, *last, *self._fallbacks)):
            try:
                source = self._source = self._open_source(capture)
                capacity = round(RING_S * source.info.sample_rate)
                ring = BlockRing(source.info.channels, capacity, self._on_audio)
                source.start(ring)
            except VisualizerError as error:
                faults.append(str(error))
            except Exception as error:
                _log.exception("opening %s failed", capture)
                faults.append(f"opening {capture.kind} failed: {error!r}")
            else:
                self._worked_last = capture
                fault = f"{faults[0]} · instead: {source.info.name}" if faults else None
                return SourceOpened(requested, capture, source.info, ring, fault)
            self._close_source()
        return SourceFailed(requested, faults[0])

    def _close_source(self) -> None:
        source, self._source = self._source, None
        if source is None:
            return
        try:
            source.close()
        except Exception:
            _log.exception("closing %s failed", source.info.name)


def open_source(capture: CaptureConfig) -> AudioSource:
    """Open what is asked for. Raises DeviceError, SourceError or ConfigError."""
    if capture.kind == "mic":
        return Microphone(capture)
    if capture.kind == "demo":
        return open_demo(capture)
    return FileSource(Path(capture.path or ""), capture)
