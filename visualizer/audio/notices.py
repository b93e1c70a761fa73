"""What a listener would say about the sound: that there is none, too much, or that it is spoilt."""

from __future__ import annotations

import math
from collections import deque

from visualizer.audio.sanitize import LIMIT, NO_FAULTS, SoundFaults, integer_gain_db
from visualizer.mel.limits import CLIP_PEAK

SILENCE = "digital silence, every sample is 0: muted, or no permission to record?"
# The sum of many short durations may lie a rounding below the whole.
_SILENCE_S = 2.0 - 1e-6
_NOTICE_S = 5.0
"""So long something that is over is still said."""
_CLIP_MEMORY_S = 60.0
_CLIP_STEP_S = 0.1 - 1e-6
"""Clips closer than this are one, so that the count does not depend on how long deliveries are."""
_OFFSET = 0.05
"""Of full scale: a sound's own mean over two seconds is far less, a bad input's is often more."""
_OFFSET_S = 2.0 - 1e-6


def clips(peak: float) -> bool:
    """Return whether the largest sample of a sound (1.0 is full scale) counts as clipped."""
    return peak >= CLIP_PEAK


def integers_taken_for_floats(bits: int) -> str:
    """Return what a command says of samples that look like integers of `bits` bits."""
    return f"{_look_like(bits)}; --gain {integer_gain_db(bits):.3f} brings them to full scale"


def said_of(faults: SoundFaults, integer_bits: int | None) -> str | None:
    """Return what is to be said of a sound that was read to its end, if anything."""
    parts = [integers_taken_for_floats(integer_bits)] if integer_bits else []
    if faults.bad:
        parts.append(_fault_words(faults))
    return "; ".join(parts) or None


class SoundWatch:
    """Watches the peaks of one source by the sound's own clock, the sum of its durations."""

    def __init__(self) -> None:
        self._now_s = 0.0
        self._silent_s = 0.0
        self._clipped_s = -math.inf
        self._clips_s: deque[float] = deque()
        self._faults, self._faulted_s = NO_FAULTS, -math.inf
        self._integer_bits: int | None = None
        self._sums: list[float] = []
        self._summed_s = 0.0
        self._offset = 0.0

    def observe(
        self,
        peak: float,
        duration_s: float,
        means: tuple[float, ...] = (),
        faults: SoundFaults = NO_FAULTS,
        integer_bits: int | None = None,
    ) -> None:
        """Note a delivery by its largest absolute sample and each channel's mean.

        1.0 is full scale. `faults` are all of the stream so far; `integer_bits` are those of the
        integers that its samples look like.
        """
        self._now_s += duration_s
        self._integer_bits = integer_bits
        if faults.bad > self._faults.bad:
            self._faulted_s = self._now_s
        self._faults = faults
        self._observe_means(means, duration_s)
        self._silent_s = self._silent_s + duration_s if peak == 0.0 else 0.0
        if clips(peak):
            self._clipped_s = self._now_s
            if not self._clips_s or self._now_s - self._clips_s[-1] >= _CLIP_STEP_S:
                self._clips_s.append(self._now_s)
        while self._clips_s and self._now_s - self._clips_s[0] > _CLIP_MEMORY_S:
            self._clips_s.popleft()

    @property
    def meant_gain_db(self) -> float | None:
        """The gain that brings integers that were stored as floats to full scale."""
        return None if self._integer_bits is None else integer_gain_db(self._integer_bits)

    @property
    def notice(self) -> str | None:
        """What is to be said now, if anything."""
        is_recent = self._now_s - self._faulted_s <= _NOTICE_S
        parts = []
        if self._integer_bits is not None:
            gain_db = f"{integer_gain_db(self._integer_bits):.3f} dB"
            parts.append(
                f"{_look_like(self._integer_bits)}; File, Gain… offers the {gain_db} that bring "
                "them to full scale"
            )
        if is_recent and self._faults.bad:
            parts.append(_fault_words(self._faults))
        if parts:
            return "; ".join(parts)
        if self._silent_s >= _SILENCE_S:
            return SILENCE
        if self._now_s - self._clipped_s <= _NOTICE_S:
            n = len(self._clips_s)
            times = "once" if n == 1 else f"{n} times"
            return f"clipping: {times} in the last minute; a lower gain avoids it"
        if self._offset > _OFFSET:
            return (
                f"a constant offset (DC) of {self._offset:.0%} of full scale; another input or "
                "cable, or the device's high-pass filter, removes it"
            ).replace("%", " %")
        return None

    def _observe_means(self, means: tuple[float, ...], duration_s: float) -> None:
        """Sum up two seconds, then begin again; the largest offset of a channel counts."""
        if len(means) != len(self._sums):
            self._sums, self._summed_s = [0.0] * len(means), 0.0
        for channel, mean in enumerate(means):
            self._sums[channel] += mean * duration_s
        self._summed_s += duration_s
        if self._summed_s >= _OFFSET_S:
            self._offset = max(map(abs, self._sums), default=0.0) / self._summed_s
            self._sums, self._summed_s = [0.0] * len(means), 0.0


def _look_like(bits: int) -> str:
    return f"the samples look like {bits}-bit integers stored as floats"


def _fault_words(faults: SoundFaults) -> str:
    parts = []
    if n := faults.not_finite:
        was = "sample was not a number and is" if n == 1 else "samples were not numbers and are"
        parts.append(f"{n} {was} taken as silence")
    if n := faults.beyond_limit:
        parts.append(
            f"{n} {'sample' if n == 1 else 'samples'} lay beyond {LIMIT:g} times full scale, which "
            "is cut off"
        )
    return "; ".join(parts)
