"""A sound server that gives a recording the sound of another source than it was opened on."""

from __future__ import annotations

import os
import random
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from tests.conftest import DEADLINE_S, require_real_parts
from tests.needs import pipewire_root
from tests.pipewire import running_pipewire
from tests.sound import SERVER_RATE_HZ, SINKS, SoundServer
from tests.stress.devices import (
    CLOCK_MS,
    OTHER_HZ,
    SERVERS,
    TONE_HZ,
    Stream,
    is_column_of,
    is_state,
    is_strange,
    load,
    play,
    play_tone,
)
from tests.ui.helpers import WAIT_MS, make_window, running
from visualizer.audio.attachment import Attachment
from visualizer.audio.capture import CaptureConfig
from visualizer.audio.listing import list_devices
from visualizer.audio.microphone import Microphone
from visualizer.audio.portaudio import rescan
from visualizer.audio.ring import BlockRing, SourceEnd
from visualizer.engine.config import EngineConfig

needs_pipewire = pytest.mark.skipif(
    pipewire_root() is None, reason="PipeWire is not unpacked: see CONTRIBUTING.md"
)


@pytest.fixture(params=["pulseaudio", pytest.param("pipewire", marks=needs_pipewire)])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SoundServer]:
    """One of the program alone, with the default source in SINKS[0]'s monitor."""
    require_real_parts()
    with SERVERS[request.param](tmp_path_factory.mktemp("sound")) as server:
        yield server


@pytest.fixture
def streams(server: SoundServer) -> Iterator[Callable[..., Stream]]:
    begun: list[Stream] = []

    def begin(*options: str) -> Stream:
        begun.append(Stream(server, *options))
        return begun[-1]

    yield begin
    for stream in begun:
        stream.end()


def test_the_named_device_goes_and_comes_back(server: SoundServer) -> None:
    """As it was and with another rate; how fast is not asked here."""
    for outcome in play(server, 2):
        assert outcome.again == "headset.monitor"
        assert outcome.strange == 0
        assert "'Headset (what it plays)'" in outcome.said
        assert abs(outcome.clock_ms) < 2 * CLOCK_MS


def test_it_comes_back_with_other_channels(
    server: SoundServer, streams: Callable[..., Stream]
) -> None:
    module = load(server, SERVER_RATE_HZ)
    stream = streams("--device", "Headset")
    _, _, heading = stream.first(lambda line: line["type"] == "stream")
    assert heading["source"]["channels"] == 2
    stream.first(lambda line: line["type"] == "column")
    server.pactl("unload-module", module)
    stream.first(is_state("waiting"))
    load(server, SERVER_RATE_HZ, channels=1)
    place, _, heading = stream.first(lambda line: line["type"] == "stream", since=1)
    assert heading["source"]["name"].startswith("Headset")
    assert heading["source"]["channels"] == 1
    stream.first(lambda line: line["type"] == "column", place)


def test_a_recording_that_is_moved_by_hand_stays_of_its_device(
    server: SoundServer, streams: Callable[..., Stream]
) -> None:
    load(server, SERVER_RATE_HZ)
    play_tone(server, SINKS[0], OTHER_HZ)
    play_tone(server, "headset", TONE_HZ)
    stream = streams("--device", "Headset")
    place, _, _ = stream.first(is_column_of(TONE_HZ))
    [recording] = server.pactl("list", "short", "source-outputs").stdout.splitlines()
    # PipeWire refuses it.
    moved = recording.split("\t")[0], f"{SINKS[0]}.monitor"
    server.pactl("move-source-output", *moved, check=False)
    stream.first(is_column_of(TONE_HZ), place + 100)
    assert not any(is_strange(line) for _, line in stream.columns())


def test_the_default_follows_the_server_and_says_so(
    server: SoundServer, streams: Callable[..., Stream]
) -> None:
    play_tone(server, SINKS[0], TONE_HZ)
    play_tone(server, SINKS[1], OTHER_HZ)
    stream = streams()
    stream.first(is_column_of(TONE_HZ))
    server.pactl("set-default-source", f"{SINKS[1]}.monitor")
    _, _, state = stream.first(lambda line: line["type"] == "state")
    place, _, _ = stream.first(lambda line: line.get("gap", 0) > 0)
    stream.first(is_column_of(OTHER_HZ), place)
    assert (state["state"], state["fault"]) == ("running", None)
    assert state["note"].startswith("'default' now records ")
    both = [c for _, c in stream.columns() if is_strange(c) and is_strange(c, TONE_HZ)]
    assert both == []
    assert state["note"] in stream.end()


def test_a_default_of_another_rate_begins_a_new_stream(sound_server: SoundServer) -> None:
    """Each is opened at its own rate, and nothing is resampled but by this program."""
    module = load(sound_server, 44_100)
    # PulseAudio changes the rate of what nobody uses.
    user = subprocess.Popen(
        ["parec", "--device=headset.monitor", "--rate=44100", "/dev/null"],
        env=os.environ | sound_server.environment,
    )
    stream = Stream(sound_server, "--front-end", "whisper-80")
    try:
        place, _, heading = stream.first(lambda line: line["type"] == "stream")
        assert heading["source"]["sample_rate"] == SERVER_RATE_HZ
        stream.first(lambda line: line["type"] == "column")
        sound_server.pactl("set-default-source", "headset.monitor")
        place, _, heading = stream.first(lambda line: line["type"] == "stream", place + 1)
        assert heading["source"]["sample_rate"] == 44_100
        assert heading["source"]["resampled_from"] is None
        assert heading["source"]["note"].startswith("'default' now records 'Headset")
        stream.first(lambda line: line["type"] == "column", place)
        rescan()
        rates = {device.name: device.native_rate for device in list_devices().devices}
        assert rates["default"] == 44_100
    finally:
        stream.end()
        user.kill()
        user.wait()
        sound_server.choose_defaults()
        sound_server.pactl("unload-module", module)


