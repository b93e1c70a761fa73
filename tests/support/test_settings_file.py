"""The settings file by itself: read, written in one step, and looked at without a change."""

from __future__ import annotations

from pathlib import Path

import pytest

from visualizer.support.settings_file import (
    copy_aside,
    is_usable,
    read_settings,
    settings_path,
    write_settings,
)


def test_it_lies_where_the_system_keeps_settings(own_settings: Path) -> None:
    assert settings_path() == own_settings / "mel-visualizer" / "settings.json"
    assert is_usable(settings_path())
    assert read_settings(settings_path()) == {}
    assert not own_settings.exists()


def test_what_is_written_is_read_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "new" / "settings.json"
    for values in ({"a": 1}, {"a": [1, "ü"], "b": None}):
        write_settings(path, values)
        assert read_settings(path) == values
        assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_what_an_editor_stored_in_another_form_is_read(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "settings.json"
    path.write_text('{"a": "ü"}', encoding=encoding)
    assert read_settings(path) == {"a": "ü"}


def test_a_link_stays_one(tmp_path: Path) -> None:
    """As those have it who keep their settings in a folder of their own."""
    kept, link = tmp_path / "kept.json", tmp_path / "settings.json"
    kept.write_text("{}")
    link.symlink_to(kept)
    write_settings(link, {"a": 1})
    assert link.is_symlink()
    assert read_settings(kept) == {"a": 1}


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff", b"[" * 50_000, b"1" * 5000])
def test_what_is_damaged_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "settings.json"
    path.write_bytes(content)
    with pytest.raises(ValueError):  # noqa: PT011
        read_settings(path)
    aside = copy_aside(path)
    assert aside.read_bytes() == path.read_bytes() == content
    assert copy_aside(path) != aside


def test_a_place_that_is_no_file_is_not_usable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert not is_usable(tmp_path)
    assert not is_usable(tmp_path / "file" / "settings.json")
