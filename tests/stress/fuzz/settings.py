"""The settings file, damaged or with values of any kind, read and written again."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from PyQt6.QtCore import QByteArray

from tests.stress.fuzz.values import anything, check_message, damaged
from visualizer.audio.capture import CaptureConfig
from visualizer.engine.config import EngineConfig
from visualizer.engine.stored import engine_values
from visualizer.mel.presets import PRESETS, preset_for
from visualizer.support.settings_file import settings_path
from visualizer.ui.controls.settings import RecentFrontEnd, Settings
from visualizer.ui.picture.display import DisplayConfig

_ENGINES = (
    EngineConfig(CaptureConfig("mic", device="hw:0", host_api="ALSA"), preset="whisper-80"),
    EngineConfig(CaptureConfig("file", path="/a/sound.wav", loop=True), channel="each"),
    EngineConfig(CaptureConfig("demo"), mel=preset_for("kaldi"), compute="cpu"),
)
_OPENED = RecentFrontEnd("/a/model", "model", "TheirExtractor of them · /a/model/config.json")


def run(random: np.random.Generator, folder: Path) -> str:
    """Return what came of it: "whole", or "mended" where something did not fit."""
    os.environ["XDG_CONFIG_HOME"] = str(folder)
    path = settings_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    content = _content(random)
    if random.integers(2):
        content = damaged(random, content, random.bytes(500))
    path.write_bytes(content)
    before = path.read_bytes()
    settings = Settings()
    problem = settings.take_problem()
    if problem is not None:
        check_message(problem)
        assert settings.take_problem() is None
        assert [p.read_bytes() for p in path.parent.glob("*-unread-*")] == [before]
    else:
        assert not list(path.parent.glob("*-unread-*"))
    _check_values(settings)
    again = Settings()
    assert again.take_problem() is None
    assert again.engine_config() == settings.engine_config()
    assert again.display_config() == settings.display_config()
    settings.save_engine_config(_ENGINES[0])
    settings.save_recent_file("/a/b.wav")
    settings.save_recent_front_end(_OPENED)
    settings.save_docks(QByteArray(b"x"))
    assert Settings().engine_config() == _ENGINES[0]
    assert Settings().recent_files()[0] == "/a/b.wav"
    assert Settings().recent_front_ends()[0] == _OPENED
    for file in path.parent.iterdir():
        file.unlink()
    return "whole" if problem is None else "mended"


def _check_values(settings: Settings) -> None:
    config, display = settings.engine_config(), settings.display_config()
    assert config is None or (isinstance(config, EngineConfig) and config.preset in PRESETS)
    assert isinstance(display, DisplayConfig)
    assert display.second is None or display.second in PRESETS
    assert all(isinstance(path, str) for path in settings.recent_files())
    assert all(isinstance(one, RecentFrontEnd) for one in settings.recent_front_ends())
    assert isinstance(settings.geometry(), QByteArray)
    assert isinstance(settings.docks(), QByteArray)


def _content(random: np.random.Generator) -> bytes:
    engine = engine_values(_ENGINES[random.integers(len(_ENGINES))])
    display = asdict(DisplayConfig(second="nemo"))
    recent: Any = ["/a/sound.wav", "/b.flac"]
    opened = asdict(_OPENED)
    for _ in range(random.integers(3)):
        target = (engine, engine["capture"], display, opened)[random.integers(4)]
        if isinstance(target, dict):
            names = [*target, "of a newer version"]
            target[names[random.integers(len(names))]] = anything(random)
    if random.integers(8) == 0:
        recent = anything(random)
    front_ends: Any = [opened]
    if random.integers(8) == 0:
        front_ends = anything(random)
    values = {
        "engine": engine,
        "display": display,
        "recent": recent,
        "recent_front_ends": front_ends,
        "geometry": "AdnQyw==",
    }
    return _json(values).encode(errors="replace")


def _json(value: Any) -> str:
    try:
        return json.dumps(value)
    except ValueError:
        # Python writes no int of thousands of digits.
        return '{"recent": ' + "1" * 5000 + "}"
