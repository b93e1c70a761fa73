"""What an engine counts over all its sources, apart from what each of them counts itself."""

from __future__ import annotations

from dataclasses import dataclass, replace

from visualizer.audio.ring import BlockRing
from visualizer.audio.sanitize import Cleaner
from visualizer.engine.status import EngineStatus


@dataclass
class Tally:
    """Written by the worker; any thread may read it."""

    columns: int = 0
    dropped_columns: int = 0
    gaps: int = 0
    lost_s: float = 0.0
    reopened: int = 0
    lag_s: float = 0.0
    max_lag_s: float = 0.0
    past_overflows: int = 0
    past_dropped_blocks: int = 0
    past_bad_samples: int = 0
    """these three of sources that are no longer open"""

    def note_gap(self, lost_s: float) -> None:
        self.gaps += 1
        self.lost_s += lost_s

    def note_lag(self, lag_s: float) -> None:
        self.lag_s = lag_s
        self.max_lag_s = max(self.max_lag_s, lag_s)

    def keep(self, ring: BlockRing | None, cleaner: Cleaner) -> None:
        """Keep what was counted of a source that is given up."""
        overflows, dropped_blocks = _losses(ring)
        self.past_overflows += overflows
        self.past_dropped_blocks += dropped_blocks
        self.past_bad_samples += cleaner.faults.bad

    def counted(
        self, status: EngineStatus, ring: BlockRing | None, cleaner: Cleaner
    ) -> EngineStatus:
        """The status with the counts of now, those of the open source (ring, cleaner) included."""
        overflows, dropped_blocks = _losses(ring)
        return replace(
            status,
            columns=self.columns,
            gaps=self.gaps,
            lost_s=self.lost_s,
            reopened=self.reopened,
            input_overflows=self.past_overflows + overflows,
            dropped_blocks=self.past_dropped_blocks + dropped_blocks,
            dropped_columns=self.dropped_columns,
            bad_samples=self.past_bad_samples + cleaner.faults.bad,
            lag_s=self.lag_s,
            max_lag_s=self.max_lag_s,
            delivered=0 if ring is None else ring.delivered,
            longest_gap_s=0.0 if ring is None else ring.longest_gap_s,
            drift_ppm=None if ring is None else ring.drift_ppm,
        )


def _losses(ring: BlockRing | None) -> tuple[int, int]:
    """Overflows and dropped blocks."""
    # An empty ring is false.
    return (0, 0) if ring is None else (ring.overflows, ring.dropped_blocks + ring.skipped_blocks)
