"""A model in its own process: what it answers, and what is said where something is wrong."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import pytest

from tests.children import piped
from tests.conftest import DEADLINE_S
from visualizer.audio.capture import CaptureConfig, SourceKind
from visualizer.audio.source import SourceInfo
from visualizer.engine.config import EngineConfig
from visualizer.engine.engine import Engine
from visualizer.errors import ConfigError
from visualizer.models.answers import Answers, ModelStatus
from visualizer.models.beside import ModelBeside
from visualizer.models.inbox import LOADING_S, QUEUE_S
from visualizer.models.process import Limits

MISBEHAVING = Path(__file__).with_name("misbehaving.py")
RATE, WINDOW, PIECE = 16_000, 1600, 400


class Bench:
    """A model, and the answers that came."""

    def __init__(self, what: str, limits: Limits | None = None, **settings: bool) -> None:
        self.news = threading.Event()
        self.model = ModelBeside(what, self.news.set, limits=limits, **settings)
        self.answers: list[Answers] = []
        self.at = 0

    def begin(self, kind: SourceKind = "file", channels: int = 1) -> None:
        self.channels = channels
        source = SourceInfo(kind, "hand", None, RATE, channels)
        self.model.tap.begin(source, "each", 7)

    def put(self, seconds: float, *, waits: bool = True) -> None:
        """Sound in pieces, as the worker does: it waits for room where the source can."""
        for _ in range(round(seconds * RATE / PIECE)):
            room = threading.Event()
            while waits and not self.model.tap.has_room(room.set):
                assert room.wait(DEADLINE_S)
            samples = np.full((PIECE, self.channels), 0.1, np.float32)
            self.model.tap.put(self.at, samples, time.perf_counter())
            self.at += PIECE

    def until(self, condition: Callable[[ModelStatus], bool]) -> ModelStatus:
        deadline = time.monotonic() + DEADLINE_S
        while time.monotonic() < deadline:
            self.answers += self.model.drain()
            status = self.model.status()
            if condition(status):
                self.answers += self.model.drain()
                return status
            self.news.wait(0.05)
            self.news.clear()
        raise AssertionError(f"not reached: {self.model.status()}")


@pytest.fixture
def start() -> Iterator[Callable[..., Bench]]:
    benches: list[Bench] = []

    def make(what: str = "Well", **settings: object) -> Bench:
        what = what if ".py" in what else f"{MISBEHAVING}:{what}"
        benches.append(Bench(what, **settings))  # type: ignore[arg-type]
        return benches[-1]

    yield make
    for bench in benches:
        bench.model.close()
        assert bench.model.status().state == "closed"


Start = Callable[..., Bench]


def test_nothing_is_missing_of_a_sound_that_can_wait(start: Start) -> None:
    bench = start()
    bench.begin(channels=2)
    bench.put(2 * QUEUE_S)
    bench.model.tap.end()
    status = bench.until(lambda _: bench.model.is_done())
    assert (status.state, status.lost, status.stream_id) == ("running", 0, 7)
    n = bench.at // WINDOW
    assert [a.first for a in bench.answers] == list(range(n))
    assert [a.numbers.tolist() for a in bench.answers] == [[[i + 1]] for i in range(n)]
    assert bench.answers[-1].texts == ((f"no. {n}",),)
    assert all(answer.late_ms > 0 for answer in bench.answers)
    assert status.grid is not None
    assert status.grid.middle_s(0) == pytest.approx(WINDOW / RATE / 2)
    assert "mean of the channels" in status.note


def test_what_a_live_source_brings_while_it_is_loaded_is_lost_and_counted(start: Start) -> None:
    bench = start()
    bench.begin("mic")
    # Faster than a process can start.
    bench.put(3 * QUEUE_S, waits=False)
    bench.model.tap.end()
    status = bench.until(lambda _: bench.model.is_done())
    n, kept = bench.at // WINDOW, len(bench.answers)
    assert [a.first for a in bench.answers] == list(range(n - kept, n))
    assert status.lost == n - kept
    # So little that its first answers are not late.
    assert kept == round(LOADING_S * RATE) // WINDOW
    assert bench.answers[0].numbers[0, 0] == 1


def test_a_slow_model_gets_the_newest_of_a_live_sound_and_what_is_lost_is_counted(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = tmp_path / "gate"
    monkeypatch.setenv("GATE", str(gate))
    bench = start("WaitsForAFile")
    bench.begin("mic")
    bench.until(lambda s: s.state == "running")
    # A block before it is slow, and more than is kept for it meanwhile.
    bench.put(WINDOW / RATE, waits=False)
    bench.until(lambda s: s.grid is not None)
    bench.put(3 * QUEUE_S, waits=False)
    assert bench.model.status().behind_s > QUEUE_S
    gate.touch()
    bench.model.tap.end()
    status = bench.until(lambda _: bench.model.is_done())
    places = [answer.first for answer in bench.answers]
    n = bench.at // WINDOW
    assert places == sorted(places)
    assert places[-1] == n - 1
    assert len(places) == pytest.approx(QUEUE_S * RATE / WINDOW, abs=2)
    assert status.lost == n - len(places)


WRONG = {
    "RaisesAtLoad": ("could not be loaded: RuntimeError: no weights", "in __init__"),
    "Raises": ("failed: RuntimeError: no luck", "in _fail"),
    "Exits": ("it called sys.exit(3)", "sys.exit(3)"),
    "ExitsAtOnce": ("ended with code 3", "goodbye"),
    "Crashes": ("by signal 11", "misbehaving.py"),
    "NeverReturns": ("did not answer within 1 s", "in __call__"),
    "NeverReturnsFromLoad": ("could not be loaded within 2 s", "in __init__"),
    "NeverLetsGoOfPython": ("did not answer within 1 s", "in __call__"),
    "AllocatesWithoutEnd": ("took more than 0.25 GiB of memory", ""),
    "WrongShape": ("an array of shape (3, 2) for x, where one number fits", ""),
    "SaysNonsense": ("window is 0; it must be 1 to", ""),
    "LeavesAProcess": ("ended with code 0", "left behind"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_said_and_sources_go_on(start: Start, what: str) -> None:
    memory = 1 << 28 if what == "AllocatesWithoutEnd" else Limits.memory_bytes
    call_s = 1.0 if what.startswith("Never") else DEADLINE_S
    bench = start(what, limits=Limits(2.0 if "FromLoad" in what else DEADLINE_S, call_s, memory))
    bench.begin()
    bench.put(1.0)
    status = bench.until(lambda status: status.state == "failed")
    fault, traceback = WRONG[what]
    assert status.fault is not None
    assert fault in status.fault
    assert "\n" not in status.fault
    assert traceback in status.traceback
    # Nothing of this program's own.
    assert "child.py" not in status.traceback
    assert bench.model.is_done()
    bench.put(2 * QUEUE_S)
    if what == "LeavesAProcess":
        left = int(status.traceback.split("left behind: ")[1].split()[0])
        wait_for_end(left)


def test_answers_that_are_no_numbers_are_gaps_and_said(start: Start) -> None:
    bench = start("NotANumber")
    bench.begin()
    bench.put(1.0)
    status = bench.until(lambda status: status.calls == 10)
    assert status.bad_answers == 10
    assert "NaN" in status.note
    assert np.isnan([answer.numbers for answer in bench.answers]).all()


def test_what_it_prints_goes_to_a_log_of_bounded_length(
    start: Start, capfd: pytest.CaptureFixture[str]
) -> None:
    from visualizer.models.words import LOG_BYTES, LOG_NAME
    from visualizer.support.folders import log_folder

    bench = start("PrintsAMegabyte")
    bench.begin()
    bench.put(0.3)
    bench.until(lambda status: status.calls == 3)
    bench.model.close()
    assert capfd.readouterr() == ("", "")
    log = log_folder() / LOG_NAME
    assert "nor of errors" in log.read_text()
    sizes = [path.stat().st_size for path in log.parent.glob("model*")]
    assert len(sizes) == 2
    assert max(sizes) <= LOG_BYTES


def test_a_file_that_was_changed_is_loaded_anew(start: Start, tmp_path: Path) -> None:
    own = tmp_path / "own.py"
    text = MISBEHAVING.read_text()
    own.write_text(text.replace("self.n += 1", "self.n += nothing"))
    bench = start(f"{own}:Well")
    bench.begin()
    bench.put(0.5)
    assert "NameError" in (bench.until(lambda status: status.state == "failed").fault or "")
    own.write_text(text)
    # The same length within a second: what Python keeps of the file before must not be taken.
    bench.model.restart()
    bench.until(lambda status: status.state in ("loading", "running"))
    bench.put(0.5)
    status = bench.until(lambda status: status.calls == 5)
    assert (status.fault, status.traceback) == (None, "")
    # Where they belong on the stream that went on.
    assert [answer.first for answer in bench.answers] == [5, 6, 7, 8, 9]


def test_nothing_is_unpickled_before_the_user_says_so(start: Start) -> None:
    bench = start("Unpickles")
    bench.begin()
    asking = bench.until(lambda status: status.state == "asking")
    assert (asking.question, asking.spec) == ("weights.pt", None)
    bench.model.restart(trusted=True)
    bench.put(0.2)
    assert bench.until(lambda status: status.calls == 2).state == "running"


def test_the_picture_and_the_model_get_the_same_sound_and_that_again(tmp_path: Path) -> None:
    import soundfile

    path = tmp_path / "sound.wav"
    soundfile.write(path, np.full(RATE, 0.1, np.float32), RATE)
    bench = Bench(f"{MISBEHAVING}:Well")
    config, tap = EngineConfig(CaptureConfig("file", path=str(path))), bench.model.tap
    engine = Engine(config, (), bench.news.set, tap=tap)
    status = bench.until(lambda _: bench.model.is_done())
    assert status.calls == RATE // WINDOW
    assert engine.status().columns == 81
    bench.model.restart()
    engine.attach(tap)
    bench.until(lambda _: len(bench.answers) == 2 * RATE // WINDOW)
    assert bench.model.status().lost == 0
    engine.close()
    bench.model.close()


@pytest.mark.parametrize("name", ["NeverReturns", "NeverLetsGoOfPython"])
def test_it_ends_with_the_program_even_where_that_is_killed(name: str) -> None:
    program = [sys.executable, __file__, f"{MISBEHAVING}:{name}"]
    with piped(program, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.kill()
        parent.wait()
    wait_for_end(child)


def wait_for_end(pid: int) -> None:
    """Be content with a zombie: who adopts it may be slow to notice its end."""
    deadline = time.monotonic() + DEADLINE_S
    with suppress(psutil.NoSuchProcess):
        while psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
            assert time.monotonic() < deadline
            time.sleep(0.02)


def test_nothing_is_left_open(start: Start) -> None:
    if sys.platform != "linux":
        pytest.skip("looks into /proc")

    def held() -> tuple[int, int, int]:
        n_children = len(psutil.Process().children(recursive=True))
        return len(list(Path("/proc/self/fd").iterdir())), threading.active_count(), n_children

    before = held()
    for what in ("Well", "Raises", "ExitsAtOnce"):
        bench = start(what)
        bench.begin()
        bench.put(0.2)
        bench.until(lambda status: status.calls == 2 or status.state == "failed")
        bench.model.restart()
        bench.until(lambda status: status.state == "running")
        bench.model.close()
        assert held() == before


def test_what_is_wrong_with_a_name_is_said_at_once() -> None:
    with pytest.raises(ConfigError, match="there is no file"):
        ModelBeside("nowhere.py", lambda: None)


if __name__ == "__main__":
    # A program that tells of its model's process, and waits to be killed.
    bench = Bench(sys.argv[1], Limits(call_s=1.0))
    bench.begin()
    bench.put(0.2)
    (child,) = psutil.Process().children()
    print(child.pid, flush=True)
    time.sleep(60)
