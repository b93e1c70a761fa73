"""Plays one sound, and says when each of its samples was handed to the sound system.

Two other threads are at work here: PortAudio's own, which runs `_callback` for each block, and the
"caller" of visualizer/audio/deadline.py, which makes the calls of PortAudio, that may hang.
"""

from __future__ import annotations

import logging
import threading
import time
from contextlib import closing
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from visualizer.audio.deadline import Calls
from visualizer.audio.devices import DEFAULT_CHANNELS, Device, find_device
from visualizer.audio.health import PATIENCE
from visualizer.audio.listing import portaudio_devices
from visualizer.audio.opening import (
    LATENCY_LIMIT_S,
    open_stream,
    reported_latency_s,
    start_stream,
)
from visualizer.audio.portaudio import close_stream, inside, rescan
from visualizer.audio.source import block_length
from visualizer.errors import DeviceError

_LOOK_LIMIT_S = 10.0
"""The first look loads PortAudio, which is tried in a process of its own before."""

_log = logging.getLogger(__name__)


class Delivery(NamedTuple):
    """One block that was handed over."""

    first_sample: int
    handed_at: float
    """s, perf_counter when the callback that took it was entered"""
    lead_s: float | None
    """how much later the device then said that its first sample would be heard; None: it did not"""


def look_up_output(wanted: str | None) -> Device:
    """Return the output that is meant; see `find_device`. Raises HungError where nothing answers.

    Not to be called while a source is being opened: it lets PortAudio look for devices anew.
    """

    @inside()
    def look() -> Device:
        rescan()
        return find_device(portaudio_devices("output").devices, wanted, direction="output")

    with closing(Calls("the sound system")) as calls:
        return calls.make(look, _LOOK_LIMIT_S)


class Player:
    """An output, opened and waiting to play. After the sound it plays silence until closed."""

    def __init__(self, output: Device, samples: NDArray[np.float32], sample_rate: int) -> None:
        """Open the output for `samples` (n,), ±1.0 full scale, at `sample_rate` Hz.

        Raises DeviceError with what PortAudio said, HungError where nothing answers.
        """
        self.output = output
        self.sample_rate = sample_rate
        self.underflows = 0
        """how often the device had nothing to play"""
        self.is_over = threading.Event()
        """set when all of the sound was handed over, or the device stopped"""
        self._samples = samples
        self._at = 0
        self._deliveries: list[Delivery] = []
        self._fault: str | None = None
        self._closing = False
        self._started_at = 0.0
        self._calls = Calls("the sound system")
        channels = min(DEFAULT_CHANNELS, output.channels)
        opening = partial(
            open_stream,
            output,
            "output",
            sample_rate,
            channels,
            self._callback,
            self._finished,
            block_length(sample_rate, None),
        )
        try:
            self._stream = self._calls.make(opening, PATIENCE.call_s, close_stream)
        except BaseException:
            self._calls.close()
            raise
        self.latency_s = reported_latency_s(self._stream)
        """from the callback to the air, as the device reports it; None: not reported"""

    def start(self) -> None:
        """Begin to play. Raises DeviceError with what PortAudio said."""
        self._started_at = time.perf_counter()
        # A start that returns after its time is closed as well, on a thread of its own.
        starting = partial(start_stream, self._stream, self.output.name)
        self._calls.make(starting, PATIENCE.call_s, lambda _: close_stream(self._stream))

    def check(self) -> None:
        """Raise DeviceError where the output does not play as it should."""
        if self._fault is not None:
            raise DeviceError(self._fault)
        newest = self._deliveries[-1].handed_at if self._deliveries else self._started_at
        limit_s = PATIENCE.sound_s if self._deliveries else PATIENCE.first_sound_s
        if not self.is_over.is_set() and time.perf_counter() - newest > limit_s:
            raise DeviceError(
                f"{self.output.name!r} takes no sound", "is it suspended? Choose another (--output)"
            )

    def delivery(self, sample: int) -> Delivery:
        """The block in which this sample was handed over. Raises IndexError where none was yet."""
        index = int(np.searchsorted([d.first_sample for d in self._deliveries], sample, "right"))
        if index == 0 or sample >= self._at:
            raise IndexError(sample)
        return self._deliveries[index - 1]

    def close(self) -> None:
        """Stop playing, at once; again has no effect. Raises HungError where nothing answers."""
        self._closing = True
        self._calls.make(partial(close_stream, self._stream), PATIENCE.close_s)
        self._calls.close()

    def _callback(
        self, block: NDArray[np.float32], n_samples: int, times: Any, status: Any
    ) -> None:
        handed_at = time.perf_counter()
        try:
            self.underflows += bool(status.output_underflow)
            first, self._at = self._at, self._at + n_samples
            part = self._samples[first : self._at]
            block[: len(part)] = part[:, np.newaxis]
            block[len(part) :] = 0.0
            if len(part):
                lead_s = times.outputBufferDacTime - times.currentTime
                is_told = times.currentTime > 0 and 0 < lead_s < LATENCY_LIMIT_S
                self._deliveries.append(Delivery(first, handed_at, lead_s if is_told else None))
            else:
                self.is_over.set()
        except Exception as error:
            # Raised further, it would end the stream with a line on stderr and nothing else.
            _log.exception("the playing callback failed")
            self._fault = f"the playing callback failed: {error!r}"
            self.is_over.set()

    def _finished(self) -> None:
        if not self._closing:
            self._fault = f"{self.output.name!r} stopped playing; was it unplugged?"
            self.is_over.set()
