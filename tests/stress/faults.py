"""Everything that a sound system was seen to do to this program, done to it for real.

    python -m tests.stress.faults [--times 20] [--only NAME ...] [--json FILE]

Each fault has a process of its own with a real window, a PulseAudio server and, in its turn, the
fault and its cure as often as asked for. It prints how long it took until the window said what was
wrong and until it went on after the cure, the longest that the GUI thread did not answer, by how
much the stream's clock was off in the end, and the share of its processors that a virtual machine
did not get.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from tests.pipe_writer import PipeSource, pipe_source
from tests.screen import screen
from tests.sound import SINKS, SoundServer, null_sink
from visualizer.engine.status import EngineStatus

MESSAGE_S, FIRST_MESSAGE_S, RECOVERY_S, STALL_MS, CLOCK_MS = 2.0, 5.0, 3.0, 100.0, 50.0
"""What is allowed: until the message, that at the start, until it goes on; the GUI; the clock."""
_GIVE_UP_S = 20.0
_SETTLE_S = 1.0


@dataclass(frozen=True)
class Fault:
    """What is done, what undoes it, and what is expected of the window meanwhile."""

    name: str
    what: str
    make: Callable[[Stage], None]
    cure: Callable[[Stage], None]
    message_s: float | None = MESSAGE_S
    """the limit for the message; None: there need not be one"""
    piped: bool = False
    """whether the microphone is a pipe's"""
    at_start: bool = False
    """whether the window is opened while the fault is there"""
    lasts_s: float = 0.5
    """from the message to the cure"""
    drifts: bool = False
    """whether the device's own clock is off, so that the stream's is too"""
    seen: Callable[[EngineStatus, EngineStatus], bool] = lambda before, after: True
    """what the status must show of it besides"""


@dataclass(frozen=True)
class Outcome:
    """Of one time; None where it never came, or is not asked for."""

    message_s: float | None
    recovery_s: float | None
    stall_ms: float
    clock_ms: float | None
    """how far the stream's clock is off the monotonic one, over the fault"""
    is_seen: bool
    """whether the status shows what it must"""
    said: str
    threads: int
    descriptors: int
    stolen: float
    """the share of its processors' time that a virtual machine did not get meanwhile, when a stall
    may be its host's"""

    def wrong(self, fault: Fault) -> str:
        """What is not as it must be, in a word or two."""
        if fault.message_s is not None and (self.message_s or 1e9) > fault.message_s:
            return "message"
        if self.recovery_s is None or self.recovery_s > RECOVERY_S:
            return "recovery"
        if self.stall_ms > STALL_MS:
            return "stall"
        if not self.is_seen:
            return "not seen"
        if self.clock_ms is not None and not fault.drifts and abs(self.clock_ms) > CLOCK_MS:
            return "clock"
        return ""


class Stage:
    """The server, the window, and the pipe where there is one."""

    def __init__(self, server: SoundServer) -> None:
        self.server = server
        self.pipe: PipeSource | None = None
        self.held = threading.Event()
        self.held.set()

    def order(self, text: str) -> None:
        assert self.pipe is not None
        self.pipe.order(text)

    def unload_sinks(self) -> None:
        self.server.pactl("unload-module", "module-null-sink")

    def load_sinks(self) -> None:
        for sink in SINKS:
            self.server.pactl("load-module", *null_sink(sink).split())
        self.server.choose_defaults()

    def suspend(self, on: bool) -> None:
        self.server.pactl("suspend-sink", SINKS[0], str(int(on)))


def _nothing(_: Stage) -> None:
    pass


