"""Python's garbage, where Qt's objects are among it."""

from __future__ import annotations

from pyqtgraph.util.garbage_collector import GarbageCollector

from visualizer.support.process import settle


def settle_here() -> GarbageCollector:
    """Like `settle`, but garbage is collected on this thread alone, which must be the GUI's.

    Qt takes its objects apart without asking Python: a collection that walks them on another
    thread meanwhile reads what is freed, and the process ends. Holds while what is returned lives.
    """
    settle()
    return GarbageCollector()
