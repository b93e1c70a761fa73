"""Clicks that are easily found again: how they sound, when they come, where they are in a sound.

A click is a short chirp, a tone that runs through the whole band: a matched filter draws it
together to a peak a fraction of a millisecond wide, also where it is weak, inverted or among
echoes. The clicks come at irregular intervals, so no other sound, and no echo of theirs, comes in
their rhythm. Nothing here knows of devices.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visualizer.errors import VisualizerError

CLICK_S = 0.02
INTERVAL_S = (0.2, 0.6)
"""The shortest and the longest time from one click to the next."""
LOWEST_HZ, HIGHEST_HZ = 500.0, 7000.0
"""Of the chirp: what small loudspeakers play, and a sample rate of 16 kHz holds."""
LOWEST_RATE_HZ = 4000
LONGEST_DELAY_S = 2.0
WANDER_S = 0.03
"""A click may be so much earlier or later than the others say: callbacks are not punctual."""

_HIGHEST_SHARE = 0.42
"""Of the sample rate: what converters leave whole."""
_EDGE = 0.25
"""Share of the click that each of its soft edges takes."""
_SEED = 22
"""With it, fewer than half of the clicks meet others of them at any delay, however many there
are."""
_BIN_S = 0.001
_OWN_S = 0.002
"""So near to a click's peak lies its own flank, and no other path."""
_LEAST_LIKENESS = 0.3
"""Of the clicks, their median. In noise and music, the likest samples reach 0.25."""
_LEAST_CONTRAST, _MOST_CONTRAST = 1.6, 1000.0
"""How much stronger the clicks must be than anything else in their rhythm; noise and music reach
1.2. More than the most cannot be told from it: it is 60 dB."""
_LEAST_STRENGTH = 0.25
"""Of a click, as a share of the others': what is weaker is the echo of another."""
_TINY = 1e-30
_AS_LOUD = 0.8
_FAINT = 10 ** (-60 / 20)
_FULL_SCALE = 0.999
_CLIPPED_SAMPLES = 3
_SAMPLES_AT_ONCE = 1 << 12
_NOTHING = 1e-12
"""Mean square: −120 dB, below which is only what converters leave of silence."""


class UnclearError(VisualizerError):
    """The clicks are not to be found so clearly that a delay could be told."""


@dataclass(frozen=True)
class FoundClick:
    """Where a click is in a sound, and how clearly."""

    position: float
    """samples from the sound's first to the click's first"""
    likeness: float
    """the correlation with a clean click, from 0 to 1, which nothing but the click reaches"""
    peak: float
    """largest absolute sample; 1.0 is full scale"""


@dataclass(frozen=True)
class FoundClicks:
    """All clicks of a sound."""

    clicks: tuple[FoundClick, ...]
    """in the order in which they were played"""
    contrast: float
    """how much stronger they are than what is strongest elsewhere in their rhythm; at most 1000"""
    second_path: float
    """how loud the loudest other path (an echo) is, as a share of the path that was found"""


def band_hz(*sample_rates: int) -> tuple[float, float]:
    """From where to where (Hz) a chirp runs that all these sample rates (Hz) hold."""
    return LOWEST_HZ, min(HIGHEST_HZ, _HIGHEST_SHARE * min(sample_rates))


def click(sample_rate: int, band: tuple[float, float]) -> NDArray[np.float64]:
    """A click at this sample rate (Hz): (n,), its peak at most 1.0.

    `band` is in Hz; the click is the same sound at any rate that holds it.
    """
    low, high = band
    time_s = np.arange(round(CLICK_S * sample_rate)) / sample_rate
    phase = 2 * np.pi * (low * time_s + (high - low) / (2 * CLICK_S) * time_s**2)
    from_end = np.minimum(time_s, CLICK_S - time_s) / (_EDGE * CLICK_S)
    edges = np.sin(np.pi / 2 * np.clip(from_end, 0.0, 1.0)) ** 2
    wave: NDArray[np.float64] = edges * np.sin(phase)
    return wave


