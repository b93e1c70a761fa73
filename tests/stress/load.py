"""How much of a processor the window takes, while it runs, is frozen and is hidden.

    python -m tests.stress.load [--size 1920x1080] [--seconds 60] [--phase running frozen hidden]
        [--sample-rate HZ] [--display x11|wayland] [--model WHAT] [--json FILE]

The real program on a screen and a PulseAudio server of its own, where speech plays. Shares are of
one core, from its thirteenth second on, when the compiled kernel runs; the program is
started anew for each phase. Latencies, paints and memory are of the whole run, from its own report.
On Wayland, where no other program may press keys or hide windows, it only runs.
With a model, its process is among the children.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from tests.screen import screen
from tests.sound import SINKS, running_server
from tests.stress import named_threads
from tests.weston import weston

FRONT_END = "simli"
WARM_S = 10.0
_LOOKED_AT_S = 5.0
"""Of that, before it is frozen or hidden: the picture moves by then."""
_START_S = 3.0
"""Until the window is there."""
_BUILD_S = 120.0
"""At most, for a kernel."""
_SERVERS = ("Xvfb", "weston")
_KNOWN_THREADS = {"caller": "PortAudio", "python": "Python's pool"}
"""What has no name of its own has that of the thread that started it."""


@dataclass(frozen=True)
class Usage:
    """Of processor time by a process until some moment."""

    at_s: float
    seconds: float
    """of all threads, with those that have ended"""
    switches: int
    """that its threads made by themselves, to wait for something"""
    threads: dict[int, tuple[str, float]]
    """by number: the name, and its seconds"""


@dataclass(frozen=True)
class Load:
    """What a phase took: shares are of one core, in percent."""

    phase: str
    size: str
    seconds: float
    percent: float
    threads: dict[str, float]
    children_percent: float
    """of processes that the program started"""
    screen_percent: float
    """of the X server, or of Weston"""
    switches_per_s: float
    paints_per_s: float
    columns: int
    latency_ms: dict[str, float] | None
    gaps: int
    drops: int
    model: dict[str, float] | None
    """its stage in ms, its calls, and how many were behind and lost"""
    rss_mb: float
    kernel: str


def main() -> int:
    parser = argparse.ArgumentParser(description="how much of a processor the window takes")
    parser.add_argument("--size", default="1920x1080")
    parser.add_argument("--seconds", type=float, default=60.0, help="of each phase")
    parser.add_argument("--phase", nargs="+", choices=PHASES, default=list(PHASES))
    parser.add_argument("--sample-rate", type=int, help="in Hz; without, the source's own")
    parser.add_argument("--display", choices=_DISPLAYS, default="x11")
    parser.add_argument("--model", help="to answer beside the stream, as --model of the program")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    if arguments.display == "wayland" and arguments.phase != ["running"]:
        parser.error("on Wayland there is only --phase running")
    have_kernel()
    loads = []
    with (
        tempfile.TemporaryDirectory() as name,
        sound(Path(name)) as environment,
        _DISPLAYS[arguments.display](arguments.size) as display,
    ):
        environment |= display
        for phase in arguments.phase:
            options = [] if arguments.model is None else ["--model", arguments.model]
            if arguments.sample_rate is not None:
                options += ["--sample-rate", str(arguments.sample_rate)]
            load = measure(
                phase, arguments.size, arguments.seconds, Path(name), environment, options
            )
            loads.append(load)
            print(as_text(load), flush=True)
    if arguments.json:
        text = json.dumps([asdict(load) for load in loads], indent=1)
        arguments.json.write_text(text + "\n", encoding="utf-8")
    return 0


@contextmanager
def sound(folder: Path) -> Iterator[dict[str, str]]:
    """Play speech to a server of its own; the environment of a program that is to hear it."""
    from visualizer.audio.demo import demo_path

    with running_server(folder) as server:
        # For ever, since paplay has no loop.
        again = 'while paplay --device="$1" "$2"; do :; done'
        environment = os.environ | server.environment
        environment |= {"XDG_CONFIG_HOME": str(folder), "XDG_STATE_HOME": str(folder)}
        player = subprocess.Popen(
            ["sh", "-c", again, "sh", SINKS[0], str(demo_path())],
            env=environment,
            start_new_session=True,
        )
        try:
            yield environment
        finally:
            os.killpg(player.pid, 15)
            player.wait()


def measure(
    phase: str,
    size: str,
    seconds: float,
    folder: Path,
    environment: dict[str, str],
    options: Sequence[str] = (),
) -> Load:
    """Run the program once, with more options, on the sound and the screen of this environment."""
    report = folder / "report.json"
    command = [sys.executable, "-P", named_threads.__file__, "run", "--source", "mic"]
    command += ["--front-end", FRONT_END, "--size", size, "--report", str(report)]
    command += ["--duration", str(seconds + WARM_S + 2 * _START_S)]
    command += options
    program = subprocess.Popen(command, env=environment, cwd=folder)
    try:
        process = psutil.Process(program.pid)
        time.sleep(_START_S + _LOOKED_AT_S)
        PHASES[phase](environment, program.pid)
        time.sleep(WARM_S - _LOOKED_AT_S)
        server = next(p for p in psutil.Process().children() if p.name() in _SERVERS)
        before, screen_before, children_before = usage(process), used_s(server), children_s(process)
        time.sleep(seconds)
        after, screen_after, children_after = usage(process), used_s(server), children_s(process)
        program.terminate()
        program.wait()
    finally:
        program.kill()
        program.wait()
    told = json.loads(report.read_text(encoding="utf-8"))
    share = 100.0 / (after.at_s - before.at_s)
    return Load(
        phase,
        size,
        round(after.at_s - before.at_s, 1),
        round(share * (after.seconds - before.seconds), 1),
        by_thread(before, after, process.pid),
        round(share * (children_after - children_before), 1),
        round(share * (screen_after - screen_before), 1),
        round((after.switches - before.switches) / (after.at_s - before.at_s)),
        round(told["paints"] / told["duration_s"], 1),
        told["columns"],
        told["latency_ms"]["total"],
        told["gaps"],
        told["dropped_blocks"] + told["dropped_columns"],
        _of_model(told),
        told["rss_mb"],
        told["kernel"]["backend"],
    )


def _of_model(told: dict[str, Any]) -> dict[str, float] | None:
    if told["model"] is None:
        return None
    return told["latency_ms"]["model"] | {k: told["model"][k] for k in ("calls", "behind", "lost")}


def usage(process: psutil.Process) -> Usage:
    threads, switches = {}, 0
    for task in Path(f"/proc/{process.pid}/task").iterdir():
        status = (task / "status").read_text()
        switches += int(status.partition("\nvoluntary_ctxt_switches:")[2].split()[0])
        run_ns = int((task / "schedstat").read_text().split()[0])
        threads[int(task.name)] = (task / "comm").read_text().strip(), run_ns / 1e9
    return Usage(time.monotonic(), used_s(process), switches, threads)


def by_thread(before: Usage, after: Usage, main_thread: int) -> dict[str, float]:
    """Return the share of each name's threads, in percent, the busiest first."""
    shares: dict[str, float] = {}
    for number, (name, seconds) in after.threads.items():
        name = "GUI" if number == main_thread else _KNOWN_THREADS.get(name, name)
        used = seconds - before.threads.get(number, (name, 0.0))[1]
        shares[name] = shares.get(name, 0.0) + 100.0 * used / (after.at_s - before.at_s)
    rounded = {name: round(share, 2) for name, share in shares.items()}
    return dict(sorted(rounded.items(), key=lambda item: -item[1]))


