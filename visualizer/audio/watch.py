"""Tells which microphones there are, and again when they are others: for a process of its own.

PortAudio makes its list when it starts, and starting it anew ends open streams, so this cannot be
where the stream is. Three threads: the main one lists; "requests" reads standard input, and ends
the process when that ends, soon even while the list hangs; "server" waits for the sound server.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, NoReturn

from visualizer.audio.devices import Device, DeviceList, to_json
from visualizer.audio.listing import accepted_rates, list_devices, rates_to_try
from visualizer.audio.portaudio import rescan
from visualizer.audio.server import follow_sources
from visualizer.errors import DeviceError

_POLL_S = 1.0 if sys.platform == "linux" else 5.0
"""How often the hardware is looked at; elsewhere that is PortAudio's whole list."""
_END_S = 3.0
"""A list that is being made has so long to be finished before the process ends."""

_DeviceKey = tuple[str, str]


@dataclass(frozen=True)
class _Asked:
    """Somebody wants a fresh list now."""

    in_use: _DeviceKey | None
    """host API and name of the device that is recorded from"""


def watch(requests: IO[str], output: IO[str]) -> NoReturn:
    """Write the list to `output`, now and when it changes, until `requests` ends.

    A line of JSON each: {"listing": true} before the sound system is asked, which may hang, then
    {"devices": […], "unreadable": n} or {"error": "…"} if that is new, else {"listing": false}.
    Each line in `requests` is answered with a list, from then on with the rates that devices
    accept. It names, as JSON [host API, name], the device that is recorded from, which alone is
    not asked for them.
    """
    # Python acts on these between two calls of PortAudio, and does not end in the midst of one.
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda number, _: os._exit(128 + number))
    wakes: queue.SimpleQueue[_Asked | None] = queue.SimpleQueue()
    looking = threading.Lock()
    for name, target in (
        ("requests", lambda: _read_requests(requests, wakes, looking)),
        ("server", lambda: follow_sources(lambda: wakes.put(None))),
    ):
        threading.Thread(target=target, name=name, daemon=True).start()
    rates: _Rates | None = None
    asked, changed = None, True
    hardware: object = None
    told: dict[str, Any] | None = None
    while True:
        if asked is not None:
            rates = rates or _Rates()
            rates.in_use = asked.in_use
            told = None
        before, hardware = hardware, _hardware()
        if asked is not None or changed or hardware is None or hardware != before:
            with looking:
                found = _look(rates, output)
                # Also where nothing is new: the reader waits for the end of the look.
                _say(found if found != told else {"listing": False}, output)
            told = found
        asked, changed = _wait(wakes)


def _look(rates: _Rates | None, output: IO[str]) -> dict[str, Any]:
    _say({"listing": True}, output)
    try:
        rescan(jack=True)
        listed = list_devices()
        return to_json(listed if rates is None else rates.complete(listed))
    except DeviceError as error:
        return {"error": str(error)}


def _say(message: dict[str, Any], output: IO[str]) -> None:
    print(json.dumps(message), file=output, flush=True)


def _read_requests(
    requests: IO[str], wakes: queue.SimpleQueue[_Asked | None], looking: threading.Lock
) -> NoReturn:
    for line in requests:
        in_use: _DeviceKey | None = None
        with suppress(ValueError, TypeError):
            host_api, name = json.loads(line)
            in_use = str(host_api), str(name)
        wakes.put(_Asked(in_use))
    # The one who started this is gone, perhaps killed; a list that hangs must not outlive it. But
    # one that does not hang is not cut off: JACK's library, which PortAudio looks into, would leave
    # a lock behind that all who start PortAudio then wait for, for ever.
    looking.acquire(timeout=_END_S)
    os._exit(0)


def _wait(wakes: queue.SimpleQueue[_Asked | None]) -> tuple[_Asked | None, bool]:
    """The newest request since the last time, and whether the server's sources changed."""
    asked, changed = None, False
    with suppress(queue.Empty):
        wake = wakes.get(timeout=_POLL_S)
        while True:
            asked, changed = wake or asked, changed or wake is None
            wake = wakes.get_nowait()
    return asked, changed


def _hardware() -> object:
    """What differs when sound hardware comes or goes; None where only PortAudio can tell."""
    if sys.platform != "linux":
        return None
    signs: list[object] = []
    with suppress(OSError):
        signs.append(Path("/proc/asound/cards").read_bytes())
    with suppress(OSError):
        # With the time, since a new device may be opened only once its rights are set.
        signs += sorted((d.name, d.stat().st_ctime_ns) for d in os.scandir("/dev/snd"))
    return signs


class _Rates:
    """The rates that devices accept, asked for once: that opens them."""

    def __init__(self) -> None:
        self.in_use: _DeviceKey | None = None
        self._known: dict[Device, tuple[int, ...]] = {}

    def complete(self, listed: DeviceList) -> DeviceList:
        """The list with the rates of all but what is in use and was not known before."""
        known: dict[Device, tuple[int, ...]] = {}
        devices: list[Device] = []
        for device in listed.devices:
            # Where it stands in the list does not make it another one.
            key = replace(device, index=0)
            if key in self._known:
                known[key] = self._known[key]
            elif (device.host_api, device.name) != self.in_use:
                known[key] = accepted_rates(device, rates_to_try(device))
            devices.append(replace(device, sample_rates=known.get(key)))
        self._known = known
        return replace(listed, devices=tuple(devices))