def start_times_s(n_clicks: int) -> NDArray[np.float64]:
    """When each click begins, the first at 0: irregular, and always the same."""
    intervals = np.random.default_rng(_SEED).uniform(*INTERVAL_S, n_clicks - 1)
    return np.concatenate(([0.0], np.cumsum(intervals)))


def find_clicks(
    sound: NDArray[np.floating],
    sample_rate: int,
    band: tuple[float, float],
    expected_s: NDArray[np.float64],
) -> FoundClicks:
    """Find the clicks of a `band` (Hz) in a sound (n,) at `sample_rate` (Hz), ±1.0 full scale.

    `expected_s` says where each would be without any delay, in seconds of the sound; they are
    found later by one delay of at most LONGEST_DELAY_S, and each by WANDER_S more or less. Where
    there are several paths, the loudest is found. NaN is sound that was lost, and taken as silence.
    Raises UnclearError, with what was heard instead, where any click is not found clearly.
    """
    known = np.nan_to_num(np.asarray(sound, dtype=np.float32))
    loudest = float(np.abs(known).max(initial=0.0))
    if loudest == 0.0:
        raise UnclearError(
            "nothing but digital silence was heard",
            "is the microphone muted, or not the one that hears the output?",
        )
    template = click(sample_rate, band)
    response, likeness = _matched(known, template)
    near = round(WANDER_S * sample_rate)
    expected = np.round(expected_s * sample_rate).astype(np.int64)
    delay, contrast = _common_delay(response, sample_rate, expected)
    places = [_strongest(response, at - near, at + near + 1) for at in expected + delay]
    likenesses, strengths = likeness[places], response[places]
    usual = float(np.median(likenesses))
    if usual < _LEAST_LIKENESS or contrast < _LEAST_CONTRAST:
        _refuse(known, loudest, usual, contrast)
    is_like = likenesses > math.sqrt(usual * _usual_otherwise(likeness, near))
    n_found = np.count_nonzero(is_like & (strengths > _LEAST_STRENGTH * np.median(strengths)))
    if n_found < len(places):
        raise UnclearError(
            f"found only {n_found} of {len(places)} clicks",
            "is the place quiet, and does nothing switch the sound off in between?",
        )
    peaks = [float(np.abs(known[at : at + len(template)]).max()) for at in places]
    if any(_is_clipped(known[at : at + len(template)]) for at in places):
        raise UnclearError(
            "the clicks are clipping",
            "lower the volume of the output, the gain of the input, or --level",
        )
    second = _second_path(response, places, sample_rate)
    if second > _AS_LOUD:
        raise _two_paths(second)
    clicks = tuple(
        FoundClick(_between_samples(response, place), float(like), peak)
        for place, like, peak in zip(places, likenesses, peaks, strict=True)
    )
    return FoundClicks(clicks, contrast, second)


