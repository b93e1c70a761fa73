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


class _History:
    """The newest rows (n_values,) on an endless axis, in float32; what is missing is NaN."""

    def __init__(self, capacity: int, n_values: int) -> None:
        self._rows = Circular(capacity, n_values)
        self._n_values = n_values
        self._start: int | None = None
        self.end = 0
        """index after the newest one"""

    @property
    def first(self) -> int:
        """index of the oldest one that may be kept"""
        start = self.end if self._start is None else self._start
        return max(start, self.end - len(self._rows))

    def _append(self, at: int, rows: NDArray[np.float32]) -> None:
        if self._start is None:
            self._start = self.end = at
        if at > self.end:
            self._lose(max(self.end, at - len(self._rows)), at)
        self._rows.write(at, rows)
        self.end = at + len(rows)

    def _copy(self, first: int, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Fill in what is known of the rows from `first` on, and return them."""
        known_first, known_end = max(first, self.first), min(first + len(rows), self.end)
        if known_first < known_end:
            self._rows.read(known_first, rows[known_first - first : known_end - first])
        return rows

    def _lose(self, first: int, end: int) -> None:
        shape = max(0, end - first), self._n_values
        self._rows.write(first, np.broadcast_to(np.float32(np.nan), shape))

    def _missing(self, n_rows: int) -> NDArray[np.float32]:
        return np.full((max(0, n_rows), self._n_values), np.nan, np.float32)


class ColumnHistory(_History):
    """The newest columns on the stream's grid. Of one thread."""

    def __init__(self, n_mels: int, hop_s: float, memory_bytes: int = MEMORY_BYTES) -> None:
        super().__init__(
            max(1, min(round(HISTORY_S / hop_s), memory_bytes // (4 * n_mels))), n_mels
        )

    def append(self, first_column: int, values: NDArray[np.float32]) -> None:
        """Take (n_mels, n_columns) that follow; what lies between is a gap."""
        self._append(first_column, values.T)

    def fill(self, first_column: int, values: NDArray[np.float32]) -> None:
        """Take (n_mels, n_columns) of before, where there is none."""
        if self._start is None:
            self.append(first_column, values)
            return
        first = max(first_column, self.end - len(self._rows))
        end = min(first_column + values.shape[1], self.end)
        if first >= end:
            return
        if first < self._start:
            self._lose(first, self._start)
            self._start = first
        rows, fresh = self.between(first, end), values.T[first - first_column : end - first_column]
        missing = np.isnan(rows).any(axis=1)
        rows[missing] = fresh[missing]
        self._rows.write(first, rows)

    def between(self, first: int, end: int) -> NDArray[np.float32]:
        """The columns [first, end) as (end − first, n_mels); NaN where there is none."""
        return self._copy(first, self._missing(end - first))


class SoundHistory(_History):
    """The newest samples of one stream, on its clock. One thread writes, any may read."""

    def __init__(self, sample_rate: int, n_channels: int, memory_bytes: int = MEMORY_BYTES) -> None:
        """`sample_rate` in Hz."""
        most = memory_bytes // (4 * n_channels)
        super().__init__(min(round(HISTORY_S * sample_rate), most), n_channels)
        self.sample_rate = sample_rate
        self.n_channels = n_channels
        self._lock = threading.Lock()

    def append(self, start_sample: int, samples: NDArray[np.float32]) -> None:
        """Take (n_samples, n_channels) that follow; what lies between was lost."""
        with self._lock:
            self._append(start_sample, samples)

    def read(self, first: int, end: int) -> NDArray[np.float32]:
        """A copy of samples [first, end): (end − first, n_channels); NaN where there is none."""
        rows = self._missing(end - first)
        with self._lock:
            return self._copy(first, rows)
