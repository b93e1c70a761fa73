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

    capture: CaptureConfig
    info: SourceInfo
    ring: BlockRing
    fault: str | None
    """why what was asked for first could not be had"""


@dataclass(frozen=True)
class SourceFailed:
    """Nothing of what was asked for could be opened."""

    fault: str


class SourceSupervisor:
    """Keeps at most one source open."""

    def __init__(
        self,
        on_audio: Callable[[BlockRing], None],
        on_result: Callable[[SourceOpened | SourceFailed], None],
        open_source: Callable[[CaptureConfig], AudioSource],
    ) -> None:
        """`on_audio` is called on the source's thread, the others on the device thread."""
        self._open_source = open_source
        self._on_audio = on_audio
        self._on_result = on_result
        self._requests: queue.SimpleQueue[tuple[CaptureConfig, ...]] = queue.SimpleQueue()
        self._source: AudioSource | None = None
        self._thread = threading.Thread(target=self._run, name="device", daemon=True)
        self._thread.start()

    def switch(self, candidates: tuple[CaptureConfig, ...]) -> None:
        """Close what is open, then open the first candidate that works; none: end the thread."""
        self._requests.put(candidates)

    def close(self, timeout_s: float) -> None:
        """Close the source and end the thread, waiting no longer than `timeout_s`."""
        self.switch(())
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while candidates := self._requests.get():
            self._close_source()
            self._on_result(self._open_first(candidates))
        self._close_source()

    def _open_first(self, candidates: tuple[CaptureConfig, ...]) -> SourceOpened | SourceFailed:
        faults: list[str] = []
        for capture in candidates:
            try:
                source = self._open_source(capture)
                ring = BlockRing(
                    source.info.channels, round(RING_S * source.info.sample_rate), self._on_audio
                )
                self._source = source
                source.start(ring)
            except VisualizerError as error:
                faults.append(str(error))
                self._close_source()
                continue
            except Exception as error:
                _log.exception("opening %s failed", capture)
                faults.append(f"opening {capture.kind} failed: {error!r}")
                self._close_source()
                continue
            fault = f"{faults[0]} · instead: {source.info.name}" if faults else None
            return SourceOpened(capture, source.info, ring, fault)
        return SourceFailed(faults[0])

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
