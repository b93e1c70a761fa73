"""What an engine counts over all its sources, apart from what each of them counts itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from visualizer.audio.ring import BlockRing
from visualizer.audio.sanitize import Cleaner
from visualizer.engine.status import EngineStatus


@dataclass
class Tally:
    """Counts under the names that the status has for them.

    Written by the worker; any thread may read it.
    """

    columns: int = 0
    dropped_columns: int = 0
    gaps: int = 0
    lost_s: float = 0.0
    reopened: int = 0
    lag_s: float = 0.0
    max_lag_s: float = 0.0
    input_overflows: int = 0
    dropped_blocks: int = 0
    bad_samples: int = 0
    """these three of sources that are no longer open"""

    def note_gap(self, lost_s: float) -> None:
        self.gaps += 1
        self.lost_s += lost_s

    def note_lag(self, lag_s: float) -> None:
        self.lag_s = lag_s
        self.max_lag_s = max(self.max_lag_s, lag_s)

    def keep(self, ring: BlockRing | None, cleaner: Cleaner) -> None:
        """Keep what was counted of a source that is given up."""
        for name, n in _losses(ring, cleaner).items():
            setattr(self, name, getattr(self, name) + n)

    def counted(
        self, status: EngineStatus, ring: BlockRing | None, cleaner: Cleaner
    ) -> EngineStatus:
        """The status with the counts of now, those of the open source (ring, cleaner) included."""
        counts: dict[str, Any] = dict(vars(self))
        for name, n in _losses(ring, cleaner).items():
            counts[name] += n
        # An empty ring is false.
        if ring is not None:
            counts["delivered"], counts["drift_ppm"] = ring.delivered, ring.drift_ppm
            counts["longest_gap_s"] = ring.longest_gap_s
        return replace(status, **counts)


def _losses(ring: BlockRing | None, cleaner: Cleaner) -> dict[str, int]:
    losses = {"bad_samples": cleaner.faults.bad}
    if ring is not None:
        losses["input_overflows"] = ring.overflows
        losses["dropped_blocks"] = ring.dropped_blocks + ring.skipped_blocks
    return losses
