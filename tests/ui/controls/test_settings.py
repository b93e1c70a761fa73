"""Settings of another version, damaged, or in a place that cannot be written to."""

from __future__ import annotations

import base64
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from PyQt6.QtCore import QByteArray, QSettings
from pytestqt.qtbot import QtBot

from tests.ui.helpers import WAIT_MS, make_window, running
from visualizer.audio.capture import CaptureConfig
from visualizer.engine.config import EngineConfig
from visualizer.engine.options import DEFAULT_ENGINE_CONFIG
from visualizer.engine.stored import engine_values
from visualizer.mel.presets import preset_for
from visualizer.ui.controls.settings import RecentFrontEnd, RecentModel, Settings
from visualizer.ui.picture.display import DisplayConfig

CONFIG = EngineConfig(
    CaptureConfig("mic", device="hw:0", host_api="ALSA"), mel=preset_for("kaldi"), channel=(1,)
)
OPENED = RecentFrontEnd("/a/model", "model", "Its class · config.json")
RAN = RecentModel("/a/loudness.py", "Loudness")
DISPLAY = DisplayConfig(span_s=5.0, second="nemo", waveform=True)


@pytest.fixture
def path(own_settings: Path) -> Path:
    """Of the settings file, which is not there yet."""
    QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, str(own_settings))
    return own_settings / "mel-visualizer" / "settings.json"


