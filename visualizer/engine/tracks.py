"""What is looked at: the live columns, those of the sound before, and those of a second front-end.

Everything here runs on the user's thread; the followers that it starts have theirs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visualizer.audio.channels import Channel, n_signals
from visualizer.engine.columns import MelColumns
from visualizer.engine.follower import Follower
from visualizer.engine.history import ColumnHistory, SoundHistory
from visualizer.errors import ConfigError
from visualizer.mel.difference import columns_between, less
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.picture import PictureUnit

_NEVER = 1 << 62
"""A column that no stream comes to."""


@dataclass(frozen=True)
class Track:
    """The columns of one front-end and one signal, on their stream's grid."""

    title: str
    mel: FrontEnd
    columns: ColumnHistory
    channel: Channel
    """what of the source it is made from"""


@dataclass(frozen=True)
class Taken:
    """What came of the followers."""

    filled: bool
    """whether columns came that are older than others that were there"""
    since_s: float
    """the moment from which on there are other columns; infinity where none came"""


class Tracks:
    """Keeps the columns that came live, and has the rest computed from the kept sound."""

    def __init__(self, on_columns: Callable[[], None]) -> None:
        """`on_columns` is called, on another thread, when there may be something to `take`."""
        self._on_columns = on_columns
        self.sound: SoundHistory | None = None
        """what they are made from"""
        self._channel: Channel = "mean"
        self._is_over = False
        self._live_from = 0
        self._backfill_since = self._second_since = 0
        self._backfill: Follower | None = None
        self._second: Follower | None = None
        self._backfilled = True
        self.first: tuple[Track, ...] = ()
        """of the front-end in force, one for each channel"""
        self.second: tuple[Track, ...] = ()
        """of the front-end beside it"""

    def begin(
        self, mel: FrontEnd, sound: SoundHistory, channel: Channel, *, is_over: bool = False
    ) -> None:
        """A front-end came into force; what was heard of the same sound is computed anew.

        `is_over` says that no more of the sound will come. What was beside it is gone.
        """
        self.close()
        is_new_sound = sound is not self.sound
        self.sound, self._channel, self._is_over = sound, channel, is_over
        self.first, self.second = _tracks(mel, sound, channel), ()
        # On a new sound there is nothing from before.
        self._backfilled = is_new_sound or is_over
        self._backfill_since = sound.first
        self._live_from = 0 if is_new_sound else _NEVER
        if is_over and not is_new_sound:
            self._backfill = Follower(sound, mel, channel, self._on_columns, is_over=True)

    def compare(self, mel: FrontEnd | None) -> None:
        """Show another front-end beside the first, or none."""
        if self._second is not None:
            self._second.close()
        self._second, self.second = None, ()
        if mel is not None and self.sound is not None:
            self.second = _tracks(mel, self.sound, self._channel)
            self._second_since = self.sound.first
            self._second = Follower(
                self.sound, mel, self._channel, self._on_columns, is_over=self._is_over
            )

    def append(self, columns: MelColumns) -> None:
        """Take live columns of the front-end in force."""
        for track, values in zip(self.first, columns.values, strict=True):
            track.columns.append(columns.first_column, values)
        if not self._backfilled:
            self._backfilled = True
            self._live_from = columns.first_column
            assert self.sound is not None
            mel, until = self.first[0].mel, columns.first_column
            self._backfill = Follower(self.sound, mel, self._channel, self._on_columns, until)
        if self._second is not None:
            self._second.wake()

    def end(self) -> None:
        """No more of the sound will come."""
        self._is_over = True
        if self._second is not None:
            self._second.end()

    def take(self) -> Taken:
        """Take what was computed beside, and say what it was."""
        ended = self._backfill is not None and self._backfill.ended
        filled_since_s = _take(self._backfill, self.first)
        if ended:
            self._backfill = None
        since_s = min(filled_since_s, _take(self._second, self.second))
        return Taken(filled_since_s < math.inf, since_s)

    def fed_since(self, track: Track, first_column: int, end_column: int, now_since: int) -> int:
        """The stream's sample from which on what computed these columns of a track was fed.

        `now_since` is that of the front-end in force. Raises ConfigError where it was not one and
        the same that computed them all, and they depend on what it had heard.
        """
        if track not in self.first:
            return self._second_since
        if first_column >= self._live_from:
            return now_since
        if end_column > self._live_from and track.mel.remembers:
            raise ConfigError(
                f"{track.mel.name} began to normalise anew when it was picked, within this region",
                "take one before or after that",
            )
        return self._backfill_since

    def fault(self) -> str | None:
        """Return why the second front-end cannot be shown, or None."""
        return self._second.fault if self._second is not None else None

    def close(self) -> None:
        """End what is computed beside."""
        for follower in (self._backfill, self._second):
            if follower is not None:
                follower.close()
        self._backfill = self._second = None


def _take(follower: Follower | None, tracks: tuple[Track, ...]) -> float:
    """Add what came of a follower to its tracks; return since when, in s, infinity for nothing."""
    came = [] if follower is None else follower.drain()
    for first_column, signals in came:
        for track, values in zip(tracks, signals, strict=True):
            kept = track.columns
            take = kept.append if first_column >= kept.end else kept.fill
            take(first_column, values)
    starts_s = (tracks[0].mel.cell_start_s + first * tracks[0].mel.hop_s for first, _ in came)
    return min(starts_s, default=math.inf)


class Difference:
    """The columns of one track less those of another, in a unit of both."""

    def __init__(self, first: Track, second: Track, units: tuple[PictureUnit, PictureUnit]) -> None:
        """Raise ValueError, with the reason, where their shapes do not agree."""
        self._tracks = first, second
        self._units = units
        self._shift = columns_between((first.mel, second.mel), (units[0].unit, units[1].unit))

    @property
    def first(self) -> int:
        a, b = self._tracks
        return max(a.columns.first, b.columns.first - self._shift)

    @property
    def end(self) -> int:
        a, b = self._tracks
        return min(a.columns.end, b.columns.end - self._shift)

    def between(self, first: int, end: int) -> NDArray[np.float32]:
        """The columns [first, end) of the first track's grid: (end − first, n_mels)."""
        (a, b), (unit_a, unit_b) = self._tracks, self._units
        values_a = unit_a(a.columns.between(first, end))
        values_b = unit_b(b.columns.between(first + self._shift, end + self._shift))
        return less(values_a, values_b)


def _tracks(mel: FrontEnd, sound: SoundHistory, channel: Channel) -> tuple[Track, ...]:
    def track(title: str, channel: Channel) -> Track:
        return Track(title, mel, ColumnHistory(mel.n_rows, mel.hop_s), channel)

    if channel != "each":
        return (track(mel.name, channel),)
    channels = range(n_signals(sound.n_channels, channel))
    return tuple(track(f"{mel.name} · channel {c + 1}", (c,)) for c in channels)
