"""Models that Hugging Face's library has downloaded before; the network is never asked."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from itertools import islice
from pathlib import Path

_PART = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9])?"
_ID = re.compile(rf"{_PART}/{_PART}")
_COMMIT = re.compile(r"[0-9a-f]{4,64}")
_LONGEST_REFERENCE = 100
_MOST_SNAPSHOTS = 1000


def is_model_id(text: str) -> bool:
    """Return whether a text can be a model's id, such as "openai/whisper-large-v3"."""
    return _ID.fullmatch(text) is not None and ".." not in text and "--" not in text


def cache_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Return where the library keeps models, by its own variables."""
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if environment.get(name):
            return Path(environment[name]).expanduser()
    home = environment.get("HF_HOME")
    if not home:
        home = str(Path(environment.get("XDG_CACHE_HOME") or "~/.cache") / "huggingface")
    return Path(home).expanduser() / "hub"


def find_cached(model_id: str, environment: Mapping[str, str] = os.environ) -> Path | None:
    """Return the folder of a downloaded model: its main version's, or else the newest one.

    Args:
        model_id: such as "openai/whisper-large-v3"; another text gives None.
        environment: its variables, which say where the cache is.
    """
    if not is_model_id(model_id):
        return None
    folder = cache_folder(environment) / f"models--{model_id.replace('/', '--')}"
    snapshots = folder / "snapshots"
    try:
        with (folder / "refs" / "main").open(encoding="ascii") as file:
            commit = file.read(_LONGEST_REFERENCE).strip()
    except (OSError, ValueError):
        commit = ""
    if _COMMIT.fullmatch(commit) and (snapshots / commit).is_dir():
        return snapshots / commit
    try:
        entries = islice(snapshots.iterdir(), _MOST_SNAPSHOTS)
        found = [entry for entry in entries if entry.is_dir()]
        return max(found, key=lambda entry: entry.stat().st_mtime, default=None)
    except OSError:
        return None
