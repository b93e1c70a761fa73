"""Imports point down only: the contract notices each one that does not, and stays short."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import grimp
import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.xdist_group("contracts")

PACKAGE = ROOT / "visualizer"
UPWARD = [
    ("tools", "cli"),
    ("ui", "tools"),
    ("export", "ui"),
    ("models", "export"),
    ("engine", "models"),
    ("audio", "engine"),
    ("mel", "audio"),
    ("support", "audio"),
    ("errors", "support"),
    # Neighbours that do not know each other.
    ("mel", "support"),
    ("support", "mel"),
    ("tools.bench", "tools.diff"),
    ("tools.diff", "tools.doctor"),
    ("tools.doctor", "tools.identify"),
    ("tools.identify", "tools.roundtrip"),
    ("tools.roundtrip", "tools.bench"),
    ("ui.picture", "ui.panels"),
    ("ui.panels", "ui.controls"),
    ("ui.controls", "ui.panels"),
]
"""For each room, an import that it must not have."""

MOST_LINES = 25
MOST_PAIRS = 63
"""Five came with models' own files: tools.identify with mel, whose stages it searches, and with
cli; the window and its controls with mel, which reads what is dropped on them; and diff with
support, which ends the process of the user's own code. One came with the reader of files: diff with
audio, to tell a sound from features; and one with the timing of the mel command: bench with
support, which knows how a process of this program is started. Nine are those of the models: with
what they are fed, whose process, settings and sound they share, and with what shows, writes and
compares their answers."""
PUBLIC = {"", "config", "_version", "__main__"}
"""What only hands on the names that users import, or says who we are."""


def rooms() -> set[str]:
    """Return each package, and each room inside the large ones."""
    folders = [p.parent for p in PACKAGE.rglob("__init__.py")]
    names = {".".join(f.relative_to(PACKAGE).parts) for f in folders}
    return {n for n in names if n and ("." not in n or n.partition(".")[0] in ("ui", "tools"))}


def test_an_upward_import_is_planted_in_each_room() -> None:
    # Nothing is above `cli`.
    assert {room for room, _ in UPWARD} == (rooms() - {"cli"}) | {"errors"}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout in which imports can be planted."""
    folder = tmp_path_factory.mktemp("checkout")
    shutil.copytree(PACKAGE, folder / "visualizer", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    script = "from importlinter.cli import lint_imports_command as c; c()"
    return subprocess.run(
        [sys.executable, "-c", script], cwd=folder, capture_output=True, text=True
    )


def test_the_package_itself_keeps_the_contract(copy: Path) -> None:
    done = lint(copy)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(("room", "above"), UPWARD, ids=[" → ".join(pair) for pair in UPWARD])
def test_an_upward_import_breaks_the_contract(copy: Path, room: str, above: str) -> None:
    folder = copy.joinpath("visualizer", *room.split("."))
    path = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
    before = path.read_text("utf-8")
    path.write_text(f"{before}\nimport visualizer.{above}\n", "utf-8")
    try:
        done = lint(copy)
    finally:
        path.write_text(before, "utf-8")
    assert done.returncode == 1
    assert f"visualizer.{room} -> visualizer.{above} " in done.stdout


def test_the_contract_is_short() -> None:
    lines = (ROOT / "pyproject.toml").read_text("utf-8").splitlines()
    start = lines.index("[tool.importlinter]")
    ours = [line for line in lines[start:] if line]
    tables = [line for line in ours if line.startswith("[")]
    assert all("tool.importlinter" in table for table in tables), "it is no longer the last part"
    assert len(ours) <= MOST_LINES


def test_few_rooms_know_each_other() -> None:
    known = rooms()
    graph = grimp.build_graph("visualizer", cache_dir=None)

    def room_of(module: str) -> str:
        parts = module.split(".")[1:]
        inner = ".".join(parts[:2])
        return inner if inner in known else parts[0] if parts else ""

    pairs = {
        frozenset((room_of(module), room_of(imported)))
        for module in graph.modules
        for imported in graph.find_modules_directly_imported_by(module)
    }
    counted = [sorted(p) for p in pairs if len(p) == 2 and not p & {"errors", *PUBLIC}]
    assert len(counted) <= MOST_PAIRS, "\n".join(" – ".join(pair) for pair in sorted(counted))
