"""Opens a device as what it was listed as."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from visualizer.audio.devices import Device, Direction
from visualizer.audio.listing import portaudio_devices, way_to_server
from visualizer.audio.portaudio import (
    environment,
    inside,
    note_opened,
    portaudio,
    words,
)
from visualizer.audio.server import leading_to, named
from visualizer.errors import DeviceError

_REMEDY = (
    "install ALSA's plugin for the sound server (Debian, Ubuntu: libasound2-plugins, or "
    "pipewire-alsa) or choose another device"
)
_AS_AT_THE_START = {name: os.environ.get(name) for name in leading_to("", "")}


LATENCY_LIMIT_S = 10.0
"""A device that reports more than this, or nothing above zero, does not know."""


def reported_latency_s(stream: Any) -> float | None:
    """What an open stream says of the time between its callback and the air; None: nothing."""
    latency_s = float(stream.latency)
    return latency_s if 0 < latency_s < LATENCY_LIMIT_S else None


@inside()
def open_stream(
    device: Device,
    direction: Direction,
    sample_rate: int,
    channels: int,
    callback: Callable[..., None],
    finished: Callable[[], None],
    block_length: int,
    opening: str = "",
) -> Any:
    """Open a device as float32, and as promptly as can be.

    Args:
        device: One of `portaudio_devices`, or a source of the sound server.
        direction: Whether to record from it or to play to it.
        sample_rate: In Hz.
        channels: How many.
        callback: Called on PortAudio's thread for each block, as sounddevice's streams do.
        finished: Called when the stream has stopped, for whatever reason.
        block_length: How many samples a block has.
        opening: By which the sound server's side of it can be found: see `attachment`.

    Returns:
        A sounddevice stream that is not started, for `start_stream` and `close_stream`.

    Raises:
        DeviceError: With what PortAudio said; or the device is gone.
    """
    sd = portaudio()
    listed, node = portaudio_devices(direction).devices, device.server_source
    if node is not None:
        way = way_to_server(listed)
    else:
        # Its index may be another by now: PortAudio looks anew when a microphone is opened.
        name = device.name, device.host_api
        way = next((found for found in listed if (found.name, found.host_api) == name), None)
    if way is None:
        raise DeviceError(f"nothing leads to {device.name!r} any more", _REMEDY if node else "")
    make = sd.InputStream if direction == "input" else sd.OutputStream
    # Also where another opening, that leads elsewhere, still hangs.
    with environment(
        _AS_AT_THE_START | named(opening) if node is None else leading_to(node, opening)
    ):
        try:
            stream = make(
                device=way.index,
                samplerate=sample_rate,
                channels=channels,
                dtype="float32",
                blocksize=block_length,
                latency="low",
                callback=callback,
                finished_callback=finished,
            )
        except (sd.PortAudioError, ValueError) as error:
            raise DeviceError(
                f"{device.name!r} ({device.host_api}) refuses {sample_rate} Hz with {channels} "
                f"channels: {words(error)}",
                f"its own rate is {device.native_rate} Hz",
            ) from error
    note_opened(stream, device.host_api)
    return stream


def not_recorded(device: Device) -> DeviceError:
    """What to say where the sound server's source that was listed is not what is recorded."""
    way = way_to_server(portaudio_devices().devices)
    return DeviceError(
        f"{device.name!r} is not what ALSA's device {way and way.name!r} records", _REMEDY
    )


@inside()
def start_stream(stream: Any, name: str) -> None:
    """Start what `open_stream` opened. Raises DeviceError with what PortAudio said."""
    try:
        stream.start()
    except portaudio().PortAudioError as error:
        raise DeviceError(f"{name!r} does not start: {words(error)}") from error
