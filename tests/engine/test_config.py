"""What the engine is told to run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from visualizer.audio.capture import CaptureConfig
from visualizer.engine.config import EngineConfig, choice, front_end
from visualizer.mel.front_ends import find_front_end
from visualizer.mel.presets import preset_for


def test_a_front_end_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(preset_for("kaldi").to_dict() | {"name": "mine"}))
    config = EngineConfig(CaptureConfig("demo"), preset="vocos")
    own = replace(config, **choice(find_front_end(path)))
    assert front_end(own).name == "mine"
    assert str(path) in own.whose
    again = replace(own, **choice(find_front_end("whisper-80")))
    assert front_end(again) == preset_for("whisper-80")
    assert again.whose == ""
