"""Every fenced block of the README and the docs is run, so that none of them goes stale.

Python: the blocks of a page one after the other, in one process of their own. Shell: by bash, each
block in a folder that looks like a checkout. What the program is told there is also read by its
real parser, so that no option in the docs outlives the program's.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import textwrap
from dataclasses import MISSING, dataclass, fields
from pathlib import Path

import pytest
import soundfile

from tests.conftest import ROOT
from tests.sound import SoundServer
from visualizer.cli.commands import COMMANDS, make_parser
from visualizer.mel.stages import STAGES

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

NOT_RUN = {
    "python3 run.py test": "these tests are what it runs",
}
"""Commands that are only read by the parser, each with the reason."""

ENDED = {
    "run": ["--duration", "2"],
    "stream": ["--duration", "2"],
}
"""What is added to commands that go on until someone ends them, unless they say how long."""

SHELL, PYTHON, DATA = ("sh", "bash", "console"), ("python",), ("json",)
UNCHECKED = ("text",)
"""Output, drawings."""

PROGRAM = re.compile(r"(python3? run\.py|visualizer|python3? -m visualizer)(?= |$)")
NAMED = re.compile(r"# (\w+\.py)\b")
"""How a block begins that is a file which commands of the page take."""
SEPARATOR = re.compile(r"(\|\||&&|[|;])")
LIMIT_S = 100


@dataclass(frozen=True)
class Block:
    page: Path
    line: int
    """of the first line inside the fence, from 1"""
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def blocks_of(page: Path) -> list[Block]:
    blocks: list[Block] = []
    inside: tuple[str, str, int] | None = None
    kept: list[str] = []
    for number, line in enumerate(page.read_text("utf-8").splitlines(), start=1):
        fence = re.fullmatch(r"\s*(`{3,}|~{3,})\s*(\S*).*", line)
        if inside is None and fence:
            inside, kept = (fence[1], fence[2], number + 1), []
        elif inside is not None and line.strip() == inside[0]:
            blocks.append(Block(page, inside[2], inside[1], textwrap.dedent("\n".join(kept))))
            inside = None
        elif inside is not None:
            kept.append(line)
    assert inside is None, f"{page}: the block that begins in line {inside[2]} does not end"
    return blocks


BLOCKS = [block for page in PAGES for block in blocks_of(page)]
SHELL_BLOCKS = [block for block in BLOCKS if block.language in SHELL]
PYTHON_PAGES = sorted({block.page for block in BLOCKS if block.language in PYTHON})


def lines_of(block: Block) -> list[str]:
    """The command lines, without what a console shows besides them."""
    lines = block.text.replace("\\\n", " ").splitlines()
    if block.language == "console":
        lines = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    plain = (re.sub(r"\s+", " ", re.sub(r"(^|\s)#.*", "", line)).strip() for line in lines)
    return [line for line in plain if line]


def parsed(command: str) -> tuple[str, bool]:
    """The name of the program's command, and whether it says how long it takes.

    The real parser reads all of it; it raises ConfigError where it does not understand.
    """
    words = shlex.split(PROGRAM.sub("", command, count=1))
    parser = make_parser(*COMMANDS)
    if not words or words[0] not in (*COMMANDS, "-h", "--help", "--version"):
        words = ["run", *words]
    arguments, rest = parser.parse_known_args([word for word in words if word != "--yes"])
    assert not rest or words[0] == "test", f"{command}: there is no {' '.join(rest)}"
    return words[0], getattr(arguments, "duration", None) is not None


def runnable(line: str) -> str:
    """The line with an end for what has none, and without what is not run."""
    parts = SEPARATOR.split(line)
    for place, part in enumerate(parts):
        command = part.strip()
        if command in NOT_RUN:
            parts[place] = " true "
        if not PROGRAM.match(command):
            continue
        # What goes to a file is no argument.
        command = re.split(r"\s\d?>", command)[0]
        name, says_how_long = parsed(command)
        if name in ENDED and not says_how_long and parts[place] != " true ":
            parts[place] = part.replace(command, f"{command} {shlex.join(ENDED[name])}")
    return "".join(parts)


def environment() -> dict[str, str]:
    """This Python first, as `python3`, and this checkout as what is installed."""
    here = Path(sys.executable).parent
    return os.environ | {
        "PATH": f"{here}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
    }


def finish(command: list[str], folder: Path, name: object) -> None:
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LIMIT_S,
    )
    assert done.returncode == 0, f"{name} ended with {done.returncode}:\n{done.stdout}"
    assert "Traceback" not in done.stdout, f"{name}:\n{done.stdout}"


@pytest.fixture
def checkout(tmp_path: Path, display: str, sound_server: SoundServer) -> Path:
    """What a reader has before them: a checkout, a recording, a screen and a microphone."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    for name in ("run.py", "assets", "docs", "tests", "visualizer", "pyproject.toml"):
        (folder / name).symlink_to(ROOT / name)
    speech, rate = soundfile.read(ROOT / "assets" / "demo.flac", frames=32_000)
    soundfile.write(folder / "speech.wav", speech, rate)
    for block in BLOCKS:
        named = NAMED.match(block.text)
        if block.language in PYTHON and named:
            (folder / named[1]).write_text(block.text, "utf-8")
    return folder


