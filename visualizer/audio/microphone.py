"""PortAudio capture.

One other thread is at work here: PortAudio's own, which runs `_callback` for each block. All else
is called from the device thread.
"""

from __future__ import annotations

import logging
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visualizer.audio.capture import CaptureConfig
from visualizer.audio.devices import DEFAULT_CHANNELS, Device
from visualizer.audio.listing import accepted_rates, look_up
from visualizer.audio.opening import open_stream, reported_latency_s, start_stream
from visualizer.audio.portaudio import close_stream, inside, is_jack, require_jack, rescan
from visualizer.audio.ring import BlockRing
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
        sample_rate, preferred = capture.sample_rate, capture.preferred_rate
        if sample_rate is None:
            accepted = accepted_rates(device, () if preferred is None else (preferred,))
            sample_rate = accepted[0] if accepted else device.native_rate
        channels = capture.channels or min(DEFAULT_CHANNELS, device.channels)
        if channels > device.channels:
            raise DeviceError(
                f"{device.name!r} has {device.channels} input channels, not {channels}",
                f"choose --channels {device.channels} or fewer",
            )
        self._stream = open_stream(
            device, "input", sample_rate, channels, self._callback, self._finished
        )
        latency_s = reported_latency_s(self._stream)
        self.info = SourceInfo(
            "mic", device.name, device.host_api, sample_rate, channels, latency_s
        )
        self._started_at = time.perf_counter()
        self._ring: BlockRing | None = None

    def start(self, ring: BlockRing) -> None:
        """Deliver blocks into `ring` from now on. Raises DeviceError with what PortAudio said.

        What is missing since the ring's newest sample counts as lost.
        """
        self._clock = SampleClock(self.info.sample_rate, ring.due_at, ring.spread_s)
        self._started_at = time.perf_counter()
        self._ring = ring
        start_stream(self._stream, self.info.name)

    def close(self) -> None:
        """Stop delivering."""
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
            overflow = bool(status.input_overflow)
            ring.overflows += overflow
            lost, is_stale = self._clock.place(n_samples, captured_at, overflow)
            ring.due_at, ring.spread_s = self._clock.due_at, self._clock.spread_s
            ring.drift_ppm = self._clock.drift_ppm
            if is_stale:
                ring.refuse(n_samples, captured_at)
            else:
                ring.write(samples, captured_at, lost)
        except Exception as error:
            # Raised further, it would end the stream with a line on stderr and nothing on screen.
            _log.exception("the capture callback failed")
            ring.finish(f"the capture callback failed: {error!r}")

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
