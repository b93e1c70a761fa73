"""Names of devices, made fit to be read and to tell the devices apart."""

from __future__ import annotations

from collections.abc import Sequence

NAMELESS = "unnamed"


def readable(name: str) -> str:
    """One line of what can be printed: drivers put line breaks and worse into names."""
    printable = "".join(c if c.isprintable() else " " for c in name)
    return " ".join(printable.split()) or NAMELESS


def told_apart(named: Sequence[tuple[str, str]]) -> list[str]:
    """The names of (group, name) in their order, with " #2" and so on for equal pairs."""
    unique: list[tuple[str, str]] = []
    for group, name in named:
        pair, number = (group, name), 1
        # A device may be called "… #2" by itself.
        while pair in unique or (number > 1 and pair in named):
            number += 1
            pair = group, f"{name} #{number}"
        unique.append(pair)
    return [name for _, name in unique]


def left_out_words(n: int) -> str:
    """Return the message that `n` devices have names that are no text."""
    if n == 1:
        return "1 device with an unreadable name is left out"
    return f"{n} devices with unreadable names are left out"
