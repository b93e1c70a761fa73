"""Opens a microphone with its own channels, each as it is and in its own order.

A sound server mixes channels that a recording has no names for. It says what it does: so a device
that may be its is opened as it probably is, and again where the server says otherwise.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from visualizer.audio.attachment import new_opening
from visualizer.audio.capture import CaptureConfig
from visualizer.audio.devices import DEFAULT_CHANNELS, Device
from visualizer.audio.layout import PLUGIN_MAX, channel_order, channels_to_open
from visualizer.audio.listing import may_be_servers
from visualizer.audio.opening import not_recorded, open_stream
from visualizer.audio.portaudio import close_stream, note_opened
from visualizer.audio.server import default_source, recorded_as
from visualizer.audio.server_stream import ServerStream
from visualizer.audio.source import block_length
from visualizer.errors import DeviceError, VisualizerError
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.presets import preset_for

_log = logging.getLogger(__name__)

OWN_MAX = PLUGIN_MAX
"""A device is opened with its own number of channels up to this; `--channels` may ask for more."""


@dataclass(frozen=True)
class Recording:
    """An input that is open and not started."""

    stream: Any
    """of sounddevice, or one that serves as such"""
    opening: str
    """its value of the property `OPENING`"""
    sample_rate: int
    """Hz"""
    block_length: int
    """how many samples at once were asked for"""
    channels: int
    """how many are taken of the stream's"""
    order: tuple[int, ...] | None = None
    """which of the stream's they are; None: as they come"""
    source: Device | None = None
    """of the sound server's, which is recorded; None: it is none, or that is not known"""
    note: str = ""
    """what the user should know of it"""

    def first(self, n_channels: int | None) -> Recording:
        """Return it with its first `n_channels`; None: with all of them."""
        if n_channels is None or n_channels == self.channels:
            return self
        order = (self.order or tuple(range(self.channels)))[:n_channels]
        return replace(self, channels=n_channels, order=order)


def open_recording(
    device: Device,
    capture: CaptureConfig,
    callback: Callable[..., None],
    finished: Callable[[], None],
) -> Recording:
    """Open a device; the callbacks are those of `open_stream`.

    Raises DeviceError: it has not as many channels as are asked for, refuses to open, or is gone.
    """
    _require(capture.channels, device.channels, device.name)
    opener, node = _Opener(device, capture, callback, finished), device.server_source
    source = None
    if may_be_servers(device):
        source = device if node is not None else default_source()
    if source is None:
        return opener.as_listed()
    # As the source probably is; as the server says that it is; without ALSA's plugin.
    for with_plugin in (True, True, False):
        recording = opener.like(source, with_plugin=with_plugin)
        if recording is None:
            return opener.as_listed(source)
        if recording.source is None:
            close_stream(recording.stream)
            if node is not None:
                raise not_recorded(device)
            return opener.as_listed()
        source = recording.source
        if recording.channels and recording.sample_rate == opener.rate_for(source):
            try:
                _require(capture.channels, recording.channels, device.name)
            except DeviceError:
                close_stream(recording.stream)
                raise
            return recording.first(capture.channels)
        close_stream(recording.stream)
    return opener.as_listed(source)


class _Opener:
    """Opens one device in one way or another."""

    def __init__(
        self,
        device: Device,
        capture: CaptureConfig,
        callback: Callable[..., None],
        finished: Callable[[], None],
    ) -> None:
        self._device, self._capture = device, capture
        self._callback, self._finished = callback, finished

    def rate_for(self, source: Device) -> int:
        """Return the rate that is asked for, or its own."""
        return self._capture.sample_rate or source.native_rate

    def like(self, source: Device, *, with_plugin: bool) -> Recording | None:
        """Open it with the rate and the channels of the source that it is taken for.

        Returns what then is recorded, with no channels where not each is by itself; None where the
        server does not let it be recorded without ALSA's plugin.
        """
        rate, opening = self.rate_for(source), new_opening()
        block = self._block_at(rate)
        n_channels = channels_to_open(source.positions) if with_plugin else None
        if n_channels is not None:
            stream = self._by_portaudio(rate, n_channels, opening)
        else:
            try:
                stream = ServerStream(source, rate, self._callback, self._finished, block, opening)
            except DeviceError as error:
                _log.warning("%s", error)
                return None
            note_opened(stream, source.host_api)
        recorded, layout = recorded_as(opening, self._device.server_source) or (None, ())
        order = channel_order(recorded.positions, layout) if recorded is not None else None
        as_it_comes, n_kept = order == tuple(range(len(layout))), len(order or ())
        order = None if as_it_comes else order
        return Recording(stream, opening, rate, block, n_kept, order, recorded)

    def as_listed(self, mixed: Device | None = None) -> Recording:
        """Open it with the channels that it claims; the server mixes those of `mixed` into them."""
        device, capture = self._device, self._capture
        own = min(device.channels, DEFAULT_CHANNELS if may_be_servers(device) else OWN_MAX)
        wanted = max(own, min(capture.least_channels, device.channels))
        channels, rate = capture.channels or wanted, self.rate_for(mixed or device)
        opening, note = new_opening(), ""
        stream = self._by_portaudio(rate, channels, opening)
        if mixed is not None:
            whose = f"the {mixed.channels} channels of {mixed.name!r}"
            note = f"the sound server mixes {whose} into {channels}"
        block = self._block_at(rate)
        return Recording(stream, opening, rate, block, channels, None, mixed, note)

    def _by_portaudio(self, rate: int, n_channels: int, opening: str) -> Any:
        return open_stream(
            self._device,
            "input",
            rate,
            n_channels,
            self._callback,
            self._finished,
            self._block_at(rate),
            opening,
        )

    def _block_at(self, rate: int) -> int:
        return block_length(rate, _hop(self._capture.feeds, rate))


def _hop(front_end: FrontEnd | str | None, sample_rate: int) -> Fraction | None:
    """Return the samples from one column to the next, of sound at `sample_rate` (Hz)."""
    try:
        mel = preset_for(front_end, sample_rate) if isinstance(front_end, str) else front_end
    except VisualizerError:
        # It is told where the front-end is made.
        return None
    return None if mel is None else Fraction(mel.hop_length * sample_rate, mel.sample_rate)


def _require(wanted: int | None, n_channels: int, name: str) -> None:
    if wanted is not None and wanted > n_channels:
        raise DeviceError(
            f"{name!r} has {n_channels} input channels, not {wanted}",
            f"choose --channels {n_channels} or fewer",
        )
