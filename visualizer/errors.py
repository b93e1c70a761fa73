"""Errors that a user can act on.

Every error the program raises on purpose derives from `VisualizerError`, which says what was wrong
and what to do about it. The command line prints it as one line and ends with exit code 2.
"""

from __future__ import annotations

import os
import reprlib
from typing import get_args

_LONGEST = 300
_words = reprlib.Repr()
_words.maxstring = _words.maxother = _words.maxlong = _LONGEST
_words.maxlevel = 2


def quoted(value: object) -> str:
    """Return a value as a message shows it: one line as in Python, long ones shortened.

    A path is shown as its text.
    """
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    try:
        return _words.repr(value)
    except ValueError:
        # An int of thousands of digits, which Python refuses to write.
        return f"a huge {type(value).__name__}"


def one_line(words: object) -> str:
    """Return what a library says of an error on one line, long ones shortened; "" stays empty."""
    line = " ".join(str(words).split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"


class VisualizerError(Exception):
    """Base of all errors raised on purpose; its text is "problem; remedy"."""

    def __init__(self, problem: str, remedy: str = "", choices: str = "") -> None:
        """Say what went wrong.

        Args:
            problem: what was wrong, and what was expected.
            remedy: what to do about it; empty where nothing is known to help.
            choices: lines shown below the text: what the remedy chooses from, or a traceback.
        """
        super().__init__(problem, remedy, choices)
        self.problem = problem
        self.remedy = remedy
        self.choices = choices

    @property
    def line(self) -> str:
        """The text on one line: the remedy is left out where it needs the choices below it."""
        remedy = "" if self.choices else self.remedy
        return "; ".join(filter(None, (self.problem, remedy)))

    def __str__(self) -> str:
        text = "; ".join(filter(None, (self.problem, self.remedy)))
        return f"{text}\n{self.choices}" if self.choices else text


class ConfigError(VisualizerError):
    """A setting, preset, option or file name that cannot be used."""


class FieldError(ConfigError):
    """A field of a setting or a front-end whose value is outside its limits."""

    def __init__(self, field: str, value: object, limits: str) -> None:
        super().__init__(f"{field} is {quoted(value)}", f"it must be {limits}")
        self.field, self.value, self.limits = field, value, limits


class DeviceError(VisualizerError):
    """A sound device that is missing or refuses what was asked of it."""


class SourceError(VisualizerError):
    """An audio file that cannot be read."""


class DisplayError(VisualizerError):
    """A picture was asked for where no window can be opened."""


class KernelError(VisualizerError):
    """A compiled kernel could not be built, loaded or trusted."""


class CodeError(VisualizerError):
    """Code of the user's own that failed; its traceback is shown below the text."""


def require(condition: bool, field: str, value: object, limits: str) -> None:
    """Raise FieldError, which names the field, its value and its limits, unless `condition`."""
    if not condition:
        raise FieldError(field, value, limits)


def is_whole(value: object, low: int, high: int = 1 << 20) -> bool:
    """Return whether the value is an int from `low` to `high`."""
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def is_number(value: object, low: float, high: float = 1e9) -> bool:
    """Return whether the value is a number from `low` to `high`."""
    return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high


def among(choices: object) -> str:
    """Return the choices of a Literal as a message names them."""
    return " or ".join(repr(choice) for choice in get_args(choices))
