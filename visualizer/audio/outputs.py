"""What can be played to.

Everything that talks to PortAudio here may hang with the sound system; see visualizer/audio/player.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from visualizer.audio.names import readable, told_apart
from visualizer.audio.portaudio import portaudio, words
from visualizer.errors import DeviceError, quoted


@dataclass(frozen=True)
class OutputDevice:
    """A device that can be played to."""

    index: int
    """PortAudio's"""
    name: str
    """no other device of the host API has it"""
    host_api: str
    """PortAudio's name of it"""
    channels: int
    """at most"""
    native_rate: int
    """Hz, the device's default"""
    is_default: bool


def list_outputs() -> tuple[OutputDevice, ...]:
    """PortAudio's output devices, in its order, as they were when it was started.

    Those whose names are no text are left out. Raises DeviceError where PortAudio is missing or
    fails.
    """
    sd = portaudio()
    found: list[OutputDevice] = []
    try:
        host_apis = sd.query_hostapis()
        default = int(sd.default.device[1])
        if default < 0:
            defaults = (int(api["default_output_device"]) for api in host_apis)
            default = next((index for index in defaults if index >= 0), -1)
        for index in range(sd._check(sd._lib.Pa_GetDeviceCount())):
            try:
                device = sd.query_devices(index)
            except UnicodeDecodeError:
                continue
            if device["max_output_channels"] > 0:
                found.append(
                    OutputDevice(
                        index=index,
                        name=readable(device["name"]),
                        host_api=str(host_apis[device["hostapi"]]["name"]),
                        channels=int(device["max_output_channels"]),
                        native_rate=round(device["default_samplerate"]),
                        is_default=index == default,
                    )
                )
    except sd.PortAudioError as error:
        raise DeviceError(f"PortAudio cannot list the outputs: {words(error)}") from error
    groups: dict[str, list[OutputDevice]] = {}
    for output in found:
        groups.setdefault(output.host_api, []).append(output)
    return tuple(
        replace(output, name=name)
        for group in groups.values()
        for output, name in zip(group, told_apart([o.name for o in group]), strict=True)
    )


def find_output(outputs: Sequence[OutputDevice], wanted: str | None) -> OutputDevice:
    """The one that is meant: by index, exact name, or a part that only one name has.

    None means the system's default. Raises DeviceError, saying what there is, where none or
    several fit.
    """
    if not outputs:
        raise DeviceError("no output was found; plug in or switch on a loudspeaker")
    if wanted is None:
        fitting = [output for output in outputs if output.is_default]
        problem = "the system names no default output"
    elif wanted.isdecimal():
        fitting = [output for output in outputs if output.index == int(wanted)]
        problem = f"there is no output {quoted(wanted)}"
    else:
        part = wanted.casefold()
        fitting = [output for output in outputs if output.name == wanted] or [
            output for output in outputs if part in output.name.casefold()
        ]
        problem = f"{len(fitting) or 'no'} outputs fit {quoted(wanted)}"
    if len(fitting) != 1:
        there_is = ", ".join(f"{output.index} {output.name!r}" for output in outputs)
        raise DeviceError(f"{problem}; name one of {there_is} (--output)")
    return fitting[0]
