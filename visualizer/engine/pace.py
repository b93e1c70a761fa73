"""Whether the kernel keeps up with live sound, judged by what its columns took."""

from __future__ import annotations

import math
import statistics
from collections import deque

_SPAN_S, _LONGEST_SPAN_S = 1.0, 2.0
"""Of the time that is looked at: an outlier, such as another program's start, is no slowness."""
_JUDGED_EVERY_S = 0.25
"""Not for each column, since the median takes as long as computing one."""
_FEWEST = 8
"""Columns, or deliveries of several, that are looked at in any case."""
_OVER_BELOW = 0.9
"""Hops: the same kernel's slowness is over below that, so that it does not come and go."""
_OTHER = 0.25
"""By so much of what was said another kernel's time must differ for it to be said."""


class KernelPace:
    """Written and read by the worker alone."""

    def __init__(self) -> None:
        self.slow_hops: float | None = None
        """how many hops it takes for one, where those are too many; else None"""
        self._is_new = True
        self._seconds = 0.0
        self._judged_at = -math.inf
        self._taken: deque[tuple[float, float]] = deque()
        """when, by time.perf_counter, and how many hops each column took"""

    def begin(self) -> None:
        """Judge anew: what computes is another."""
        self._is_new = True
        self._seconds = 0.0
        self._taken.clear()

    def note(self, now: float, seconds: float, n_columns: int, hop_s: float) -> bool:
        """Note what a delivery took; return whether there is something else to say.

        Args:
            now: by time.perf_counter.
            seconds: that resampling and computing took.
            n_columns: that came of it; what brought none counts with the next that does.
            hop_s: seconds from a column to the next.
        """
        self._seconds += seconds
        if n_columns == 0:
            return False
        self._taken.append((now, self._seconds / (n_columns * hop_s)))
        self._seconds = 0.0
        while len(self._taken) > _FEWEST and now - self._taken[0][0] > _LONGEST_SPAN_S:
            self._taken.popleft()
        if len(self._taken) < _FEWEST or now - self._taken[0][0] < _SPAN_S:
            return False
        if now - self._judged_at < _JUDGED_EVERY_S:
            return False
        self._judged_at = now
        hops, before = statistics.median(taken for _, taken in self._taken), self.slow_hops
        is_other = before is None or (self._is_new and abs(hops / before - 1.0) > _OTHER)
        if hops > 1.0 and is_other:
            self.slow_hops = hops
        elif before is not None and hops < (1.0 if self._is_new else _OVER_BELOW):
            self.slow_hops = None
        self._is_new = False
        return self.slow_hops != before
