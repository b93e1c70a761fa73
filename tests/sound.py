"""A PulseAudio server of the tests' own, with null sinks whose monitors are microphones."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import soundfile

SINKS = ("sink_a", "sink_b")
SERVER_RATE_HZ = 48_000
DEADLINE_S = 20.0


class SoundServer:
    """Runs in folders of its own. ALSA knows the monitors of its sinks as mic_a and mic_b.

    What runs with `environment` plays to it and records from it.
    """

    def __init__(self, folder: Path, socket: Path | None = None) -> None:
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None
        self._socket = socket or folder / "socket"
        alsa = folder / "alsa.conf"
        devices = "".join(
            f'pcm.mic_{s[-1]} {{ type pulse device "{s}.monitor" hint {{ show on }} }}\n'
            for s in SINKS
        )
        # Nothing but these, so that the user's sound cards stay out of them.
        alsa.write_text(devices + "pcm.!default { type pulse }\nctl.!default { type pulse }\n")
        self.environment = {
            "PULSE_SERVER": f"unix:{self._socket}",
            "PULSE_RUNTIME_PATH": str(folder),
            "PULSE_STATE_PATH": str(folder),
            "PULSE_COOKIE": str(folder / "cookie"),
            "ALSA_CONFIG_PATH": str(alsa),
            "LC_ALL": "C.UTF-8",
        }

    def start(self) -> None:
        """Start, and wait until it answers."""
        modules = [f"module-native-protocol-unix auth-anonymous=1 socket={self._socket}"]
        modules += [null_sink(sink) for sink in SINKS]
        command = ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1"]
        command += ["--use-pid-file=no"]
        command += [part for module in modules for part in ("-L", module)]
        quiet = {"HOME": str(self.folder), "XDG_RUNTIME_DIR": str(self.folder)}
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                command, env=os.environ | quiet | self.environment, stderr=log
            )
        deadline = time.monotonic() + DEADLINE_S
        while self.pactl("info", check=False).returncode != 0:
            assert self.process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < deadline, "PulseAudio does not answer"
        self.choose_defaults()

    def choose_defaults(self) -> None:
        self.pactl("set-default-sink", SINKS[0])
        self.pactl("set-default-source", f"{SINKS[0]}.monitor")

    def stop(self) -> None:
        """End it at once, as a crash would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def pactl(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """One order to the server, and its answer."""
        return subprocess.run(
            ["pactl", *arguments],
            env=os.environ | self.environment,
            capture_output=True,
            text=True,
            check=check,
        )

    @contextmanager
    def sink(
        self, name: str, description: str, channels: int = 2, channel_map: str = ""
    ) -> Iterator[None]:
        """Another null sink, with its monitor, for a while.

        Its `channel_map` names the positions, with commas; without one they are the server's own.
        """
        properties = f"sink_properties=\"device.description='{description}'\""
        arguments = [f"sink_name={name}", f"rate={SERVER_RATE_HZ}", f"channels={channels}"]
        arguments += ["format=float32le", "norewinds=1", properties]
        arguments += [f"channel_map={channel_map}"] if channel_map else []
        module = self.pactl("load-module", "module-null-sink", *arguments).stdout.strip()
        try:
            yield
        finally:
            self.pactl("unload-module", module)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """The server answers nobody for a while."""
        self.signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.signal(signal.SIGCONT)

    def play(self, samples: np.ndarray, sink: str) -> subprocess.Popen[bytes]:
        """Play (n_samples, 2) at the server's rate into a sink."""
        path = self.folder / f"{sink}.wav"
        soundfile.write(path, samples, SERVER_RATE_HZ, subtype="FLOAT")
        return subprocess.Popen(
            ["paplay", f"--device={sink}", str(path)], env=os.environ | self.environment
        )

    def play_as_they_are(
        self, samples: np.ndarray, sink: str, positions: Sequence[str]
    ) -> subprocess.Popen[bytes]:
        """Play (n_samples, n_channels) at the server's rate into the channels of a sink."""
        path = self.folder / f"{sink}.raw"
        path.write_bytes(samples.astype("<f4").tobytes())
        command = ["pacat", "--raw", f"--device={sink}", f"--rate={SERVER_RATE_HZ}"]
        command += ["--format=float32le", f"--channels={len(positions)}"]
        command += [f"--channel-map={','.join(positions)}", str(path)]
        return subprocess.Popen(command, env=os.environ | self.environment)


def null_sink(name: str) -> str:
    """A module and its arguments, as they stand on PulseAudio's command line."""
    return (
        f"module-null-sink sink_name={name} rate={SERVER_RATE_HZ} channels=2 format=float32le "
        "norewinds=1"
    )


@contextmanager
def running_server(folder: Path) -> Iterator[SoundServer]:
    server = SoundServer(folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()
