"""Where this system keeps a program's files of a user."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import platformdirs

_NAME = "mel-visualizer"


def log_folder() -> Path:
    """Of the log and of what a crash leaves; not absolute for a user without a home folder."""
    return _found(platformdirs.user_log_path)


def config_folder() -> Path:
    """Of what the user chose; not absolute for a user without a home folder."""
    return _found(platformdirs.user_config_path)


def cache_folder() -> Path:
    """Of what can be made anew; not absolute for a user without a home folder."""
    return _found(platformdirs.user_cache_path)


def _found(look_up: Callable[[str], Path]) -> Path:
    try:
        return look_up(_NAME)
    except RuntimeError:
        # Some versions raise it, others give what they were asked to expand.
        return Path("~", _NAME)
