"""The named device goes and comes back, as it was and with another rate, again and again.

    python -m tests.stress.devices [--times 20] [--server pulseaudio pipewire] [--json FILE]

On a sound server of its own, `stream` records from Headset, which plays 1 kHz, while the default
source plays 3 kHz. It prints how long it took until the program said that Headset was gone and
until its columns were back, by how much the stream's clock was off afterwards, so how wrong the
gap's length was, and how many columns held sound of the other source, of which there may be none.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from rich.console import Console

from tests.pipewire import running_pipewire
from tests.sound import DEADLINE_S, SERVER_RATE_HZ, SINKS, SoundServer, running_server
from visualizer.mel.presets import preset_for

MESSAGE_S, RECOVERY_S, CLOCK_MS = 2.0, 4.0, 50.0
"""What is allowed: until the message, until columns are back, and the gap's error."""
SERVERS: dict[str, Callable[[Path], AbstractContextManager[SoundServer]]] = {
    "pulseaudio": running_server,
    "pipewire": running_pipewire,
}
ROOT = Path(__file__).parents[2]

NAME, TONE_HZ, OTHER_HZ = "Headset", 1000.0, 3000.0
_BETWEEN_HZ = 2000.0
_AMPLITUDE = 0.25
_HEARD, _TOO_MUCH = 1.0, 0.03
"""What a column has at least of a tone that it is full of (3.7), and what is too much of another,
which is twice what the beginning of a tone has elsewhere."""
_AWAY_S, _SETTLE_S = 1.0, 1.0
_TONE_S = 600
_RATES_HZ = (SERVER_RATE_HZ, 16_000, SERVER_RATE_HZ, 44_100)


@dataclass(frozen=True)
class Outcome:
    """Of one time."""

    rate: int
    """Hz, of the device that came back"""
    message_s: float
    """from its end to the word of it"""
    recovery_s: float
    """from its return to the first column"""
    clock_ms: float
    """how much longer the gap is than the script's clock says; 0 where a new stream began"""
    strange: int
    """columns with the sound of the other source"""
    said: str
    again: str
    """what the server calls the source that is recorded afterwards"""

    def wrong(self) -> str:
        """What is not as it must be, in a word or two."""
        late = self.message_s > MESSAGE_S, self.recovery_s > RECOVERY_S
        off = abs(self.clock_ms) > CLOCK_MS
        names = ("message", "recovery", "clock", "strange sound", "another device")
        faults = (*late, off, self.strange > 0, self.again != "headset.monitor")
        return ", ".join(name for name, fault in zip(names, faults, strict=True) if fault)


