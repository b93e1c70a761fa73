"""What a listener would say about the sound: that there is none, or too much."""

from __future__ import annotations

import math
from collections import deque

CLIP_PEAK = 0.999
"""Of full scale; the largest value of a 16 bit device is 0.99997."""

SILENCE = "digital silence, every sample is 0: muted, or no permission to record?"
# The sum of many short durations may lie a rounding below the whole.
_SILENCE_S = 2.0 - 1e-6
_CLIP_NOTICE_S = 5.0
_CLIP_MEMORY_S = 60.0
_CLIP_STEP_S = 0.1 - 1e-6
"""Clips closer than this are one, so that the count does not depend on how long deliveries are."""


class SoundWatch:
    """Watches the peaks of one source by the sound's own clock, the sum of its durations."""

    def __init__(self) -> None:
        self._now_s = 0.0
        self._silent_s = 0.0
        self._clipped_s = -math.inf
        self._clips_s: deque[float] = deque()

    def observe(self, peak: float, duration_s: float) -> None:
        """Note a delivery by its largest absolute sample (1.0 is full scale)."""
        self._now_s += duration_s
        self._silent_s = self._silent_s + duration_s if peak == 0.0 else 0.0
        if peak >= CLIP_PEAK:
            self._clipped_s = self._now_s
            if not self._clips_s or self._now_s - self._clips_s[-1] >= _CLIP_STEP_S:
                self._clips_s.append(self._now_s)
        while self._clips_s and self._now_s - self._clips_s[0] > _CLIP_MEMORY_S:
            self._clips_s.popleft()

    @property
    def notice(self) -> str | None:
        """What is to be said now, if anything."""
        if self._silent_s >= _SILENCE_S:
            return SILENCE
        if self._now_s - self._clipped_s > _CLIP_NOTICE_S:
            return None
        n = len(self._clips_s)
        times = "once" if n == 1 else f"{n} times"
        return f"clipping: {times} in the last minute; a lower gain avoids it"
