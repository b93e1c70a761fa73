from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from visualizer.audio.portaudio import lock_hint


@pytest.mark.skipif(sys.platform != "linux", reason="of Linux")
def test_a_database_that_may_be_locked_is_named_where_there_is_one(tmp_path: Path) -> None:
    assert lock_hint(tmp_path) == ""
    database = tmp_path / f"jack_db-{os.getuid()}"
    database.mkdir()
    assert "JACK's database may be locked" in lock_hint(tmp_path)
    assert lock_hint(tmp_path).endswith(f"rm -r {database}")
