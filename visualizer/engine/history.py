"""What was heard and what came of it: the samples and the columns of the last 20 minutes."""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray

from visualizer.audio.ring import Circular

HISTORY_S = 1200.0
"""How far back samples and columns are kept, where the memory for each of them allows it."""
MEMORY_BYTES = 256 * 2**20
"""The most that the samples, and the columns of one channel and front-end, may take; it is taken
as they fill up. 20 minutes of simli's columns are 31 MB, of 48 kHz stereo 440 MB."""
FORGETFUL_BYTES = 2**20
"""Of samples, where nobody looks back."""


class ColumnHistory:
    """A ring of the newest columns on the stream's grid; what is missing is NaN.

    Of one thread.
    """

    def __init__(self, n_mels: int, hop_s: float, memory_bytes: int = MEMORY_BYTES) -> None:
        capacity = max(1, min(round(HISTORY_S / hop_s), memory_bytes // (4 * n_mels)))
        # Not filled: memory that was never written costs none.
        self._rows = np.empty((capacity, n_mels), dtype=np.float32)
        self._first: int | None = None
        self.end = 0
        """index after the newest column"""

    @property
    def first(self) -> int:
        """index of the oldest column that may be kept"""
        first = self.end if self._first is None else self._first
        return max(first, self.end - len(self._rows))

    def append(self, first_column: int, values: NDArray[np.float32]) -> None:
        """Take (n_mels, n_columns) that follow; what lies between is a gap."""
        n_columns, capacity = values.shape[1], len(self._rows)
        if self._first is None:
            self._first = first_column
        elif first_column > self.end:
            gap = np.arange(max(self.end, first_column - capacity), first_column)
            self._rows[gap % capacity] = np.nan
        self.end = first_column + n_columns
        kept = min(n_columns, capacity)
        self._rows[np.arange(self.end - kept, self.end) % capacity] = values.T[-kept:]

    def fill(self, first_column: int, values: NDArray[np.float32]) -> None:
        """Take (n_mels, n_columns) of before, where there is none."""
        if self._first is None:
            self.append(first_column, values)
            return
        capacity = len(self._rows)
        oldest = self.end - capacity
        if first_column < self._first:
            gap = np.arange(max(first_column, oldest), max(self._first, oldest))
            self._rows[gap % capacity] = np.nan
            self._first = max(first_column, oldest)
        index = np.arange(first_column, first_column + values.shape[1])
        inside = (index >= oldest) & (index < self.end)
        lacking = inside & np.isnan(self._rows[index % capacity]).any(axis=1)
        self._rows[index[lacking] % capacity] = values.T[lacking]

    def between(self, first: int, end: int) -> NDArray[np.float32]:
        """The columns [first, end) as (end − first, n_mels); NaN where there is none."""
        index = np.arange(first, end)
        rows = self._rows[index % len(self._rows)]
        rows[(index < self.first) | (index >= self.end)] = np.nan
        return rows


class SoundHistory:
    """A ring of the newest samples of one stream, on its clock; what was lost is NaN.

    One thread writes, any may read.
    """

    def __init__(self, sample_rate: int, n_channels: int, memory_bytes: int = MEMORY_BYTES) -> None:
        """`sample_rate` in Hz."""
        self.sample_rate = sample_rate
        self.n_channels = n_channels
        most = memory_bytes // (4 * n_channels)
        self._memory = Circular(min(round(HISTORY_S * sample_rate), most), n_channels)
        self._lock = threading.Lock()
        self._start: int | None = None
        self._end = 0

    @property
    def first(self) -> int:
        """the oldest sample that may be kept"""
        start = self._end if self._start is None else self._start
        return max(start, self._end - len(self._memory))

    @property
    def end(self) -> int:
        """after the newest sample"""
        return self._end

    def append(self, start_sample: int, samples: NDArray[np.float32]) -> None:
        """Take (n_samples, n_channels) that follow; what lies between was lost."""
        with self._lock:
            if self._start is None:
                self._start = self._end = start_sample
            kept_from = max(self._end, start_sample - len(self._memory))
            lost = np.broadcast_to(np.float32(np.nan), (start_sample - kept_from, self.n_channels))
            self._memory.write(kept_from, lost)
            self._memory.write(start_sample, samples)
            self._end = start_sample + len(samples)

    def read(self, first: int, end: int) -> NDArray[np.float32]:
        """A copy of samples [first, end): (end − first, n_channels); NaN where there is none."""
        result = np.full((max(0, end - first), self.n_channels), np.nan, dtype=np.float32)
        with self._lock:
            known_first, known_end = max(first, self.first), min(end, self._end)
            if known_first < known_end:
                known = self._memory.read(known_first, known_end)
                result[known_first - first : known_end - first] = known
        return result
