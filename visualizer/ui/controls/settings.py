"""What is kept between runs: choices by value, never by a position in a list."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from PyQt6.QtCore import QByteArray, QSettings

from visualizer.engine.config import EngineConfig
from visualizer.engine.options import RecordingConfig
from visualizer.engine.stored import engine_values, stored_engine, stored_recording, taken
from visualizer.errors import ConfigError, quoted, require
from visualizer.support.settings_file import (
    copy_aside,
    is_there,
    is_usable,
    read_settings,
    settings_path,
    write_settings,
)
from visualizer.ui.picture.display import DisplayConfig

RECENT_FILES = 8
"""At most, of sounds, of front-ends and of models."""
_MOST_TRUSTED = 100

_ENGINE = "engine"
_DISPLAY = "display"
_GEOMETRY = "geometry"
_DOCKS = "docks"
_RECENT = "recent"
_RECENT_FRONT_ENDS = "recent_front_ends"
_RECENT_MODELS = "recent_models"
_TRUSTED_MODELS = "trusted_models"
_RECORDING = "recording"
_PLACES = (_GEOMETRY, _DOCKS)
_RENAMED = {"automatic_levels": "auto_range"}
"""What older versions called a field of DisplayConfig."""
_SAID_AT_ONCE = 3


@dataclass(frozen=True)
class RecentFrontEnd:
    """A front-end of the user's own that was opened."""

    path: str
    """of its file or folder"""
    name: str
    whose: str = ""
    """whose form it is, and the file that was read"""

    def __post_init__(self) -> None:
        _require_texts(self)


@dataclass(frozen=True)
class RecentModel:
    """A model of the user's own that ran beside a stream."""

    what: str
    """as --model takes it, from any folder"""
    name: str

    def __post_init__(self) -> None:
        _require_texts(self)


def _require_texts(values: RecentFrontEnd | RecentModel) -> None:
    for field, value in asdict(values).items():
        require(isinstance(value, str), field, value, "a text")


_Recent = TypeVar("_Recent", RecentFrontEnd, RecentModel)