def used_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def children_s(process: psutil.Process) -> float:
    """Return what its children took, with those that have ended."""
    times = process.cpu_times()
    running = sum(map(used_s, process.children(recursive=True)))
    return float(times.children_user + times.children_system) + running


def as_text(load: Load) -> str:
    threads = [f"{name} {share:.1f}" for name, share in load.threads.items() if share >= 0.05]
    latency = (
        "none"
        if load.latency_ms is None
        else " / ".join(f"{load.latency_ms[name]:.1f}" for name in ("p50", "p95", "p99"))
    )
    model = ""
    if load.model is not None:
        late = " / ".join(f"{load.model[name]:.1f}" for name in ("p50", "p95", "p99", "max"))
        calls, behind, lost = (f"{load.model[name]:.0f}" for name in ("calls", "behind", "lost"))
        counted = f"{calls} calls, {behind} behind, {lost} lost"
        model = f"\n  model p50 / p95 / p99 / max {late} ms, {counted}"
    return "\n".join(
        (
            f"{load.phase}, {load.size}, {load.seconds:.0f} s: {load.percent:.1f} % of a core",
            f"  by thread: {', '.join(threads)}",
            f"  its children {load.children_percent:.1f} %, the screen's server "
            f"{load.screen_percent:.1f} %",
            f"  {load.switches_per_s:.0f} switches/s, {load.paints_per_s:.1f} paints/s, "
            f"{load.columns} columns, {load.gaps} gaps, {load.drops} drops",
            f"  total p50 / p95 / p99 {latency} ms; {load.rss_mb:.0f} MB; {load.kernel}{model}",
        )
    )


def xdotool(environment: dict[str, str], *arguments: object) -> str:
    done = subprocess.run(
        ["xdotool", *map(str, arguments)],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout


def _window(environment: dict[str, str], pid: int) -> str:
    return xdotool(environment, "search", "--onlyvisible", "--pid", pid).split()[-1]


def _freeze(environment: dict[str, str], pid: int) -> None:
    xdotool(environment, "windowfocus", "--sync", _window(environment, pid))
    xdotool(environment, "key", "space")


def _hide(environment: dict[str, str], pid: int) -> None:
    xdotool(environment, "windowunmap", _window(environment, pid))


PHASES: dict[str, Callable[[dict[str, str], int], None]] = {
    "running": lambda environment, pid: None,
    "frozen": _freeze,
    "hidden": _hide,
}


@contextmanager
def x11(size: str) -> Iterator[dict[str, str]]:
    with screen(size) as display:
        yield {"DISPLAY": display, "QT_QPA_PLATFORM": "xcb"}


_DISPLAYS = {"x11": x11, "wayland": weston}


def have_kernel() -> None:
    """Build and time the compiled kernel where that was not done, so that no phase does."""
    from visualizer.engine.keeper import KernelKeeper, KernelPlan
    from visualizer.mel.kernels import artifacts
    from visualizer.mel.presets import preset_for
    from visualizer.support.folders import cache_folder

    folder, front_end = cache_folder() / "kernels", preset_for(FRONT_END)
    keeper = KernelKeeper(KernelPlan("auto", folder), lambda offer: None)
    keeper.want(front_end, "cpu")
    artifact = artifacts.Artifact(front_end, 1, folder)
    give_up_at = time.monotonic() + _BUILD_S
    while not artifacts.timings(artifact)[1]:
        if time.monotonic() > give_up_at:
            raise RuntimeError("no kernel could be built")
        time.sleep(0.1)
    keeper.close()


if __name__ == "__main__":
    sys.exit(main())
