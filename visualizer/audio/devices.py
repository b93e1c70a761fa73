"""What can be recorded from, as values: found by name, shown, passed between processes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from visualizer.audio.names import left_out_words
from visualizer.errors import DeviceError, quoted

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

DEFAULT_CHANNELS = 2
"""Opened unless asked otherwise: sound servers offer 32 channels where two have sound."""


@dataclass(frozen=True)
class Device:
    """A device that can be recorded from, or played to."""

    index: int
    """PortAudio's; the sound server's sources are counted on from there"""
    name: str
    """no other of the host API and the direction has it"""
    host_api: str
    """PortAudio's name of it, or the sound server's"""
    channels: int
    """at most, in the direction"""
    native_rate: int
    """Hz, the device's default"""
    sample_rates: tuple[int, ...] | None = None
    """Hz, those of the common rates it accepts; None: not asked"""
    is_default: bool = False
    server_source: str | None = None
    """what the sound server calls it, where it is one of that one's sources"""


@dataclass(frozen=True)
class DeviceList:
    """What there was to record from at one moment."""

    devices: tuple[Device, ...]
    unreadable: int
    """how many are left out because their names are no text"""

    @property
    def note(self) -> str:
        """Return what is left out, as a message; empty where nothing is."""
        return left_out_words(self.unreadable) if self.unreadable else ""


def find_device(
    devices: Sequence[Device], device: str | None, host_api: str | None = None
) -> Device:
    """The one that is meant: by index, exact name, or a part that only one name has.

    The sound server's own name of a source is as good. None means the system's default. Raises
    DeviceError with the list where none or several fit.
    """
    if not devices:
        raise DeviceError(
            "no microphone was found", "plug one in, or choose a file or the demo as the source"
        )
    if device is None:
        fitting = [d for d in devices if d.is_default]
        if not fitting:
            raise DeviceError(
                "the system names no default microphone", "choose one of", table(devices)
            )
    elif host_api is not None:
        fitting = [d for d in devices if d.name == device and d.host_api == host_api]
    else:
        fitting = _fitting(devices, device)
        if len(fitting) > 1:
            raise DeviceError(
                f"{len(fitting)} input devices fit {device!r}",
                "name one by its index",
                table(fitting),
            )
    if not fitting:
        raise DeviceError(f"there is no input device {device!r}", "choose one of", table(devices))
    return fitting[0]


def find_output(outputs: Sequence[Device], unreadable: int, wanted: str | None) -> Device:
    """The one that is meant: by index, exact name, or a part that only one name has.

    None means the system's default. `unreadable` tells how many could not be listed. Raises
    DeviceError, saying what there is, where none or several fit.
    """
    left_out = f"; {left_out_words(unreadable)}" if unreadable else ""
    if not outputs:
        raise DeviceError("no output was found", f"plug in or switch on a loudspeaker{left_out}")
    if wanted is None:
        fitting = [output for output in outputs if output.is_default]
        problem = "the system names no default output"
    else:
        fitting = _fitting(outputs, wanted)
        problem = f"{len(fitting) or 'no'} outputs fit {quoted(wanted)}"
    if len(fitting) != 1:
        there_is = ", ".join(f"{output.index} {output.name!r}" for output in outputs)
        raise DeviceError(problem, f"name one of {there_is} (--output){left_out}")
    return fitting[0]


def _fitting(devices: Sequence[Device], wanted: str) -> list[Device]:
    if wanted.isdecimal():
        return [device for device in devices if device.index == int(wanted)]
    part = wanted.casefold()
    return [device for device in devices if wanted in (device.name, device.server_source)] or [
        device for device in devices if part in device.name.casefold()
    ]


def by_host_api(devices: Iterable[Device]) -> dict[str, list[Device]]:
    """The devices under the names of their host APIs, both in the order of the list."""
    groups: dict[str, list[Device]] = {}
    for device in devices:
        groups.setdefault(device.host_api, []).append(device)
    return groups


def table(devices: Iterable[Device]) -> str:
    """The devices, one a line, under their host APIs."""
    lines: list[str] = []
    for host_api, group in by_host_api(devices).items():
        lines.append(f"  {host_api}")
        lines += [
            f"  {d.index:5}  {d.name}  ({d.channels} ch, {d.native_rate} Hz"
            f"{', system default' if d.is_default else ''})"
            for d in group
        ]
    return "\n".join(lines)


def to_json(listed: DeviceList) -> dict[str, Any]:
    """Plain JSON values, read back by `from_json`."""
    return asdict(listed)


def from_json(values: dict[str, Any]) -> DeviceList:
    """The devices that another process listed. Raises DeviceError for anything else."""
    try:
        devices = tuple(
            Device(**{**v, "sample_rates": v["sample_rates"] and tuple(v["sample_rates"])})
            for v in values["devices"]
        )
        return DeviceList(devices, int(values["unreadable"]))
    except (TypeError, KeyError) as error:
        raise DeviceError("the list of devices is of another version of this program") from error
