"""Runs the program with its threads' names told to Linux, as Python itself does from 3.14 on.

Started as `python named_threads.py OPTIONS…`, which are those of `visualizer`.
"""

from __future__ import annotations

import runpy
import threading
from pathlib import Path


def main() -> None:
    start = threading.Thread.start

    def start_named(self: threading.Thread) -> None:
        start(self)
        Path(f"/proc/self/task/{self.native_id}/comm").write_text(self.name)

    threading.Thread.start = start_named  # type: ignore[method-assign]
    runpy.run_module("visualizer", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
