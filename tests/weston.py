"""A Wayland desktop that nobody sees.

with weston("1600x1000") as environment:
    subprocess.run([...], env={**os.environ, **environment})
"""

from __future__ import annotations

import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

DEADLINE_S = 20.0


@contextmanager
def weston(size: str = "1600x1000") -> Iterator[dict[str, str]]:
    """Start Weston's headless backend, which refreshes 60 times a second.

    Its configuration, its socket and its runtime folder are its own, so that programs started with
    the variables it yields find it and nothing of the user's desktop; their sound server and their
    own runtime folder stay as they are.

    It composes the windows with the processor, as desktops do with a graphics card: only what
    changed of them. Without a renderer, its default, it would read each byte of a whole window,
    one by one, each time that some of it changes: 8 ms for one of 1280×720.

    Args:
        size: of the screen, in pixels.

    Yields:
        WAYLAND_DISPLAY and QT_QPA_PLATFORM, for the environment of a program to be shown there.
    """
    width, height = size.split("x")
    with tempfile.TemporaryDirectory(prefix="weston-") as folder:
        path = Path(folder, "wayland-0")
        command = [
            "weston",
            "--no-config",
            "--backend=headless-backend.so",
            "--use-pixman",
            f"--width={width}",
            f"--height={height}",
            f"--socket={path.name}",
            f"--log={folder}/log",
            "--idle-time=0",
            # Lets any program take screenshots.
            "--debug",
        ]
        server = subprocess.Popen(
            command,
            env={"PATH": "/usr/bin:/bin", "HOME": folder, "XDG_RUNTIME_DIR": folder},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            give_up_at = time.monotonic() + DEADLINE_S
            while not _answers(path):
                assert time.monotonic() < give_up_at, "Weston did not start"
                assert server.poll() is None, f"Weston ended: {Path(folder, 'log').read_text()}"
                time.sleep(0.02)
            yield {"WAYLAND_DISPLAY": str(path), "QT_QPA_PLATFORM": "wayland"}
        finally:
            server.terminate()
            server.wait()


def shot(environment: dict[str, str], folder: Path) -> Path:
    """Take a picture of the whole screen; return the new PNG file."""
    before = set(folder.glob("*.png"))
    subprocess.run(
        ["weston-screenshooter"],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "XDG_PICTURES_DIR": str(folder), **environment},
        stdout=subprocess.DEVNULL,
        check=True,
        timeout=DEADLINE_S,
    )
    [new] = set(folder.glob("*.png")) - before
    return new


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(str(path))
        except OSError:
            return False
    return True
