"""Stored choices read back: what fits is taken, and of the rest it is said why it does not.

They may come from another version of the program, or be damaged.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any, TypeVar

from visualizer.audio.capture import CaptureConfig
from visualizer.engine.config import EngineConfig
from visualizer.engine.options import DEFAULT_ENGINE_CONFIG, RecordingConfig
from visualizer.errors import ConfigError, one_line, quoted
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.presets import preset
from visualizer.ui.picture.display import DisplayConfig

_Config = TypeVar("_Config", CaptureConfig, DisplayConfig, EngineConfig, RecordingConfig)

RECENT_FILES = 8
_LONGEST = 1 << 20
"""Letters: ten thousand times what is ever stored."""


def stored_engine(text: str) -> tuple[EngineConfig | None, list[str]]:
    """What runs, and what is wrong with the text. None where nothing was stored, or no JSON."""
    problems: list[str] = []
    values = _object(text, "what was chosen last", problems)
    if values is None:
        return None, problems
    readers: dict[str, Callable[[Any], Any]] = {
        "capture": lambda value: _capture(value, problems),
        "mel": lambda value: None if value is None else FrontEnd.from_dict(value),
        "preset": _known,
    }
    return _taken(DEFAULT_ENGINE_CONFIG, values, readers, problems), problems


def stored_display(text: str) -> tuple[DisplayConfig, list[str]]:
    """How the picture is shown, and what is wrong with the text."""
    problems: list[str] = []
    values = _object(text, "how the picture was shown", problems) or {}
    readers = {"second": lambda value: None if value is None else _known(value)}
    return _taken(DisplayConfig(), values, readers, problems), problems


def stored_recording(text: str) -> tuple[RecordingConfig, list[str]]:
    """Where recordings go, and what is wrong with the text."""
    problems: list[str] = []
    values = _object(text, "where recordings go", problems) or {}
    return _taken(RecordingConfig(), values, {}, problems), problems


def stored_files(text: str) -> tuple[list[str], list[str]]:
    """The paths of files, and what is wrong with the text."""
    problems: list[str] = []
    values = _json(text, "the list of recent files", problems)
    if values is None:
        return [], problems
    paths = [path for path in values if isinstance(path, str)] if isinstance(values, list) else []
    if not isinstance(values, list) or len(paths) < len(values):
        problems.append("the list of recent files is no list of texts")
    return paths[:RECENT_FILES], problems


def _json(text: str, what: str, problems: list[str]) -> Any:
    """None where there is none."""
    if not text:
        return None
    try:
        if len(text) > _LONGEST:
            raise ValueError(f"{len(text)} letters long")
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        problems.append(f"{what} is not JSON ({one_line(error)})")
        return None


def _object(text: str, what: str, problems: list[str]) -> dict[str, Any] | None:
    values = _json(text, what, problems)
    if values is None or isinstance(values, dict):
        return values
    problems.append(f"{what} is no JSON object")
    return None


def _taken(
    config: _Config,
    values: dict[str, Any],
    readers: dict[str, Callable[[Any], Any]],
    problems: list[str],
) -> _Config:
    """The config with each value that fits; `readers` make values of what is stored."""
    known = {field.name for field in fields(config)}
    for name, value in values.items():
        if name not in known:
            problems.append(f"there is no setting {quoted(name)} in this version")
            continue
        try:
            read = readers.get(name, lambda value: value)
            config = replace(config, **{name: read(value)})
        except ConfigError as error:
            problems.append(str(error))
    return config


def _capture(values: Any, problems: list[str]) -> CaptureConfig:
    if not isinstance(values, dict):
        raise ConfigError(f"capture is {quoted(values)}; it must be a JSON object")
    # Last, since of a file there must be the path already.
    in_order = dict(sorted(values.items(), key=lambda item: item[0] == "kind"))
    own: list[str] = []
    capture = _taken(CaptureConfig("mic"), in_order, {"kind": _stored_kind}, own)
    problems += own
    return capture if capture.kind == values.get("kind") else CaptureConfig("mic")


def _stored_kind(kind: Any) -> Any:
    if kind == "pipe":
        raise ConfigError("the source is 'pipe'; a window cannot come back to a pipe")
    return kind


def _known(name: Any) -> str:
    """The name of a front-end that there is."""
    if not isinstance(name, str):
        raise ConfigError(f"preset is {quoted(name)}; it must be a name")
    preset(name)
    return name
