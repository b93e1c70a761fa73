"""Front-ends of a user's own, as JSON files."""

from __future__ import annotations

import json
from pathlib import Path

from visualizer.errors import ConfigError, one_line, quoted
from visualizer.mel.flat import read
from visualizer.mel.front_end import FrontEnd

_LONGEST_FRONT_END = 1 << 16
"""Bytes: forty times what one takes. /dev/zero has no end."""


def read_front_end(path: Path) -> FrontEnd:
    """Return the front-end that a JSON file holds, flat or as a chain.

    Raises:
        ConfigError: naming the file, or the field, that is wrong.
    """
    try:
        with path.open("rb") as file:
            text = file.read(_LONGEST_FRONT_END + 1)
        values = json.loads(text.decode("utf-8")) if len(text) <= _LONGEST_FRONT_END else None
    except OSError as error:
        raise ConfigError(f"{quoted(path)} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{quoted(path)} is not JSON: {one_line(error)}") from error
    if values is None:
        raise ConfigError(f"{quoted(path)} holds no front-end", "a JSON object is expected")
    return read(values)
