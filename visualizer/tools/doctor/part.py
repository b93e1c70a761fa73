"""One part of the doctor, in a process of its own: `python -m visualizer.tools.doctor.part NAME`.

Each finding is a line of JSON on standard output as soon as it is known: {"check": {...}}, and
{"capture": {...}} for the figures of the self-check. What comes before a crash stays said.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any, NoReturn

from visualizer.tools.doctor import machine, packages
from visualizer.tools.doctor.check import Check

LOOKS: dict[str, Callable[[], Iterator[Check]]] = {
    "torch": packages.look_at_torch,
    "qt": packages.look_at_qt,
    "system": machine.look_at_system,
    "display": machine.look_at_display,
    "microphones": machine.look_at_microphones,
}


def main() -> NoReturn:
    results = os.fdopen(os.dup(1), "w", encoding="utf-8")
    # What libraries print must not come between.
    os.dup2(2, 1)

    def say(**result: Any) -> None:
        print(json.dumps(result), file=results, flush=True)

    (part,) = sys.argv[1:]
    if part == "capture":
        from visualizer.tools.doctor.self_check import judge, listen

        capture = listen()
        say(capture=capture)
        say(check=asdict(judge(capture)))
    else:
        for check in LOOKS[part]():
            say(check=asdict(check))
    # What libraries do at the end, and may hang in, is not waited for.
    os._exit(0)


if __name__ == "__main__":
    main()