FAULTS = (
    Fault("kill", "the server is killed", lambda s: s.server.stop(), lambda s: s.server.start()),
    Fault(
        "freeze",
        "the server is frozen (SIGSTOP)",
        lambda s: s.server.signal(signal.SIGSTOP),
        lambda s: s.server.signal(signal.SIGCONT),
        lasts_s=6.0,
    ),
    Fault(
        "suspend",
        "the source is suspended",
        lambda s: s.suspend(True),
        lambda s: s.suspend(False),
    ),
    Fault(
        "suspend-long",
        "the source is suspended for 15 s",
        lambda s: s.suspend(True),
        lambda s: s.suspend(False),
        lasts_s=15.0,
    ),
    Fault(
        "unload",
        "every source is unloaded",
        lambda s: s.unload_sinks(),
        lambda s: s.load_sinks(),
    ),
    Fault(
        "late",
        "the server is started after the window",
        lambda s: s.server.stop(),
        lambda s: s.server.start(),
        message_s=FIRST_MESSAGE_S,
        at_start=True,
    ),
    Fault(
        "frozen-start",
        "the server is frozen when the window is opened",
        lambda s: s.server.signal(signal.SIGSTOP),
        lambda s: s.server.signal(signal.SIGCONT),
        message_s=FIRST_MESSAGE_S,
        at_start=True,
    ),
    Fault(
        "hold",
        "the callback is held up for about 3 s",
        lambda s: s.held.clear(),
        lambda s: s.held.set(),
        lasts_s=2.0,
    ),
    Fault(
        "hold-short",
        "the callback is held up for 0.6 s, without a message",
        lambda s: s.held.clear(),
        lambda s: s.held.set(),
        message_s=None,
        lasts_s=0.6,
        seen=lambda before, after: after.gaps > before.gaps,
    ),
    Fault(
        "hold-long",
        "the callback is held up for 30 s",
        lambda s: s.held.clear(),
        lambda s: s.held.set(),
        lasts_s=29.0,
    ),
    Fault(
        "pipe-stall",
        "the microphone says nothing for 2.5 s, then all at once",
        lambda s: s.order("stall 2.5"),
        _nothing,
        piped=True,
        lasts_s=1.5,
    ),
    Fault(
        "pipe-burst",
        "the microphone stalls for 0.6 s, then says all at once",
        lambda s: s.order("stall 0.6"),
        _nothing,
        message_s=None,
        piped=True,
        lasts_s=0.6,
        seen=lambda before, after: after.gaps > before.gaps,
    ),
    Fault(
        "pipe-loss",
        "0.6 s of sound are lost, and nobody says so",
        lambda s: s.order("lose 0.6"),
        _nothing,
        message_s=None,
        piped=True,
        lasts_s=0.6,
        seen=lambda before, after: after.gaps > before.gaps,
    ),
    Fault(
        "pipe-slow",
        "the microphone delivers at two thirds of its rate",
        lambda s: s.order("speed 0.67"),
        lambda s: s.order("speed 1"),
        message_s=4.0,
        piped=True,
    ),
    Fault(
        "pipe-nan",
        "NaN, infinite and denormal samples",
        lambda s: s.order("nan 500\ninf 500\ndenormal 500"),
        _nothing,
        message_s=None,
        piped=True,
        lasts_s=1.0,
        seen=lambda before, after: after.bad_samples >= before.bad_samples + 300,
    ),
    Fault(
        "pipe-fast-clock",
        "the microphone's clock is 1000 ppm fast",
        lambda s: s.order("ppm 1000"),
        _nothing,
        message_s=None,
        piped=True,
        drifts=True,
        lasts_s=65.0,
        seen=lambda before, after: (
            abs((after.drift_ppm or 0) - 1000) < 100 and after.gaps == before.gaps
        ),
    ),
    Fault(
        "pipe-slow-clock",
        "the microphone's clock is 1000 ppm slow",
        lambda s: s.order("ppm -1000"),
        _nothing,
        message_s=None,
        piped=True,
        drifts=True,
        lasts_s=65.0,
        seen=lambda before, after: (
            abs((after.drift_ppm or 0) - -1000) < 100 and after.gaps == before.gaps
        ),
    ),
)
QUICK = (
    "kill",
    "freeze",
    "suspend",
    "unload",
    "late",
    "hold",
    "pipe-stall",
    "pipe-loss",
    "pipe-nan",
)
"""Made in the test suite too."""


