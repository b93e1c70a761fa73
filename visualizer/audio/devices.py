"""Which microphones there are, and at which rates they open.

Everything here talks to PortAudio and may hang with it: call it from the device thread or from a
process of its own, never from the window's thread.
"""

from __future__ import annotations

import atexit
import ctypes
import ctypes.util
import functools
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from types import ModuleType
from typing import Any

from visualizer.errors import DeviceError

COMMON_RATES_HZ = (
    8000,
    11025,
    16000,
    22050,
    24000,
    32000,
    44100,
    48000,
    88200,
    96000,
    176400,
    192000,
)

# PortAudio, too, is one for the whole process.
_left_open: list[Any] = []

DEFAULT_CHANNELS = 2
"""Opened unless asked otherwise: sound servers offer 32 channels where two have sound."""


@dataclass(frozen=True)
class InputDevice:
    """A device that can be recorded from, as PortAudio names it."""

    index: int
    name: str
    host_api: str
    channels: int
    """at most"""
    native_rate: int
    """Hz, the device's default"""
    sample_rates: tuple[int, ...] | None
    """Hz, those of the common rates it accepts; None: not asked"""
    is_default: bool


@functools.cache
def portaudio() -> ModuleType:
    """The sounddevice module, which loads PortAudio.

    Raises DeviceError in words where that fails.
    """
    _silence_alsa()
    try:
        import sounddevice
    except OSError as error:
        raise DeviceError(
            "the PortAudio library is missing, so no microphone can be opened; install it "
            "(Debian, Ubuntu: libportaudio2; Fedora, Arch: portaudio) and start again"
        ) from error
    except Exception as error:
        # A broken ALSA configuration makes PortAudio's own start fail inside the import.
        raise DeviceError(
            f"PortAudio does not start ({error}); check the sound configuration "
            "(`arecord -l` and ~/.asoundrc on Linux) and start again"
        ) from error
    module: ModuleType = sounddevice
    return module


_ERROR_HANDLER = ctypes.CFUNCTYPE(
    None, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p
)
_IGNORE_MESSAGE = _ERROR_HANDLER(lambda *_: None)


def _silence_alsa() -> None:
    """ALSA prints a page of complaints on every scan of a healthy machine; keep the terminal."""
    if sys.platform != "linux":
        return
    library = ctypes.util.find_library("asound")
    if library is not None:
        ctypes.CDLL(library).snd_lib_error_set_handler(_IGNORE_MESSAGE)


def leave_open(stream: Any) -> None:
    """Leave a stream of a JACK server that is gone as it is, for ever.

    Closing it, or ending PortAudio, would end this process: an assertion in PortAudio fails.
    """
    sd = portaudio()
    _left_open.append(stream)
    atexit.unregister(sd._exit_handler)


def rescan() -> None:
    """Let PortAudio look again: it lists the devices once, when it starts.

    Ends open streams. Raises DeviceError where PortAudio does not start again.
    """
    sd = portaudio()
    if _left_open:
        raise DeviceError(
            "the JACK server went away, and PortAudio cannot be started anew in this process; "
            "start the JACK server and this program again, or play a file or the demo"
        )
    try:
        # After a start that failed there is nothing to end.
        if sd._initialized:
            sd._terminate()
        sd._initialize()
    except sd.PortAudioError as error:
        raise DeviceError(f"PortAudio does not start: {words(error)}") from error


def list_devices(*, with_rates: bool = False) -> list[InputDevice]:
    """All input devices in PortAudio's order; `with_rates` tries the common rates on each.

    Raises DeviceError where PortAudio is missing or fails.
    """
    sd = portaudio()
    try:
        host_apis = sd.query_hostapis()
        default = _default_index(sd)
        devices = [
            InputDevice(
                index=index,
                name=str(device["name"]),
                host_api=str(host_apis[device["hostapi"]]["name"]),
                channels=int(device["max_input_channels"]),
                native_rate=round(device["default_samplerate"]),
                sample_rates=None,
                is_default=index == default,
            )
            for index, device in enumerate(sd.query_devices())
            if device["max_input_channels"] > 0
        ]
    except sd.PortAudioError as error:
        raise DeviceError(f"PortAudio cannot list the devices: {words(error)}") from error
    if not with_rates:
        return devices
    return [
        replace(d, sample_rates=accepted_rates(d, sorted({*COMMON_RATES_HZ, d.native_rate})))
        for d in devices
    ]


def find_device(
    devices: list[InputDevice], device: str | None, host_api: str | None = None
) -> InputDevice:
    """The one that is meant: by index, exact name, or a part that only one name has.

    None means the system's default. Raises DeviceError with the list where none or several fit.
    """
    if not devices:
        raise DeviceError(
            "no microphone was found; plug one in, or play a file or the demo (--source)"
        )
    if device is None:
        for candidate in devices:
            if candidate.is_default:
                return candidate
        raise DeviceError(
            "the system names no default microphone; choose one of\n" + table(devices)
        )
    if host_api is not None:
        fitting = [d for d in devices if d.name == device and d.host_api == host_api]
    elif device.isdecimal():
        fitting = [d for d in devices if d.index == int(device)]
    else:
        part = device.casefold()
        fitting = [d for d in devices if d.name == device] or [
            d for d in devices if part in d.name.casefold()
        ]
        if len(fitting) > 1:
            raise DeviceError(
                f"{len(fitting)} input devices fit {device!r}; name one by its index\n"
                + table(fitting)
            )
    if not fitting:
        raise DeviceError(f"there is no input device {device!r}; choose one of\n{table(devices)}")
    return fitting[0]


def table(devices: list[InputDevice]) -> str:
    """The devices, one a line."""
    return "\n".join(
        f"  {d.index:3}  {d.name}  ({d.host_api}, {d.channels} ch, {d.native_rate} Hz"
        f"{', default' if d.is_default else ''})"
        for d in devices
    )


def words(error: Exception) -> str:
    """What PortAudio said, without the exception's dressing."""
    return str(error.args[0]) if error.args else type(error).__name__


def _default_index(sd: ModuleType) -> int:
    index = int(sd.default.device[0])
    if index >= 0:
        return index
    defaults = (int(api["default_input_device"]) for api in sd.query_hostapis())
    return next((index for index in defaults if index >= 0), -1)


def accepted_rates(device: InputDevice, rates: Iterable[int]) -> tuple[int, ...]:
    """Those of `rates` (Hz) that PortAudio says the device opens at."""
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


def devices_to_json(devices: list[InputDevice]) -> list[dict[str, Any]]:
    """Plain JSON values, read back by `devices_from_json`."""
    return [asdict(device) for device in devices]


def devices_from_json(values: list[dict[str, Any]]) -> list[InputDevice]:
    """The devices that another process listed. Raises DeviceError for anything else."""
    try:
        return [
            InputDevice(**{**v, "sample_rates": v["sample_rates"] and tuple(v["sample_rates"])})
            for v in values
        ]
    except (TypeError, KeyError) as error:
        raise DeviceError("the list of devices is of another version of this program") from error
