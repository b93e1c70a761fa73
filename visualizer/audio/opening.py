"""Opens a device as what it was listed as."""

from __future__ import annotations

import os
from typing import Any

from visualizer.audio.catalogue import catalogue
from visualizer.audio.devices import Device
from visualizer.audio.listing import portaudio_devices, way_to_server
from visualizer.audio.portaudio import close_stream, environment, note_opened, portaudio
from visualizer.audio.server import is_recorded_here, leading_to
from visualizer.audio.source import BLOCK_S
from visualizer.errors import DeviceError

_REMEDY = (
    "install ALSA's plugin for the sound server (Debian, Ubuntu: libasound2-plugins, or "
    "pipewire-alsa) or choose another device"
)
_AS_AT_THE_START = {name: os.environ.get(name) for name in leading_to("")}


LATENCY_LIMIT_S = 10.0
"""A device that reports more than this, or nothing above zero, does not know."""


def reported_latency_s(stream: Any) -> float | None:
    """What an open stream says of the time between its callback and the air; None: nothing."""
    latency_s = float(stream.latency)
    return latency_s if 0 < latency_s < LATENCY_LIMIT_S else None


def settings_of(sample_rate: int, channels: int) -> dict[str, Any]:
    """How streams are opened: as float32, in blocks of BLOCK_S and as promptly as can be."""
    return {
        "samplerate": sample_rate,
        "channels": channels,
        "dtype": "float32",
        "blocksize": max(1, round(BLOCK_S * sample_rate)),
        "latency": "low",
    }


def open_stream(device: Device, **settings: Any) -> Any:
    """A sounddevice.InputStream with these settings, not started, for `close_stream`.

    Raises what sounddevice raises, and DeviceError where the sound server's source that was
    listed is not what is recorded.
    """
    sd = portaudio()
    if device.server_source is None:
        # Also where another opening, that leads elsewhere, still hangs.
        with environment(_AS_AT_THE_START):
            stream = sd.InputStream(device=device.index, **settings)
        note_opened(stream, device.host_api)
        return stream
    way = way_to_server(portaudio_devices().devices)
    if way is None:
        raise DeviceError("no ALSA device leads to the sound server any more", _REMEDY)
    with environment(leading_to(device.server_source)):
        stream = sd.InputStream(device=way.index, **settings)
    note_opened(stream, device.host_api)
    if not is_recorded_here(device.server_source):
        close_stream(stream, is_dead=False)
        raise DeviceError(
            f"{device.name!r} is not what ALSA's device {way.name!r} records", _REMEDY
        )
    return stream


def open_output(output: Device, **settings: Any) -> Any:
    """A sounddevice.OutputStream with these settings, not started, for `close_stream`.

    Raises what sounddevice raises, and DeviceError where the output is there no more.
    """
    sd = portaudio()
    # Its index may be another by now: opening a microphone lets PortAudio look for devices anew.
    for candidate in catalogue("output")[0]:
        if (candidate.name, candidate.host_api) == (output.name, output.host_api):
            with environment(_AS_AT_THE_START):
                stream = sd.OutputStream(device=candidate.index, **settings)
            note_opened(stream, output.host_api)
            return stream
    raise DeviceError(f"the output {output.name!r} is not there any more")