def play(fault: Fault, times: int) -> Iterator[Outcome]:
    """Make and cure a fault `times` times, in this process."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        server = SoundServer(Path(folder))
        os.environ.update(server.environment)
        os.environ["XDG_CONFIG_HOME"] = os.environ["XDG_CACHE_HOME"] = folder
        stack.callback(server.stop)
        server.start()
        stage = Stage(server)
        if fault.piped:
            stage.pipe = stack.enter_context(pipe_source(server))
        yield from _play(fault, times, stage)


def _play(fault: Fault, times: int, stage: Stage) -> Iterator[Outcome]:
    from PyQt6.QtCore import Qt, QTimer
    from PyQt6.QtTest import QTest

    from tests.ui.helpers import make_window
    from visualizer.audio.capture import CaptureConfig
    from visualizer.audio.ring import BlockRing
    from visualizer.engine.config import EngineConfig
    from visualizer.support.process import begin
    from visualizer.ui.app import make_application
    from visualizer.ui.garbage import settle_here
    from visualizer.ui.window import Window

    begin()
    application = make_application(["faults"])
    write = BlockRing.write

    def write_unless_held(ring: BlockRing, *arguments: Any) -> None:
        stage.held.wait()
        write(ring, *arguments)

    BlockRing.write = write_unless_held  # type: ignore[assignment,method-assign]
    stall_s, beat_at = 0.0, time.perf_counter()

    def beat() -> None:
        nonlocal stall_s, beat_at
        now = time.perf_counter()
        stall_s, beat_at = max(stall_s, now - beat_at), now

    timer = QTimer()
    timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.timeout.connect(beat)
    timer.start(5)

    def until(condition: Callable[[], bool], limit_s: float) -> float | None:
        began_at = time.perf_counter()
        while time.perf_counter() - began_at < limit_s:
            if condition():
                return time.perf_counter() - began_at
            QTest.qWait(5)
        return None

    def open_window() -> Window:
        # With nothing to stand in, the message is the only thing to be seen.
        fallbacks = (CaptureConfig("demo"),) if fault.at_start else ()
        window = make_window(EngineConfig(CaptureConfig("mic")), fallbacks)
        window.show()
        return window

    def hears(window: Window) -> bool:
        status = window.engine_status()
        return (
            status is not None
            and (status.state, status.fault) == ("running", None)
            and status.config.capture.kind == "mic"
        )

    def least_delay_s(window: Window) -> float:
        """Over a while, since any block may come late."""
        least_s, until_s = math.inf, time.perf_counter() + _SETTLE_S
        while time.perf_counter() < until_s:
            least_s = min(least_s, _delay_s(window))
            QTest.qWait(5)
        return least_s

    def close(window: Window) -> None:
        window.close()
        window.deleteLater()
        QTest.qWait(50)

    window: Window | None = None
    collector: object = None
    for _ in range(times):
        before: float | None = None
        if fault.at_start:
            fault.make(stage)
            window = open_window()
            ready = until(lambda w=window: w.engine_status() is not None, _GIVE_UP_S)
        else:
            if window is None:
                window = open_window()
            ready = until(lambda w=window: hears(w) and w.stack.paints > 20, _GIVE_UP_S)
            collector = collector or settle_here()
            before = least_delay_s(window)
        assert ready is not None, "the window does not start"
        status_before = window.engine_status()
        assert status_before is not None
        made_at, stolen_s = time.perf_counter(), _stolen_s()
        if not fault.at_start:
            fault.make(stage)
        # The orders to the server take this thread's time, and are none of the window's.
        stall_s, beat_at = 0.0, time.perf_counter()
        banner = window.banner
        message_s = until(banner.isVisible, _GIVE_UP_S) if fault.message_s is not None else None
        if fault.at_start:
            stall_s = 0.0  # a start has its own
        said = banner.text()
        QTest.qWait(round(fault.lasts_s * 1e3))
        fault.cure(stage)
        beat_at = time.perf_counter()
        paints = window.stack.paints
        recovery_s = until(
            lambda w=window, p=paints: hears(w) and not w.banner.isVisible() and w.stack.paints > p,
            _GIVE_UP_S,
        )
        QTest.qWait(round(_SETTLE_S * 1e3))
        share = (_stolen_s() - stolen_s) / (time.perf_counter() - made_at) / psutil.cpu_count()
        process = psutil.Process()
        status = window.engine_status()
        assert status is not None
        yield Outcome(
            message_s,
            recovery_s,
            stall_s * 1e3,
            None if before is None else (before - least_delay_s(window)) * 1e3,
            fault.seen(status_before, status),
            said,
            process.num_threads(),
            process.num_fds(),
            share,
        )
        if fault.at_start:
            close(window)
    if window is not None and not fault.at_start:
        close(window)
    application.quit()


def _stolen_s() -> float:
    """Of all processors together; only Linux tells."""
    return float(getattr(psutil.cpu_times(), "steal", 0.0))


def _delay_s(window: Any) -> float:
    """The time less the stream's time, both of the newest block."""
    ring, status = window._reader.engine._ring, window.engine_status()
    return float(ring.delivered_at - ring._clock / status.source.sample_rate)


