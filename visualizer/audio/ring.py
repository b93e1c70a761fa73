"""The bounded queue between a source's thread and the worker.

One thread writes and one reads. `write` copies into memory that was allocated once and never
waits; a block that does not fit is refused and counted, and the sample clock runs on, so that
the reader sees the loss as a jump in `start_sample`. A source that can wait does so for `room`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray


class SourceEnd(Enum):
    """How a source came to its end."""

    COMPLETE = auto()
    """all of it was delivered"""
    BROKEN = auto()
    """it stopped before that"""
    MOVED = auto()
    """the sound server moved the recording; opened anew, it goes on at once"""


@dataclass(frozen=True)
class AudioBlock:
    """Samples of a source that follow each other."""

    samples: NDArray[np.float32]
    """(n_samples, n_channels), ±1.0 is full scale; read-only"""
    start_sample: int
    """the stream's clock at the first sample, lost samples counted in"""
    captured_at: float
    """s, perf_counter when the delivery of its last sample began"""


class Circular:
    """Rows by their index on an endless axis, of which the newest are kept."""

    def __init__(self, capacity: int, n_values: int, dtype: DTypeLike = np.float32) -> None:
        # Not filled: memory that was never written costs none.
        self._rows: NDArray[Any] = np.empty((capacity, n_values), dtype)

    def __len__(self) -> int:
        """Return how many rows are kept at most."""
        return len(self._rows)

    def write(self, at: int, rows: NDArray[Any]) -> None:
        """Take rows (n, n_values) for the indices from `at` on."""
        capacity = len(self._rows)
        skipped = max(0, len(rows) - capacity)
        place, rows = (at + skipped) % capacity, rows[skipped:]
        head = min(len(rows), capacity - place)
        self._rows[place : place + head] = rows[:head]
        self._rows[: len(rows) - head] = rows[head:]

    def read(self, first: int, rows: NDArray[Any]) -> None:
        """Copy the rows from `first` on, which must be kept still, into an array (n, n_values)."""
        place = first % len(self._rows)
        head = min(len(rows), len(self._rows) - place)
        rows[:head] = self._rows[place : place + head]
        rows[head:] = self._rows[: len(rows) - head]


class _Record(NamedTuple):
    start_sample: int
    n_samples: int
    captured_at: float


class BlockRing:
    """Blocks of one stream, oldest first; full means: the new block is dropped and counted."""

    def __init__(self, n_channels: int, capacity: int, notify: Callable[[BlockRing], None]) -> None:
        """`capacity` in samples; `notify` wakes the reader and must not block."""
        self._n_channels = n_channels
        self._memory = Circular(capacity, n_channels)
        self._records: deque[_Record] = deque()
        self._held: deque[_Record] = deque()
        self._notify = notify
        self._written = 0
        self._read = 0
        self._clock = 0
        self._wanted = 0
        self._origin = 0
        self.delivered = 0
        """samples that came, refused ones included"""
        self.deliveries = 0
        """in how many blocks they came"""
        self.delivered_at: float | None = None
        """s, perf_counter of the newest block"""
        self.longest_gap_s = 0.0
        """from one delivery to the next"""
        self.dropped_blocks = 0
        """refused, for want of room or because they came too late"""
        self.skipped_blocks = 0
        """taken out unread"""
        self.overflows = 0
        self.due_at: float | None = None
        """s, perf_counter when the newest sample should have come; None: there is no such time"""
        self.spread_s = 0.0
        """how far apart the delays of its blocks are by themselves"""
        self.drift_ppm: float | None = None
        """how much faster the device's clock is than this machine's; None: not known"""
        self.held_since: float | None = None
        """s, perf_counter of the oldest block that is held back; None: there is none"""
        self.end: SourceEnd | None = None
        """None while the source runs"""
        self.fault: str | None = None
        """why it broke off, for people; None where it did not"""

    @property
    def room(self) -> int:
        """How many samples would be taken in now, at least; for a writer that can wait."""
        return len(self._memory) - (self._written - self._read)

    def write(self, samples: NDArray[np.float32], captured_at: float, lost: int = 0) -> None:
        """Copy in (n_samples, n_channels); `lost` samples went missing just before them.

        What was held back before follows with it.
        """
        self.hold(samples, captured_at, lost)
        if self._held:
            self._records.extend(self._held)
            self._release()
            if self._clock >= self._wanted:
                self._notify(self)

    def hold(self, samples: NDArray[np.float32], captured_at: float, lost: int = 0) -> None:
        """Copy in as `write` does, but keep it from the reader until then."""
        start = self._clock + lost
        n_samples = len(samples)
        self._clock = start + n_samples
        if n_samples > self.room:
            self.refuse(n_samples, captured_at)
            return
        self._note(n_samples, captured_at)
        self._memory.write(self._written, samples)
        self._written += n_samples
        self._held.append(_Record(start, n_samples, captured_at))
        if self.held_since is None:
            self.held_since = captured_at

    def _release(self) -> None:
        self._held.clear()
        self.held_since = None

    def refuse(self, n_samples: int, captured_at: float) -> None:
        """Count a block that came and is not taken in."""
        self._note(n_samples, captured_at)
        self.dropped_blocks += 1

    def _note(self, n_samples: int, captured_at: float) -> None:
        if self.delivered_at is not None:
            self.longest_gap_s = max(self.longest_gap_s, captured_at - self.delivered_at)
        self.delivered_at = captured_at
        self.delivered += n_samples
        self.deliveries += 1

    def finish(self, fault: str | None = None, end: SourceEnd | None = None) -> None:
        """Say that no more blocks will come, and why where that is before the source's end."""
        self.fault = fault
        self.end = end or (SourceEnd.COMPLETE if fault is None else SourceEnd.BROKEN)
        self._notify(self)

    def resume(self) -> None:
        """Let the same source, opened again, go on; what is still held back is missing then."""
        self._written -= sum(record.n_samples for record in self._held)
        self._release()
        self.end = self.fault = None

    def __len__(self) -> int:
        """How many blocks wait to be read."""
        return len(self._records)

    def begin_at(self, n_samples: int) -> None:
        """Drop the first samples, before any is read: the stream's clock begins after them."""
        self._origin = n_samples

    def want(self, sample: int) -> None:
        """Let the reader sleep until the stream's clock has come so far."""
        self._wanted = sample + self._origin

    def skip(self, moment: float) -> None:
        """Drop, and count, what was captured before a moment (perf_counter s)."""
        while self._records and self._records[0].captured_at < moment:
            self._read += self._records.popleft().n_samples
            self.skipped_blocks += 1

    def read(self) -> AudioBlock | None:
        """The oldest block, or None when there is none now.

        Blocks that follow each other come as one, up to the one that brings what is wanted.
        """
        if not self._records:
            return None
        first = last = self._records.popleft()
        n_samples = first.n_samples
        while self._records and first.start_sample + n_samples < self._wanted:
            if self._records[0].start_sample != first.start_sample + n_samples:
                break
            last = self._records.popleft()
            n_samples += last.n_samples
        samples = np.empty((n_samples, self._n_channels), np.float32)
        self._memory.read(self._read, samples)
        samples.flags.writeable = False
        self._read += n_samples
        start = first.start_sample - self._origin
        # A block may be shorter than what is left out.
        return AudioBlock(samples[max(0, -start) :], max(0, start), last.captured_at)
