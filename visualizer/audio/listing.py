"""Which microphones there are now, and at which rates they open.

Everything here talks to PortAudio or the sound server and may hang with them: call it from the
device thread or from a process of its own, never from the window's thread.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from types import ModuleType

from visualizer.audio.devices import (
    COMMON_RATES_HZ,
    DEFAULT_CHANNELS,
    Device,
    DeviceList,
    Direction,
    find_device,
    told_apart,
)
from visualizer.audio.portaudio import portaudio, words
from visualizer.audio.server import default_source, server_sources
from visualizer.errors import DeviceError

SERVER_DEFAULTS = ("pulse", "default")
"""ALSA's names of what leads to the sound server's own choice."""
_HARDWARE = re.compile(r"\(hw:\d+,\d+\)$")


def portaudio_devices(direction: Direction = "input") -> DeviceList:
    """Return PortAudio's devices, in its order, as they were when it was started.

    Raises DeviceError where PortAudio is missing or fails.
    """
    sd = portaudio()
    found: list[Device] = []
    unreadable = 0
    try:
        host_apis = sd.query_hostapis()
        default = _default_index(sd, direction)
        for index in range(_n_devices(sd)):
            try:
                device = sd.query_devices(index)
            except UnicodeDecodeError:
                info = sd._lib.Pa_GetDeviceInfo(index)
                unreadable += bool(getattr(info, f"max{direction.capitalize()}Channels"))
                continue
            channels = int(device[f"max_{direction}_channels"])
            if channels > 0:
                host_api = str(host_apis[device["hostapi"]]["name"])
                rate, is_default = round(device["default_samplerate"]), index == default
                found.append(
                    Device(index, device["name"], host_api, channels, rate, None, is_default)
                )
    except sd.PortAudioError as error:
        raise DeviceError(f"PortAudio cannot list the {direction}s: {words(error)}") from error
    return DeviceList(told_apart(found), unreadable)


def _n_devices(sd: ModuleType) -> int:
    return int(sd._check(sd._lib.Pa_GetDeviceCount()))


def _default_index(sd: ModuleType, direction: Direction) -> int:
    index = int(sd.default.device[direction == "output"])
    if index >= 0:
        return index
    defaults = (int(api[f"default_{direction}_device"]) for api in sd.query_hostapis())
    return next((index for index in defaults if index >= 0), -1)


def list_devices() -> DeviceList:
    """Return PortAudio's input devices and, after them, the sound server's sources.

    Raises DeviceError where PortAudio is missing or fails.
    """
    listed = portaudio_devices()
    if way_to_server(listed.devices) is None:
        return listed
    sources, chosen = server_sources(_n_devices(portaudio())), default_source()
    devices = [
        replace(device, native_rate=chosen.native_rate, records=chosen.server_source)
        if chosen is not None and device.host_api == "ALSA" and device.name in SERVER_DEFAULTS
        else device
        for device in listed.devices
    ]
    return replace(listed, devices=(*devices, *sources))


def way_to_server(devices: Iterable[Device]) -> Device | None:
    """PortAudio's device through which the sound server's sources are opened."""
    by_name = {device.name: device for device in devices if device.host_api == "ALSA"}
    return next((by_name[name] for name in SERVER_DEFAULTS if name in by_name), None)


def may_be_servers(device: Device) -> bool:
    """Whether the sound server may be between the device and who records from it."""
    if device.server_source is not None:
        return True
    return device.host_api == "ALSA" and not _HARDWARE.search(device.name)


def look_up(device: str | None, host_api: str | None) -> Device:
    """The device that is meant, of those that there are now; see `find_device`."""
    # The system's default is PortAudio's, so that the sound server need not be asked.
    listed = portaudio_devices() if device is None else list_devices()
    return find_device(listed.devices, device, host_api)


def accepted_rates(device: Device, rates: Iterable[int] | None = None) -> tuple[int, ...]:
    """Return those of `rates` (Hz) that PortAudio says the device opens at; asking opens it.

    Without `rates`, the common ones and the device's own are asked for.
    """
    if rates is None:
        rates = sorted({*COMMON_RATES_HZ, device.native_rate})
    if device.server_source is not None:
        return tuple(rates)  # the server converts
    sd = portaudio()
    accepted = []
    for rate in rates:
        try:
            sd.check_input_settings(
                device=device.index,
                samplerate=rate,
                channels=min(DEFAULT_CHANNELS, device.channels),
            )
        except (sd.PortAudioError, ValueError):
            continue
        accepted.append(rate)
    return tuple(accepted)
