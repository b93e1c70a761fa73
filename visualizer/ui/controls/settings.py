"""What is kept between runs: choices by value, never by a position in a list."""

from __future__ import annotations

import itertools
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from PyQt6.QtCore import QByteArray, QSettings

from visualizer.engine.config import EngineConfig
from visualizer.engine.options import RecordingConfig
from visualizer.errors import quoted
from visualizer.ui.controls.stored import (
    RECENT_FILES,
    stored_display,
    stored_engine,
    stored_files,
    stored_recording,
)
from visualizer.ui.picture.display import DisplayConfig

_ENGINE = "engine"
_DISPLAY = "display"
_GEOMETRY = "geometry"
_DOCKS = "docks"
_RECENT = "recent"
_RECORDING = "recording"
_PLACES = (_GEOMETRY, _DOCKS)
_SAID_AT_ONCE = 3


class Settings:
    """The settings file of this user, in the place where the system keeps such files.

    What does not fit, as it came from another version or is damaged, is put aside in a file beside
    it; the rest holds. `take_problem` says so.
    """

    def __init__(self) -> None:
        self._store = _open()
        self._path = Path(self._store.fileName())
        self._problem: str | None = None
        self._said_unsaved = False
        self._put_aside_unread()

    def take_problem(self) -> str | None:
        """What went wrong with the settings since the last call, in words for the user."""
        is_lost = not self._store.isWritable() or not self._is_kept
        if is_lost and not self._said_unsaved:
            self._said_unsaved = True
            return (
                f"the settings cannot be read or saved in {quoted(self._path)}; is its folder "
                "read-only or full? What you choose holds until the window is closed"
            )
        problem, self._problem = self._problem, None
        return problem

    def flush(self) -> None:
        """Write what was not written yet."""
        self._store.sync()

    @property
    def _is_kept(self) -> bool:
        return self._store.status() != QSettings.Status.AccessError

    def engine_config(self) -> EngineConfig | None:
        """What the user chose last, or None."""
        return stored_engine(_text(self._store, _ENGINE))[0]

    def save_engine_config(self, config: EngineConfig) -> None:
        self._store.setValue(_ENGINE, json.dumps(asdict(config)))

    def display_config(self) -> DisplayConfig:
        """How the picture was shown last."""
        return stored_display(_text(self._store, _DISPLAY))[0]

    def save_display_config(self, config: DisplayConfig) -> None:
        self._store.setValue(_DISPLAY, json.dumps(asdict(config)))

    def recording_config(self) -> RecordingConfig:
        """Where recordings went last."""
        return stored_recording(_text(self._store, _RECORDING))[0]

    def save_recording_config(self, config: RecordingConfig) -> None:
        self._store.setValue(_RECORDING, json.dumps(asdict(config)))

    def geometry(self) -> QByteArray:
        """Size and place of the window; empty at first."""
        return self._bytes(_GEOMETRY)

    def save_geometry(self, geometry: QByteArray) -> None:
        self._store.setValue(_GEOMETRY, geometry)

    def docks(self) -> QByteArray:
        """Which panels are open and where; empty at first."""
        return self._bytes(_DOCKS)

    def save_docks(self, docks: QByteArray) -> None:
        self._store.setValue(_DOCKS, docks)

    def recent_files(self) -> list[str]:
        """The audio files that were played last, the newest first."""
        return stored_files(_text(self._store, _RECENT))[0]

    def save_recent_file(self, path: str) -> None:
        others = [other for other in self.recent_files() if other != path]
        self._save_recent_files([path, *others][:RECENT_FILES])

    def _save_recent_files(self, paths: list[str]) -> None:
        self._store.setValue(_RECENT, json.dumps(paths))

    def _put_aside_unread(self) -> None:
        """Say what does not fit, put it aside and go on with the rest."""
        problems = _unread(self._store)
        if not problems:
            return
        rest = problems[_SAID_AT_ONCE:]
        said = "; ".join(problems[:_SAID_AT_ONCE]) + (f"; and {len(rest)} more" if rest else "")
        words = f"not all settings could be read: {said}. The others hold"
        try:
            aside = _copy_aside(self._path)
        except OSError as error:
            # Then they stay as they are, until something else is chosen.
            self._problem = f"{words}; these cannot be put aside: {error.strerror}"
            return
        self._problem = f"{words}; these are kept in {quoted(aside)}"
        # Each is said once: what is stored from here on is what was understood. Of a damaged file
        # nothing is written anew unless there is something to write.
        engine, display, recent = self.engine_config(), self.display_config(), self.recent_files()
        recording = self.recording_config()
        places = {key: self._bytes(key) for key in _PLACES}
        self._store.clear()
        if engine is not None:
            self.save_engine_config(engine)
        self.save_display_config(display)
        self.save_recording_config(recording)
        self._save_recent_files(recent)
        for key, place in places.items():
            if not place.isEmpty():
                self._store.setValue(key, place)
        self._store.sync()
        if self._store.status() == QSettings.Status.FormatError:
            # It remembers what it once read.
            self._store = _open()

    def _bytes(self, key: str) -> QByteArray:
        value = _value(self._store, key)
        return value if isinstance(value, QByteArray) else QByteArray()


def unread() -> tuple[Path, list[str]]:
    """The settings file, which need not be there, and what of it cannot be used, in words."""
    store = _open()
    return Path(store.fileName()), _unread(store)


def _unread(store: QSettings) -> list[str]:
    problems: list[str] = []
    # Only what is read is looked at.
    store.allKeys()
    if store.status() == QSettings.Status.FormatError:
        problems.append("the file is damaged")
    for key, read in (
        (_ENGINE, stored_engine),
        (_DISPLAY, stored_display),
        (_RECORDING, stored_recording),
        (_RECENT, stored_files),
    ):
        problems += read(_text(store, key))[1]
    if any(not isinstance(_value(store, key), QByteArray | None) for key in _PLACES):
        problems.append("the places of the window and its panels are damaged")
    return problems


def _value(store: QSettings, key: str) -> Any:
    try:
        return store.value(key)
    except TypeError:
        # Something that Qt can store and Python has no name for.
        return "?"


def _text(store: QSettings, key: str) -> str:
    """Empty where nothing is stored."""
    value = _value(store, key)
    # A comma outside quotation marks makes a list of what was one text.
    return "" if value is None else value if isinstance(value, str) else f"?{value!r}"


def _open() -> QSettings:
    return QSettings(
        QSettings.Format.IniFormat, QSettings.Scope.UserScope, "mel-visualizer", "window"
    )


def _copy_aside(path: Path) -> Path:
    """Copy a file to a new one beside it and return that. Raises OSError."""
    content = path.read_bytes()
    for number in itertools.count(1):
        aside = path.with_name(f"{path.stem}-unread-{number}{path.suffix}")
        try:
            with aside.open("xb") as file:
                file.write(content)
        except FileExistsError:
            continue
        return aside
    raise AssertionError("there are more numbers than files")
