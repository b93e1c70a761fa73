from __future__ import annotations

import re
import subprocess
import sys

import pytest

from visualizer.cli import run_command
from visualizer.cli.commands import COMMANDS

HEAVY = {"numpy", "torch", "PyQt6", "rich", "psutil", "sounddevice", "logging"}


def test_options_of_the_tests_reach_pytest(monkeypatch: pytest.MonkeyPatch) -> None:
    """The checks themselves would run these tests again, so here they are only written down."""
    commands: list[list[str]] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[bytes]:
        commands.append(command)
        return subprocess.CompletedProcess(command, returncode=0)

    monkeypatch.setattr(subprocess, "run", run)
    assert run_command(["test", "-k", "framing", "tests/mel"]) == 0
    assert commands[-1] == [sys.executable, "-m", "pytest", "-k", "framing", "tests/mel"]
    types = [command for command in commands if "mypy" in command]
    assert {c[c.index("--platform") + 1] for c in types} == {"linux", "win32", "darwin"}
    # The whole suite shares its work.
    assert run_command(["test"]) == 0
    assert commands[-1][:5] == [sys.executable, "-m", "pytest", "-n", "2"]


def test_other_commands_take_no_options_they_do_not_know(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run_command(["presets", "--jsn"]) == 2
    said = capsys.readouterr().err
    assert said == "visualizer: unrecognized arguments: --jsn; see `visualizer presets --help`\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["prests"], "unknown command 'prests'; did you mean presets?"),
        (["mel", "a.wav"], "the following arguments are required: -o/--output"),
        (["mel", "a.wav", "-o", "a.npy", "--channel", "0"], "--channel: '0' is not mean, each"),
        (["mel", "-", "-o", "a.npy"], "`visualizer stream --source -` takes that"),
        (["run", "--record", __file__], "test_commands.py' is a file; recordings need a folder"),
        (["latency", "--clicks", "2.5"], "--clicks: '2.5' is not a whole number from 5 to 100"),
        (["bench", "--chart", "a.svg"], "must end in .png; see `visualizer bench --help`"),
        (["--front-end", "simly"], "unknown preset 'simly'; did you mean simli"),
    ],
)
def test_bad_input_is_one_line_and_a_2(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(arguments) == 2
    said = capsys.readouterr().err
    assert said.startswith("visualizer: ")
    assert words in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_a_help_of_its_own(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run_command([name, "--help"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: visualizer {name} ")


def test_the_version_and_the_list_of_commands_load_nothing_heavy() -> None:
    for option in ("--version", "--help"):
        done = subprocess.run(
            [sys.executable, "-X", "importtime", "-m", "visualizer", option],
            capture_output=True,
            text=True,
            check=True,
        )
        loaded = {name.split(".")[0] for name in re.findall(r"\| +(\S+)", done.stderr)}
        assert "argparse" in loaded
        assert not loaded & HEAVY
