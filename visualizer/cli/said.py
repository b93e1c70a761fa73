"""What is told in lines beside the output, and what was told last of a source."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress

from visualizer.engine.status import EngineStatus


class Said:
    """Remembers the fault and the note that were told, so that each is told once."""

    def __init__(self) -> None:
        self._fault: str | None = None
        self._note = ""
        self._is_slow = False

    def news(self, status: EngineStatus) -> str | None:
        """Return the line that is to be told now, or None."""
        if status.state not in ("running", "waiting"):
            return None
        fault, note = status.fault, status.note
        before, self._fault = (self._fault, self._note), fault
        # A source that is away has the note that it had.
        if fault is None:
            self._note = note
        if fault is not None:
            return fault if fault != before[0] else None
        was_slow, self._is_slow = self._is_slow, bool(status.slow_text)
        if was_slow and not self._is_slow:
            return "the kernel keeps up"
        if note and note != before[1]:
            return note
        return None if before[0] is None else "it goes on"


def say(line: str) -> None:
    """Print a line to standard error, which nobody need read."""
    with suppress(OSError):
        print(f"visualizer: {line}", file=sys.stderr)


def saying_once() -> Callable[[str], None]:
    """Return a `say` that keeps to itself what it said before."""
    said: set[str] = set()

    def once(line: str) -> None:
        if line not in said:
            said.add(line)
            say(line)

    return once
