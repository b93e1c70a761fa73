"""Columns on their way from the worker to its reader."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import suppress

from visualizer.engine.columns import MelColumns

OUTBOX_LENGTH = 4096
"""Deliveries, mostly of one column, kept for a reader that stalls.

Then the oldest are dropped, and counted; but what can wait, a file, is taken no further.
"""


class Outbox:
    """The worker puts and asks for room, one other thread takes; neither waits for the other."""

    def __init__(self, on_room: Callable[[], None]) -> None:
        """`on_room` is called on the reader's thread, once there is room that was asked for."""
        self._on_room = on_room
        self._deliveries: deque[MelColumns] = deque()
        self._is_asked = False

    def put(self, columns: MelColumns) -> int:
        """Add these; return how many columns were dropped for them."""
        self._deliveries.append(columns)
        dropped = 0
        while len(self._deliveries) > OUTBOX_LENGTH:
            # The reader may have taken all meanwhile.
            with suppress(IndexError):
                dropped += self._deliveries.popleft().n_columns
        return dropped

    def has_room(self) -> bool:
        """Whether nothing would be dropped for more; if not, the reader calls `on_room`."""
        # Before the look, so that no reader comes between the two.
        self._is_asked = True
        if len(self._deliveries) >= OUTBOX_LENGTH:
            return False
        self._is_asked = False
        return True

    def take(self) -> list[MelColumns]:
        """All that came since the last call, oldest first."""
        taken = []
        while self._deliveries:
            taken.append(self._deliveries.popleft())
        if self._is_asked:
            self._is_asked = False
            self._on_room()
        return taken
