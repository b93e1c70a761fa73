"""Names of devices, made fit to be read and to tell the devices apart."""

from __future__ import annotations

from collections.abc import Sequence

NAMELESS = "unnamed"


def readable(name: str) -> str:
    """One line of what can be printed: drivers put line breaks and worse into names."""
    printable = "".join(c if c.isprintable() else " " for c in name)
    return " ".join(printable.split()) or NAMELESS


def told_apart(names: Sequence[str]) -> list[str]:
    """The names in their order, with " #2", " #3" and so on where one came before."""
    unique_names: list[str] = []
    for name in names:
        unique, number = name, 1
        # A device may be called "… #2" by itself.
        while unique in unique_names or (number > 1 and unique in names):
            number += 1
            unique = f"{name} #{number}"
        unique_names.append(unique)
    return unique_names
