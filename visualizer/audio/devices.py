"""What can be recorded from, as values: found by name, shown, passed between processes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from visualizer.errors import DeviceError

Direction = Literal["input", "output"]

# fmt: off
COMMON_RATES_HZ = (
    8000, 11025, 16000, 22050, 24000, 32000, 44100, 48000, 88200, 96000, 176400, 192000
)
# fmt: on
DEFAULT_CHANNELS = 2
"""Opened of a device that may claim to have more: ALSA offers 32 where two have sound."""


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
    """Hz, at which it is opened where nothing else is asked for"""
    sample_rates: tuple[int, ...] | None = None
    """Hz, those of the common rates it accepts; None: not asked"""
    is_default: bool = False
    server_source: str | None = None
    """what the sound server calls it, where it is one of that one's sources"""
    positions: tuple[str, ...] = ()
    """what the sound server calls each of its channels; empty where that is not known"""
    source_rate: int | None = None
    """Hz, of the sound server's source by itself; PipeWire resamples it to its graph's rate"""
    records: str | None = None
    """the `server_source` that the sound server chooses for it now, where it leads to that one"""


@dataclass(frozen=True)
class DeviceList:
    """What there was to record from at one moment."""

    devices: tuple[Device, ...]
    unreadable: int
    """how many are left out because their names are no text"""

    @property
    def note(self) -> str:
        """Return what is left out, as a message; empty where nothing is."""
        n = self.unreadable
        if n == 1:
            return "1 device with an unreadable name is left out"
        return f"{n} devices with unreadable names are left out" if n else ""


_NO_DEVICE = {
    "input": ("no microphone was found", "plug one in, or choose a file or the demo as the source"),
    "output": ("no output was found", "plug in or switch on a loudspeaker"),
}


def find_device(
    devices: Sequence[Device],
    wanted: str | None,
    host_api: str | None = None,
    direction: Direction = "input",
) -> Device:
    """Return the device that is meant: by index, exact name, or a part that only one name has.

    The sound server's own name of a source is as good. None means the system's default; with
    `host_api`, `wanted` is one of these names in full, under that one. Raises DeviceError with the
    list where none or several fit.
    """
    if not devices:
        raise DeviceError(*_NO_DEVICE[direction])
    problem = f"there is no {direction} device {wanted!r}"
    if wanted is None:
        fitting = [device for device in devices if device.is_default]
        problem = f"the system names no default {direction} device"
    elif host_api is not None:
        fitting = [
            d for d in devices if d.host_api == host_api and wanted in (d.name, d.server_source)
        ]
    else:
        fitting = _fitting(devices, wanted)
        if len(fitting) > 1:
            problem = f"{len(fitting)} {direction} devices fit {wanted!r}"
    if len(fitting) != 1:
        raise DeviceError(problem, "choose one of", table(fitting or devices))
    return fitting[0]


def _fitting(devices: Sequence[Device], wanted: str) -> list[Device]:
    if wanted.isdecimal():
        return [device for device in devices if device.index == int(wanted)]
    part = wanted.casefold()
    return [device for device in devices if wanted in (device.name, device.server_source)] or [
        device for device in devices if part in device.name.casefold()
    ]


def readable(name: str) -> str:
    """Return one line of what can be printed: drivers put line breaks and worse into names."""
    printable = "".join(c if c.isprintable() else " " for c in name)
    return " ".join(printable.split()) or "unnamed"


def told_apart(devices: Sequence[Device]) -> tuple[Device, ...]:
    """Return them with readable names, " #2" and so on added to equal ones of one host API."""
    named = [(device.host_api, readable(device.name)) for device in devices]
    unique: list[tuple[str, str]] = []
    for host_api, name in named:
        pair, number = (host_api, name), 1
        # A device may be called "… #2" by itself.
        while pair in unique or (number > 1 and pair in named):
            number += 1
            pair = host_api, f"{name} #{number}"
        unique.append(pair)
    pairs = zip(devices, unique, strict=True)
    return tuple(replace(device, name=name) for device, (_, name) in pairs)


def by_host_api(devices: Iterable[Device]) -> dict[str, list[Device]]:
    """The devices under the names of their host APIs, both in the order of the list."""
    groups: dict[str, list[Device]] = {}
    for device in devices:
        groups.setdefault(device.host_api, []).append(device)
    return groups


def table(devices: Iterable[Device]) -> str:
    """The devices, one a line, under their host APIs."""
    devices = tuple(devices)
    sources: dict[str | None, Device] = {d.server_source: d for d in devices if d.server_source}
    lines: list[str] = []
    for host_api, group in by_host_api(devices).items():
        lines.append(f"  {host_api}")
        lines += [_line(d, sources.get(d.records)) for d in group]
    return "\n".join(lines)


def _line(device: Device, recorded: Device | None) -> str:
    """A device, and what it leads to, whose form of sound then counts."""
    form = recorded or device
    leads = f" → {recorded.name}" if recorded else ""
    default = ", system default" if device.is_default else ""
    return (
        f"  {device.index:5}  {device.name}{leads}  "
        f"({form.channels} ch, {form.native_rate} Hz{default})"
    )


def from_json(values: dict[str, Any]) -> DeviceList:
    """Read what `asdict` made in another process. Raises DeviceError for anything else."""
    try:
        devices = tuple(
            Device(
                **{
                    **v,
                    "sample_rates": v["sample_rates"] and tuple(v["sample_rates"]),
                    "positions": tuple(v["positions"]),
                }
            )
            for v in values["devices"]
        )
        return DeviceList(devices, int(values["unreadable"]))
    except (TypeError, KeyError) as error:
        raise DeviceError("the list of devices is of another version of this program") from error
