"""The files that come with the program."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parents[1]


def shipped(name: str) -> Path:
    """Where one of them lies: beside the package in a checkout, inside it in a wheel."""
    installed = _PACKAGE / "assets" / name
    return installed if installed.exists() else _PACKAGE.parent / "assets" / name