def test_a_default_that_moves_while_it_is_opened_is_followed_too(
    sound_server: SoundServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def watched_too_late(*arguments: Any) -> Attachment:
        sound_server.pactl("set-default-source", f"{SINKS[1]}.monitor")
        return Attachment(*arguments)

    monkeypatch.setattr("visualizer.audio.microphone.Attachment", watched_too_late)
    opened = Microphone(CaptureConfig("mic"))
    ring = BlockRing(2, 10 * SERVER_RATE_HZ, lambda _: None)
    try:
        opened.start(ring)
        wait_until(lambda: ring.end is SourceEnd.MOVED)
        assert ring.read() is None
    finally:
        opened.close()
        sound_server.choose_defaults()


def test_the_server_s_resampling_is_told(sound_server: SoundServer) -> None:
    microphone = Microphone(CaptureConfig("mic", sample_rate=16_000))
    microphone.close()
    assert microphone.info.native_rate == microphone.info.resampled_from == SERVER_RATE_HZ


@needs_pipewire
def test_pipewire_is_recorded_at_the_rate_of_its_graph(tmp_path: Path) -> None:
    require_real_parts()
    with running_pipewire(tmp_path, graph_rate=44_100) as server:
        stream = Stream(server)
        _, _, heading = stream.first(lambda line: line["type"] == "stream")
        stream.end()
    assert heading["source"]["sample_rate"] == 44_100
    # The sinks run at another.
    assert heading["source"]["resampled_from"] == SERVER_RATE_HZ


def test_the_window_says_what_the_default_records_now(
    sound_server: SoundServer, qtbot: QtBot
) -> None:
    window = make_window(EngineConfig(CaptureConfig("mic")))
    try:
        with running(window, qtbot):
            sound_server.pactl("set-default-source", f"{SINKS[1]}.monitor")
            qtbot.waitUntil(
                lambda: window.banner.text().startswith("'default' now records "), timeout=WAIT_MS
            )
            status = window.engine_status()
            assert status is not None
            assert (status.state, status.fault) == ("running", None)
    finally:
        sound_server.choose_defaults()


LEVELS = {"headset": 0.5, SINKS[0]: 0.25, SINKS[1]: 0.125}


@pytest.fixture
def steady(sound_server: SoundServer) -> Iterator[None]:
    """A sink more, and each with a constant of its own, so that each sample tells whose it is."""
    with sound_server.sink("headset", "Headset"):
        seconds = 60 * SERVER_RATE_HZ
        players = [
            sound_server.play(np.full((seconds, 2), level, np.float32), sink)
            for sink, level in LEVELS.items()
        ]
        rescan()
        yield
        for player in players:
            player.kill()
            player.wait()


@pytest.mark.parametrize("moves", ["away", "away while it is stopped", "away and back meanwhile"])
def test_no_sample_of_the_other_source_is_let_through(
    sound_server: SoundServer, steady: None, moves: str
) -> None:
    """Also where this process, stopped or busy, comes to its sound and the event at one time."""
    over = threading.Event()

    def hog() -> None:
        while not over.is_set():
            pass

    busy = threading.Thread(target=hog)
    busy.start()
    try:
        for _ in range(4):
            heard = samples_through(sound_server, moves)
            assert (heard == LEVELS["headset"]).any()
            assert not np.isin(heard, [LEVELS[sink] for sink in SINKS]).any()
    finally:
        over.set()
        busy.join()


def samples_through(server: SoundServer, moves: str) -> np.ndarray:
    """What the worker would get of Headset, while its recording is moved to SINKS[1]."""
    microphone = Microphone(CaptureConfig("mic", "headset.monitor", "PulseAudio"))
    ring = BlockRing(2, 10 * SERVER_RATE_HZ, lambda _: None)
    microphone.start(ring)
    try:
        wait_until(lambda: len(ring) > 20)
        outputs = server.pactl("list", "short", "source-outputs").stdout.splitlines()
        own = max(int(line.split("\t")[0]) for line in outputs)
        away = f"pactl move-source-output {own} {SINKS[1]}.monitor"
        back = f"pactl move-source-output {own} headset.monitor"
        stop, go = f"kill -STOP {os.getpid()}", f"sleep {random.uniform(0, 0.1)}"
        go = f"{go}; kill -CONT {os.getpid()}"
        script = {
            "away": away,
            "away while it is stopped": f"{stop}; {away}; {go}",
            "away and back meanwhile": f"{stop}; {away}; sleep 0.05; {back}; {go}",
        }[moves]
        subprocess.run(["sh", "-c", script], check=True)
        wait_until(lambda: ring.end is not None)
        # Where it is back already, it is opened anew at once.
        assert ring.end is (SourceEnd.MOVED if "back" in moves else SourceEnd.BROKEN)
    finally:
        microphone.close()
    blocks = []
    while (block := ring.read()) is not None:
        blocks.append(block.samples)
    return np.concatenate(blocks)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)