class Stream:
    """`visualizer stream` on a server, read as it comes, with the moment of each line."""

    def __init__(self, server: SoundServer, *options: str) -> None:
        own = dict.fromkeys(("XDG_CONFIG_HOME", "XDG_STATE_HOME"), str(server.folder))
        self.child = subprocess.Popen(
            [sys.executable, str(ROOT / "run.py"), "stream", "--kernel", "numpy", *options],
            env=os.environ | server.environment | own | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.lines: list[tuple[float, dict[str, Any]]] = []
        self._come = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.child.stdout is not None
        for line in self.child.stdout:
            now, values = time.monotonic(), json.loads(line)
            with self._come:
                self.lines.append((now, values))
                self._come.notify_all()

    def first(
        self, fits: Callable[[dict[str, Any]], bool], since: int = 0
    ) -> tuple[int, float, dict[str, Any]]:
        """Wait for a line that fits: its place, when it came, what it says."""
        deadline = time.monotonic() + DEADLINE_S
        with self._come:
            while True:
                for place in range(since, len(self.lines)):
                    if fits(self.lines[place][1]):
                        return place, *self.lines[place]
                since = len(self.lines)
                left_s = deadline - time.monotonic()
                assert left_s > 0, f"nothing fits; the last was {self.lines[-1:]}"
                self._come.wait(left_s)

    def columns(self, since: int = 0) -> list[tuple[float, dict[str, Any]]]:
        """Those that came so far, from a place on."""
        with self._come:
            return [line for line in self.lines[since:] if line[1]["type"] == "column"]

    def end(self) -> str:
        """End it, and return what it said on standard error."""
        self.child.terminate()
        assert self.child.stderr is not None
        said = self.child.stderr.read()
        self.child.wait(DEADLINE_S)
        return said


def level(line: dict[str, Any], hertz: float) -> float:
    """What a column of `simli` has in the band of a tone."""
    middles_hz = preset_for("simli", SERVER_RATE_HZ).rows.edges_hz[1:-1]
    return float(line["values"][int(np.abs(middles_hz - hertz).argmin())])


def is_column_of(hertz: float) -> Callable[[dict[str, Any]], bool]:
    """Whether a line is a column in which the tone is the loudest sound."""
    return lambda line: (
        line["type"] == "column" and level(line, hertz) > max(_HEARD, 0.9 * max(line["values"]))
    )


def is_strange(line: dict[str, Any], hertz: float = OTHER_HZ) -> bool:
    """Whether a column holds some of a tone that it should not.

    Where the other tone breaks off, as a player's does that a busy machine held up, there is some
    sound at every frequency, but less of it at this tone than between the two.
    """
    return level(line, hertz) > max(_TOO_MUCH, level(line, _BETWEEN_HZ))


def is_state(state: str) -> Callable[[dict[str, Any]], bool]:
    return lambda line: line["type"] == "state" and line["state"] == state


def is_back(line: dict[str, Any]) -> bool:
    """Whether a line says that sound comes again, in the same stream or in a new one."""
    return line["type"] == "stream" or is_state("running")(line)


def play_tone(server: SoundServer, sink: str, hertz: float) -> subprocess.Popen[bytes]:
    time_s = np.arange(_TONE_S * SERVER_RATE_HZ) / SERVER_RATE_HZ
    wave = (_AMPLITUDE * np.sin(2 * np.pi * hertz * time_s)).astype(np.float32)
    return server.play(np.column_stack((wave, wave)), sink)


def load(server: SoundServer, rate: int, channels: int = 2) -> str:
    """Plug Headset in; return the module's number."""
    return server.pactl(
        *("load-module", "module-null-sink", "sink_name=headset", "norewinds=1"),
        *(f"rate={rate}", f"channels={channels}", "format=float32le"),
        f"sink_properties=device.description={NAME}",
    ).stdout.strip()


def play(server: SoundServer, times: int) -> Iterator[Outcome]:
    """Let Headset go and come back `times` times."""
    other = play_tone(server, SINKS[0], OTHER_HZ)
    module = load(server, SERVER_RATE_HZ)
    player = play_tone(server, "headset", TONE_HZ)
    stream = Stream(server, "--device", NAME)
    try:
        place, _, _ = stream.first(is_column_of(TONE_HZ))
        for number in range(1, times + 1):
            time.sleep(_SETTLE_S)
            rate = _RATES_HZ[number % len(_RATES_HZ)]
            before_s, gone, gone_at = _delay_s(stream, place), len(stream.lines), time.monotonic()
            server.pactl("unload-module", module)
            _, message_at, message = stream.first(is_state("waiting"), gone)
            _end(player)
            time.sleep(_AWAY_S)
            module, back_at = load(server, rate), time.monotonic()
            player = play_tone(server, "headset", TONE_HZ)
            place, _, _ = stream.first(is_back, gone)
            place, heard_at, _ = stream.first(lambda line: line["type"] == "column", place)
            stream.first(is_column_of(TONE_HZ), place)
            goes_on = all(line["type"] != "stream" for _, line in stream.lines[gone:])
            time.sleep(_SETTLE_S)
            yield Outcome(
                rate,
                message_at - gone_at,
                heard_at - back_at,
                1e3 * (before_s - _delay_s(stream, place)) if goes_on else 0.0,
                sum(is_strange(line) for _, line in stream.columns(gone)),
                message["fault"],
                _recorded(server),
            )
    finally:
        stream.end()
        _end(player)
        _end(other)


def _end(player: subprocess.Popen[bytes]) -> None:
    player.kill()
    player.wait()


def _delay_s(stream: Stream, since: int) -> float:
    """The script's time less the stream's, of what came soonest since then."""
    return min(at - line["time_s"] for at, line in stream.columns(since))


def _recorded(server: SoundServer) -> str:
    """Return the server's name of the source that is being recorded."""
    [recording] = server.pactl("list", "short", "source-outputs").stdout.splitlines()
    sources = server.pactl("list", "short", "sources").stdout.splitlines()
    names = dict(source.split("\t")[:2] for source in sources)
    return names[recording.split("\t")[1]]


def main() -> int:
    parser = argparse.ArgumentParser(description="let a device go and come back")
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--server", nargs="*", choices=tuple(SERVERS), default=("pulseaudio",))
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    console = Console(width=150, highlight=False, markup=False)
    results: dict[str, list[dict[str, Any]]] = {}
    for name in arguments.server:
        outcomes: list[Outcome] = []
        with tempfile.TemporaryDirectory() as folder, SERVERS[name](Path(folder)) as server:
            for outcome in play(server, arguments.times):
                outcomes.append(outcome)
                console.print(
                    f"{name} {len(outcomes):3} · {outcome.rate:6} Hz · "
                    f"message {outcome.message_s:.3f} s · back {outcome.recovery_s:.3f} s · "
                    f"clock {outcome.clock_ms:+6.1f} ms · strange columns {outcome.strange} · "
                    f"{outcome.again} · {outcome.wrong() or 'well'}"
                )
        results[name] = [asdict(outcome) for outcome in outcomes]
        for field, unit in (("message_s", "s"), ("recovery_s", "s"), ("clock_ms", "ms")):
            values = [abs(float(getattr(outcome, field))) for outcome in outcomes]
            console.print(
                f"{name}: {field} p50 {median(values):.3f}, at most {max(values):.3f} {unit}"
            )
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n")
    return int(any(Outcome(**one).wrong() for found in results.values() for one in found))


if __name__ == "__main__":
    sys.exit(main())