def play_apart(fault: Fault, times: int, display: str) -> tuple[list[Outcome], str]:
    """In a process of its own; the outcomes so far, and how it ended where it did not end well."""
    command = [
        sys.executable,
        "-m",
        "tests.stress.faults",
        "--play",
        fault.name,
        "--times",
        str(times),
    ]
    environment = os.environ | {"DISPLAY": display}
    environment.pop("QT_QPA_PLATFORM", None)
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as child:
        out, errors = child.communicate()
    outcomes = [Outcome(**json.loads(line)) for line in out.splitlines() if line.startswith("{")]
    if child.returncode == 0 and len(outcomes) == times:
        return outcomes, ""
    last = errors.strip().splitlines()[-1:] or [""]
    return outcomes, f"ended with {child.returncode}: {last[0]}"


def main() -> int:
    from visualizer.support.process import leave

    parser = argparse.ArgumentParser(description="make the known faults for real")
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--only", nargs="*", choices=[f.name for f in FAULTS])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--play", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.play:
        fault = next(f for f in FAULTS if f.name == arguments.play)
        for outcome in play(fault, arguments.times):
            print(json.dumps(asdict(outcome)), flush=True)
        # As the program itself: a call that hangs must not keep it.
        leave(0)
    table = Table(
        "fault", "times", "message s", "recovery s", "stall ms", "clock ms", "stolen %", "wrong"
    )
    console = Console(width=150)
    results: dict[str, Any] = {}
    failed = False
    with screen() as display:
        for fault in FAULTS:
            if arguments.only and fault.name not in arguments.only:
                continue
            outcomes, ending = play_apart(fault, arguments.times, display)
            wrong = [w for outcome in outcomes if (w := outcome.wrong(fault))]
            failed |= bool(wrong or ending)
            results[fault.name] = {
                "ending": ending,
                "outcomes": [asdict(outcome) for outcome in outcomes],
            }
            row = [
                fault.what,
                str(len(outcomes)),
                _spread([o.message_s for o in outcomes]),
                _spread([o.recovery_s for o in outcomes]),
                _spread([o.stall_ms for o in outcomes]),
                _spread([o.clock_ms and abs(o.clock_ms) for o in outcomes]),
                _spread([100 * o.stolen for o in outcomes]),
                ", ".join([*wrong, ending]).strip(", "),
            ]
            console.print(" | ".join([fault.name, *row[1:]]), highlight=False, soft_wrap=True)
            table.add_row(*row)
    console.print(table)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n")
    return int(failed)


def _spread(values: list[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{median(known):.2f} / {max(known):.2f}" if known else "–"


if __name__ == "__main__":
    sys.exit(main())
