"""PortAudio's devices, as they were when it was started.

This talks to PortAudio and may hang with the sound system, like all that does.
"""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType
from typing import Literal

from visualizer.audio.devices import Device
from visualizer.audio.names import readable, told_apart
from visualizer.audio.portaudio import portaudio, words
from visualizer.errors import DeviceError

Direction = Literal["input", "output"]


def catalogue(direction: Direction) -> tuple[tuple[Device, ...], int]:
    """The devices, in PortAudio's order, and how many are left out as their names are no text.

    Raises DeviceError where PortAudio is missing or fails.
    """
    sd = portaudio()
    found: list[Device] = []
    unreadable = 0
    try:
        host_apis = sd.query_hostapis()
        default = _default_index(sd, direction)
        for index in range(n_devices(sd)):
            try:
                device = sd.query_devices(index)
            except UnicodeDecodeError:
                info = sd._lib.Pa_GetDeviceInfo(index)
                unreadable += bool(getattr(info, f"max{direction.capitalize()}Channels"))
                continue
            channels = int(device[f"max_{direction}_channels"])
            if channels > 0:
                name, host_api = readable(device["name"]), host_apis[device["hostapi"]]["name"]
                rate = round(device["default_samplerate"])
                found.append(
                    Device(index, name, str(host_api), channels, rate, None, index == default)
                )
    except sd.PortAudioError as error:
        raise DeviceError(f"PortAudio cannot list the {direction}s: {words(error)}") from error
    names = told_apart([(entry.host_api, entry.name) for entry in found])
    entries = (replace(entry, name=name) for entry, name in zip(found, names, strict=True))
    return tuple(entries), unreadable


def n_devices(sd: ModuleType) -> int:
    """How many there are in all."""
    return int(sd._check(sd._lib.Pa_GetDeviceCount()))


def _default_index(sd: ModuleType, direction: Direction) -> int:
    index = int(sd.default.device[direction == "output"])
    if index >= 0:
        return index
    defaults = (int(api[f"default_{direction}_device"]) for api in sd.query_hostapis())
    return next((index for index in defaults if index >= 0), -1)
