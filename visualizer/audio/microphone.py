"""PortAudio capture.

One other thread is at work here: PortAudio's own, which runs `_callback` for each block. All else
is called from the device thread.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visualizer.audio.devices import DEFAULT_CHANNELS
from visualizer.audio.listing import accepted_rates, look_up
from visualizer.audio.opening import open_stream
from visualizer.audio.portaudio import portaudio, rescan, words
from visualizer.audio.ring import BlockRing
from visualizer.audio.source import BLOCK_S, SourceInfo
from visualizer.config import CaptureConfig
from visualizer.errors import DeviceError

_LATENCY_LIMIT_S = 10.0
"""A device that reports more than this, or nothing above zero, does not know."""


_DRIFT = 5e-4
"""More than the clocks of sound devices are off by, less than any loss."""


class SampleClock:
    """How much was lost when a device says that it lost something, but not how much.

    The earliest arrival seen so far, relative to the sample count, is the true start of the
    stream; what the monotonic clock has beyond the count is missing.
    """

    def __init__(self, sample_rate: int) -> None:
        self._sample_rate = sample_rate
        self._count = 0
        self._origin = float("inf")

    def lost_before(self, n_samples: int, captured_at: float, overflow: bool) -> int:
        """Note a block that ends at `captured_at` (s); return the samples lost before it."""
        lost = 0
        if overflow and self._count:
            expected = (captured_at - self._origin) * self._sample_rate
            lost = max(0, round(expected) - self._count - n_samples)
        self._count += lost + n_samples
        arrival = captured_at - self._count / self._sample_rate
        # It rises a little by itself, so that a device's slow clock is not taken for a loss.
        self._origin = min(self._origin + _DRIFT * n_samples / self._sample_rate, arrival)
        return lost


class Microphone:
    """An input device, opened and waiting to be started."""

    def __init__(self, capture: CaptureConfig) -> None:
        """Open the device. Raises DeviceError with what PortAudio said."""
        sd = portaudio()
        rescan()
        device = look_up(capture.device, capture.host_api)
        sample_rate = capture.sample_rate or device.native_rate
        if capture.sample_rate is None and capture.preferred_rate is not None:
            wished = accepted_rates(device, (capture.preferred_rate,))
            sample_rate = wished[0] if wished else sample_rate
        channels = capture.channels or min(DEFAULT_CHANNELS, device.channels)
        if channels > device.channels:
            raise DeviceError(
                f"{device.name!r} has {device.channels} input channels; "
                f"{channels} were asked for; choose --channels {device.channels} or fewer"
            )
        try:
            self._stream = open_stream(
                device,
                samplerate=sample_rate,
                channels=channels,
                dtype="float32",
                blocksize=max(1, round(BLOCK_S * sample_rate)),
                latency="low",
                callback=self._callback,
                finished_callback=self._finished,
            )
        except (sd.PortAudioError, ValueError) as error:
            raise DeviceError(
                f"{device.name!r} ({device.host_api}) refuses {sample_rate} Hz with {channels} "
                f"channels: {words(error)}; its own rate is {device.native_rate} Hz"
            ) from error
        latency = float(self._stream.latency)
        self.info = SourceInfo(
            kind="mic",
            name=device.name,
            host_api=device.host_api,
            sample_rate=sample_rate,
            channels=channels,
            device_latency_s=latency if 0 < latency < _LATENCY_LIMIT_S else None,
        )
        self._clock = SampleClock(sample_rate)
        self._ring: BlockRing | None = None
        self._closing = False

    def start(self, ring: BlockRing) -> None:
        """Deliver blocks into `ring` from now on. Raises DeviceError with what PortAudio said."""
        self._ring = ring
        try:
            self._stream.start()
        except portaudio().PortAudioError as error:
            raise DeviceError(f"{self.info.name!r} does not start: {words(error)}") from error

    def close(self) -> None:
        """Stop delivering; `abort`, since `stop` can hang on a suspended device."""
        self._closing = True
        try:
            self._stream.abort()
        finally:
            self._stream.close()

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
            ring.write(
                samples, captured_at, self._clock.lost_before(n_samples, captured_at, overflow)
            )
        except Exception as error:
            # Raised further, it would end the stream with a line on stderr and nothing on screen.
            ring.finish(f"the capture callback failed: {error!r}")

    def _finished(self) -> None:
        if not self._closing and self._ring is not None:
            self._ring.finish(f"{self.info.name!r} stopped delivering; was it unplugged?")
