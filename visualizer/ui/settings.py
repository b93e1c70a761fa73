"""What is kept between runs: choices by value, never by a position in a list."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from PyQt6.QtCore import QByteArray, QSettings

from visualizer.config import CaptureConfig, DisplayConfig, EngineConfig, MelConfig
from visualizer.errors import ConfigError
from visualizer.presets import PRESETS

_ENGINE = "engine"
_DISPLAY = "display"
_GEOMETRY = "geometry"
_DOCKS = "docks"
_RECENT = "recent"
_RECENT_FILES = 8


class Settings:
    """The settings file of this user, in the place where the system keeps such files."""

    def __init__(self) -> None:
        self._store = QSettings(
            QSettings.Format.IniFormat, QSettings.Scope.UserScope, "mel-visualizer", "window"
        )

    @property
    def path(self) -> Path:
        """The file; it need not be there yet."""
        return Path(self._store.fileName())

    def holds(self) -> bool:
        """Whether what the file says can be used, as far as it says anything."""
        fits = not self._store.contains(_ENGINE) or self.engine_config() is not None
        # Only after a look at a value is it known how the reading went.
        return fits and self._store.status() == QSettings.Status.NoError

    def problem(self) -> str | None:
        """Why nothing can be kept, in words; None where it can."""
        if self._store.isWritable():
            return None
        return f"what is chosen here cannot be kept: {self._store.fileName()!r} cannot be written"

    def flush(self) -> bool:
        """Write what was not written yet; return whether all is in the file."""
        self._store.sync()
        return self._store.status() == QSettings.Status.NoError

    def engine_config(self) -> EngineConfig | None:
        """What the user chose last, or None; whatever no longer fits is dropped."""
        try:
            stored = json.loads(self._store.value(_ENGINE, "", str))
            capture = CaptureConfig(**stored.pop("capture"))
            mel = stored.pop("mel", None)
            config = EngineConfig(capture, mel=mel and MelConfig.from_dict(mel), **stored)
        except (ConfigError, ValueError, TypeError, KeyError, AttributeError):
            return None
        return config if config.preset in PRESETS else None

    def save_engine_config(self, config: EngineConfig) -> None:
        self._store.setValue(_ENGINE, json.dumps(asdict(config)))

    def display_config(self) -> DisplayConfig:
        """How the picture was shown last."""
        try:
            return DisplayConfig(**json.loads(self._store.value(_DISPLAY, "", str)))
        except (ConfigError, ValueError, TypeError):
            return DisplayConfig()

    def save_display_config(self, config: DisplayConfig) -> None:
        self._store.setValue(_DISPLAY, json.dumps(asdict(config)))

    def geometry(self) -> QByteArray:
        """Size and place of the window; empty at first."""
        geometry = self._store.value(_GEOMETRY)
        return geometry if isinstance(geometry, QByteArray) else QByteArray()

    def save_geometry(self, geometry: QByteArray) -> None:
        self._store.setValue(_GEOMETRY, geometry)

    def docks(self) -> QByteArray:
        """Which panels are open and where; empty at first."""
        docks = self._store.value(_DOCKS)
        return docks if isinstance(docks, QByteArray) else QByteArray()

    def save_docks(self, docks: QByteArray) -> None:
        self._store.setValue(_DOCKS, docks)

    def recent_files(self) -> list[str]:
        """The audio files that were played last, the newest first."""
        try:
            stored = json.loads(self._store.value(_RECENT, "", str))
        except ValueError:
            return []
        if not isinstance(stored, list):
            return []
        return [path for path in stored if isinstance(path, str)][:_RECENT_FILES]

    def save_recent_file(self, path: str) -> None:
        others = [other for other in self.recent_files() if other != path]
        self._store.setValue(_RECENT, json.dumps([path, *others][:_RECENT_FILES]))
