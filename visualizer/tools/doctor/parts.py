"""The table of checks, and the process in which each part of it runs.

`python -m visualizer.tools.doctor.parts PART` makes the checks of one part, one after the other.
Each finding is a line of JSON on standard output as soon as it is known, so that what comes before
a crash stays said. After a problem the part ends: what follows needs what has failed.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import NoReturn

from visualizer.tools.doctor import machine, packages
from visualizer.tools.doctor.check import Check, reinstall, sound_remedy


@dataclass(frozen=True)
class Part:
    """Checks that share a process."""

    limit_s: float
    """Reading torch from a slow disk takes long."""
    checks: dict[str, Callable[[], Check]]
    remedy: Callable[[], str | None] = lambda: None
    """what helps where the process crashes or hangs"""


def _self_check() -> Check:
    from visualizer.tools.doctor.self_check import judge, listen

    capture = listen()
    return replace(judge(capture), figures=capture)


PARTS = {
    "torch": Part(
        60.0,
        {
            "torch": packages.look_at_torch,
            "CUDA": packages.look_at_cuda,
            "MPS": packages.look_at_mps,
            "kernel cache": packages.look_at_kernel_cache,
            "torchaudio": packages.look_at_torchaudio,
        },
        partial(reinstall, "torch", "torchaudio"),
    ),
    "compiler": Part(15.0, {"C++ compiler": machine.look_at_compiler}),
    "disk": Part(15.0, {"disk space": machine.look_at_disk}),
    "qt": Part(
        30.0,
        {"Qt": packages.look_at_qt},
        partial(reinstall, "PyQt6", "PyQt6-Qt6", "pyqtgraph"),
    ),
    "settings": Part(15.0, {"settings": packages.look_at_settings}),
    "libraries": Part(15.0, {"Qt's libraries": machine.look_at_qt_libraries}),
    "display": Part(
        15.0,
        {"display": machine.look_at_display},
        lambda: "start it in a desktop session or under `xvfb-run`",
    ),
    "sound": Part(15.0, {"PortAudio": machine.look_at_portaudio}),
    "microphones": Part(10.0, {"microphones": machine.look_at_microphones}, sound_remedy),
    "capture": Part(60.0, {"self-check": _self_check}, sound_remedy),
}
"""In the order of the report."""


def main() -> NoReturn:
    results = os.fdopen(os.dup(1), "w", encoding="utf-8")
    # What libraries print must not come between.
    os.dup2(2, 1)
    (part,) = sys.argv[1:]
    for name, look in PARTS[part].checks.items():
        check = look()
        print(json.dumps({"name": name, **asdict(check)}), file=results, flush=True)
        if check.state == "problem":
            break
    # What libraries do at the end, and may hang in, is not waited for.
    os._exit(0)


if __name__ == "__main__":
    main()
