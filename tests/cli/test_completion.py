"""The scripts of the completion command, in the shells themselves."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from visualizer.cli import run_command as main
from visualizer.mel.presets import PRESETS

pytestmark = pytest.mark.skipif(os.name == "nt", reason="shells of POSIX")

_ASK = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
registered=$(complete -p visualizer)
function=${registered##*-F }; function=${function%% *}
"$function" visualizer "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture
def script(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    assert main(["completion", "bash"]) == 0
    path = tmp_path / "script"
    path.write_text(capsys.readouterr().out)
    return path


def completed(script: Path, folder: Path, *words: str) -> set[str]:
    """What bash offers for the last word, in a folder."""
    done = subprocess.run(
        ["bash", "--norc", "-c", _ASK, "ask", str(script), "visualizer", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stderr == ""
    return set(filter(None, done.stdout.split("\n")))


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("d",), {"devices", "diff", "doctor"}),
        (("mel", "in.wav", "--front-end", "whisper"), {"whisper-80", "whisper-128"}),
        (("run", "--front-end", "simli-"), {"simli-librosa"}),
        (("stream", "--model", "sil"), {"silero-vad"}),
        (("run", "--compute", "cu"), {"cuda"}),
        (("run", "--source", "m"), {"mic"}),
        (("run", "--sc"), {"--screenshot"}),
        (("run", "--front-end", "own"), {"own.json"}),
        (("presets", "--of", "simli-"), {"simli-librosa"}),
        (("run", "--pre"), set()),
        (("run", "--co"), {"--compute"}),
        (("mel", "ta"), {"talk.wav"}),
        (("diff", "s"), {name for name in PRESETS if name[0] == "s"}),
        (("diff", "simli", "ta"), {"talk.wav", "tacotron2"}),
        (("diff", "simli", "simli", "--on", "de"), {"demo"}),
        (("completion", ""), {"bash", "zsh"}),
    ],
    ids=lambda words: " ".join(words if isinstance(words, tuple) else sorted(words)),
)
def test_bash_completes(
    script: Path, tmp_path: Path, words: tuple[str, ...], offered: set[str]
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in ("talk.wav", "own.json"):
        (folder / name).touch()
    assert completed(script, folder, *words) == offered


def test_zsh_is_told_commands_presets_and_files(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "zsh"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("#compdef visualizer\n")
    assert "diff:" in printed
    assert f"({' '.join(PRESETS)})" in printed
    assert "--preset" not in printed
    assert ":_files" in printed


def test_an_unknown_shell_is_refused() -> None:
    assert main(["completion", "cmd"]) == 2
