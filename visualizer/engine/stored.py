"""Settings read back: what fits is taken, and of the rest it is said why it does not.

They may come from another version of the program, or be damaged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, TypeVar

from visualizer.audio.capture import CaptureConfig
from visualizer.engine.config import EngineConfig
from visualizer.engine.options import DEFAULT_ENGINE_CONFIG, RecordingConfig
from visualizer.errors import ConfigError, quoted
from visualizer.mel.flat import read, written
from visualizer.mel.presets import preset_for

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_Config = TypeVar("_Config", bound="DataclassInstance")


def engine_values(config: EngineConfig) -> dict[str, Any]:
    """Return the config as plain JSON values; `stored_engine` reads them back."""
    mel = None if config.mel is None else written(config.mel)
    return _chosen(config) | {"capture": _chosen(config.capture), "mel": mel}


def _chosen(config: Any) -> dict[str, Any]:
    """Return the fields of a config but for those that the engine fills in by itself."""
    return {field.name: getattr(config, field.name) for field in fields(config) if field.compare}


def stored_engine(values: Any) -> tuple[EngineConfig | None, list[str]]:
    """Return what ran last, and what is wrong with the stored values.

    None stands for nothing stored, and comes back where nothing of it can be used.
    """
    if not isinstance(values, dict):
        return None, [] if values is None else ["what was chosen last is no JSON object"]
    problems: list[str] = []
    readers: dict[str, Callable[[Any], Any]] = {
        "capture": lambda value: _capture(value, problems),
        "mel": lambda value: None if value is None else read(value),
        "preset": _known,
    }
    return taken(DEFAULT_ENGINE_CONFIG, values, problems, readers), problems


def stored_recording(values: Any) -> tuple[RecordingConfig, list[str]]:
    """Return where recordings go, and what is wrong with the stored values."""
    problems: list[str] = []
    return taken(RecordingConfig(), values, problems, what="where recordings go"), problems


def taken(
    config: _Config,
    values: Any,
    problems: list[str],
    readers: Mapping[str, Callable[[Any], Any]] | None = None,
    what: str = "",
) -> _Config:
    """Return the config with each stored value that fits.

    Args:
        config: What holds where nothing, or nothing that fits, was stored.
        values: A JSON object of its fields, or None; a problem, named by `what`, if it is neither.
        problems: What does not fit is added here.
        readers: By field, what makes its value of the stored one, or raises ConfigError.
    """
    if not isinstance(values, dict):
        if values is not None:
            problems.append(f"{what} is no JSON object")
        return config
    known = {field.name for field in fields(config)}
    for name, value in values.items():
        if name not in known:
            problems.append(f"there is no setting {quoted(name)} in this version")
            continue
        read = (readers or {}).get(name)
        try:
            config = replace(config, **{name: read(value) if read else value})
        except ConfigError as error:
            problems.append(str(error))
    return config


def _capture(values: Any, problems: list[str]) -> CaptureConfig:
    if not isinstance(values, dict):
        raise ConfigError(f"capture is {quoted(values)}", "it must be a JSON object")
    # Last, since of a file there must be the path already.
    in_order = dict(sorted(values.items(), key=lambda item: item[0] == "kind"))
    capture = taken(CaptureConfig("mic"), in_order, problems, {"kind": _stored_kind})
    return capture if capture.kind == values.get("kind") else CaptureConfig("mic")


def _stored_kind(kind: Any) -> Any:
    if kind == "pipe":
        raise ConfigError("the source is 'pipe'", "a window cannot come back to a pipe")
    return kind


def _known(name: Any) -> str:
    """Return the name of a front-end that there is."""
    if not isinstance(name, str):
        raise ConfigError(f"preset is {quoted(name)}", "it must be a name")
    preset_for(name)
    return name
