from __future__ import annotations

import subprocess
import sys

import pytest

from visualizer.cli import run_command


def test_options_of_the_tests_reach_pytest(monkeypatch: pytest.MonkeyPatch) -> None:
    """The checks themselves would run these tests again, so here they are only written down."""
    commands: list[list[str]] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[bytes]:
        commands.append(command)
        return subprocess.CompletedProcess(command, returncode=0)

    monkeypatch.setattr(subprocess, "run", run)
    assert run_command(["test", "-k", "framing", "tests/mel"]) == 0
    assert commands[-1] == [sys.executable, "-m", "pytest", "-k", "framing", "tests/mel"]


def test_other_commands_take_no_options_they_do_not_know(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        run_command(["presets", "--jsn"])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said == "visualizer: unrecognized arguments: --jsn; see `visualizer presets --help`\n"