class Settings:
    """The settings file of this user.

    What does not fit, as it came from another version or is damaged, is put aside in a file beside
    it; the rest holds. `take_problem` says so.
    """

    def __init__(self) -> None:
        self._path = settings_path()
        self._problem: str | None = None
        self._is_lost = not is_usable(self._path)
        self._said_lost = False
        problems: list[str] = []
        aside = None
        try:
            self._values = read_settings(self._path)
        except ValueError:
            self._values = {}
            problems.append("the file is damaged")
        except OSError:
            self._values, self._is_lost = {}, True
        if not self._is_lost and not is_there(self._path):
            aside, self._values = _taken_over()
        self._put_aside_unread(problems + _unread(self._values), aside)
        if aside is not None:
            self._write()

    def take_problem(self) -> str | None:
        """Return what went wrong with the settings since the last call, for the user to read."""
        if self._is_lost and not self._said_lost:
            self._said_lost = True
            return (
                f"the settings cannot be read or saved in {quoted(self._path)}; is its folder "
                "read-only or full? What you choose holds until the window is closed"
            )
        problem, self._problem = self._problem, None
        return problem

    def engine_config(self) -> EngineConfig | None:
        """Return what the user chose last, or None."""
        return stored_engine(self._value(_ENGINE))[0]

    def save_engine_config(self, config: EngineConfig) -> None:
        self._save(_ENGINE, engine_values(config))

    def display_config(self) -> DisplayConfig:
        """Return how the picture was shown last."""
        return _stored_display(self._value(_DISPLAY))[0]

    def save_display_config(self, config: DisplayConfig) -> None:
        self._save(_DISPLAY, asdict(config))

    def recording_config(self) -> RecordingConfig:
        """Return where recordings went last."""
        return stored_recording(self._value(_RECORDING))[0]

    def save_recording_config(self, config: RecordingConfig) -> None:
        self._save(_RECORDING, asdict(config))

    def geometry(self) -> QByteArray:
        """Return size and place of the window; empty at first."""
        return _bytes(self._value(_GEOMETRY)) or QByteArray()

    def save_geometry(self, geometry: QByteArray) -> None:
        self._save(_GEOMETRY, _base64(geometry))

    def docks(self) -> QByteArray:
        """Return which panels are open and where; empty at first."""
        return _bytes(self._value(_DOCKS)) or QByteArray()

    def save_docks(self, docks: QByteArray) -> None:
        self._save(_DOCKS, _base64(docks))

    def recent_files(self) -> list[str]:
        """Return the audio files that were played last, the newest first."""
        return _stored_files(self._value(_RECENT))[0]

    def save_recent_file(self, path: str) -> None:
        others = [other for other in self.recent_files() if other != path]
        self._save(_RECENT, [path, *others][:RECENT_FILES])

    def recent_front_ends(self) -> tuple[RecentFrontEnd, ...]:
        """Return the front-ends that were opened last, the newest first."""
        return _stored_front_ends(self._value(_RECENT_FRONT_ENDS))[0]

    def save_recent_front_end(self, opened: RecentFrontEnd) -> None:
        others = self._other_front_ends(opened.path)
        self._save(_RECENT_FRONT_ENDS, [asdict(opened), *others][:RECENT_FILES])

    def forget_recent_front_end(self, path: str) -> None:
        self._save(_RECENT_FRONT_ENDS, self._other_front_ends(path))

    def recent_models(self) -> tuple[RecentModel, ...]:
        """Return the models that ran last, the newest first."""
        return _stored_models(self._value(_RECENT_MODELS))[0]

    def save_recent_model(self, ran: RecentModel) -> None:
        others = [asdict(other) for other in self.recent_models() if other.what != ran.what]
        self._save(_RECENT_MODELS, [asdict(ran), *others][:RECENT_FILES])

    def forget_recent_model(self, what: str) -> None:
        others = [asdict(other) for other in self.recent_models() if other.what != what]
        self._save(_RECENT_MODELS, others)

    def trusted_models(self) -> list[str]:
        """Return the models that may unpickle their own files, the newest first."""
        return _stored_trust(self._value(_TRUSTED_MODELS))[0]

    def trust_model(self, what: str) -> None:
        others = [other for other in self.trusted_models() if other != what]
        self._save(_TRUSTED_MODELS, [what, *others][:_MOST_TRUSTED])

    def _other_front_ends(self, path: str) -> list[dict[str, str]]:
        return [asdict(other) for other in self.recent_front_ends() if other.path != path]

    def _value(self, key: str) -> Any:
        if not self._is_lost:
            with suppress(OSError, ValueError):
                # Another window may have kept something else meanwhile.
                self._values |= read_settings(self._path)
        return self._values.get(key)

    def _save(self, key: str, value: Any) -> None:
        self._value(key)
        self._values[key] = value
        self._write()

    def _write(self) -> None:
        try:
            write_settings(self._path, self._values)
        except OSError:
            self._is_lost = True

    def _put_aside_unread(self, problems: list[str], aside: Path | None) -> None:
        """Say what does not fit, put it aside and go on with the rest."""
        if not problems:
            return
        rest = problems[_SAID_AT_ONCE:]
        said = "; ".join(problems[:_SAID_AT_ONCE]) + (f"; and {len(rest)} more" if rest else "")
        words = f"not all settings could be read: {said}. The others hold"
        try:
            aside = aside or copy_aside(self._path)
        except OSError as error:
            # Then they stay as they are, until something else is chosen.
            self._problem = f"{words}; these cannot be put aside: {error.strerror}"
            return
        self._problem = f"{words}; these are kept in {quoted(aside)}"
        # Each is said once: what is stored from here on is what was understood.
        engine = stored_engine(self._values.get(_ENGINE))[0]
        places = {key: self._values.get(key) for key in _PLACES}
        self._values = {
            _ENGINE: None if engine is None else engine_values(engine),
            _DISPLAY: asdict(_stored_display(self._values.get(_DISPLAY))[0]),
            _RECORDING: asdict(stored_recording(self._values.get(_RECORDING))[0]),
            _RECENT: _stored_files(self._values.get(_RECENT))[0],
            _RECENT_FRONT_ENDS: [
                asdict(one) for one in _stored_front_ends(self._values.get(_RECENT_FRONT_ENDS))[0]
            ],
            _RECENT_MODELS: [
                asdict(one) for one in _stored_models(self._values.get(_RECENT_MODELS))[0]
            ],
            _TRUSTED_MODELS: _stored_trust(self._values.get(_TRUSTED_MODELS))[0],
        } | {key: None if _bytes(place) is None else place for key, place in places.items()}
        self._write()


