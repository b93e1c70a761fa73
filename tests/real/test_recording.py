"""Recordings of a real microphone by the real program."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.record_kill import kill_while_recording
from tests.sound import SoundServer


@pytest.mark.parametrize("headless", [False, True])
def test_a_program_that_is_killed_leaves_files_that_can_be_read(
    sound_server: SoundServer, display: str, tmp_path: Path, headless: bool
) -> None:
    folder = tmp_path / "recordings"
    folder.mkdir()
    outcome = kill_while_recording(folder, 2.0, headless)
    assert outcome.wrong == ""
    assert outcome.sound_s > 1.0
