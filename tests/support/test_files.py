from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import pytest

from visualizer.support.files import replacing


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "folder"
    made.mkdir()
    return made


def write(path: Path, text: str) -> None:
    with replacing(path) as unfinished:
        unfinished.write_text(text)


def test_the_old_stays_until_the_new_is_whole(folder: Path) -> None:
    path = folder / "a.json"
    write(path, "old")
    with replacing(path) as unfinished:
        unfinished.write_text("new")
        assert path.read_text() == "old"
        assert unfinished.suffix == path.suffix
    assert path.read_text() == "new"
    assert list(folder.iterdir()) == [path]


def test_nothing_changes_where_the_writing_fails(folder: Path) -> None:
    path = folder / "a.json"
    write(path, "old")
    with suppress(RuntimeError), replacing(path) as unfinished:
        unfinished.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(folder.iterdir()) == [path]


@pytest.mark.skipif(os.name != "posix", reason="permissions and links are POSIX's")
def test_permissions_and_links_are_kept(folder: Path) -> None:
    path, link = folder / "a.json", folder / "link.json"
    write(path, "old")
    path.chmod(0o640)
    link.symlink_to(path)
    write(link, "new")
    assert link.is_symlink()
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o640
