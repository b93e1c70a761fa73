"""Whether a device that is open does what it should."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass

from visualizer.audio.ring import BlockRing
from visualizer.audio.source import SourceInfo

RATE_TOLERANCE = 0.1
"""A device that delivers less or more by this share is out of order."""
_WINDOW_S = 0.5


@dataclass(frozen=True)
class Patience:
    """How long a device is waited for, in seconds."""

    first_sound_s: float = 5.0
    """after it was opened"""
    sound_s: float = 1.0
    """while it runs"""
    rate_s: float = 2.0
    """while it delivers at another rate than its own"""
    call_s: float = 4.0
    """until PortAudio has opened it"""
    close_s: float = 1.0
    """until PortAudio has closed it"""
    retries_s: tuple[float, ...] = (0.5, 1.0, 2.0)
    """from one attempt to open it again to the next; the last of them for ever. Longer, and a
    device that is back would be waited for"""


PATIENCE = Patience()


class DeviceHealth:
    """Watches one opening of a device by what arrives in its ring."""

    def __init__(self, info: SourceInfo, ring: BlockRing, patience: Patience) -> None:
        self._info = info
        self._ring = ring
        self._patience = patience
        self._opened_at = self._window_began_at = time.perf_counter()
        self._before = self._window_before = ring.delivered
        # The shares of its rate at which it delivered, window by window.
        self._shares: deque[float] = deque(maxlen=round(patience.rate_s / _WINDOW_S))

    @property
    def has_delivered(self) -> bool:
        """Whether anything came of this opening."""
        return self._ring.delivered > self._before

    def trouble(self) -> str | None:
        """Return what is wrong, as a message, or None. To be asked several times a second."""
        ring, name = self._ring, self._info.name
        if ring.fault is not None:
            return ring.fault
        now = time.perf_counter()
        held_since = ring.held_since
        if held_since is not None and now - held_since > self._patience.sound_s:
            return f"the sound server does not say any more whether it records {name!r}"
        silent_since, patience_s = self._opened_at, self._patience.first_sound_s
        if self.has_delivered and ring.delivered_at is not None:
            silent_since, patience_s = ring.delivered_at, self._patience.sound_s
        if now - silent_since > patience_s:
            return f"{name!r} delivers no sound; is it suspended, or in use elsewhere?"
        window_s = now - self._window_began_at
        if window_s >= _WINDOW_S:
            delivered = ring.delivered
            if self._window_before > self._before:  # not the window in which it began
                expected = window_s * self._info.sample_rate
                self._shares.append((delivered - self._window_before) / expected)
            self._window_began_at, self._window_before = now, delivered
        shares = self._shares
        off = len(shares) == shares.maxlen and (
            max(shares) < 1 - RATE_TOLERANCE or min(shares) > 1 + RATE_TOLERANCE
        )
        if off:
            rate = round(shares[-1] * self._info.sample_rate)
            shares.clear()
            return f"{name!r} delivers {rate} samples a second instead of {self._info.sample_rate}"
        return None
