"""Front-ends read from models' own folders and files, one format a module."""

from pathlib import Path

from visualizer.errors import ConfigError, quoted
from visualizer.mel.described import Described


def read_model(path: Path) -> Described:
    """Return the front-end of a model's folder or file.

    Raises:
        ConfigError: where it has none, saying what is known of it.
    """
    raise ConfigError(f"{quoted(path)} is no model's folder or file that is known")
