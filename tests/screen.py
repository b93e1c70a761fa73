"""A screen that nobody sees."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

DEADLINE_S = 20.0


@contextmanager
def screen(size: str = "1600x1000") -> Iterator[str]:
    """Start Xvfb; its display's name."""
    reader, writer = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writer), "-screen", "0", f"{size}x24", "-nolisten", "tcp"],
        pass_fds=(writer,),
        stderr=subprocess.DEVNULL,
    )
    os.close(writer)
    try:
        with os.fdopen(reader) as numbers:
            yield f":{numbers.readline().strip()}"
    finally:
        server.kill()
        server.wait()


@contextmanager
def window_manager(display: str, folder: Path) -> Iterator[None]:
    """Start openbox on a display, with its settings in a folder, and wait until it manages it."""
    ready = folder / "openbox-is-ready"
    manager = subprocess.Popen(
        ["openbox", "--startup", f"touch '{ready}'"],
        env={**os.environ, "DISPLAY": display, "HOME": str(folder), "XDG_CONFIG_HOME": str(folder)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        give_up_at = time.monotonic() + DEADLINE_S
        while not ready.exists():
            assert time.monotonic() < give_up_at, "openbox did not start"
            assert manager.poll() is None, "openbox ended"
            time.sleep(0.02)
        yield
    finally:
        manager.kill()
        manager.wait()
