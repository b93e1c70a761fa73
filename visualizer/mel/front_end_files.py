"""Front-ends of a user's own, as JSON files."""

from __future__ import annotations

from pathlib import Path

from visualizer.mel.flat import read
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.model_files.loading import load_json


def read_front_end(path: Path) -> FrontEnd:
    """Return the front-end that a JSON file holds, flat or as a chain.

    Raises:
        ConfigError: naming the file, or the field, that is wrong.
    """
    return read(load_json(path))
