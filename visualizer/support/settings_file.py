"""The settings file: one JSON object for each user, where the system keeps such files."""

from __future__ import annotations

import itertools
import json
import os
from pathlib import Path
from typing import Any

from visualizer.support.files import replacing
from visualizer.support.folders import config_folder

_LONGEST = 1 << 20
"""Bytes: a hundred times what is ever stored."""


def settings_path() -> Path:
    """Return where the settings of this user are kept, whether the file is there or not."""
    return config_folder() / "settings.json"


def read_settings(path: Path) -> dict[str, Any]:
    """Return what the file holds; nothing where there is no file.

    Raises:
        OSError: It cannot be read.
        ValueError: It is damaged.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_LONGEST + 1)
    except FileNotFoundError:
        return {}
    if len(content) > _LONGEST:
        raise ValueError(f"it is longer than {_LONGEST} bytes")
    try:
        values = json.loads(content)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(values, dict):
        raise ValueError("it is no JSON object")
    return values


def write_settings(path: Path, values: dict[str, Any]) -> None:
    """Write the file in one step: a reader gets all of the old or all of the new.

    Raises:
        OSError: It cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as unfinished:
        unfinished.write_text(json.dumps(values, indent=2), encoding="utf-8")


def is_there(path: Path) -> bool:
    """Return whether there is something at the path, as far as one may look."""
    try:
        return path.exists()
    except OSError:
        return False


def is_usable(path: Path) -> bool:
    """Return whether the file can be read and written, or made where there is none."""
    if is_there(path):
        return path.is_file() and os.access(path, os.R_OK | os.W_OK)
    folder = next((parent for parent in path.parents if is_there(parent)), None)
    return folder is not None and folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


def copy_aside(path: Path) -> Path:
    """Copy the file to a new one beside it and return the copy's path.

    Raises:
        OSError: It cannot be copied.
    """
    content = path.read_bytes()
    for number in itertools.count(1):
        aside = path.with_name(f"{path.stem}-unread-{number}{path.suffix}")
        try:
            with aside.open("xb") as file:
                file.write(content)
        except FileExistsError:
            continue
        return aside
    raise AssertionError("there are more numbers than files")
