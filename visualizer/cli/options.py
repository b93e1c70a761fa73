"""Options that several commands share, and the types of their values.

A type turns the text of one argument into its value and looks at nothing else. What it does not
take is one line: `--level: '0' is not a number from -60 to -3 (dB of full scale)`.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from pathlib import Path

from visualizer.audio.channels import EXPECTED, Channel, channel_rule
from visualizer.errors import ConfigError, quoted
from visualizer.mel.front_ends import Found, find_front_end
from visualizer.mel.limits import GAIN_LIMIT_DB

FRONT_END = (
    "a preset's name (see: visualizer presets), a JSON file, a model's folder or file, or the id "
    "of a Hugging Face model in the local cache"
)
MODEL = "an adapter's name, such as silero-vad, FILE.py, FILE.py:NAME or package.module:NAME"
Group = argparse._ArgumentGroup
"""which argparse gives, and does not name"""


def add_option(
    group: argparse.ArgumentParser | Group,
    name: str,
    metavar: str,
    kind: Callable[[str], object],
    text: str,
    default: object = None,
) -> None:
    """Declare an option: its name, what the help calls its value, the value's type, the help."""
    group.add_argument(name, metavar=metavar, type=kind, default=default, help=text)


def refused(text: str, expected: str) -> argparse.ArgumentTypeError:
    """Return the error of a value that is not what was expected."""
    return argparse.ArgumentTypeError(f"{quoted(text)} is not {expected}")


def number(low: float, high: float, expected: str) -> Callable[[str], float]:
    """Return a type: numbers from `low` to `high`, which a message calls `expected`."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            raise refused(text, expected)
        return value

    return parse


def integer(example: int) -> Callable[[str], int]:
    """Return a type: whole numbers, whose limits are those of what takes them."""

    def parse(text: str) -> int:
        try:
            return int(text)
        except ValueError:
            raise refused(text, f"a whole number, such as {example}") from None

    return parse


def whole_number(low: int, high: int) -> Callable[[str], int]:
    """Return a type: whole numbers from `low` to `high`."""

    def parse(text: str) -> int:
        if not (text.isdecimal() and low <= int(text) <= high):
            raise refused(text, f"a whole number from {low} to {high}")
        return int(text)

    return parse


def add_gain(parser: argparse.ArgumentParser | Group, what: str = "the sound") -> None:
    """Declare --gain; the help says of `what`."""
    low, high = -GAIN_LIMIT_DB, GAIN_LIMIT_DB
    kind = number(low, high, f"a number from {low:g} to {high:g} (dB)")
    text = f"gain of {what}, before everything else (default: 0)"
    add_option(parser, "--gain", "DB", kind, text, 0.0)


def channel(*, each: bool) -> Callable[[str], Channel]:
    """Return a type: the channel rule; without `each`, one signal must come of it."""

    def parse(text: str) -> Channel:
        try:
            rule = channel_rule(text)
        except ConfigError as error:
            raise refused(text, EXPECTED) from error
        if rule == "each" and not each:
            raise refused(text, "mean, a number from 1 on, or several as 5+6: one is taken here")
        return rule

    return parse


def add_channel(
    parser: argparse.ArgumentParser | Group, each: str = "", default: Channel | None = "mean"
) -> None:
    """Declare --channel; `each` says what becomes of each, empty where one signal is taken."""
    words = "mean|each|K|K+L" if each else "mean|K|K+L"
    text = "of the sound, counted from 1; 5+6 is the mean of two, mean that of all"
    text += f", each {each}" if each else ""
    text += "" if default is None else " (default: mean)"
    add_option(parser, "--channel", words, channel(each=bool(each)), text, default)


def file_name(*suffixes: str) -> Callable[[str], Path]:
    """Return a type: names of files that end in one of the suffixes."""

    def parse(text: str) -> Path:
        path = Path(text)
        if path.suffix.lower() not in suffixes:
            raise argparse.ArgumentTypeError(f"{quoted(text)} must end in {' or '.join(suffixes)}")
        return path

    return parse


def add_front_end(parser: argparse.ArgumentParser | Group, text: str) -> None:
    """Declare --front-end, whose help is `text`, and the names it had before 0.2."""
    choice = parser.add_mutually_exclusive_group()
    for name in ("--front-end", "--preset", "--config"):
        shown = f"{text}: {FRONT_END}" if name == "--front-end" else argparse.SUPPRESS
        choice.add_argument(name, dest="front_end", metavar="WHAT", help=shown)


def said_front_end(arguments: argparse.Namespace) -> Found | None:
    """Return the front-end of --front-end; None where none was said. Raises ConfigError."""
    what: str | None = arguments.front_end
    return None if what is None else find_front_end(what)


def chosen_front_end(arguments: argparse.Namespace) -> Found:
    """Return the front-end of --front-end (default: simli). Raises ConfigError."""
    return said_front_end(arguments) or find_front_end("simli")


def add_model(group: argparse.ArgumentParser | Group) -> None:
    """Declare --model and --trust-model."""
    add_option(group, "--model", "WHAT", str, f"have a model answer beside the stream: {MODEL}")
    add_trust_model(group)


def add_trust_model(group: argparse.ArgumentParser | Group) -> None:
    """Declare --trust-model."""
    group.add_argument(
        "--trust-model",
        action="store_true",
        help="let it unpickle its own file, which can run any code, without being asked",
    )


def require_writable(*outputs: tuple[Path | None, str]) -> None:
    """Raise ConfigError now for a file that could not be written at the end.

    Args:
        outputs: each the file, or None where there is to be none, and what a message calls it.
    """
    from visualizer.engine import report

    for path, what in outputs:
        if path is not None:
            report.require_writable(path, what)
