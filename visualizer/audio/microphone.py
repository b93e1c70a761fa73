"""PortAudio capture.

Two other threads are at work here: PortAudio's own, which runs `_callback` for each block, and the
watch's, which runs `_note_moved`. All else is called from the device thread.
"""

from __future__ import annotations

import logging
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visualizer.audio.attachment import Attachment
from visualizer.audio.capture import CaptureConfig
from visualizer.audio.devices import Device
from visualizer.audio.listing import (
    SERVER_DEFAULTS,
    look_up,
)
from visualizer.audio.opening import (
    not_recorded,
    reported_latency_s,
    start_stream,
)
from visualizer.audio.portaudio import close_stream, inside, is_jack, require_jack, rescan
from visualizer.audio.recording import open_recording
from visualizer.audio.ring import BlockRing, SourceEnd
from visualizer.audio.sample_clock import SampleClock
from visualizer.audio.source import SourceInfo
from visualizer.errors import DeviceError

_DEAD_S = 0.5
"""Silent for so long, JACK's server is taken for gone."""

_log = logging.getLogger(__name__)


class Microphone:
    """An input device, opened and waiting to be started."""

    @inside()
    def __init__(self, capture: CaptureConfig) -> None:
        """Open the device. Raises DeviceError with what PortAudio said."""
        device = _found(capture)
        self._ring: BlockRing | None = None
        recording = open_recording(device, capture, self._callback, self._finished)
        self._stream, self._order = recording.stream, recording.order
        node, source = device.server_source, recording.source
        self._follows = node is None and (
            capture.device is None or device.is_default or device.name in SERVER_DEFAULTS
        )
        chosen = None
        if self._follows and source is not None and source.server_source is not None:
            chosen = source.server_source, source.name
        native_rate = (source or device).native_rate
        own_rate = (source or device).source_rate
        self.info = SourceInfo(
            "mic",
            device.name,
            device.host_api,
            recording.sample_rate,
            recording.channels,
            reported_latency_s(self._stream),
            node,
            chosen,
            native_rate,
            None if own_rate in (None, recording.sample_rate) else own_rate,
            recording.note,
            recording.block_length,
        )
        self._started_at = time.perf_counter()
        self._moved: tuple[str, SourceEnd] | None = None
        self._attachment: Attachment | None = None
        recorded = node if source is None else source.server_source
        if recorded is not None:
            self._attachment = Attachment(recording.opening, recorded, self._note_moved)
            if node is not None and not self._attachment.wait_until_found():
                self.close()
                raise not_recorded(device)

    def start(self, ring: BlockRing) -> None:
        """Deliver blocks into `ring` from now on. Raises DeviceError with what PortAudio said.

        What is missing since the ring's newest sample counts as lost.
        """
        info = self.info
        self._clock = SampleClock(info.sample_rate, ring.due_at, ring.spread_s, info.block_length)
        self._started_at = time.perf_counter()
        self._ring = ring
        self._end_if_moved()
        start_stream(self._stream, self.info.name)

    def close(self) -> None:
        """Stop delivering."""
        if self._attachment is not None:
            self._attachment.close()
        ring, self._ring = self._ring, None
        alive_at = self._started_at
        if ring is not None and ring.delivered_at is not None:
            alive_at = max(alive_at, ring.delivered_at)
        close_stream(self._stream, is_dead=time.perf_counter() - alive_at > _DEAD_S)

    def _callback(
        self, samples: NDArray[np.float32], n_samples: int, _time: Any, status: Any
    ) -> None:
        captured_at = time.perf_counter()
        ring = self._ring
        if ring is None:
            return
        try:
            if self._order is not None:
                samples = samples[:, self._order]
            overflow = bool(status.input_overflow)
            ring.overflows += overflow
            lost, is_stale = self._clock.place(n_samples, captured_at, overflow)
            ring.due_at, ring.spread_s = self._clock.due_at, self._clock.spread_s
            ring.drift_ppm = self._clock.drift_ppm
            if is_stale:
                ring.refuse(n_samples, captured_at)
            elif self._attachment is None or self._attachment.is_certain():
                ring.write(samples, captured_at, lost)
            else:
                ring.hold(samples, captured_at, lost)
        except Exception as error:
            # Raised further, it would end the stream with a line on stderr and nothing on screen.
            _log.exception("the capture callback failed")
            ring.finish(f"the capture callback failed: {error!r}")

    def _note_moved(self, source: Device | None) -> None:
        """Deliver nothing of another source: what comes may hold sound of both."""
        name, end = self.info.name, SourceEnd.BROKEN
        if source is None and self._follows:
            # The server's next choice, or the recording's end, is to come.
            return
        if source is None:
            fault = f"{name!r} is gone from the sound server; was it unplugged?"
        elif self._follows or source.server_source == self.info.server_source:
            fault, end = f"the sound server moved the recording of {name!r}", SourceEnd.MOVED
        else:
            fault = (
                f"the sound server records {source.name!r} in place of {name!r}; was that "
                "unplugged, or the recording moved?"
            )
        self._moved = fault, end
        self._end_if_moved()

    def _end_if_moved(self) -> None:
        # The watch may come to it before the start does, or the other way round.
        if self._ring is not None and self._moved is not None:
            ring, self._ring = self._ring, None
            ring.finish(*self._moved)

    def _finished(self) -> None:
        ring = self._ring
        if ring is not None:
            ring.finish(f"{self.info.name!r} stopped delivering; was it unplugged?")


def _found(capture: CaptureConfig) -> Device:
    """The device that is meant; JACK's are looked at only for who asked for one, or by a name."""
    host_api, name = capture.host_api, capture.device
    # An index is one of the list that people see, which has JACK's devices.
    is_index = host_api is None and (name or "").isdecimal()
    rescan(jack=is_index or is_jack(host_api or ""))
    try:
        device = look_up(name, host_api)
    except DeviceError:
        if host_api is not None or name is None or is_index:
            raise
        rescan(jack=True)
        device = look_up(name, host_api)
    if is_jack(device.host_api):
        require_jack()
    return device
