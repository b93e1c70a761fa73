"""listen() with a microphone that goes and comes back."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.sound import running_server
from visualizer import listen

DEADLINE_S = 20.0


def test_a_microphone_that_was_away_leaves_a_gap_as_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sound_server: object
) -> None:
    """Its own server, since the other tests' one goes on."""
    with running_server(tmp_path) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        with listen(device="mic_a") as listener:
            before = next(listener)
            while before.index < 40:
                before = next(listener)
            server.stop()
            deadline = time.monotonic() + DEADLINE_S
            while listener.status.state != "waiting":
                assert time.monotonic() < deadline
                time.sleep(0.02)
            started_at = time.perf_counter()
            server.start()
            for after in listener:
                if after.captured_at > started_at:
                    break
                before = after
            assert after.gap > 0
            assert after.index == before.index + 1 + after.gap
            assert after.time_s > before.time_s
            away_s = after.captured_at - before.captured_at
            hop_s = (after.time_s - before.time_s) / (after.index - before.index)
            assert abs((after.index - before.index) * hop_s - away_s) < 0.3
            # It goes on, and the engine says what happened.
            assert next(listener).index > after.index
            while listener.status.state != "running":
                next(listener)
            assert listener.status.reopened == 1
            assert listener.dropped == 0