def _unread(values: dict[str, Any]) -> list[str]:
    problems = [
        *stored_engine(values.get(_ENGINE))[1],
        *_stored_display(values.get(_DISPLAY))[1],
        *stored_recording(values.get(_RECORDING))[1],
        *_stored_files(values.get(_RECENT))[1],
        *_stored_front_ends(values.get(_RECENT_FRONT_ENDS))[1],
        *_stored_models(values.get(_RECENT_MODELS))[1],
        *_stored_trust(values.get(_TRUSTED_MODELS))[1],
    ]
    if any(values.get(key) is not None and _bytes(values[key]) is None for key in _PLACES):
        problems.append("the places of the window and its panels are damaged")
    return problems


def _stored_display(values: Any) -> tuple[DisplayConfig, list[str]]:
    """Return how the picture was shown, and what is wrong with the stored values."""
    problems: list[str] = []
    if isinstance(values, dict):
        values = {_RENAMED.get(name, name): value for name, value in values.items()}
    return taken(DisplayConfig(), values, problems, what="how the picture was shown"), problems


def _stored_files(values: Any) -> tuple[list[str], list[str]]:
    """Return the paths of files, and what is wrong with the stored values."""
    paths, problems = _texts(values, "the list of recent files is not a list of paths")
    return paths[:RECENT_FILES], problems


def _stored_trust(values: Any) -> tuple[list[str], list[str]]:
    """Return which models are trusted, and what is wrong with the stored values."""
    return _texts(values, "the list of trusted models is not a list of texts")


def _texts(values: Any, problem: str) -> tuple[list[str], list[str]]:
    listed = values if isinstance(values, list) else []
    texts = [text for text in listed if isinstance(text, str)]
    return texts, [] if texts == (values or []) else [problem]


def _stored_front_ends(values: Any) -> tuple[tuple[RecentFrontEnd, ...], list[str]]:
    """Return front-ends that were opened, and what is wrong with the stored values."""
    return _recent(RecentFrontEnd, values, "front-ends")


def _stored_models(values: Any) -> tuple[tuple[RecentModel, ...], list[str]]:
    """Return models that ran, and what is wrong with the stored values."""
    return _recent(RecentModel, values, "models")


def _recent(
    kind: Callable[..., _Recent], values: Any, plural: str
) -> tuple[tuple[_Recent, ...], list[str]]:
    listed = values if isinstance(values, list) else []
    kept = []
    for one in listed:
        with suppress(ConfigError, TypeError):
            kept.append(kind(**one))
    is_whole = [asdict(one) for one in kept] == (values or [])
    problem = f"the list of recent {plural} is not as this version writes it"
    return tuple(kept[:RECENT_FILES]), [] if is_whole else [problem]


def _base64(value: QByteArray) -> str:
    return b64encode(value.data()).decode()


def _bytes(text: Any) -> QByteArray | None:
    """Return what was stored as base64; None where it is none."""
    try:
        return QByteArray(b64decode(text, validate=True))
    except (TypeError, ValueError):
        return None


def _taken_over() -> tuple[Path | None, dict[str, Any]]:
    """Return what an older version kept in window.ini, and where that file is kept from now on."""
    store = QSettings(
        QSettings.Format.IniFormat, QSettings.Scope.UserScope, "mel-visualizer", "window"
    )
    path = Path(store.fileName())
    if not path.is_file():
        return None, {}
    values: dict[str, Any] = {}
    for key in store.allKeys():
        try:
            value = store.value(key)
            values[key] = _base64(value) if key in _PLACES else json.loads(value)
        except (AttributeError, TypeError, ValueError, RecursionError):
            # No JSON, or something that Qt can store and Python has no name for.
            values[key] = "?"
    old = path.with_name(f"{path.name}.old")
    try:
        path.replace(old)
    except OSError:
        return path, values
    return old, values
