"""Values of a model's file, each with its origin, and the chain that is made of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from visualizer.errors import ConfigError, FieldError, is_number, is_whole, quoted
from visualizer.mel.described import Described, FieldOrigin, Ignored, Origin
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.limits import MAX_BANDS, MAX_SAMPLES
from visualizer.mel.stage import Stage


@dataclass(frozen=True)
class Known:
    """A value with its origin."""

    value: Any
    origin: Origin = "class"
    key: str = ""
    """what the file calls it, or those it was computed from"""

    def map(self, formula: Callable[[Any], Any]) -> Known:
        """Return what a formula makes of the value, of the same origin."""
        return Known(formula(self.value), self.origin, self.key)


def of(formula: Callable[..., Any], *known: Known) -> Known:
    """Return what a formula makes of several values; it is the file's where one of them is."""
    origins = [one.origin for one in known]
    order: tuple[Origin, ...] = ("file", "assumed", "class")
    origin = next(o for o in order if o in origins)
    keys = [key for one in known if one.origin == origin for key in one.key.split(", ") if key]
    return Known(formula(*(one.value for one in known)), origin, ", ".join(dict.fromkeys(keys)))


class FileValues:
    """One object of a model's file. It checks what is taken from it and notes what is not used."""

    def __init__(self, values: Mapping[str, Any], source: str) -> None:
        """`source` is the file, as messages call it."""
        self.source = source
        self._values = values
        self._ignored: list[Ignored] = []

    def __contains__(self, key: object) -> bool:
        return key in self._values

    @property
    def ignored(self) -> tuple[Ignored, ...]:
        """What was written and is not used."""
        return tuple(self._ignored)

    def raw(self, key: str) -> Any:
        """Return what is written under a key, unchecked; None where nothing is."""
        return self._values.get(key)

    def whole(
        self,
        key: str,
        default: int | None,
        *,
        low: int = 1,
        high: int = MAX_SAMPLES,
        origin: Origin = "class",
    ) -> Known:
        """Return a whole number, also one written as 400.0.

        Args:
            key: under which it is written.
            default: what holds where it is not, or null is; of the given origin.
            low: the least that fits.
            high: the largest that fits.
            origin: "assumed" where the model's code does not write it to its files.
        """
        text = f"a whole number from {low} to {high}"
        return self._taken(key, default, origin, lambda v: _is_whole(v, low, high), int, text)

    def number(
        self,
        key: str,
        default: float | None,
        *,
        low: float = -1e9,
        high: float = 1e9,
        origin: Origin = "class",
    ) -> Known:
        """Return a number; the arguments are those of `whole`."""
        text = f"a number from {low:g} to {high:g}"
        fits = lambda v: is_number(v, low, high) and math.isfinite(v)  # noqa: E731
        return self._taken(key, default, origin, fits, float, text)

    def flag(self, key: str, default: bool, *, origin: Origin = "class") -> Known:
        """Return true or false."""
        is_flag = lambda v: isinstance(v, bool)  # noqa: E731
        return self._taken(key, default, origin, is_flag, bool, "true or false")

    def text(
        self, key: str, default: str | None, choices: Sequence[str], *, origin: Origin = "class"
    ) -> Known:
        """Return one of some words."""
        fits = lambda v: isinstance(v, str) and v in choices  # noqa: E731
        return self._taken(key, default, origin, fits, str, " or ".join(map(repr, choices)))

    def numbers(self, key: str) -> Known | None:
        """Return a list of numbers, one a row, as a tuple; None where there is none."""
        value = self._values.get(key)
        if value is None:
            return None
        fits = isinstance(value, list | tuple) and 1 <= len(value) <= 64 * MAX_BANDS
        if not (fits and all(is_number(v, -1e12, 1e12) and math.isfinite(v) for v in value)):
            raise self.error(key, "a list of numbers")
        return Known(tuple(map(float, value)), "file", key)

    def ignore(self, key: str, why: str) -> None:
        """Note a value that the model's own code does not use, if it is written."""
        if key in self._values:
            self._ignored.append(Ignored(key, self._values[key], why))

    def error(self, key: str, expected: str) -> ConfigError:
        """Return the error of a value that does not fit."""
        return ConfigError(
            f"{self.source}: {key} is {quoted(self._values.get(key))}", f"it must be {expected}"
        )

    def _taken(
        self,
        key: str,
        default: Any,
        origin: Origin,
        fits: Callable[[Any], bool],
        kind: Callable[[Any], Any],
        expected: str,
    ) -> Known:
        value = self._values.get(key)
        if value is None and default is not None:
            return Known(default, origin, key)
        if not fits(value):
            raise self.error(key, expected)
        return Known(kind(value), "file", key)


def _is_whole(value: Any, low: int, high: int) -> bool:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return is_whole(value, low, high)


StageValues = tuple[type[Stage], dict[str, Any]]
"""a stage's class, and its fields: Known values, or plain ones, which are the model's code's"""


def described(
    name: str,
    whose: str,
    values: FileValues,
    sample_rate: Known,
    stages: Sequence[StageValues | None],
    notes: tuple[str, ...] = (),
) -> Described:
    """Return the chain of the stages, with the origin of each field.

    Args:
        name: of the front-end.
        whose: whose form it is, see Described.
        values: the file's, which know what was ignored.
        sample_rate: in Hz.
        stages: in their order; None stands for a stage that is not used.
        notes: see Described.

    Raises:
        ConfigError: naming the file, and its own name of the field that does not fit.
    """
    given = [stage for stage in stages if stage is not None]
    origins = [_origin(None, "sample_rate", sample_rate)]
    keys: dict[str, str] = {"sample_rate": sample_rate.key}
    for i, (kind, taken) in enumerate(given):
        keys |= {field: v.key for field, v in taken.items() if isinstance(v, Known) and v.key}
        for field in fields(kind):
            value = taken.get(field.name, Known(field.default))
            origins.append(_origin(i, field.name, value))
    try:
        made = [kind(**{k: _plain(v) for k, v in taken.items()}) for kind, taken in given]
        front_end = FrontEnd(name, sample_rate.value, tuple(made))
    except FieldError as error:
        key = keys.get(error.field) or error.field
        raise ConfigError(
            f"{values.source}: {key} gives {error.field} {quoted(error.value)}",
            f"it must be {error.limits}",
        ) from error
    return Described(front_end, whose, values.source, tuple(origins), values.ignored, notes)


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Known) else value


def _origin(stage: int | None, field: str, value: Any) -> FieldOrigin:
    known = value if isinstance(value, Known) else Known(value)
    return FieldOrigin(stage, field, known.value, known.origin, known.key)
