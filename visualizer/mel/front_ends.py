"""What a user calls a front-end: a preset's name, a file or folder, or a model's id."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from visualizer.errors import ConfigError, quoted
from visualizer.mel.described import Described
from visualizer.mel.flat import MelConfig, as_front_end
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.front_end_files import read_front_end
from visualizer.mel.presets import PRESETS, Preset, of_rate, preset_for


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
    if isinstance(what, str) and what in PRESETS:
        chosen = PRESETS[what]
        return Found(what, lambda rate: preset_for(what, rate), preset=chosen)
    # Here, since presets do not need it.
    from visualizer.mel.model_files import read_model

    path = Path(what).expanduser()
    if path.suffix == ".json":
        own = read_front_end(path)
        return Found(own.name, lambda _: own)
    if path.exists():
        described = read_model(path)
        return Found(described.front_end.name, lambda _: described.front_end, described=described)
    preset_for(os.fspath(what))
    raise ConfigError(f"{quoted(what)} is no front-end")


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
    own = as_front_end(what)
    return Found(own.name, lambda _: own)
