"""Asks every part, each in a process of its own with a deadline, and tells what was found.

A frozen sound server hangs what talks to it, and a broken library or sound configuration ends the
whole process: here that is a finding like any other. One thread; the processes run side by side.
"""

from __future__ import annotations

import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import IO, Any

from visualizer._version import __version__
from visualizer.support.children import own_command, own_environment
from visualizer.tools.doctor.check import Check, mend_sound, reinstall

_STATE_WIDTH, _NAME_WIDTH = len("lacking"), len("Qt's libraries")


@dataclass(frozen=True)
class Part:
    """What one process looks at."""

    name: str
    limit_s: float
    checks: tuple[str, ...]
    """the names of what it finds, in its order"""
    mend: str | None
    """what helps where it crashes or hangs"""


@dataclass(frozen=True)
class Examination:
    """All that was found."""

    checks: tuple[Check, ...]
    capture: dict[str, Any] | None
    """the figures of the self-check, where there was one"""

    @property
    def lacking(self) -> list[str]:
        """The names of what the app lacks."""
        return [check.name for check in self.checks if check.state == "lacking"]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "version": __version__,
            "ok": not self.lacking,
            "checks": [asdict(check) for check in self.checks],
            "capture": self.capture,
        }


ORDER = (
    "torch",
    "CUDA",
    "MPS",
    "torchaudio",
    "Qt",
    "Qt's libraries",
    "display",
    "PortAudio",
    "microphones",
    "C++ compiler",
    "kernel cache",
    "disk space",
    "settings",
)


def parts() -> tuple[Part, ...]:
    """What runs side by side. Reading torch from a slow disk takes long, hence its limit."""
    of_torch = ("torch", "CUDA", "MPS", "kernel cache", "torchaudio")
    of_system = ("Qt's libraries", "PortAudio", "C++ compiler", "disk space")
    return (
        Part("torch", 60.0, of_torch, reinstall("torch", "torchaudio")),
        Part("qt", 30.0, ("Qt", "settings"), reinstall("PyQt6", "PyQt6-Qt6", "pyqtgraph")),
        Part("system", 15.0, of_system, None),
        Part("display", 15.0, ("display",), "start it in a desktop session or under `xvfb-run`"),
        Part("microphones", 10.0, ("microphones",), mend_sound()),
    )


def self_check() -> Part:
    """Runs by itself, so that the others do not hold it up."""
    return Part("capture", 60.0, ("self-check",), mend_sound())


def examine(listen: bool, on_check: Callable[[Check], None]) -> Examination:
    """Look at everything, and with `listen` also try the default microphone.

    `on_check` is told each finding, in the report's order, as soon as those before it are known.
    """
    found: list[Check] = []
    capture = None

    def tell(check: Check) -> None:
        found.append(check)
        on_check(check)

    with ExitStack() as processes:
        asked = [processes.enter_context(_asked(part)) for part in parts()]
        where = f"{platform.python_version()} ({sys.executable}) on {platform.platform()}"
        tell(Check("Python", "ok", where))
        who = {name: one for one in asked for name in one.part.checks}
        for name in ORDER:
            tell(who[name].answers[name])
    if listen:
        if not any(check.name == "microphones" and check.state == "ok" for check in found):
            tell(Check("self-check", "note", "not tried, since there is no microphone to try"))
        else:
            with _asked(self_check()) as last:
                tell(last.answers["self-check"])
                capture = last.capture
    return Examination(tuple(found), capture)


class _Asked:
    """A part's process, and what it has answered when it ended or its time was over."""

    def __init__(self, part: Part, said: IO[bytes], errors: IO[bytes]) -> None:
        """Start it. What it prints goes into files, since a full pipe would hold it up."""
        self.part = part
        self._said, self._errors = said, errors
        self._process = subprocess.Popen(
            own_command("visualizer.tools.doctor.part", part.name),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=errors,
            env=own_environment(),
            # A group of its own, so that what it starts ends with it.
            start_new_session=True,
        )
        self._deadline = time.monotonic() + part.limit_s

    def end(self) -> None:
        """End the process, whatever it does."""
        if sys.platform == "win32":
            self._process.kill()
        else:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        # One that the kernel itself holds up is left to it.
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(1.0)

    @cached_property
    def answers(self) -> dict[str, Check]:
        """A finding for each of the part's checks; waits for them."""
        trouble = self._trouble()
        said = (Check(**line["check"]) for line in self._lines() if "check" in line)
        answers = {check.name: check for check in said}
        unanswered = [name for name in self.part.checks if name not in answers]
        if trouble is not None and unanswered:
            # It got so far.
            culprit = unanswered.pop(0)
            answers[culprit] = Check(culprit, "lacking", trouble, self.part.mend)
        before = next(reversed(answers), "")
        for name in unanswered:
            answers[name] = Check(name, "note", f"not looked at, since {before} failed")
        return answers

    @property
    def capture(self) -> dict[str, Any] | None:
        """The figures of the self-check, where it got so far."""
        return next((line["capture"] for line in self._lines() if "capture" in line), None)

    def _trouble(self) -> str | None:
        """Why the process did not end as it should, in words."""
        try:
            code = self._process.wait(max(0.0, self._deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.end()
            return f"does not answer within {self.part.limit_s:.0f} s"
        if code == 0:
            return None
        self._errors.seek(0)
        last = self._errors.read().decode(errors="replace").strip().rpartition("\n")[2]
        how = f"by signal {-code} ({signal.strsignal(-code)})" if code < 0 else f"with code {code}"
        return f"ended {how}{last and f': {last}'}"

    def _lines(self) -> list[dict[str, Any]]:
        self._said.seek(0)
        return [json.loads(line) for line in self._said if line.endswith(b"\n")]


@contextmanager
def _asked(part: Part) -> Iterator[_Asked]:
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as errors:
        asked = _Asked(part, said, errors)
        try:
            yield asked
        finally:
            asked.end()


def describe(check: Check) -> str:
    """A finding as aligned lines."""
    first, *others = check.value.splitlines()
    indent = " " * (_STATE_WIDTH + _NAME_WIDTH + 4)
    lines = [f"{check.state:<{_STATE_WIDTH}}  {check.name:<{_NAME_WIDTH}}  {first}"]
    lines += [indent + line for line in others]
    if check.mend:
        lines.append(f"{indent}to mend it: {check.mend}")
    return "\n".join(lines)
