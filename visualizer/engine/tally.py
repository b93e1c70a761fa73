"""What an engine counts over all its sources, apart from what each of them counts itself."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import Any

from visualizer.audio.ring import BlockRing
from visualizer.audio.sanitize import Cleaner
from visualizer.engine.status import EngineStatus


class Tally:
    """Counts under the names that the status has for them.

    Written by the worker; any thread may read it.
    """

    def __init__(self) -> None:
        self._counts: defaultdict[str, float] = defaultdict(int)
        """those that a ring or a cleaner has, of sources that are no longer open"""

    def add(self, **counts: float) -> None:
        for name, n in counts.items():
            self._counts[name] += n

    def note_lag(self, lag_s: float) -> None:
        self._counts["lag_s"] = lag_s
        self._counts["max_lag_s"] = max(self._counts["max_lag_s"], lag_s)

    def keep(self, ring: BlockRing | None, cleaner: Cleaner) -> None:
        """Keep what was counted of a source that is given up."""
        self.add(**_losses(ring, cleaner))

    def counted(
        self, status: EngineStatus, ring: BlockRing | None, cleaner: Cleaner
    ) -> EngineStatus:
        """Return the status with the counts of now, the open source's (ring, cleaner) included."""
        counts: dict[str, Any] = dict(self._counts)
        for name, n in _losses(ring, cleaner).items():
            counts[name] = counts.get(name, 0) + n
        # An empty ring is false.
        if ring is not None:
            counts["delivered"], counts["deliveries"] = ring.delivered, ring.deliveries
            counts["drift_ppm"] = ring.drift_ppm
            counts["longest_gap_s"] = ring.longest_gap_s
        return replace(status, **counts)


def _losses(ring: BlockRing | None, cleaner: Cleaner) -> dict[str, int]:
    losses = {"bad_samples": cleaner.faults.bad}
    if ring is not None:
        losses["input_overflows"] = ring.overflows
        losses["dropped_blocks"] = ring.dropped_blocks + ring.skipped_blocks
    return losses
