"""What the readers of the extractors share."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from visualizer.mel.model_files.values import FileValues, Known, StageValues, of
from visualizer.mel.stages import STAGES


@dataclass(frozen=True)
class Chain:
    """A front-end as an extractor's class and its file have it."""

    sample_rate: Known
    """Hz"""
    stages: Sequence[StageValues | None]
    notes: Sequence[str | None] = ()
    """see Described; None is left out"""


Reader = Callable[[FileValues], Chain]
"""returns the chain of one class, from the values that were saved of an instance"""


def stage(name: str, **fields: Any) -> StageValues:
    """Return a stage by its name in a chain's JSON, with Known or plain values."""
    return STAGES[name], fields


def nullable(values: FileValues, key: str, default: float) -> Known:
    """Return a number that the class takes null for, which then is None."""
    if key in values and values.raw(key) is None:
        return Known(None, "file", key)
    return values.number(key, default)


def ignore(values: FileValues, why: str, *keys: str) -> None:
    """Note values that the class does not use."""
    for key in keys:
        values.ignore(key, why)


def half(rate: Known) -> Known:
    """Return half the sample rate, in Hz."""
    return rate.map(lambda hz: hz / 2)


def whole_half(rate: Known) -> Known:
    """Return half the sample rate without its fraction, in Hz."""
    return rate.map(lambda hz: float(hz // 2))


def power_of_2(length: Known) -> Known:
    """Return the least power of 2 that is not below a length."""
    return length.map(lambda n: 2 ** math.ceil(math.log2(max(n, 1))))


def centred(win_length: Known, n_fft: Known) -> Known:
    """Return the offset that puts the middle of frame t's transform at sample t·hop_length.

    torch.stft and transformers' spectrogram place a shorter window in the middle of the transform.
    """
    return of(lambda win, n: (n - win) // 2 - n // 2, win_length, n_fft)


def one_per_hop(win_length: Known, hop_length: Known, n_fft: Known, **fields: Any) -> StageValues:
    """Return centred frames, one for each whole hop of the sound: N // hop_length.

    torch.stft gives one more, which the classes drop or mask.
    """
    offset = centred(win_length, n_fft)
    # A frame that is complete before its hop has ended only counts when that has.
    waits = of(lambda win, hop, o: max(0, hop - win - o), win_length, hop_length, offset)
    count = {"count": "whole", "followed_by": waits} if waits.value else {"count": "per_hop"}
    lengths = {"win_length": win_length, "hop_length": hop_length, "offset": offset}
    return stage("frames", **lengths, **count, **fields)


def mel(rate: Known, **fields: Any) -> StageValues:
    """Return filters over bins that transformers' mel_filter_bank lays out.

    It spaces them evenly from 0 to sampling_rate // 2 Hz, as though an odd rate were one less.
    """
    if rate.value % 2:
        fields["rate"] = rate.map(lambda hz: hz - 1)
    return stage("mel", **fields)


def per_row(values: FileValues, key: str, n_rows: Known, formula: Callable[[float], float]) -> Any:
    """Return what a formula makes of the numbers of the rows, of None where there are none.

    Raises:
        ConfigError: where there are not as many as rows, or one has no answer.
    """
    numbers = values.numbers(key)
    if numbers is None:
        return None
    try:
        made = numbers.map(lambda each: tuple(map(formula, each)))
    except ZeroDivisionError:
        raise values.error(key, "numbers other than 0") from None
    if len(made.value) != n_rows.value:
        raise values.error(key, f"as many numbers as rows ({n_rows.value})")
    return made


def noise(values: FileValues, default: float = 0.0) -> str | None:
    """Return a note on noise that nobody can repeat, where the class adds some."""
    amount = values.number("dither", default).value
    if not amount:
        return None
    return f"the class adds noise of {amount:g}, different at each call; it is left out here"


def silence(values: FileValues) -> str | None:
    """Return a note where the class fills sound up with something else than zeros at its end."""
    value = values.number("padding_value", 0.0).value
    if value:
        return f"the class fills sound up with {value:g}, zeros are used here"
    if values.raw("padding_side") == "left":
        return "the class fills sound up at its beginning, here it is at its end"
    return None
