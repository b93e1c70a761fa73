"""What there is to record from, of a real sound server that changes and freezes."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from tests.conftest import DEADLINE_S, ROOT, Finished, SoundServer
from tests.real.test_capture import listening, tone
from visualizer.audio.capture import CaptureConfig
from visualizer.audio.listing import accepted_rates, list_devices
from visualizer.audio.portaudio import rescan

SERVER = "PulseAudio"


class Watch:
    """`visualizer devices --watch`, and the lists that it has written."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "visualizer", "devices", "--watch"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        self._messages: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._messages.put(json.loads(line))

    def message(self) -> dict[str, Any]:
        return self._messages.get(timeout=DEADLINE_S)

    def devices(self) -> dict[str, dict[str, Any]]:
        """The next list, by names."""
        while "devices" not in (message := self.message()):
            assert message.keys() == {"listing"}
        return {d["name"]: d for d in message["devices"]}

    def ask(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()


@pytest.fixture
def watch(sound_server: SoundServer) -> Iterator[Watch]:
    watch = Watch()
    yield watch
    assert watch.process.stdin is not None
    watch.process.stdin.close()
    # Not killed in the midst of a list, which could lock JACK's database.
    watch.process.wait(DEADLINE_S)


def watchers_of(pid: int) -> list[psutil.Process]:
    return [c for c in psutil.Process(pid).children() if "--watch" in c.cmdline()]


def loudest_hz(capture: CaptureConfig) -> tuple[float, float]:
    """The edges of the band in which a device's sound is loudest, Hz."""
    with listening(capture) as ears:
        status = ears.until(120)
    assert status.fault is None
    assert status.source is not None
    assert (status.source.name, status.source.host_api) == (capture.device, capture.host_api)
    assert status.mel is not None
    heard = np.concatenate(ears.columns, axis=1)[:, -40:].mean(axis=1)
    assert heard.max() > 0.01
    band = int(heard.argmax())
    low, high = status.mel.rows.edges_hz[[band, band + 2]]
    return float(low), float(high)


def test_what_the_speakers_play_is_listed(sound_server: SoundServer) -> None:
    with sound_server.sink("speakers", "Küche <b>&amp;</b>"):
        rescan()
        devices = list_devices().devices
    [kitchen] = [d for d in devices if d.name.startswith("Küche")]
    assert kitchen.name == "Küche <b>&amp;</b> (what it plays)"
    assert kitchen.server_source == "speakers.monitor"
    assert (kitchen.host_api, kitchen.channels, kitchen.is_default) == (SERVER, 2, False)
    assert {8000, 16_000, 44_100, 192_000} <= set(accepted_rates(kitchen))
    # The names of the two that are always there are the same but for that.
    names = [d.name for d in devices if d.host_api == SERVER]
    assert names[:2] == ["Null Output (what it plays)", "Null Output (what it plays) #2"]
    assert [d.index for d in devices] == sorted({d.index for d in devices})
    assert [d.name for d in devices if d.is_default] == ["default"]


def test_each_speaker_is_heard_by_its_name(sound_server: SoundServer) -> None:
    with (
        sound_server.sink("speakers", "Speakers"),
        sound_server.sink("headphones", "Headphones"),
        tone(sound_server, "speakers", 700.0),
        tone(sound_server, "headphones", 3000.0),
    ):
        for name, hertz in (("Headphones", 3000.0), ("Speakers", 700.0)):
            low, high = loudest_hz(CaptureConfig("mic", f"{name} (what it plays)", SERVER))
            assert low < hertz < high
    assert "PULSE_SOURCE" not in os.environ


def test_of_two_with_one_name_the_second_is_heard(sound_server: SoundServer) -> None:
    with tone(sound_server, "sink_b", 3000.0):
        low, high = loudest_hz(CaptureConfig("mic", "Null Output (what it plays) #2", SERVER))
    assert low < 3000.0 < high


def test_another_source_is_never_taken_for_the_one_that_was_named(
    sound_server: SoundServer, program: Callable[..., Finished], tmp_path: Path
) -> None:
    elsewhere = tmp_path / "alsa.conf"
    elsewhere.write_text('pcm.!default { type pulse device "sink_a.monitor" }\n')
    name = "Null Output (what it plays) #2"
    done = program(
        *("--headless", "--device", name, "--duration", 1),
        env={"ALSA_CONFIG_PATH": str(elsewhere)},
    )
    assert done.code == 2
    assert f"{name!r} is not what ALSA's device 'default' records; install" in done.err


def test_strange_names_are_listed_or_counted(
    sound_server: SoundServer, program: Callable[..., Finished], tmp_path: Path
) -> None:
    configuration = tmp_path / "alsa.conf"
    long, strange = "x" * 300, b"pcm.'%s' { type pulse hint { show on } }\n"
    names = [long.encode(), b"B\xfcro", b"[bold]<i>a</i>", b"two  words", b"two words", b"\xff"]
    configuration.write_bytes(b"".join(strange % n for n in names) + b"pcm.!default pulse\n")
    env = {"ALSA_CONFIG_PATH": str(configuration)}
    done = program("devices", env=env)
    assert done.err == "2 devices with unreadable names are left out\n"
    assert done.out.startswith("  ALSA\n")
    for name in (long, "[bold]<i>a</i>", "two words", "two words #2"):
        assert f"  {name}  (32 ch, 44100 Hz" in done.out
    rows = json.loads(program("devices", "--json", env=env).out)
    assert [r["name"] for r in rows][:4] == [long, "[bold]<i>a</i>", "two words", "two words #2"]


def test_the_table_is_grouped_and_marks_the_default(
    sound_server: SoundServer, program: Callable[..., Finished]
) -> None:
    lines = program("devices").out.splitlines()
    groups = [line for line in lines if not line.startswith("   ")]
    assert groups == ["  ALSA", f"  {SERVER}"]
    [default] = [line for line in lines if "system default" in line]
    assert "default → Null Output (what it plays)  (2 ch, " in default
    assert "Null Output (what it plays)" in lines[lines.index(f"  {SERVER}") + 1]


def test_what_comes_and_goes_is_told(sound_server: SoundServer, watch: Watch) -> None:
    assert watch.message() == {"listing": True}
    first = watch.devices()
    assert {"mic_a", "mic_b", "default", "Null Output (what it plays)"} <= first.keys()
    with sound_server.sink("speakers", "Speakers"):
        assert watch.devices().keys() - first.keys() == {"Speakers (what it plays)"}
    assert watch.devices().keys() == first.keys()


def test_a_look_that_finds_nothing_new_ends_too(sound_server: SoundServer, watch: Watch) -> None:
    """Else its reader, which waits for its end, takes it for hung."""
    watch.devices()
    watch.process.send_signal(signal.SIGSTOP)
    with sound_server.sink("speakers", "Speakers"):
        pass
    watch.process.send_signal(signal.SIGCONT)
    assert watch.message() == {"listing": True}
    assert watch.message() == {"listing": False}


def test_a_list_that_is_being_made_is_finished_before_the_end(watch: Watch) -> None:
    """Cut off, it could leave JACK's lock behind, for which all others then wait for ever."""
    assert watch.message() == {"listing": True}
    assert watch.process.stdin is not None
    watch.process.stdin.close()
    assert "mic_a" in watch.devices()
    assert watch.process.wait(DEADLINE_S) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_no_signal_cuts_off_a_call_of_portaudio(watch: Watch, number: signal.Signals) -> None:
    """It ends by itself, between two calls; of one that is killed, the code is below 0."""
    assert watch.message() == {"listing": True}
    watch.process.send_signal(number)
    assert watch.process.wait(DEADLINE_S) == 128 + number


def test_rates_are_asked_of_all_but_the_device_in_use(watch: Watch) -> None:
    assert all(d["sample_rates"] is None for d in watch.devices().values())
    watch.ask(json.dumps(["ALSA", "mic_a"]))
    devices = watch.devices()
    assert devices["mic_a"]["sample_rates"] is None
    assert {16_000, 48_000} <= set(devices["mic_b"]["sample_rates"])
    assert {16_000, 48_000} <= set(devices["Null Output (what it plays)"]["sample_rates"])
    watch.ask("")
    assert {16_000, 48_000} <= set(watch.devices()["mic_a"]["sample_rates"])


def test_a_server_that_comes_later_is_noticed(sound_server: SoundServer, tmp_path: Path) -> None:
    own = tmp_path / "socket"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PULSE_SERVER", f"unix:{own}")
        watch = Watch()
    try:
        assert watch.devices() == {}
        load = f"module-native-protocol-unix auth-anonymous=1 socket={own}"
        subprocess.run(["pactl", "load-module", *load.split()], check=True, capture_output=True)
        assert "default" in watch.devices()
    finally:
        watch.process.kill()
        watch.process.wait()


def test_the_list_ends_with_a_window_that_is_killed(
    display: str, sound_server: SoundServer, tmp_path: Path
) -> None:
    command = [sys.executable, str(ROOT / "run.py"), "--source", "demo"]
    app = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + DEADLINE_S
        while not (watchers := watchers_of(app.pid)):
            assert time.monotonic() < deadline, "no process lists the devices"
            time.sleep(0.1)
        [watcher] = watchers
        # Not while it starts, when it would notice by what it cannot write.
        used, before = watcher.cpu_times(), None
        while used != before:
            time.sleep(1.0)
            used, before = watcher.cpu_times(), used
        app.kill()
        app.wait()
        watcher.wait(DEADLINE_S)
    finally:
        app.kill()
        app.wait()


def test_a_list_that_hangs_ends_with_its_standard_input(
    sound_server: SoundServer, watch: Watch
) -> None:
    watch.devices()
    watch.ask("")
    watch.devices()
    with sound_server.frozen():
        watch.ask("")
        while watch.message() != {"listing": True}:
            pass
        assert watch.process.stdin is not None
        watch.process.stdin.close()
        assert watch.process.wait(DEADLINE_S) == 0
