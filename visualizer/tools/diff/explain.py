"""What `identify` says of a user's own code: of a few seconds, held against the whole sound."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from visualizer.errors import CodeError, ConfigError
from visualizer.mel.difference import less
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.whole import reference_columns
from visualizer.tools.diff.own_code import OwnCode, Python, call
from visualizer.tools.diff.sides import Given, Side

_EXCERPT_S = 3
"""Long enough to tell how features are made, and short enough to try thousands of ways."""
_VERDICT = "the same"
_BEYOND_STRETCH = 100.0
"""Times what the found front-end is off over the stretch."""
_BEYOND_VALUE = 1e-3
"""Of the largest value."""


class Identified(Protocol):
    """What `identify` found."""

    @property
    def front_end(self) -> FrontEnd: ...
    @property
    def is_same(self) -> bool: ...
    @property
    def largest(self) -> float: ...
    @property
    def differences(self) -> tuple[object, ...]: ...
    def sentences(self) -> tuple[str, ...]: ...
    def to_dict(self) -> dict[str, Any]: ...


Identify = Callable[[NDArray[Any], NDArray[np.float32], int, str | None], Identified]
"""Takes features, the samples and their rate (Hz), and the front-end to name differences from."""


@dataclass(frozen=True)
class Explained:
    """What is said of one side."""

    stretch: str
    """which seconds were looked at, as it follows what was asked; "" for the whole sound"""
    sentences: tuple[str, ...]
    values: dict[str, Any] | None
    """JSON values; None where nothing can be said"""


def explained(
    side: Side,
    given: Given,
    code: OwnCode,
    near: str | None,
    python: Python,
    identify: Identify,
) -> Explained:
    """Ask `identify` what made a side of a user's own code, by its loudest few seconds.

    Args:
        side: what the code returned for the whole sound.
        given: the sound.
        code: what is called once more.
        near: the front-end to name differences from; None is the nearest preset.
        python: what runs the code.
        identify: finds what made features.
    """
    heard, start_s = _loudest(given)
    is_part = len(heard.samples) < len(given.samples)
    stretch = f", by its loudest {_EXCERPT_S} s, from {start_s:g} s on" if is_part else ""
    try:
        features = call(code, heard.samples, heard.sample_rate, python)
        one = identify(features, heard.samples, heard.sample_rate, near)
    except (ConfigError, CodeError) as error:
        return Explained(stretch, (error.line,), None)
    sentences = list(one.sentences())
    over_all = ""
    if one.is_same:
        if not one.differences:
            # It is what the other side is: what a user asked comes first.
            sentences.sort(key=lambda line: not line.startswith(_VERDICT))
        if is_part:
            over_all = _over_the_whole(one.front_end, one.largest, side, given)
    if over_all:
        verdicts = [i for i, line in enumerate(sentences) if line.startswith(_VERDICT)]
        sentences.insert(verdicts[0] + 1, over_all)
    values = one.to_dict() | {"from_s": start_s, "over_the_whole": over_all or None}
    return Explained(stretch, tuple(sentences), values)


def _loudest(given: Given) -> tuple[Given, float]:
    """Return the loudest seconds of a sound, and where they begin, in seconds."""
    length, step = round(_EXCERPT_S * given.sample_rate), given.sample_rate
    starts = range(0, max(1, len(given.samples) - length + 1), step)
    pieces = {start: given.samples[start : start + length] for start in starts}
    start = max(pieces, key=lambda at: float(np.square(pieces[at], dtype=np.float64).sum()))
    return Given(pieces[start], given.sample_rate), start / given.sample_rate


def _over_the_whole(front_end: FrontEnd, largest: float, side: Side, given: Given) -> str:
    """Return how a front-end that is right for a stretch is off elsewhere; "" where it is not."""
    ours = reference_columns(given.samples, front_end)
    theirs = side.values.astype(np.float64)
    if len(theirs) != len(ours):
        theirs = theirs.T
    n = min(ours.shape[1], theirs.shape[1])
    if len(theirs) == len(ours):
        off = np.abs(less(ours[:, :n], theirs[:, :n])).max(axis=0, initial=0.0)
        highest = float(np.abs(theirs).max(initial=0.0))
        wrong = np.flatnonzero(off > max(_BEYOND_STRETCH * largest, _BEYOND_VALUE * highest))
        if len(wrong):
            seconds = front_end.model_middle_s + wrong[0] * front_end.model_step * front_end.hop_s
            return (
                f"over the whole sound it is not: up to {off.max():.3g} off, first at "
                f"{max(0.0, seconds):.3f} s"
            )
    if theirs.shape != ours.shape:
        shapes = [" × ".join(map(str, values.shape)) for values in (theirs, ours)]
        return (
            f"over the whole sound it is not: your code returns {shapes[0]}, where {shapes[1]} "
            "would be the same"
        )
    return ""
