"""Which microphones there are now, and at which rates they open.

Everything here talks to PortAudio or the sound server and may hang with them: call it from the
device thread or from a process of its own, never from the window's thread.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from types import ModuleType

from visualizer.audio.devices import (
    COMMON_RATES_HZ,
    DEFAULT_CHANNELS,
    DeviceList,
    InputDevice,
    by_host_api,
    find_device,
)
from visualizer.audio.names import readable, told_apart
from visualizer.audio.portaudio import portaudio, words
from visualizer.audio.server import server_sources
from visualizer.errors import DeviceError


def portaudio_devices() -> DeviceList:
    """PortAudio's input devices, in its order, as they were when it was started.

    Raises DeviceError where PortAudio is missing or fails.
    """
    sd = portaudio()
    try:
        host_apis = sd.query_hostapis()
        default = _default_index(sd)
        found: list[InputDevice] = []
        unreadable = 0
        for index in range(_count(sd)):
            try:
                device = sd.query_devices(index)
            except UnicodeDecodeError:
                unreadable += bool(sd._lib.Pa_GetDeviceInfo(index).maxInputChannels)
                continue
            if device["max_input_channels"] > 0:
                found.append(
                    InputDevice(
                        index=index,
                        name=readable(device["name"]),
                        host_api=str(host_apis[device["hostapi"]]["name"]),
                        channels=int(device["max_input_channels"]),
                        native_rate=round(device["default_samplerate"]),
                        sample_rates=None,
                        is_default=index == default,
                    )
                )
    except sd.PortAudioError as error:
        raise DeviceError(f"PortAudio cannot list the devices: {words(error)}") from error
    return DeviceList(_with_names_of_their_own(found), unreadable)


def list_devices() -> DeviceList:
    """PortAudio's input devices and, after them, the sound server's sources.

    Raises DeviceError where PortAudio is missing or fails.
    """
    listed = portaudio_devices()
    if way_to_server(listed.devices) is None:
        return listed
    sources = [
        InputDevice(
            index=index,
            name=readable(source.name),
            host_api=source.server,
            channels=source.channels,
            native_rate=source.sample_rate,
            sample_rates=None,
            is_default=False,
            server_source=source.node,
        )
        for index, source in enumerate(server_sources(), start=_count(portaudio()))
    ]
    return replace(listed, devices=listed.devices + _with_names_of_their_own(sources))


def way_to_server(devices: Iterable[InputDevice]) -> InputDevice | None:
    """PortAudio's device through which the sound server's sources are opened."""
    by_name = {device.name: device for device in devices if device.host_api == "ALSA"}
    return next((by_name[name] for name in ("pulse", "default") if name in by_name), None)


def look_up(device: str | None, host_api: str | None) -> InputDevice:
    """The device that is meant, of those that there are now; see `find_device`."""
    # The system's default is PortAudio's, so that the sound server need not be asked.
    listed = portaudio_devices() if device is None else list_devices()
    return find_device(listed.devices, device, host_api)


def accepted_rates(device: InputDevice, rates: Iterable[int]) -> tuple[int, ...]:
    """Those of `rates` (Hz) that PortAudio says the device opens at; asking opens it."""
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


def rates_to_try(device: InputDevice) -> list[int]:
    """The common rates and the device's own, Hz."""
    return sorted({*COMMON_RATES_HZ, device.native_rate})


def _with_names_of_their_own(devices: Iterable[InputDevice]) -> tuple[InputDevice, ...]:
    return tuple(
        replace(device, name=name)
        for group in by_host_api(devices).values()
        for device, name in zip(group, told_apart([d.name for d in group]), strict=True)
    )


def _count(sd: ModuleType) -> int:
    return int(sd._check(sd._lib.Pa_GetDeviceCount()))


def _default_index(sd: ModuleType) -> int:
    index = int(sd.default.device[0])
    if index >= 0:
        return index
    defaults = (int(api["default_input_device"]) for api in sd.query_hostapis())
    return next((index for index in defaults if index >= 0), -1)
