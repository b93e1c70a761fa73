"""The wheel: what is in it, and that it runs from an empty folder, away from the checkout."""

from __future__ import annotations

import configparser
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import ROOT, require_real_parts
from visualizer import __version__
from visualizer.mel.presets import PRESETS

pytestmark = pytest.mark.xdist_group("wheel")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built by pip, which fetches the build backend as any installer does."""
    folder = tmp_path_factory.mktemp("wheel")
    # From a copy: what is built must not depend on what lies about here.
    copy = folder / "copy"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
    )
    if listed.returncode:
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".*", "__pycache__"))
    else:
        for name in filter(None, os.fsdecode(listed.stdout).split("\0")):
            if (ROOT / name).is_file():
                (copy / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, copy / name)
    built = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", folder, copy],
        capture_output=True,
        text=True,
        timeout=110,
    )
    if built.returncode and "hatchling" in built.stderr:
        reason = f"the build backend cannot be fetched: {built.stderr.strip().splitlines()[-1]}"
        if os.environ.get("MEL_VISUALIZER_REAL_PARTS") == "required":
            pytest.fail(reason)
        pytest.skip(reason)
    assert built.returncode == 0, built.stderr
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the wheel's files alone."""
    folder = tmp_path_factory.mktemp("installed")
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*install, "--target", folder, wheel], check=True, timeout=110)
    return folder


def test_the_wheel_holds_what_the_program_needs(wheel: Path) -> None:
    assert wheel.name == f"mel_visualizer-{__version__}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        info = f"mel_visualizer-{__version__}.dist-info"
        points = archive.read(f"{info}/entry_points.txt").decode()
        licence = archive.read(f"{info}/licenses/LICENSE").decode()
    ours = {f"visualizer/{path.relative_to(ROOT / 'visualizer')}" for path in _modules()}
    # Found by its path and not imported.
    assert "visualizer/tools/diff/own_code_child.py" in ours
    assert ours <= names
    data_files = {"py.typed", "mel/presets.json", "assets/demo.flac"}
    assert {f"visualizer/{name}" for name in data_files} <= names
    data = f"mel_visualizer-{__version__}.data/data/share"
    assert {
        "visualizer/assets/icon.svg",
        f"{data}/applications/mel-visualizer.desktop",
        f"{data}/icons/hicolor/scalable/apps/mel-visualizer.svg",
    } <= names
    # Neither tests nor pictures of the README.
    tops = {name.split("/")[0] for name in names}
    assert tops == {"visualizer", info, f"mel_visualizer-{__version__}.data"}
    parsed = configparser.ConfigParser()
    parsed.read_string(points)
    assert dict(parsed["console_scripts"]) == {"visualizer": "visualizer.cli:main"}
    assert "GNU GENERAL PUBLIC LICENSE" in licence


def _modules() -> list[Path]:
    return [p for p in (ROOT / "visualizer").rglob("*.py") if "__pycache__" not in p.parts]


def test_what_was_installed_runs_away_from_the_checkout(installed: Path, tmp_path: Path) -> None:
    def visualizer(*arguments: object) -> str:
        done = subprocess.run(
            [sys.executable, installed / "bin" / "visualizer", *map(str, arguments)],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(installed), "PYTHONSAFEPATH": "1"},
            capture_output=True,
            text=True,
            timeout=90,
        )
        assert (done.returncode, done.stderr.strip()) == (0, "")
        return done.stdout

    assert visualizer("--version") == f"mel-visualizer {__version__}\n"
    printed = visualizer("presets")
    assert all(f"\n  {name} " in printed for name in PRESETS)
    demo = installed / "visualizer" / "assets" / "demo.flac"
    visualizer("mel", demo, "-o", "demo.npy")
    features = np.load(tmp_path / "demo.npy")
    assert features.shape == (80, 1001)
    assert features.max() > 1
    # The recording and the icon are those that were installed.
    names = "('demo.flac', 'icon.svg')"
    ask = f"from visualizer.support.shipped import shipped; print(*map(shipped, {names}))"
    asked = subprocess.run(
        [sys.executable, "-c", ask],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=True,
    )
    found = [Path(path) for path in asked.stdout.split()]
    assert found == [demo, demo.with_name("icon.svg")]
    assert all(path.is_file() for path in found)


def test_the_desktop_entry_is_valid_and_names_what_the_wheel_installs(wheel: Path) -> None:
    require_real_parts()
    entry = ROOT / "assets" / "mel-visualizer.desktop"
    done = subprocess.run(
        ["desktop-file-validate", entry], capture_output=True, text=True, timeout=30
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    parsed = configparser.ConfigParser(interpolation=None)
    parsed.optionxform = str  # type: ignore[method-assign,assignment]
    parsed.read(entry)
    wanted = parsed["Desktop Entry"]
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert any(name.endswith(f"scalable/apps/{wanted['Icon']}.svg") for name in names)
    assert wanted["Exec"] == "visualizer"


def test_the_window_has_the_icon_and_the_entrys_name(qapp: object) -> None:
    from PyQt6.QtGui import QGuiApplication

    assert isinstance(qapp, QGuiApplication)
    assert f"{qapp.desktopFileName()}.desktop" == "mel-visualizer.desktop"
    for size in (16, 48, 256):
        picture = qapp.windowIcon().pixmap(size, size).toImage()
        assert (picture.width(), picture.height()) == (size, size)
        # A loud band at the bottom left, a quiet one at the top left, nothing in the corner.
        loud, quiet = (picture.pixelColor(size * 3 // 16, size * y // 16) for y in (13, 3))
        assert loud.lightness() > quiet.lightness() + 60
        assert picture.pixelColor(0, 0).alpha() < 10
