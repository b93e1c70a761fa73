"""Recordings of a real microphone by the real program."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Finished
from tests.sound import SoundServer
from tests.stress.record_kill import kill_while_recording


@pytest.mark.parametrize("headless", [False, True])
def test_a_program_that_is_killed_leaves_files_that_can_be_read(
    sound_server: SoundServer, display: str, tmp_path: Path, headless: bool
) -> None:
    folder = tmp_path / "recordings"
    folder.mkdir()
    outcome = kill_while_recording(folder, 2.0, headless)
    assert outcome.wrong == ""
    assert outcome.sound_s > 1.0


def test_a_folder_is_made_or_it_is_said(program: Callable[..., Finished], tmp_path: Path) -> None:
    arguments = ("--headless", "--source", "demo", "--duration", 1, "--record")
    done = program(*arguments, "new/folder")
    assert done.code == 0, done.err
    assert {path.suffix for path in (tmp_path / "new" / "folder").iterdir()} == {
        ".wav",
        ".npz",
        ".json",
    }
    (tmp_path / "file").touch()
    done = program(*arguments, "file/folder")
    assert (done.code, len(done.err.splitlines())) == (2, 1)
    assert "recordings cannot go to" in done.err
