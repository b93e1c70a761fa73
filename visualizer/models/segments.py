"""Where a probability says that something is there, from when to when.

The rule is that of `get_speech_timestamps` of the package silero-vad, with its usual values, for
answers of any period.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

_ROUNDING = 1e-6
"""In answers; a duration that is meant to be whole answers may be a rounding off."""

Segment = tuple[float, float]
"""its beginning and its end"""


@dataclass(frozen=True)
class SegmentRule:
    """When a segment begins and ends."""

    threshold: float = 0.5
    """it begins with the first probability of at least this"""
    below: float = 0.15
    """it ends where probabilities fall by so much under the threshold, …"""
    min_silence_s: float = 0.1
    """… and do not reach the threshold again for so long"""
    min_speech_s: float = 0.25
    """only longer ones count"""
    pad_s: float = 0.03
    """it is made longer by this at both ends, where there is room"""

    @property
    def release(self) -> float:
        """Below this it may end."""
        return max(self.threshold - self.below, 0.01)


def segments(
    probabilities: NDArray[np.float32], period_s: float, rule: SegmentRule
) -> tuple[Segment, ...]:
    """Return the segments of (n,) probabilities, in seconds from the beginning of the first.

    NaN, which is a probability that is not known, ends the sound before it.
    """
    found = Segments(rule, period_s)
    found.push(0, probabilities)
    return tuple((a * period_s, b * period_s) for a, b in found.between(0, len(probabilities)))


@dataclass
class _Stretch:
    """What is unbroken."""

    first: int
    end: int
    found: list[Segment] = field(default_factory=list)
    """without what is added at their ends"""


class Segments:
    """The segments of the answers so far: those that there would be if the sound ended now.

    All positions are in answers.
    """

    def __init__(self, rule: SegmentRule, period_s: float) -> None:
        self.rule = rule
        self._min_silence = rule.min_silence_s / period_s - _ROUNDING
        self._min_speech = rule.min_speech_s / period_s + _ROUNDING
        self._pad = rule.pad_s / period_s
        self._stretches = [_Stretch(0, 0)]
        self._begun_at: int | None = None
        """where a segment began that has not ended"""
        self._quiet_since: int | None = None

    def push(self, first: int, probabilities: NDArray[np.float32]) -> float:
        """Take those of the answers from `first` on, which is none of before.

        Returns from where on segments may differ.
        """
        changed = min(first - self._pad, self._undecided())
        threshold, release = self.rule.threshold, self.rule.release
        if first != self._stretches[-1].end:
            self._break(first)
        k, stretch = first, self._stretches[-1]
        for probability in probabilities.tolist():
            if probability >= threshold:
                self._quiet_since = None
                if self._begun_at is None:
                    self._begun_at = k
            elif math.isnan(probability):
                stretch.end = k
                self._break(k + 1)
                stretch = self._stretches[-1]
            elif probability < release and self._begun_at is not None:
                if self._quiet_since is None:
                    self._quiet_since = k
                if k - self._quiet_since >= self._min_silence:
                    self._close(self._quiet_since)
            k += 1
        stretch.end = k
        return changed

    def between(self, first: float, end: float) -> list[Segment]:
        """Return those that reach into [first, end), in order."""
        within = []
        # The newest are asked for most often.
        for stretch in reversed(self._stretches):
            if stretch.first >= end:
                continue
            if stretch.end <= first:
                break
            within.append(self._padded(stretch, first, end))
        return [segment for stretch in reversed(within) for segment in stretch]

    def forget(self, end: float) -> None:
        """Let go of those that end before an answer."""
        self._stretches = [s for s in self._stretches[:-1] if s.end > end] + self._stretches[-1:]
        for stretch in self._stretches:
            # The newest of them bounds the padding of the next.
            del stretch.found[: max(0, bisect_left(stretch.found, end, key=_end) - 1)]

    def _padded(self, stretch: _Stretch, first: float, end: float) -> list[Segment]:
        found = self._found(stretch)
        low = bisect_left(found, first - self._pad, key=_end)
        high = bisect_left(found, end + self._pad, key=_start)
        padded = []
        for i in range(low, high):
            start, stop = found[i]
            # Neighbours share what is between them.
            before = (found[i - 1][1] + start) / 2 if i else stretch.first
            after = (stop + found[i + 1][0]) / 2 if i + 1 < len(found) else stretch.end
            segment = max(start - self._pad, before), min(stop + self._pad, after)
            if segment[1] > first and segment[0] < end:
                padded.append(segment)
        return padded

    def _found(self, stretch: _Stretch) -> list[Segment]:
        """Those of a stretch, with the one that has not ended."""
        begun_at = self._begun_at
        if stretch is not self._stretches[-1] or begun_at is None:
            return stretch.found
        is_long = stretch.end - begun_at > self._min_speech
        return [*stretch.found, (begun_at, stretch.end)] if is_long else stretch.found

    def _undecided(self) -> float:
        """From where on it is open what becomes of the segment that has begun."""
        begun_at, end = self._begun_at, self._stretches[-1].end
        if self._quiet_since is not None:
            end = self._quiet_since
        if begun_at is None or end - begun_at > self._min_speech:
            return end
        return begun_at - self._pad

    def _close(self, end: int) -> None:
        begun_at = self._begun_at
        assert begun_at is not None
        self._begun_at = self._quiet_since = None
        if end - begun_at > self._min_speech:
            self._stretches[-1].found.append((begun_at, end))

    def _break(self, first: int) -> None:
        """End the sound, and begin anew at an answer."""
        stretch = self._stretches[-1]
        if self._begun_at is not None:
            self._close(stretch.end)
        if not stretch.found:
            self._stretches.pop()
        self._stretches.append(_Stretch(first, first))


def _start(segment: Segment) -> float:
    return segment[0]


def _end(segment: Segment) -> float:
    return segment[1]
