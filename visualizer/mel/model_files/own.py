"""Front-ends as this program writes them: a chain of stages, or the flat form."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

from visualizer.mel.described import Described, FieldOrigin
from visualizer.mel.flat import NAMES, MelConfig, read
from visualizer.mel.model_files.naming import source_of

_FLAT = tuple(field.name for field in fields(MelConfig))
_TELLING = ("offset", "input_scale", "remove_dc", "log_floor_rule", "preemphasis_scope", "edge")
"""Names of the flat form that hardly any model has in its files."""


def is_own(values: dict[str, Any]) -> bool:
    """Return whether an object is a chain or a flat form, though it may have mistakes."""
    if isinstance(values.get("stages"), list):
        return True
    known = [name for name in _FLAT if name in values]
    return len(known) > 1 and any(name in values for name in ("name", *_TELLING))


def described(values: dict[str, Any], file: Path) -> Described:
    """Return the front-end with its origins.

    Raises:
        ConfigError: naming the field.
    """
    front_end = read(values)
    origins = [FieldOrigin(None, "sample_rate", front_end.sample_rate, "file", "sample_rate")]
    for i, stage in enumerate(front_end.stages):
        names = NAMES.get(type(stage), {})
        for field in fields(stage):
            if "stages" in values:
                key, is_written = field.name, field.name in values["stages"][i]
            else:
                key = names.get(field.name, field.name)
                is_written = key in values
            value = getattr(stage, field.name)
            origin = FieldOrigin(i, field.name, value, "file" if is_written else "default", key)
            origins.append(origin)
    return Described(front_end, "your own", source_of(file), tuple(origins))
