"""Makes every check, each part in a process of its own with a deadline, and tells what was found.

A frozen sound server hangs what talks to it, and a broken library or sound configuration ends the
whole process: here that is a finding like any other. One thread; the processes run side by side.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict
from tempfile import TemporaryFile
from typing import IO, Any

from visualizer._version import __version__
from visualizer.support.children import end, how_it_ended, own_command, own_environment
from visualizer.tools.doctor.check import Check
from visualizer.tools.doctor.parts import PARTS, Part

_STATE_WIDTH, _NAME_WIDTH = len("problem"), len("Qt's libraries")


def examine(listen: bool) -> Generator[tuple[str, Check], None, None]:
    """Look at everything, and with `listen` also try the default microphone.

    Gives each name and finding in the report's order, as soon as those before it are known.
    """
    is_heard = False
    with ExitStack() as processes:
        parts = {name: part for name, part in PARTS.items() if name != "capture"}
        asked = [processes.enter_context(_asked(name, part)) for name, part in parts.items()]
        where = f"{platform.python_version()} ({sys.executable}) on {platform.platform()}"
        yield "Python", Check("ok", where)
        for answers in asked:
            for name, check in answers().items():
                yield name, check
                is_heard |= name == "microphones" and check.state == "ok"
    if listen and not is_heard:
        yield "self-check", Check("note", "not tried, since there is no microphone to try")
    elif listen:
        # By itself, so that the others do not hold it up.
        with _asked("capture", PARTS["capture"]) as answers:
            yield from answers().items()


def problems(checks: dict[str, Check]) -> list[str]:
    """Return the names of what keeps the program from all that it is for."""
    return [name for name, check in checks.items() if check.state == "problem"]


def report(checks: dict[str, Check]) -> dict[str, Any]:
    """Return plain JSON values; the figures are those of the self-check, where there was one."""
    rows = [{"name": name, **asdict(check)} for name, check in checks.items()]
    figures = [row.pop("figures") for row in rows]
    capture = next(filter(None, figures), None)
    ok = not problems(checks)
    return {"version": __version__, "ok": ok, "checks": rows, "capture": capture}


@contextmanager
def _asked(name: str, part: Part) -> Iterator[Callable[[], dict[str, Check]]]:
    """Start the process of a part; what it gives waits for the findings. It ends with the block."""
    # What it prints goes into files, since a full pipe would hold it up.
    with TemporaryFile() as said, TemporaryFile() as errors:
        process = subprocess.Popen(
            own_command("visualizer.tools.doctor.parts", name),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=errors,
            env=own_environment(),
            # A group of its own, so that what it starts ends with it.
            start_new_session=True,
        )
        deadline = time.monotonic() + part.limit_s
        try:
            yield lambda: _answers(part, said, _trouble(part, process, deadline, errors))
        finally:
            _end(process)


def _answers(part: Part, said: IO[bytes], trouble: str | None) -> dict[str, Check]:
    """Return a finding for each of the part's checks, of which some were said before a trouble."""
    said.seek(0)
    lines = [json.loads(line) for line in said if line.endswith(b"\n")]
    answers = {line.pop("name"): Check(**line) for line in lines}
    failed = next(reversed(answers), "")
    for name in part.checks:
        if name in answers:
            continue
        if trouble is not None:
            # It got so far.
            answers[name] = Check("problem", trouble, part.remedy())
            failed, trouble = name, None
        else:
            answers[name] = Check("note", f"not looked at, since {failed} failed")
    return answers


def _trouble(
    part: Part, process: subprocess.Popen[bytes], deadline: float, errors: IO[bytes]
) -> str | None:
    """Wait until the process has ended or its time is over; return what went wrong."""
    try:
        code = process.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        _end(process)
        return f"does not answer within {part.limit_s:.0f} s"
    errors.seek(0)
    last = errors.read().decode(errors="replace").strip().rpartition("\n")[2]
    return f"ended {how_it_ended(code)}{last and f': {last}'}" if code else None


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process, whatever it does."""
    end(process)
    # One that the kernel itself holds up is left to it.
    with suppress(subprocess.TimeoutExpired):
        process.wait(1.0)


def describe(name: str, check: Check) -> str:
    """Return a finding as aligned lines."""
    first, *others = check.value.splitlines()
    indent = " " * (_STATE_WIDTH + _NAME_WIDTH + 4)
    lines = [f"{check.state:<{_STATE_WIDTH}}  {name:<{_NAME_WIDTH}}  {first}"]
    lines += [indent + line for line in others]
    if check.remedy:
        lines.append(f"{indent}what to do: {check.remedy}")
    return "\n".join(lines)
