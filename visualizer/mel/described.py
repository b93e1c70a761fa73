"""A front-end that was read from a file, with where each of its numbers comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from visualizer.mel.front_end import FrontEnd

Origin = Literal["file", "class", "assumed", "default"]
"""of a field: written in the file; fixed, or the default, in the model's own code; or what the
model's code takes where its files do not carry it, so that a changed one could not be seen; the
default of a front-end as this program writes it"""


@dataclass(frozen=True)
class FieldOrigin:
    """Where the value of one field comes from."""

    stage: int | None
    """index of the stage in the chain; None for `sample_rate`"""
    field: str
    value: Any
    origin: Origin
    key: str = ""
    """what the file calls it"""


@dataclass(frozen=True)
class Ignored:
    """A value that the file holds and the model's own code does not use."""

    key: str
    value: Any
    why: str


@dataclass(frozen=True)
class Described:
    """A front-end with its origins."""

    front_end: FrontEnd
    whose: str
    """whose form it is, such as "WhisperFeatureExtractor of transformers\""""
    source: str
    """the file that was read"""
    fields: tuple[FieldOrigin, ...] = ()
    """of all stages, in their order"""
    ignored: tuple[Ignored, ...] = ()
    notes: tuple[str, ...] = ()
    """what else a user has to know: what the model does before or after, what could not be read"""
