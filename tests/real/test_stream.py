"""The stream command on a microphone of a real sound server."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.children import piped
from tests.conftest import DEADLINE_S, ROOT, Finished, wait_for_line
from tests.real.test_capture import expected_db, tone
from tests.sound import SoundServer
from visualizer.mel.presets import preset_for

RATE_HZ = 16_000
RUN = [sys.executable, str(ROOT / "run.py"), "stream", "--kernel", "numpy"]
RUN += ["--sample-rate", str(RATE_HZ)]
TEXT: dict[str, Any] = {"text": True, "bufsize": 1}


def ended(child: subprocess.Popen[str]) -> tuple[list[dict[str, Any]], str]:
    """What it still wrote once it was told to end, and its last line on standard error."""
    child.send_signal(signal.SIGTERM)
    assert child.stdout is not None
    assert child.stderr is not None
    rest = [json.loads(line) for line in child.stdout]
    assert child.wait(DEADLINE_S) == 143
    return rest, child.stderr.read().splitlines()[-1]


def test_a_microphones_columns_come_through_a_pipe(
    sound_server: SoundServer, program: Callable[..., Finished]
) -> None:
    with tone(sound_server, "sink_a"):
        done = program("stream", "--source", "mic", "--sample-rate", RATE_HZ, "--duration", 3)
    assert done.code == 0, done.err
    heading, *columns = map(json.loads, done.out.splitlines())
    assert heading["source"]["kind"] == "mic"
    assert heading["source"]["sample_rate"] == RATE_HZ
    assert {c["type"] for c in columns} == {"column"}
    first = 0
    for column in columns:
        assert column["column"] == first + column["gap"]
        first = column["column"] + 1
    config = preset_for("simli", RATE_HZ)
    heard = config.values.level.decibels(np.array([c["values"] for c in columns[-40:]]).T)
    band, level = expected_db(RATE_HZ)
    assert (heard.argmax(axis=0) == band).all()
    np.testing.assert_allclose(heard[band], level, atol=0.1)
    assert "overflows 0" in done.err


def test_the_reader_may_go_when_it_has_seen_enough(sound_server: SoundServer) -> None:
    done = subprocess.run(
        [
            *("bash", "-o", "pipefail", "-c"),
            f"{sys.executable} {ROOT / 'run.py'} stream --format jsonl --duration 5 | head -n 3",
        ],
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert done.returncode == 0
    assert [json.loads(line)["type"] for line in done.stdout.splitlines()] == [
        *("stream", "column", "column")
    ]
    assert len(done.stderr.splitlines()) <= 1


def test_without_a_microphone_nothing_stands_in_for_it(
    sound_server: SoundServer, program: Callable[..., Finished]
) -> None:
    done = program("stream", "--duration", 1, env={"PULSE_SERVER": "unix:/nowhere"})
    assert (done.code, done.out) == (2, "")
    [line] = done.err.splitlines()
    assert line.startswith("visualizer: no microphone was found")


def test_what_a_slow_reader_loses_is_counted_where_it_is_missing(
    sound_server: SoundServer,
) -> None:
    # As the program is, but with a queue that is full after a second and not after one minute.
    start = (
        "import sys; from visualizer import cli; from visualizer.engine import outbox; "
        "outbox.OUTBOX_LENGTH = 64; "
        "sys.argv[0] = 'visualizer'; cli.main()"
    )
    with piped([sys.executable, "-c", start, *RUN[2:]], **TEXT) as child:
        assert child.stdout is not None
        assert json.loads(child.stdout.readline())["type"] == "stream"
        first = dropped = 0
        deadline = time.monotonic() + 3 * DEADLINE_S
        while not dropped:
            assert time.monotonic() < deadline
            # What is tested: nobody reads for a while.
            time.sleep(4)
            for _ in range(150):
                column = json.loads(child.stdout.readline())
                assert column["column"] == first + column["gap"]
                assert column["dropped"] <= column["gap"]
                dropped += column["dropped"]
                first = column["column"] + 1
        rest, summary = ended(child)
        for column in rest:
            assert column["column"] == first + column["gap"]
            dropped += column["dropped"]
            first = column["column"] + 1
    assert f"drops {dropped} columns " in summary


def test_a_microphone_that_goes_and_comes_back_is_said(sound_server: SoundServer) -> None:
    def is_state(state: str) -> Callable[[str], bool]:
        return lambda line: json.loads(line).get("state") == state

    with piped(RUN, **TEXT) as child:
        wait_for_line(child.stdout, lambda line: '"column":40,' in line, "40th column")
        sound_server.stop()
        lost = json.loads(wait_for_line(child.stdout, is_state("waiting"), "word of the loss"))
        assert "opening it again" in lost["fault"]
        sound_server.start()

        lines: list[str] = []

        def is_back(line: str) -> bool:
            lines.append(line)
            return any(map(is_state("running"), lines)) and any(map(is_first_column, lines))

        def is_first_column(line: str) -> bool:
            # It was away for half a second at least.
            return int(json.loads(line).get("gap", 0)) > 40

        wait_for_line(child.stdout, is_back, "word of its return")
        (back,) = filter(is_state("running"), lines)
        assert json.loads(back)["fault"] is None
        (column,) = filter(is_first_column, lines)
        assert json.loads(column)["dropped"] == 0
        _, summary = ended(child)
    assert "gaps 1" in summary
