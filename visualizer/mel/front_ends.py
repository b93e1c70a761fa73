"""What a user calls a front-end: a preset's name, a file or folder, or a model's id."""

from __future__ import annotations

import difflib
import errno
import os
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from visualizer.errors import ConfigError, quoted
from visualizer.mel.described import Described
from visualizer.mel.flat import MelConfig, as_front_end
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.presets import PRESETS, Preset, of_rate, preset_for

_MOST_NAMES = 1000
SUFFIXES = (".json", ".yaml", ".yml", ".nemo", ".onnx")
"""Of the files that a front-end can be read from; a name that ends in one is always a path."""


@dataclass(frozen=True)
class Found:
    """What was found under a name."""

    name: str
    """of the front-end"""
    at: Callable[[int | None], FrontEnd]
    """returns its chain for sound of a rate (Hz); None is its own"""
    preset: Preset | None = None
    """the preset that it is"""
    described: Described | None = None
    """where its numbers come from, for one that was read from a file"""

    @property
    def whose(self) -> str:
        """Whose front-end it is, and where it was found; "" for a preset."""
        found = self.described
        return "" if found is None else f"{found.whose} · {found.source}"


def find_front_end(what: str | os.PathLike[str]) -> Found:
    """Return the front-end that a user means.

    Args:
        what: a preset's name; or else the path of a JSON front-end, or of a model's own folder or
            file; or else the id of a Hugging Face model, such as "openai/whisper-large-v3", which
            is looked up in the local cache and never on the network.

    Raises:
        ConfigError: for what is none of these, or cannot be read.
    """
    # As a path it would be the current folder.
    if what == "":
        raise ConfigError("the front-end is ''", "it must be a name or a path")
    path = None if what in PRESETS else _existing(what) or _cached(what)
    if path is not None:
        # Here, since presets do not need it.
        from visualizer.mel.model_files import read_model

        described = read_model(path)
        return Found(described.front_end.name, lambda _: described.front_end, described=described)
    if not isinstance(what, str) or "/" in what or os.sep in what or Path(what).suffix in SUFFIXES:
        raise ConfigError(f"{quoted(what)} cannot be read: {os.strerror(errno.ENOENT)}")
    # Which knows the names that are near.
    preset_for(what)
    return Found(what, lambda rate: preset_for(what, rate), preset=PRESETS[what])


def front_end(
    what: str | os.PathLike[str] | FrontEnd | MelConfig, sample_rate: int | None = None
) -> FrontEnd:
    """Return the chain of a front-end, whatever way it is named.

    Args:
        what: a preset's name; the path of a JSON front-end, or of a model's own folder or file; the
            id of a Hugging Face model in the local cache; or a front-end itself.
        sample_rate: in Hz; None is the rate that the model uses.

    Raises:
        ConfigError: for what cannot be found or read, and for a rate at which it does not work.

    >>> front_end("whisper-128").n_rows
    128
    >>> front_end("simli", 48_000).hop_length
    600
    """
    return of_rate(as_found(what).at(sample_rate), sample_rate)


def as_found(what: str | os.PathLike[str] | FrontEnd | MelConfig) -> Found:
    """Return what a program gives as a front-end: what it names, or itself.

    Raises:
        ConfigError: for what cannot be found or read.
    """
    if isinstance(what, str | os.PathLike):
        return find_front_end(what)
    if not isinstance(what, FrontEnd | MelConfig):
        raise ConfigError(
            f"the front-end is {quoted(what)}",
            "it must be a name, a path, a FrontEnd or a MelConfig",
        )
    own = as_front_end(what)
    return Found(own.name, lambda _: own)


def _existing(what: str | os.PathLike[str]) -> Path | None:
    """Return the path of a file or folder that there is."""
    try:
        path = Path(what).expanduser()
        return path if path.exists() else None
    except (OSError, RuntimeError, ValueError):
        # Too long, of nobody's home, or with a zero byte.
        return None


def _names_in(folder: Path) -> list[str]:
    try:
        return [path.name for path in islice(folder.iterdir(), _MOST_NAMES)]
    except OSError:
        # A file, or one that may not be read.
        return []


def _cached(what: str | os.PathLike[str]) -> Path | None:
    """Return the folder of a downloaded model; None where a text is no model's id."""
    from visualizer.mel.model_files.hub_cache import cache_folder, find_cached, is_model_id

    if not isinstance(what, str) or not is_model_id(what) or Path(what).suffix in SUFFIXES:
        return None
    path = find_cached(what)
    if path is None:
        owner, _, name = what.partition("/")
        if (folder := _existing(owner)) is not None:
            near = difflib.get_close_matches(name, _names_in(folder), n=1)
            raise ConfigError(
                f"{quoted(what)} is no path, {quoted(owner)} has no {quoted(name)}, and no model "
                f"in the cache {quoted(cache_folder())}",
                f"did you mean {owner}/{near[0]}?" if near else "",
            )
        raise ConfigError(
            f"{quoted(what)} is no path, and no model in the cache {quoted(cache_folder())}",
            f"`hf download {what}` puts it there",
        )
    return path
