"""What every source of sound speaks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from threading import Event
from typing import Protocol

from visualizer.audio.capture import OfKind, SourceKind
from visualizer.audio.ring import BlockRing

LATE_LIMIT_S = 0.25
"""Sound that comes, or is taken, later than this is given up for what is heard now."""
BLOCK_S = 0.005
"""Length of one delivery where no hop is known: a column never waits long for its block."""
_LONGEST_BLOCK_S = 0.00625
"""Of one that is a hop or a part of it. The host holds sound back for as long: with blocks of
12.5 ms the way from output to input through PulseAudio took 4 to 5 ms more than with 5 ms."""


def block_length(sample_rate: int, hop: Fraction | None) -> int:
    """Return how many samples a delivery is to have at `sample_rate` (Hz).

    Where `hop`, in samples, is a whole number, deliveries can end with the very samples that
    complete columns: it is a hop, a whole part of it, or, where hops are short, several.

    >>> block_length(48_000, Fraction(600)), block_length(48_000, Fraction(1536))
    (300, 256)
    >>> block_length(44_100, Fraction(2205, 4))
    220
    """
    usual = max(1, round(BLOCK_S * sample_rate))
    if hop is None or hop.denominator != 1:
        return usual
    samples = int(hop)
    if samples < usual:
        return samples * (usual // samples)
    parts = math.ceil(samples / (_LONGEST_BLOCK_S * sample_rate))
    while samples % parts:
        parts += 1
    part = samples // parts
    return part if 2 * part > usual else usual


@dataclass(frozen=True)
class SourceInfo(OfKind):
    """What a source turned out to be once it was open."""

    kind: SourceKind
    name: str
    host_api: str | None
    sample_rate: int
    """Hz"""
    channels: int
    device_latency_s: float | None = None
    """what the device reports from its converter to the callback; None: not reported"""
    server_source: str | None = None
    """what the sound server calls it, where one of that one's sources was asked for"""
    chosen: tuple[str, str] | None = None
    """of the source that the sound server chose: its own name, and the one that people see; None
    where it had no choice, or does not say"""
    native_rate: int | None = None
    """Hz, at which the device is opened where nothing else is asked for; None: it is no device"""
    resampled_from: int | None = None
    """Hz, of the sound server's source, where the server resamples it; None: it does not"""
    note: str = ""
    """what the user should know of it that is no fault, as a line; empty: nothing"""
    block_length: int = 1
    """how many samples at once were asked for"""

    def to_dict(self) -> dict[str, str | int | None]:
        """Return what a stream or a report says of it, as plain JSON values."""
        names = ("kind", "name", "host_api", "sample_rate", "channels", "resampled_from")
        return {name: getattr(self, name) for name in (*names, "note")}


class AudioSource(Protocol):
    """Sound that arrives in blocks by itself.

    Made by opening it (which may raise DeviceError, SourceError or ConfigError), then started
    once into a ring, then closed once.
    """

    info: SourceInfo

    def start(self, ring: BlockRing) -> None: ...

    def close(self) -> None: ...


def wait_for_room(ring: BlockRing, n_samples: int, stopping: Event) -> bool:
    """Wait until the ring has room for `n_samples`; False if `stopping` was set before.

    For a source that loses nothing by waiting.
    """
    while ring.room < n_samples:
        if stopping.wait(BLOCK_S):
            return False
    return not stopping.is_set()
