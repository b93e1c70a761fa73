"""The newest columns as values: the truth behind the picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from visualizer.columns import MelColumns


class ColumnHistory:
    """A ring of the last `capacity` columns on the stream's grid; gaps are NaN."""

    def __init__(self, n_mels: int, capacity: int) -> None:
        self._rows = np.full((capacity, n_mels), np.nan, dtype=np.float32)
        self.end = 0
        """index after the newest column"""

    def append(self, columns: MelColumns) -> int:
        """Take columns in; return the index of the first one that is new, gaps counted in."""
        capacity = len(self._rows)
        first_new = self.end
        gap = np.arange(max(first_new, columns.first_column - capacity), columns.first_column)
        self._rows[gap % capacity] = np.nan
        self.end = columns.first_column + columns.n_columns
        kept = min(columns.n_columns, capacity)
        self._rows[np.arange(self.end - kept, self.end) % capacity] = columns.values.T[-kept:]
        return first_new

    def between(self, first: int, end: int) -> NDArray[np.float32]:
        """The columns [first, end) as (end − first, n_mels); NaN where there is none."""
        index = np.arange(first, end)
        rows = self._rows[index % len(self._rows)]
        known = (index >= max(0, self.end - len(self._rows))) & (index < self.end)
        rows[~known] = np.nan
        return rows
