"""A stream's own time at any moment, without the jitter of its deliveries."""

from __future__ import annotations

import math

_SMOOTHING_S = 0.5
_JUMP_S = 0.1
"""By more than this no delivery is late or early: the stream stood still, or began anew."""


class SteadyClock:
    """Says how far a stream is, running evenly between and across uneven deliveries."""

    def __init__(self) -> None:
        self._offset_s: float | None = None
        self._observed_at = 0.0

    def observe(self, stream_s: float, at: float) -> None:
        """The stream was seen to be at `stream_s` at the moment `at` (both in seconds)."""
        offset_s = stream_s - at
        if self._offset_s is None or abs(offset_s - self._offset_s) > _JUMP_S:
            self._offset_s = offset_s
        else:
            share = 1.0 - math.exp(-(at - self._observed_at) / _SMOOTHING_S)
            self._offset_s += share * (offset_s - self._offset_s)
        self._observed_at = at

    def stream_s(self, at: float) -> float | None:
        """Where the stream is at the moment `at`; None before it was observed."""
        return None if self._offset_s is None else at + self._offset_s
