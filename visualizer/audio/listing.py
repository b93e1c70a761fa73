"""Which microphones there are now, and at which rates they open.

Everything here talks to PortAudio or the sound server and may hang with them: call it from the
device thread or from a process of its own, never from the window's thread.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from visualizer.audio.catalogue import catalogue, n_devices
from visualizer.audio.devices import (
    COMMON_RATES_HZ,
    DEFAULT_CHANNELS,
    Device,
    DeviceList,
    find_device,
)
from visualizer.audio.names import readable, told_apart
from visualizer.audio.portaudio import portaudio
from visualizer.audio.server import server_sources


def portaudio_devices() -> DeviceList:
    """PortAudio's input devices, in its order, as they were when it was started.

    Raises DeviceError where PortAudio is missing or fails.
    """
    return DeviceList(*catalogue("input"))


def list_devices() -> DeviceList:
    """PortAudio's input devices and, after them, the sound server's sources.

    Raises DeviceError where PortAudio is missing or fails.
    """
    listed = portaudio_devices()
    if way_to_server(listed.devices) is None:
        return listed
    sources = server_sources()
    names = told_apart([(source.server, readable(source.name)) for source in sources])
    others = (
        Device(
            index=index,
            name=name,
            host_api=source.server,
            channels=source.channels,
            native_rate=source.sample_rate,
            server_source=source.node,
        )
        for index, (name, source) in enumerate(
            zip(names, sources, strict=True), start=n_devices(portaudio())
        )
    )
    return replace(listed, devices=listed.devices + tuple(others))


def way_to_server(devices: Iterable[Device]) -> Device | None:
    """PortAudio's device through which the sound server's sources are opened."""
    by_name = {device.name: device for device in devices if device.host_api == "ALSA"}
    return next((by_name[name] for name in ("pulse", "default") if name in by_name), None)


def look_up(device: str | None, host_api: str | None) -> Device:
    """The device that is meant, of those that there are now; see `find_device`."""
    # The system's default is PortAudio's, so that the sound server need not be asked.
    listed = portaudio_devices() if device is None else list_devices()
    return find_device(listed.devices, device, host_api)


def accepted_rates(device: Device, rates: Iterable[int]) -> tuple[int, ...]:
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


def rates_to_try(device: Device) -> list[int]:
    """The common rates and the device's own, Hz."""
    return sorted({*COMMON_RATES_HZ, device.native_rate})
