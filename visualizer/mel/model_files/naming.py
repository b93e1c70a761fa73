"""What models and their files are called."""

from __future__ import annotations

from pathlib import Path

from visualizer.errors import one_line, quoted

_PLAIN_NAMES = (
    *("config", "model_config", "processor_config", "preprocessor_config", "hparams"),
    *("hyperparams", "model"),
)
"""What files of any model are called."""
_LONGEST_NAME = 100


def source_of(path: Path) -> str:
    """Return what messages call a file: its path, on one line."""
    text = one_line(path)
    return text if text.isprintable() else quoted(path)[1:-1]


def name_of(path: Path) -> str:
    """Return what to call the front-end of a file or folder: its name, or its model's id."""
    path = path.absolute()
    if path.is_dir() or path.stem in _PLAIN_NAMES:
        folder = path if path.is_dir() else path.parent
        name = folder.name
        if folder.parent.name == "snapshots" and folder.parent.parent.name.startswith("models--"):
            name = folder.parent.parent.name.removeprefix("models--").replace("--", "/")
    else:
        name = path.stem
    return "".join(filter(str.isprintable, name))[:_LONGEST_NAME] or "model"
