"""A device's sample count against the monotonic clock: what was lost, what is late, how it drifts.

PortAudio does not always say that sound was lost, and its own time stamps are not to be trusted.
But a device delivers evenly, and no delivery comes early: so what the clock has beyond the count
is late, or missing. Called on PortAudio's thread for each block, so it does little.
"""

from __future__ import annotations

import math
from collections import deque
from statistics import linear_regression
from typing import NamedTuple

LATE_LIMIT_S = 0.25
"""Later than this, sound is given up for what is heard now."""
LOSS_S, TOLD_LOSS_S = 0.05, 0.01
"""A delay that stays is a loss from here on; where the device tells of one, from there."""
EARLY_S = 0.025
"""Blocks come in small batches, the first of which is late by as much, compared to the last."""
DRIFT_AFTER_S = 10.0
"""A drift is told once it was watched for so long."""

_LOOK_S = 0.5
_STEADY_S = 0.01
_TOLD_LOOKS = 3
_REFERENCE_LOOKS, _KEPT_LOOKS = 20, 120


class Place(NamedTuple):
    """Where a block belongs."""

    lost: int
    """samples that are missing just before it"""
    is_stale: bool
    """whether it is of a time that was given up, and to be dropped"""


class SampleClock:
    """Places the blocks of one opening of a device in the stream."""

    def __init__(self, sample_rate: int, since: float | None = None) -> None:
        """`sample_rate` in Hz; `since` (perf_counter s) is when the sample before was due."""
        self._sample_rate = sample_rate
        self._since = since
        self._count = 0
        # A delay is the monotonic time less the counted time; each look has its lowest, and when
        # it ended, in s.
        self._looks: deque[tuple[float, float]] = deque(maxlen=_KEPT_LOOKS)
        self._reference = self._lowest = math.inf
        self._look_ends_at = math.inf
        self._given_up = 0
        self._told_looks = 0
        self.drift_ppm: float | None = None
        """how much faster the device's clock is than this machine's; None: not known yet"""

    def place(self, n_samples: int, captured_at: float, overflow: bool) -> Place:
        """Note a block that came at `captured_at` (s), and whether the device told of a loss."""
        if self._count == 0:
            return self._place_first(n_samples, captured_at)
        if overflow:
            self._told_looks = _TOLD_LOOKS
        delay = captured_at - (self._count + n_samples) / self._sample_rate
        # What comes early after a jump is of the time that was given up, and no measure.
        late = delay - (self._reference if self._given_up else min(self._reference, self._lowest))
        if late < -EARLY_S and self._given_up >= n_samples:
            self._given_up -= n_samples
            self._begin_look(captured_at)
            return Place(0, True)
        if late <= LATE_LIMIT_S:
            self._lowest = min(self._lowest, delay)
            late = self._end_look(captured_at) if captured_at >= self._look_ends_at else 0.0
        lost = round(late * self._sample_rate)
        if lost:
            # What lies in between may yet come, and is too old then.
            self._given_up = lost
            self._looks.clear()
            self._begin_look(captured_at)
        self._count += lost + n_samples
        return Place(lost, False)

    @property
    def due_at(self) -> float:
        """When the newest sample was due (perf_counter s): it came then, or was late."""
        return min(self._reference, self._lowest) + self._count / self._sample_rate

    def _place_first(self, n_samples: int, captured_at: float) -> Place:
        self._count = n_samples
        self._begin_look(captured_at)
        self._reference = captured_at - n_samples / self._sample_rate
        if self._since is None:
            return Place(0, False)
        missing = round((captured_at - self._since) * self._sample_rate) - n_samples
        self._given_up = max(0, missing)
        return Place(self._given_up, False)

    def _begin_look(self, captured_at: float) -> None:
        self._lowest = math.inf
        self._look_ends_at = captured_at + _LOOK_S

    def _end_look(self, captured_at: float) -> float:
        """How much turned out to be lost, in s."""
        looks, lowest = self._looks, self._lowest
        self._given_up = 0
        told = self._told_looks > 0
        self._told_looks = max(0, self._told_looks - 1)
        if looks:
            # Two looks agree: it is no backlog that is still being delivered.
            before = looks[-1][1]
            delay = min(lowest, before) - self._reference
            if abs(lowest - before) < _STEADY_S and delay > (TOLD_LOSS_S if told else LOSS_S):
                self._told_looks = 0
                return delay
        looks.append((captured_at, lowest))
        self._reference = min(
            d for _, d in list(looks)[-_REFERENCE_LOOKS - 1 : -1] or [(0, lowest)]
        )
        self._begin_look(captured_at)
        if captured_at - looks[0][0] >= DRIFT_AFTER_S:
            times, delays = zip(*looks, strict=True)
            self.drift_ppm = -1e6 * float(linear_regression(times, delays).slope)
        return 0.0
