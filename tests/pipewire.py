"""PipeWire with WirePlumber, as a sound server of the tests' own that speaks PulseAudio's protocol.

Its Debian packages change a machine's ALSA and remove PulseAudio, so it runs from a folder into
which they were only unpacked; see CONTRIBUTING.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.needs import pipewire_root
from tests.sound import DEADLINE_S, SERVER_RATE_HZ, SINKS, SoundServer, null_sink


class PipeWireServer(SoundServer):
    """PipeWire, WirePlumber, pipewire-pulse and a session bus, in folders of their own."""

    def __init__(self, folder: Path, graph_rate: int) -> None:
        super().__init__(folder, folder / "pulse" / "native")
        root = pipewire_root()
        assert root is not None
        library = next(root.glob("usr/lib/*/pipewire-0.3")).parent
        self._programs = root / "usr" / "bin"
        # Else it would open its socket where the variables of another server of the tests say.
        inherited = {name: v for name, v in os.environ.items() if not name.startswith("PULSE_")}
        self._environment = inherited | {
            **dict.fromkeys(("HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME"), str(folder)),
            "XDG_STATE_HOME": str(folder / "state"),
            "DBUS_SESSION_BUS_ADDRESS": f"unix:path={folder / 'bus'}",
            "LD_LIBRARY_PATH": str(library),
            "SPA_PLUGIN_DIR": str(library / "spa-0.2"),
            "PIPEWIRE_MODULE_DIR": str(library / "pipewire-0.3"),
            "PIPEWIRE_CONFIG_DIR": str(folder / "pipewire-config"),
            "WIREPLUMBER_MODULE_DIR": str(next(library.glob("wireplumber-*"))),
            "WIREPLUMBER_CONFIG_DIR": str(root / "usr/share/wireplumber"),
            "WIREPLUMBER_DATA_DIR": str(root / "usr/share/wireplumber"),
        }
        shutil.copytree(root / "usr/share/pipewire", folder / "pipewire-config")
        more = folder / "pipewire-config" / "pipewire.conf.d"
        more.mkdir(exist_ok=True)
        rate = f"context.properties = {{ default.clock.rate = {graph_rate} }}\n"
        (more / "rate.conf").write_text(rate)
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Start all of it, and wait until it answers."""
        bus, pipewire = self.folder / "bus", self.folder / "pipewire-0"
        address = self._environment["DBUS_SESSION_BUS_ADDRESS"]
        self._begin(["dbus-daemon", "--session", "--nofork", "--address", address], bus.exists)
        self._begin([self._programs / "pipewire"], pipewire.exists)
        self._begin(
            [self._programs / "pipewire-pulse"],
            lambda: self.pactl("info", check=False).returncode == 0,
        )
        self._begin([self._programs / "wireplumber"], self._has_sinks)
        for sink in SINKS:
            self.pactl("load-module", *null_sink(sink).split())
        # WirePlumber, which takes the choice, may not be ready for it yet.
        self._wait(self._has_chosen, "the choice of a default")

    def _has_sinks(self) -> bool:
        """Whether WirePlumber has made its first."""
        return bool(self.pactl("list", "short", "sinks", check=False).stdout)

    def _has_chosen(self) -> bool:
        with suppress(subprocess.CalledProcessError):
            self.choose_defaults()
            return True
        return False

    def stop(self) -> None:
        """End it at once, as a crash would."""
        for process in reversed(self._processes):
            process.kill()
            process.wait()
        self._processes.clear()

    def _begin(self, command: list[Path | str], is_up: Callable[[], bool]) -> None:
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                command, env=self._environment, stdout=log, stderr=log, start_new_session=True
            )
        self._processes.append(process)
        self._wait(is_up, str(command[0]))

    def _wait(self, is_up: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while not is_up():
            ended = [process for process in self._processes if process.poll() is not None]
            assert not ended, (self.folder / "log").read_text()
            if time.monotonic() > deadline:
                raise TimeoutError(f"{what} does not come up")
            time.sleep(0.02)


@contextmanager
def running_pipewire(folder: Path, graph_rate: int = SERVER_RATE_HZ) -> Iterator[PipeWireServer]:
    server = PipeWireServer(folder, graph_rate)
    try:
        server.start()
        yield server
    finally:
        server.stop()