def write(path: Path, **values: Any) -> None:
    """As the program does, whatever the values."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values))


def set_aside(path: Path) -> list[bytes]:
    return [kept.read_bytes() for kept in sorted(path.parent.glob("settings-unread-*.json"))]


def test_at_first_there_is_nothing_and_nothing_wrong(path: Path) -> None:
    settings = Settings()
    assert settings.take_problem() is None
    assert settings.engine_config() is None
    assert settings.display_config() == DisplayConfig()
    assert not path.exists()


def test_what_was_kept_comes_back_without_a_word(path: Path) -> None:
    settings = Settings()
    # As the engine has it, which fills in hints of its own.
    filled_in = replace(CONFIG.capture, least_channels=2, feeds="simli")
    settings.save_engine_config(replace(CONFIG, capture=filled_in))
    settings.save_display_config(DISPLAY)
    settings.save_recent_file("/a/b.wav")
    settings.save_recent_front_end(OPENED)
    settings.save_recent_model(RAN)
    settings.trust_model("fcpe")
    again = Settings()
    assert (again.engine_config(), again.display_config()) == (CONFIG, DISPLAY)
    assert again.recent_files() == ["/a/b.wav"]
    assert again.recent_front_ends() == (OPENED,)
    assert (again.recent_models(), again.trusted_models()) == ((RAN,), ["fcpe"])
    assert again.take_problem() is None
    assert set_aside(path) == []


def test_of_the_front_ends_opened_the_newest_are_kept_once_each(path: Path) -> None:
    settings = Settings()
    for number in range(9):
        settings.save_recent_front_end(RecentFrontEnd(f"/m/{number}", str(number)))
    settings.save_recent_front_end(RecentFrontEnd("/m/5", "renamed"))
    settings.forget_recent_front_end("/m/7")
    assert [one.name for one in Settings().recent_front_ends()] == ["renamed", *"864321"]


@pytest.mark.parametrize(
    "value", [5, "x", [5], [{}], [{"path": 1, "name": "a"}], [{"path": "/a", "new": "b"}], {"a": 1}]
)
def test_a_damaged_list_of_front_ends_is_said_once(path: Path, value: object) -> None:
    write(path, engine=engine_values(CONFIG), recent_front_ends=value, recent=["/a/b.wav"])
    settings = Settings()
    assert "the list of recent front-ends" in (settings.take_problem() or "")
    assert settings.recent_front_ends() == ()
    assert (settings.engine_config(), settings.recent_files()) == (CONFIG, ["/a/b.wav"])
    assert len(set_aside(path)) == 1
    assert Settings().take_problem() is None


@pytest.mark.parametrize(
    ("change", "kept", "words"),
    [
        ({"new": 1}, {}, "there is no setting 'new' in this version"),
        ({"preset": "whisper-5"}, {"preset": "simli"}, "unknown preset 'whisper-5'"),
        ({"preset": 7}, {"preset": "simli"}, "preset is 7; it must be a name"),
        ({"channel": -3}, {"channel": "mean"}, "channel is -3; it must be mean, each"),
        ({"compute": "tpu"}, {"compute": "auto"}, "compute is 'tpu'; it must be 'auto' or"),
        ({"capture": {"kind": "radio"}}, {"capture": CaptureConfig("mic")}, "source is 'radio'"),
        (
            {"capture": {"kind": "pipe", "sample_rate": 16_000, "sample_format": "s16"}},
            {"capture": CaptureConfig("mic")},
            "the source is 'pipe'",
        ),
        ({"capture": 5}, {"capture": CaptureConfig("mic")}, "capture is 5; it must be"),
        (
            {"capture": {"kind": "demo", "loop": "yes"}},
            {"capture": CaptureConfig("demo")},
            "loop is 'yes'; it must be true or false",
        ),
        ({"mel": {"n_fft": 5}}, {"mel": None}, "a front-end needs name, sample_rate"),
        ({"mel": "kaldi"}, {"mel": None}, "a front-end is a JSON object"),
        ({"compute": "x" * 100_000}, {"compute": "auto"}, "compute is 'xxxxx"),
    ],
)
def test_one_choice_that_does_not_fit_costs_none_of_the_others(
    path: Path, change: dict[str, Any], kept: dict[str, Any], words: str
) -> None:
    write(path, engine=engine_values(CONFIG) | change, display=asdict(DISPLAY), recent=["/a/b.wav"])
    before = path.read_bytes()
    settings = Settings()
    problem = settings.take_problem()
    assert problem is not None
    assert words in problem
    assert "settings-unread-1.json" in problem
    assert len(problem) < 1000
    config = settings.engine_config()
    assert config is not None
    fields = {field: getattr(CONFIG, field) for field in engine_values(CONFIG)}
    assert config == EngineConfig(**fields | kept)
    assert settings.display_config() == DISPLAY
    assert settings.recent_files() == ["/a/b.wav"]
    # What could not be read is not lost.
    assert set_aside(path) == [before]
    # And it is said once.
    assert settings.take_problem() is None
    assert Settings().take_problem() is None
    assert Settings().engine_config() == config


@pytest.mark.parametrize(
    ("change", "kept"),
    [
        ({"span_s": -1}, {"span_s": 10.0}),
        ({"span_s": 1e999}, {"span_s": 10.0}),
        ({"colour_map": "jet"}, {}),
        ({"colour_map": ["magma"]}, {}),
        ({"second": "gone"}, {"second": None}),
        ({"second": 1}, {"second": None}),
        ({"waveform": None}, {"waveform": False}),
        ({"theme": {}}, {}),
        ({"x": 1}, {}),
    ],
)
def test_one_way_to_show_that_does_not_fit_costs_none_of_the_others(
    path: Path, change: dict[str, Any], kept: dict[str, Any]
) -> None:
    write(path, engine=engine_values(CONFIG), display=asdict(DISPLAY) | change)
    settings = Settings()
    assert settings.display_config() == DisplayConfig(**asdict(DISPLAY) | kept)
    assert settings.engine_config() == CONFIG
    assert settings.take_problem() is not None


@pytest.mark.parametrize("value", ["not json", [], 7, {"a": 1e999}, [[]]])
def test_what_is_no_setting_is_put_aside(path: Path, value: object) -> None:
    models = {"recent_models": value, "trusted_models": [value]}
    write(path, engine=value, display=value, recent=[value, 7], geometry=value, docks="ü", **models)
    settings = Settings()
    assert settings.recent_models() == ()
    assert settings.trusted_models() in ([], [value])
    assert settings.engine_config() in (None, DEFAULT_ENGINE_CONFIG)
    assert settings.display_config() == DisplayConfig()
    assert settings.geometry() == settings.docks() == QByteArray()
    problem = settings.take_problem()
    assert problem is not None
    assert len(problem.splitlines()) == 1
    assert len(problem) < 1500
    assert len(set_aside(path)) == 1
    assert Settings().take_problem() is None


@pytest.mark.parametrize(
    "content",
    [
        b"\x7fELF" + bytes(range(256)) * 40,
        b'{"engine": {"preset": "sim',
        b"[" * 50_000,
        b'{"engine": ' + b"9" * 5000 + b"}",
        b"[1, 2]",
        b"7",
        b'{"recent": ["' + b"x" * (1 << 20) + b'"]}',
    ],
)
def test_a_file_that_is_damaged_is_put_aside_and_new_choices_are_kept(
    path: Path, content: bytes
) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    settings = Settings()
    problem = settings.take_problem()
    assert problem is not None
    assert "the file is damaged" in problem
    assert set_aside(path) == [content]
    assert settings.engine_config() is None
    assert settings.geometry() == settings.docks() == QByteArray()
    settings.save_engine_config(CONFIG)
    again = Settings()
    assert again.engine_config() == CONFIG
    assert again.take_problem() is None


def test_two_windows_keep_what_each_of_them_chose(path: Path) -> None:
    one, other = Settings(), Settings()
    one.save_display_config(DISPLAY)
    other.save_engine_config(CONFIG)
    assert other.display_config() == DISPLAY
    one.save_recent_file("/a/b.wav")
    again = Settings()
    assert (again.engine_config(), again.display_config()) == (CONFIG, DISPLAY)
    assert again.recent_files() == ["/a/b.wav"]


def test_a_write_that_fails_leaves_the_file_whole(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings()
    settings.save_engine_config(CONFIG)
    before = path.read_bytes()

    def full(*_: object, **__: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(Path, "replace", full)
    settings.save_display_config(DISPLAY)
    assert [kept.name for kept in path.parent.iterdir()] == [path.name]
    assert path.read_bytes() == before
    assert "cannot be read or saved" in (settings.take_problem() or "")
    # It holds in this window all the same.
    assert settings.display_config() == DISPLAY


@pytest.fixture
def ini(path: Path) -> QSettings:
    """As the versions wrote it that kept their settings there."""
    return QSettings(str(path.with_name("window.ini")), QSettings.Format.IniFormat)


def test_what_an_older_version_kept_is_taken_over_once(path: Path, ini: QSettings) -> None:
    display = asdict(DISPLAY) | {"automatic_levels": True}
    del display["auto_range"]
    ini.setValue("engine", json.dumps(engine_values(CONFIG)))
    ini.setValue("display", json.dumps(display))
    ini.setValue("recent", json.dumps(["/a/b.wav"]))
    ini.setValue("geometry", QByteArray(b"\x01\xd9\x00"))
    ini.sync()
    settings = Settings()
    assert settings.take_problem() is None
    assert settings.engine_config() == CONFIG
    assert settings.display_config() == replace(DISPLAY, auto_range=True)
    assert settings.recent_files() == ["/a/b.wav"]
    assert settings.geometry() == QByteArray(b"\x01\xd9\x00")
    names = sorted(kept.name for kept in path.parent.iterdir() if kept.suffix != ".lock")
    assert names == ["settings.json", "window.ini.old"]
    assert Settings().engine_config() == CONFIG


@pytest.mark.parametrize(
    "content",
    [
        b"\x7fELF" + bytes(range(256)) * 40,
        b"[General\nengine",
        b"[General]\nengine=a, b, c\n",
        b"[General]\nengine=@Variant(\\0\\0\\0\\x7f\\0\\0\\0\\xePyQt_PyObject\\0\\0\\0\\0\\x1c)\n",
        b"[General]\ngeometry=@Rect(1 2 3 4)\ndocks=@Size(3 4)\nrecent=@Size(3 4)\n",
    ],
)
def test_a_damaged_file_of_an_older_version_is_kept(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True)
    path.with_name("window.ini").write_bytes(content)
    settings = Settings()
    assert settings.engine_config() is None
    assert path.with_name("window.ini.old").read_bytes() == content
    settings.save_engine_config(CONFIG)
    again = Settings()
    assert again.engine_config() == CONFIG
    assert again.take_problem() is None


def test_what_was_put_aside_before_stays(path: Path) -> None:
    for preset_name in ("one", "two"):
        write(path, engine={"preset": preset_name})
        assert Settings().take_problem() is not None
    first, second = set_aside(path)
    assert b"one" in first
    assert b"two" in second


def test_a_place_that_cannot_be_written_to_is_said_once(path: Path) -> None:
    # Where the folder would be, since root may write into any.
    path.parent.parent.mkdir(parents=True, exist_ok=True)
    path.parent.touch()
    settings = Settings()
    problem = settings.take_problem()
    assert problem is not None
    assert "cannot be read or saved" in problem
    settings.save_engine_config(CONFIG)
    assert settings.take_problem() is None


def test_the_window_says_what_it_could_not_read(qtbot: QtBot, path: Path) -> None:
    rubbish = base64.b64encode(b"rubbish" * 100).decode()
    write(
        path,
        engine=engine_values(CONFIG) | {"preset": "gone"},
        display=asdict(DISPLAY) | {"second": "gone"},
        geometry=rubbish,
        docks=rubbish,
    )
    window = make_window(EngineConfig(CaptureConfig("demo")))
    with running(window, qtbot):
        qtbot.waitUntil(window.banner.isVisible, timeout=WAIT_MS)
        assert "unknown preset 'gone'" in window.banner.text()
        assert window.controls.second.currentText() == "none"
        window.banner.hide()
        # It was said, and does not come again.
        looks = window.stack.paints
        qtbot.waitUntil(lambda: window.stack.paints > looks + 30, timeout=WAIT_MS)
        assert not window.banner.isVisible()