def _matched(
    sound: NDArray[np.float32], template: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """For each sample, how strongly and how purely a click begins there, each (n,), from 0 on."""
    # Here, since it takes a while to load, and the command's help does not need it.
    from scipy.signal import oaconvolve

    n_samples, length = len(sound), len(template)
    response = oaconvolve(sound, template[::-1].astype(np.float32))[length - 1 :]
    response = np.abs(response, out=response)
    # In place, since minutes at a high rate are large. From the end of the sound on it is flat.
    sums = np.zeros(n_samples + length)
    np.square(sound, out=sums[1 : n_samples + 1])
    np.cumsum(sums, out=sums)
    energy = (sums[length:] - sums[:-length]).astype(np.float32)
    # The running sum rounds, by a share of all that came before.
    least = max(_NOTHING * length, 1e-12 * float(sums[-1]))
    whole = np.sqrt(np.maximum(energy, least) * float(np.sum(template**2)))
    return response, np.where(energy > least, response / whole, 0.0)


def _common_delay(
    response: NDArray[np.float32], sample_rate: int, expected: NDArray[np.int64]
) -> tuple[int, float]:
    """By how many samples all clicks are later than expected, and how clearly that is so."""
    from scipy.ndimage import maximum_filter1d

    step, near = max(1, round(_BIN_S * sample_rate)), round(WANDER_S * sample_rate)
    delays = np.arange(-near, round(LONGEST_DELAY_S * sample_rate), step)
    # Outside the sound there is nothing.
    widest = np.pad(maximum_filter1d(response, 2 * near + 1, mode="constant"), 1)
    places = (expected[:, np.newaxis] + delays + 1).clip(0, len(widest) - 1)
    scores = np.median(widest[places], axis=0)
    # The middle of all that are as good: the window around it holds the clicks in its midst.
    highest = int(scores.argmax())
    is_near = np.abs(delays - delays[highest]) <= 2 * near
    middle = int(np.median(np.flatnonzero(is_near & (scores >= 0.999 * scores[highest]))))
    elsewhere = scores[np.abs(delays - delays[middle]) > 2 * near].max(initial=0.0)
    contrast = scores[highest] / max(elsewhere, scores[highest] / _MOST_CONTRAST, _TINY)
    return int(delays[middle]), float(contrast)


def _strongest(response: NDArray[np.float32], first: int, end: int) -> int:
    """The sample from `first` on and before `end` where a click begins if one does at all."""
    first = min(max(0, first), len(response) - 1)
    return first + int(response[first : max(first + 1, end)].argmax())


def _usual_otherwise(likeness: NDArray[np.float32], near: int) -> float:
    """How much alike the likest sample of a stretch is, where there is mostly no click."""
    length = 2 * near + 1
    whole = likeness[: len(likeness) // length * length].reshape(-1, length)
    return max(float(np.median(whole.max(axis=1))) if len(whole) else 0.0, _LEAST_LIKENESS / 2)


def _second_path(response: NDArray[np.float32], places: list[int], sample_rate: int) -> float:
    """How loud what follows or precedes all clicks alike is, as a share of the clicks."""
    reach, own = round(LONGEST_DELAY_S / 2 * sample_rate), round(_OWN_S * sample_rate)
    padded = np.pad(response, (reach, reach))
    clicks = response[places][:, np.newaxis]
    loudest = 0.0
    # Bit by bit: seconds around each of many clicks would be gigabytes.
    for first in range(0, 2 * reach + 1, _SAMPLES_AT_ONCE):
        end = min(first + _SAMPLES_AT_ONCE, 2 * reach + 1)
        around = np.stack([padded[place + first : place + end] for place in places])
        usual = np.median(around / clicks, axis=0)
        usual[np.abs(np.arange(first, end) - reach) <= own] = 0.0
        loudest = max(loudest, float(usual.max()))
    return loudest


def _between_samples(response: NDArray[np.float32], place: int) -> float:
    """The top of the parabola through the highest sample and its neighbours."""
    if not 0 < place < len(response) - 1:
        return float(place)
    before, top, after = response[place - 1 : place + 2]
    bend = before - 2 * top + after
    return place + (0.5 * float((before - after) / bend) if bend < 0 else 0.0)


def _is_clipped(samples: NDArray[np.float32]) -> bool:
    return int(np.count_nonzero(np.abs(samples) >= _FULL_SCALE)) >= _CLIPPED_SAMPLES


def _refuse(sound: NDArray[np.float32], loudest: float, usual: float, contrast: float) -> None:
    """Raise what was heard instead of clicks."""
    level = f"the loudest sample was at {20 * math.log10(loudest):.0f} dBFS"
    if loudest < _FAINT:
        raise UnclearError(
            f"too quiet: {level}", "raise the volume of the output, or bring the two together"
        )
    if usual >= _LEAST_LIKENESS:
        raise _two_paths(1 / contrast)
    if _is_clipped(sound):
        raise UnclearError(
            f"the sound is clipping, and no clicks are found in it ({level})",
            "lower the volume or the gain",
        )
    raise UnclearError(
        f"other sound was heard, but not the clicks ({level})",
        "is it the microphone that hears the output, and is the volume up?",
    )


def _two_paths(share: float) -> UnclearError:
    return UnclearError(
        f"another path is as loud ({min(share, 1.0):.0%}), so there is no one delay",
        "take away the echo, or the second of two ways from the output to the input",
    )
