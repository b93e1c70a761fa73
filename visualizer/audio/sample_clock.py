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

from visualizer.audio.source import LATE_LIMIT_S

LOSS_S, TOLD_LOSS_S = 0.05, 0.01
"""A delay that stays is a loss from here on; where the device tells of one, from there."""
EARLY_S = 0.025
"""After a jump, what is earlier than this is of the time that was given up."""
DRIFT_AFTER_S = 10.0
"""A drift is told once it was watched for so long."""

_LOOK_S = 0.5
_STEADY_S = 0.01
_REFERENCE_LOOKS, _KEPT_LOOKS = 20, 120
_FIRST_LOOKS = 3
"""In which a device settles, and no delay is a loss"""
_TOLD_LOOKS = 3
_DEBT_LOOKS = 20


class Place(NamedTuple):
    """Where a block belongs."""

    lost: int
    """samples that are missing just before it"""
    is_stale: bool
    """whether it is of a time that was given up, and to be dropped"""


class SampleClock:
    """Places the blocks of one opening of a device in the stream.

    A delay is the monotonic time less the counted time, in s; each look, half a second long, has
    its lowest and highest.
    """

    def __init__(
        self,
        sample_rate: int,
        since: float | None = None,
        spread_s: float = 0.0,
        block_length: int = 1,
    ) -> None:
        """Begin to count.

        Args:
            sample_rate: In Hz.
            since: Of an opening before, when its newest sample was due.
            spread_s: Of an opening before.
            block_length: Losses are counted in multiples of this many samples, so that blocks
                keep their place on the grid of hops.
        """
        self._sample_rate = sample_rate
        self._block_length = block_length
        self._since = since
        self._count = 0
        self._looks: deque[tuple[float, float]] = deque(maxlen=_KEPT_LOOKS)
        """when each ended, and its lowest delay"""
        self._spreads: deque[float] = deque(maxlen=_REFERENCE_LOOKS)
        self._known_spread_s = spread_s
        self._reference = self._lowest = math.inf
        self._highest = -math.inf
        self._look_ends_at = math.inf
        self._looks_to_settle = _FIRST_LOOKS
        self._told_looks = 0
        # What was given up and may yet come, for how many looks, and whether the clock is ahead.
        self._debt = self._debt_looks = 0
        self._is_ahead = False
        self.drift_ppm: float | None = None
        """how much faster the device's clock is than this machine's; None: not known yet"""

    @property
    def due_at(self) -> float:
        """When the newest sample was due (perf_counter s): it came then, or was late."""
        return min(self._reference, self._lowest) + self._count / self._sample_rate

    @property
    def spread_s(self) -> float:
        """How far apart the delays are by themselves: blocks may come in batches."""
        if self._spreads:
            return self._known_spread_s
        return max(self._known_spread_s, self._highest - self._lowest, 0.0)

    def place(self, n_samples: int, captured_at: float, overflow: bool) -> Place:
        """Note a block that came at `captured_at` (s), and whether the device told of a loss."""
        if self._count == 0:
            return self._place_first(n_samples, captured_at)
        if overflow:
            self._told_looks = _TOLD_LOOKS
        delay = captured_at - (self._count + n_samples) / self._sample_rate
        # What comes early after a jump is of the time that was given up, and no measure.
        late = delay - (self._reference if self._debt else min(self._reference, self._lowest))
        early_s = 0.0 if self._is_ahead else max(EARLY_S, self._known_spread_s)
        if late < -early_s and self._debt >= n_samples:
            self._debt -= n_samples
            self._begin_look(captured_at)
            return Place(0, True)
        self._is_ahead = False
        if late > LATE_LIMIT_S + self.spread_s:
            late -= self.spread_s
        else:
            self._lowest = min(self._lowest, delay)
            self._highest = max(self._highest, delay)
            late = self._end_look(captured_at) if captured_at >= self._look_ends_at else 0.0
        lost = self._block_length * round(late * self._sample_rate / self._block_length)
        if lost:
            self._debt, self._debt_looks = self._debt + lost, _DEBT_LOOKS
            self._looks.clear()
            self._begin_look(captured_at)
        self._count += lost + n_samples
        return Place(lost, False)

    def _place_first(self, n_samples: int, captured_at: float) -> Place:
        self._count = n_samples
        self._begin_look(captured_at)
        self._reference = captured_at - n_samples / self._sample_rate
        if self._since is None:
            return Place(0, False)
        # It may be the first of a batch.
        self._reference -= self._known_spread_s
        away_s = captured_at - self._known_spread_s - self._since
        # Something is missing, however long the batches were.
        missing = round(away_s * self._sample_rate) - n_samples
        lost = self._block_length * max(1, round(missing / self._block_length))
        self._debt, self._debt_looks = lost, _DEBT_LOOKS
        return Place(lost, False)

    def _begin_look(self, captured_at: float) -> None:
        self._lowest, self._highest = math.inf, -math.inf
        self._look_ends_at = captured_at + _LOOK_S

    def _end_look(self, captured_at: float) -> float:
        """How much turned out to be lost, in s."""
        looks, lowest = self._looks, self._lowest
        told = self._told_looks > 0
        self._told_looks = max(0, self._told_looks - 1)
        self._looks_to_settle = max(0, self._looks_to_settle - 1)
        self._debt_looks = max(0, self._debt_looks - 1)
        if not self._debt_looks:
            self._debt = 0
        if self._debt:
            # Some of what was given up was taken in: as much of what comes now is dropped for it.
            self._is_ahead = lowest < self._reference - _STEADY_S
        if looks and not self._is_ahead:
            # Two looks agree: it is no backlog that is still being delivered.
            before = looks[-1][1]
            delay = min(lowest, before) - self._reference
            steady = abs(lowest - before) < _STEADY_S
            if steady and delay > (TOLD_LOSS_S if told else LOSS_S):
                self._told_looks = 0
                return delay
        if not self._is_ahead:
            if self._looks_to_settle:
                looks.clear()
            looks.append((captured_at, lowest))
            self._spreads.append(self._highest - lowest)
            self._known_spread_s = min(self._spreads)
            if not self._debt:
                older = [delay for _, delay in list(looks)[-_REFERENCE_LOOKS - 1 : -1]]
                self._reference = min(older, default=lowest)
        self._begin_look(captured_at)
        if looks and captured_at - looks[0][0] >= DRIFT_AFTER_S:
            times, delays = zip(*looks, strict=True)
            self.drift_ppm = -1e6 * float(linear_regression(times, delays).slope)
        return 0.0
