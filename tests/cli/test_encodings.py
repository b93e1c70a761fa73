"""Outputs whose encoding lacks characters that the program, or a file's name, has."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from visualizer.audio.demo import demo_path
from visualizer.cli.commands import COMMANDS

RAW = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
ENCODINGS = {
    "cp1252": {"PYTHONIOENCODING": "cp1252"},
    "cp437": {"PYTHONIOENCODING": "cp437"},
    "ascii": RAW,
    "iso8859-1": {"LC_ALL": "en_US.ISO-8859-1", "PYTHONUTF8": "0"},
    "utf-8": {"LC_ALL": "C.UTF-8"},
}
NAME = os.fsdecode(b"s\xfcd \xe2\x9c\x93 [bold]x[red] & :dog:")
"""Of a file: a byte that is no UTF-8, a character that few encodings have, and markup."""
EACH = """
import sys
from visualizer.cli import run_command
from visualizer.support.characters import replace_what_cannot_be_shown
replace_what_cannot_be_shown()
for arguments in {commands!a}:
    try:
        assert run_command(arguments) == (2 if "\\u2192" in arguments[-1] else 0), arguments
    except SystemExit as ended:
        assert ended.code == 0, arguments
"""


@pytest.fixture(scope="session")
def locales(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a locale of ISO 8859-1, for LOCPATH."""
    folder = tmp_path_factory.mktemp("locales")
    command = ["localedef", "-i", "en_US", "-f", "ISO-8859-1", str(folder / "en_US.ISO-8859-1")]
    made = shutil.which("localedef") and subprocess.run(command, capture_output=True)
    if not made or made.returncode:
        reason = "no locale of ISO 8859-1 can be made: install localedef and locales"
        if os.environ.get("MEL_VISUALIZER_REAL_PARTS") == "required":
            pytest.fail(reason)
        pytest.skip(reason)
    return folder


@pytest.fixture(params=ENCODINGS)
def encoding(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Children write in it; the name that Python has for it."""
    name: str = request.param
    settings = dict(ENCODINGS[name])
    if name == "iso8859-1":
        settings["LOCPATH"] = str(request.getfixturevalue("locales"))
    for variable in ("LANG", "LANGUAGE", "LC_CTYPE", "PYTHONUTF8", "PYTHONIOENCODING"):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in settings.items():
        monkeypatch.setenv(variable, value)
    asked = [sys.executable, "-c", "import sys; print(sys.stdout.encoding)"]
    assert subprocess.check_output(asked, text=True).strip() in (name, "ascii", "ANSI_X3.4-1968")
    return name


def run(folder: Path, *arguments: str) -> tuple[str, str]:
    """What a command that succeeds wrote on its outputs, as far as it is ASCII."""
    command = [sys.executable, str(ROOT / "run.py"), *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, timeout=90)
    out, err = (said.decode("ascii", errors="ignore") for said in (done.stdout, done.stderr))
    assert done.returncode == 0, (out, err)
    return out, err


def test_what_cannot_be_shown_is_replaced(encoding: str, tmp_path: Path) -> None:
    sound, features, picture = (NAME + suffix for suffix in (".wav", ".npz", ".png"))
    shutil.copy(demo_path(), tmp_path / sound)
    said, _ = run(tmp_path, "mel", sound, "-o", features)
    assert "[bold]x[red] & :dog:.npz: 80 " in said
    assert said.endswith(" float32, simli at 48000 Hz\n")
    # Whose tables end, and whose picture has the name that was asked for.
    said, _ = run(tmp_path, "diff", features, "simli-librosa", "--on", sound, "--picture", picture)
    assert "[bold]x[red] & :dog:.npz" in said
    assert len(said.partition("the bands that differ most")[2].splitlines()) >= 9
    assert {path.name for path in tmp_path.iterdir()} >= {sound, features, picture}


def test_columns_are_json_whatever_the_encoding(encoding: str, tmp_path: Path) -> None:
    shutil.copy(demo_path(), tmp_path / f"{NAME}.wav")
    command = [sys.executable, str(ROOT / "run.py"), "stream", "--source", f"{NAME}.wav"]
    command += ["--duration", "0.2"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=90)
    assert done.returncode == 0, done.stderr
    heading, *columns = map(json.loads, done.stdout.decode("ascii").splitlines())
    assert heading["source"]["name"].endswith("[bold]x[red] & :dog:.wav")
    assert len(columns) > 10
    assert b"columns missing" in done.stderr


def test_no_command_and_no_error_ends_in_a_traceback(encoding: str, tmp_path: Path) -> None:
    commands = [["--help"], ["--version"], *([name, "--help"] for name in COMMANDS)]
    commands += [["presets"], ["presets", "--of", "seamless"], ["completion", "zsh"], ["devices"]]
    commands += [["→"], ["run", "--front-end", "→"], ["mel", "-o", "a.npy", "→ü"]]
    code = EACH.format(commands=commands)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, timeout=90
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stderr.splitlines()) == 3, done.stderr


@pytest.mark.parametrize(
    ("encoding", "shown"), [("ascii", "2 x 3 us > ur"), ("cp1252", "2 × 3 µs > ür")]
)
def test_what_looks_alike_stands_in(encoding: str, shown: str) -> None:
    code = (
        "from visualizer.support.characters import replace_what_cannot_be_shown as replace\n"
        "replace(); print('2 × 3 µs → ür')"
    )
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    said = subprocess.check_output([sys.executable, "-c", code], env=environment)
    assert said.decode(encoding).strip() == shown
