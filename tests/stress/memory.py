"""How much memory the window takes, by part, and whether anything of CUDA is loaded.

    python -m tests.stress.memory [--rate 48000] [--channels 2] [--minutes 20] [--front-end simli]
        [--json FILE]

The window under Xvfb, at 1280x720, into which noise is piped as fast as it takes it, so that
minutes of history are there within seconds. It is looked at before the compiled kernel is there,
with it, and with the history. RSS is what is resident; of it, what is anonymous belongs to the
process alone, and pages of files are shared by all that use them. Linux alone. A compiled kernel is
taken from the user's own cache, or built first.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.screen import screen

_LOOK_MS, _SETTLE_MS = 200, 3000
_FEEDER = """
import sys
import numpy as np
rate, channels, seconds = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
noise = np.random.default_rng().normal(0.0, 0.1, (rate, channels)).astype(np.float32).tobytes()
sys.stdout.buffer.write(noise)
sys.stdout.buffer.flush()
sys.stdin.readline()
for _ in range(seconds):
    sys.stdout.buffer.write(noise)
sys.stdout.buffer.flush()
sys.stdin.readline()
"""
_CUDA = re.compile(r"/(?:nvidia/|lib(?:cu|nv|torch_cuda|c10_cuda|nccl))\S*")


@dataclass(frozen=True)
class Taken:
    """What a process takes, in MB of 10⁶ bytes, and the libraries of CUDA that it has loaded."""

    moment: str
    rss_mb: float
    anonymous_mb: float
    files_mb: float
    shared_mb: float
    """such as the picture that it shares with the X server"""
    cuda: tuple[str, ...]


def taken(moment: str, pid: int) -> Taken:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    kib = {name: int(n) for name, n in re.findall(r"(\w+):\s+(\d+) kB", status)}
    mb = [round(kib[name] * 1024 / 1e6, 1) for name in ("VmRSS", "RssAnon", "RssFile", "RssShmem")]
    maps = Path(f"/proc/{pid}/maps").read_text(encoding="utf-8")
    return Taken(moment, *mb, cuda=tuple(sorted(set(_CUDA.findall(maps)))))


def main() -> int:
    parser = argparse.ArgumentParser(description="what memory the window takes")
    parser.add_argument("--rate", type=int, default=48_000)
    parser.add_argument("--channels", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--front-end", default="simli")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, screen() as display:
        os.environ |= {"DISPLAY": display, "XDG_CONFIG_HOME": folder, "QT_QPA_PLATFORM": "xcb"}
        results = measure(
            arguments.front_end, arguments.rate, arguments.channels, round(arguments.minutes * 60)
        )
    print(f"{'MB':28} {'RSS':>7} {'anonymous':>10} {'files':>7} {'shared':>7}")
    for one in results:
        print(
            f"{one.moment:28} {one.rss_mb:7.0f} {one.anonymous_mb:10.0f} {one.files_mb:7.0f} "
            f"{one.shared_mb:7.0f}"
        )
    loaded = sorted({library for one in results for library in one.cuda})
    print("of CUDA:", ", ".join(loaded) or "nothing")
    if arguments.json:
        figures = [asdict(one) for one in results]
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return 0


def measure(front_end: str, rate: int, channels: int, seconds: int) -> list[Taken]:
    """Run the window in this process; return what it took at each moment."""
    from PyQt6.QtCore import QTimer

    from visualizer.audio.capture import CaptureConfig
    from visualizer.engine.config import EngineConfig
    from visualizer.engine.engine import Engine
    from visualizer.engine.keeper import LONG_TRANSFORM
    from visualizer.engine.options import RunOptions, kernel_plan
    from visualizer.support.process import begin
    from visualizer.ui.app import make_application
    from visualizer.ui.controls.settings import Settings
    from visualizer.ui.garbage import settle_here
    from visualizer.ui.window import Window

    begin()
    application = make_application(["memory"])
    feeder = subprocess.Popen(
        [sys.executable, "-c", _FEEDER, str(rate), str(channels), str(seconds)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert feeder.stdin is not None
    assert feeder.stdout is not None
    os.dup2(feeder.stdout.fileno(), 0)
    capture = CaptureConfig("pipe", sample_rate=rate, sample_format="f32", channels=channels)
    # A device that was chosen has the compiled kernel, whether or not NumPy is faster here.
    config = EngineConfig(capture, preset=front_end, compute="cpu")
    window = Window(
        lambda on_update: Engine(config, (), on_update, kernels=kernel_plan(RunOptions())),
        Settings(),
    )
    window.resize(1280, 720)
    results: list[Taken] = []
    collectors: list[object] = []

    def note(moment: str) -> None:
        results.append(taken(moment, os.getpid()))

    def begin_there() -> None:
        collectors.append(settle_here())
        note("at the first column")

    def go_on() -> None:
        """Note what is next, once it is so and has settled."""
        status = window.engine_status()
        if status is None or status.sound is None or not results:
            return
        if len(results) == 1 and (
            status.backend == "compiled" or status.kernel_note == LONG_TRANSFORM
        ):
            looks.stop()
            QTimer.singleShot(_SETTLE_MS, feed)
        elif len(results) == 2 and status.sound.end >= seconds * rate:
            looks.stop()
            QTimer.singleShot(_SETTLE_MS, finish)

    def feed() -> None:
        status = window.engine_status()
        assert status is not None
        note(f"with the kernel {status.backend}")
        looks.start(_LOOK_MS)
        feeder.stdin.write("\n")
        feeder.stdin.flush()

    def finish() -> None:
        note(f"with {seconds / 60:g} minutes of history")
        application.quit()

    window.first_column.connect(begin_there)
    looks = QTimer()
    looks.timeout.connect(go_on)
    looks.start(_LOOK_MS)
    window.show()
    application.exec()
    window.close()
    feeder.kill()
    feeder.wait()
    return results


if __name__ == "__main__":
    sys.exit(main())
