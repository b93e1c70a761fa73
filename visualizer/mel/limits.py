"""What rates, sizes and counts sound and front-ends can have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, SupportsIndex, get_args

from visualizer.errors import among, is_number, is_whole, require

SAMPLE_RATE_MIN_HZ, SAMPLE_RATE_MAX_HZ = 1_000, 768_000
"""From telephone sub-bands to ultrasound recorders; beyond lies a mistyped number."""

CLIP_PEAK = 0.999
"""Of full scale: a sample as large counts as clipped; 16 bits reach 0.99997."""

GAIN_LIMIT_DB = 200.0
"""Up and down: more than the 186.6 dB that 32-bit integers lie above full scale."""

MAX_SAMPLES = 1 << 20
"""Of a window, a hop or a transform."""

MAX_BANDS = 4096

MAX_ROWS = 64 * MAX_BANDS
"""Of a column as the model gets it: 64 of the largest on top of each other."""

MAX_SOUND = 1 << 26
"""Samples that a sound can be filled to: half an hour at 32 kHz, and 256 MB."""

MAX_VALUES = 1 << 28
"""Numbers that a front-end may make of a sound of no length: 1 GB."""

MAX_WEIGHTS = 1 << 26
"""Transform points times bands: as many as 4096 bands at 768 kHz take, and 256 MB."""

LEAST_FLOOR = 2.0**-126
"""Smaller numbers are 0 to float32, or nearly; NeMo calls this one "tiny"."""

RATE_LIMITS = f"from {SAMPLE_RATE_MIN_HZ} to {SAMPLE_RATE_MAX_HZ} Hz"
"""As a message says it."""


@dataclass(frozen=True)
class Limit:
    """What values a stage's field takes."""

    text: str
    """as it follows "it must be" in a message"""
    fits: Callable[[object], bool]
    choices: tuple[Any, ...] = ()
    """all of them, where they can be listed: what else the field could have been"""
    usual: tuple[Any, ...] = ()
    """what public models have there, where not all can be listed"""


def whole(
    low: int, high: int = MAX_SAMPLES, unit: str = "", usual: tuple[int, ...] = ()
) -> dict[str, Limit]:
    """Return the metadata of a dataclass field that takes whole numbers from `low` to `high`."""
    text = f"from {low} to {high}{unit}"
    return {"limit": Limit(text, lambda value: is_whole(value, low, high), usual=usual)}


def number(
    low: float, high: float = 1e9, text: str = "", usual: tuple[float, ...] = ()
) -> dict[str, Limit]:
    """Return the metadata of a dataclass field that takes numbers from `low` to `high`."""
    text = text or f"a number from {low:g} to {high:g}"
    return {"limit": Limit(text, lambda value: is_number(value, low, high), usual=usual)}


def numbers(low: float, high: float = 1e9, most: int = 64 * MAX_BANDS) -> dict[str, Limit]:
    """Return the metadata of a dataclass field that takes a tuple of numbers, one for each row."""

    def fits(value: object) -> bool:
        return (
            isinstance(value, tuple)
            and 1 <= len(value) <= most
            and all(is_number(each, low, high) for each in value)
        )

    return {"limit": Limit(f"a list of 1 to {most} numbers from {low:g} to {high:g}", fits)}


def boolean() -> dict[str, Limit]:
    """Return the metadata of a dataclass field that takes true or false."""
    choices = (False, True)
    return {"limit": Limit("true or false", lambda value: isinstance(value, bool), choices)}


def one_of(choices: Any) -> dict[str, Limit]:
    """Return the metadata of a dataclass field that takes what a Literal lists."""
    listed = get_args(choices)
    return {"limit": Limit(among(choices), lambda value: value in listed, listed)}


def optional(metadata: dict[str, Limit]) -> dict[str, Limit]:
    """Return the metadata of a field that may also be None."""
    limit = metadata["limit"]
    choices = (None, *limit.choices) if limit.choices else ()
    usual = () if limit.choices else (None, *limit.usual)
    text = f"null or {limit.text}"
    return {"limit": Limit(text, lambda value: value is None or limit.fits(value), choices, usual)}


def checked_sample_rate(value: object) -> int:
    """Return a rate in Hz that sound can have, as an int: also 44100.0.

    Raises:
        ConfigError: for anything else.
    """
    rate = _index(value)
    fits = SAMPLE_RATE_MIN_HZ <= rate <= SAMPLE_RATE_MAX_HZ
    require(fits, "sample_rate", value, RATE_LIMITS)
    return rate


def checked_n_channels(value: object) -> int:
    """Return a number of channels, as an int.

    Raises:
        ConfigError: for anything that is no whole number from 1 on.
    """
    n_channels = _index(value)
    require(n_channels >= 1, "n_channels", value, "1 or more")
    return n_channels


def _index(value: object) -> int:
    """Return a whole number of any type, NumPy's included; 0 for what is none."""
    is_index = isinstance(value, SupportsIndex) or (isinstance(value, float) and value.is_integer())
    return int(value) if is_index and not isinstance(value, bool) else 0  # type: ignore[call-overload]
