"""What flows from the engine to its reader."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visualizer.audio.sanitize import NO_FAULTS, SoundFaults


@dataclass(frozen=True)
class MelColumns:
    """Consecutive columns that came out together, with the moments on their way.

    All times are perf_counter seconds.
    """

    values: NDArray[np.float32]
    """(n_channels, n_mels, n_columns) in the front-end's own unit; read-only"""
    first_column: int
    """index of the first one on the stream's grid of hops; a jump is a gap"""
    config_id: int
    """counts the engine's settings; columns of different ids do not belong together"""
    captured_at: float
    """when the callback that delivered the last sample was entered"""
    dequeued_at: float
    """when the worker took that delivery"""
    computed_at: float
    """when the values were ready"""
    peak: float
    """largest absolute sample since the columns before, after the gain; 1.0 is full scale"""
    means: tuple[float, ...] = ()
    """of each channel's samples since then: its constant offset (DC) where that stays"""
    faults: SoundFaults = NO_FAULTS
    """what was wrong with samples of this stream so far"""
    integer_bits: int | None = None
    """of the integers that its samples look like, stored as floats"""
    in_batch: bool = False
    """whether they were made to wait, as nobody looked, or a source that can wait did: their times
    tell of no latency"""

    @property
    def n_columns(self) -> int:
        return int(self.values.shape[2])
