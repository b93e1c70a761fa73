from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import pytest

from visualizer.audio import portaudio
from visualizer.audio.portaudio import lock_hint, wait_for_start


def test_a_start_is_waited_for_and_no_longer_than_told() -> None:
    waits = threading.Thread(target=wait_for_start, args=(20.0,))
    with portaudio._loading:
        wait_for_start(0.0)
        waits.start()
        waits.join(0.2)
        assert waits.is_alive()
    waits.join(10.0)
    assert not waits.is_alive()


@pytest.mark.skipif(sys.platform != "linux", reason="of Linux")
def test_a_database_that_may_be_locked_is_named_where_there_is_one(tmp_path: Path) -> None:
    assert lock_hint(tmp_path) == ""
    database = tmp_path / f"jack_db-{os.getuid()}"
    database.mkdir()
    assert "JACK's database may be locked" in lock_hint(tmp_path)
    assert lock_hint(tmp_path).endswith(f"rm -r {database}")
