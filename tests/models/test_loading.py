"""What a user calls a model, and what is said where there is none of that name."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from visualizer.errors import ConfigError
from visualizer.models.contract import Model
from visualizer.models.loading import adapters, find, load_class

OWN = """
from visualizer import Model, Output
class Tone(Model):
    pass
"""


@pytest.fixture(autouse=True)
def own_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test loads is gone after it."""
    monkeypatch.setattr(sys, "path", sys.path[:])
    for name in ("own", "two", "none", "json", "pack", "pack.part", "pack.other"):
        # Set first, so that it is noted how it was.
        monkeypatch.setitem(sys.modules, name, sys)
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "__init__.py").touch()
    for name, text in {
        "own.py": OWN,
        "two.py": OWN + OWN.replace("Tone", "Noise"),
        "none.py": "Tone = 1",
        "pack/part.py": "from .other import Shared\n" + OWN,
        "pack/other.py": "class Shared: pass",
        "json.py": OWN,
    }.items():
        (tmp_path / name).write_text(text)


@pytest.mark.parametrize(
    "what",
    ["own.py", "own.py:Tone", "./two.py:Tone", "own:Tone", "pack/part.py", "pack.part:Tone"],
)
def test_a_class_is_found(what: str) -> None:
    found = load_class(find(what))
    assert issubclass(found, Model)
    assert found.__name__ == "Tone"


def test_a_file_may_be_called_as_a_module_of_pythons_own() -> None:
    assert load_class(find("json.py")).__name__ == "Tone"


def test_each_adapter_is_found_by_its_files_name() -> None:
    assert "silero-vad" in adapters()
    for name in adapters():
        assert find(name).is_adapter


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("owm.py", "there is no file 'owm.py'; did you mean 'own.py'?"),
        ("nowhere/own.py", "there is no file 'nowhere/own.py'"),
        ("silero", "there is no model 'silero'; did you mean silero-vad?; or give FILE.py"),
        ("own.py:a b", "'a b' is not the name of a class; the model must be an adapter's name"),
        ("own module:Tone", "the model is 'own module:Tone'; it must be an adapter's name"),
    ],
)
def test_a_wrong_name_is_told_without_running_anything(what: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        find(what)
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("own.py:Tome", "own.py has no 'Tome'; did you mean Tone?"),
        ("own.py:Output", "Output of own.py is no class derived from Model"),
        ("two.py", "two.py has several models; it has Tone, Noise; say two.py:Tone"),
        ("none.py", "none.py has no class derived from Model"),
        ("none.py:Noise", "none.py has no 'Noise'; it has no class derived from Model"),
        ("gone:Tone", "there is no module 'gone'"),
        ("pack.gone:Tone", "there is no module 'pack.gone'"),
    ],
)
def test_a_class_that_is_not_there_is_told(what: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_class(find(what))
    assert str(caught.value).startswith(said)


def test_an_adapter_says_what_installs_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    # As if it were not installed.
    monkeypatch.setitem(sys.modules, "silero_vad", None)
    monkeypatch.delitem(sys.modules, "visualizer.models.adapters.silero_vad", raising=False)
    with pytest.raises(ConfigError, match=r"package silero_vad .* -m pip install silero-vad"):
        load_class(find("silero-vad"))