@pytest.mark.parametrize("page", PYTHON_PAGES, ids=lambda page: page.name)
def test_the_python_of_a_page_runs_from_its_top_to_its_end(page: Path, checkout: Path) -> None:
    # Blank lines between the blocks, so that a traceback names the line of the page.
    script = ""
    for block in blocks_of(page):
        if block.language in PYTHON:
            script += "\n" * (block.line - 1 - script.count("\n")) + block.text + "\n"
    (checkout / page.name).write_text(script, "utf-8")
    finish([sys.executable, page.name], checkout, page.name)


@pytest.mark.parametrize("block", SHELL_BLOCKS, ids=str)
def test_the_commands_of_a_block_run(block: Block, checkout: Path) -> None:
    script = "\n".join(map(runnable, lines_of(block)))
    finish(["bash", "-euo", "pipefail", "-c", script], checkout, f"{block}\n{script}\n")


def test_json_is_json() -> None:
    for block in BLOCKS:
        if block.language in DATA:
            json.loads(block.text)


def test_every_block_says_what_it_is() -> None:
    known = (*SHELL, *PYTHON, *DATA, *UNCHECKED)
    unknown = [f"{block}: {block.language!r}" for block in BLOCKS if block.language not in known]
    assert not unknown, f"begin each fence with one of {known}"


def test_what_is_not_run_is_still_there() -> None:
    commands = {
        part.strip()
        for block in SHELL_BLOCKS
        for line in lines_of(block)
        for part in SEPARATOR.split(line)
    }
    assert set(NOT_RUN) <= commands


@pytest.mark.parametrize(
    ("line", "what_runs"),
    [
        ("python3 run.py", "python3 run.py --duration 2"),
        ("visualizer --source demo", "visualizer --source demo --duration 2"),
        ("python3 run.py --duration 5 && echo", "python3 run.py --duration 5 && echo"),
        ("python3 run.py --headless > a | cat", "python3 run.py --headless --duration 2 > a | cat"),
        ("python3 run.py presets --json | cat", "python3 run.py presets --json | cat"),
        ("python3 run.py test", " true "),
    ],
)
def test_only_what_has_no_end_is_given_one(line: str, what_runs: str) -> None:
    assert runnable(line) == what_runs


@pytest.mark.parametrize(
    "line", ["python3 run.py presets --jsn", "visualizer rum", "visualizer -x"]
)
def test_an_option_that_there_is_not_fails(line: str) -> None:
    with pytest.raises((AssertionError, SystemExit)):
        runnable(line)


def test_blocks_are_found_wherever_they_stand(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("a\n```sh\nls  # all\n```\n- b\n  ```python\n  if 1:\n      pass\n  ```\n")
    first, second = blocks_of(page)
    assert (first.language, first.line, lines_of(first)) == ("sh", 3, ["ls"])
    assert (second.language, second.line, second.text) == ("python", 7, "if 1:\n    pass")
    page.write_text("```sh\nls\n")
    with pytest.raises(AssertionError, match="line 2 does not end"):
        blocks_of(page)


def test_every_stage_and_its_fields_are_explained() -> None:
    lines = (ROOT / "docs" / "front-ends.md").read_text(encoding="utf-8").splitlines()
    for name, kind in STAGES.items():
        (line,) = (line for line in lines if line.startswith(f"| `{name}` |"))
        for field in fields(kind):
            default = "" if field.default is MISSING else "="
            assert f"`{field.name}{default}" in line, (name, field.name)
