"""Opens a microphone with its own channels, each as it is and in its own order.

A sound server mixes channels that a recording has no names for. It says what it does: so a device
that may be its is opened as it probably is, and again where the server says otherwise.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
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
from visualizer.errors import DeviceError

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
    channels: int
    """how many are taken of the stream's"""
    order: tuple[int, ...] | None = None
    """which of the stream's they are; None: as they come"""
    source: Device | None = None
    """of the sound server's, which is recorded; None: it is none, or that is not known"""
    note: str = ""
    """what the user should know of it"""


class _Opener:
    """Opens one device."""

    def __init__(
        self,
        device: Device,
        sample_rate: int,
        callback: Callable[..., None],
        finished: Callable[[], None],
    ) -> None:
        self._device = device
        self._sample_rate = sample_rate
        self._callback, self._finished = callback, finished

    def by_portaudio(self, n_channels: int) -> tuple[Any, str]:
        """Return a stream and its opening."""
        opening = new_opening()
        stream = open_stream(
            self._device,
            "input",
            self._sample_rate,
            n_channels,
            self._callback,
            self._finished,
            opening,
        )
        return stream, opening

    def by_the_server(self, source: Device) -> tuple[Any, str]:
        """Return a stream of a source of the sound server, and its opening."""
        opening = new_opening()
        stream = ServerStream(source, self._sample_rate, self._callback, self._finished, opening)
        note_opened(stream, source.host_api)
        return stream, opening


def open_recording(
    device: Device,
    capture: CaptureConfig,
    sample_rate: int,
    callback: Callable[..., None],
    finished: Callable[[], None],
) -> Recording:
    """Open a device at `sample_rate` (Hz); the callbacks are those of `open_stream`.

    Raises DeviceError: it has not as many channels as are asked for, refuses to open, or is gone.
    """
    _require(capture.channels, device.channels, device.name)
    opener, node = _Opener(device, sample_rate, callback, finished), device.server_source
    mixed: Device | None = None
    source = None
    if may_be_servers(device):
        source = device if node is not None else default_source()
    # As the source probably is; as the server says that it is; without ALSA's plugin.
    for way in (1, 2, 3) if source is not None else ():
        assert source is not None
        n_channels = channels_to_open(source.positions) if way < 3 else None
        try:
            if n_channels is None:
                stream, opening = opener.by_the_server(source)
            else:
                stream, opening = opener.by_portaudio(n_channels)
        except DeviceError as error:
            if n_channels is not None:
                raise
            _log.warning("%s", error)
            mixed = source
            break
        recorded, layout = recorded_as(opening, node) or (None, ())
        if recorded is None:
            close_stream(stream)
            if node is not None:
                raise not_recorded(device)
            break
        order = channel_order(recorded.positions, layout)
        if order is not None:
            try:
                _require(capture.channels, len(order), device.name)
            except DeviceError:
                close_stream(stream)
                raise
            order = order[: capture.channels]
            as_it_comes = order == tuple(range(len(layout)))
            return Recording(
                stream,
                opening,
                len(order),
                None if as_it_comes else order,
                recorded,
            )
        close_stream(stream)
        source = mixed = recorded
    is_claimed = may_be_servers(device)
    own = min(device.channels, DEFAULT_CHANNELS if is_claimed else OWN_MAX)
    wanted = max(own, min(capture.least_channels, device.channels))
    channels = capture.channels or wanted
    stream, opening = opener.by_portaudio(channels)
    note = ""
    if mixed is not None:
        whose = f"the {mixed.channels} channels of {mixed.name!r}"
        note = f"the sound server mixes {whose} into {channels}"
    return Recording(stream, opening, channels, note=note)


def _require(wanted: int | None, n_channels: int, name: str) -> None:
    if wanted is not None and wanted > n_channels:
        raise DeviceError(
            f"{name!r} has {n_channels} input channels, not {wanted}",
            f"choose --channels {n_channels} or fewer",
        )
