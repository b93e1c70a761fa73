"""Sound through a real sound server and the real PortAudio."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import librosa
import numpy as np
import pytest

from tests.sound import SERVER_RATE_HZ, SoundServer
from visualizer.audio.capture import CaptureConfig
from visualizer.audio.listing import accepted_rates, list_devices
from visualizer.engine.config import EngineConfig
from visualizer.engine.engine import Engine
from visualizer.engine.status import EngineStatus
from visualizer.mel.presets import preset_for

TONE_HZ, AMPLITUDE = 1000.0, 0.25


@contextmanager
def tone(server: SoundServer, sink: str, hertz: float = TONE_HZ) -> Iterator[None]:
    time_s = np.arange(60 * SERVER_RATE_HZ) / SERVER_RATE_HZ
    wave = AMPLITUDE * np.sin(2 * np.pi * hertz * time_s)
    player = server.play(np.column_stack((wave, wave)), sink)
    try:
        yield
    finally:
        player.kill()
        player.wait()


class Listener:
    """An engine on a microphone, and what it has given so far."""

    def __init__(self, capture: CaptureConfig) -> None:
        self.woken = threading.Event()
        self.columns: list[np.ndarray] = []
        self.engine = Engine(EngineConfig(capture), (), self.woken.set)

    def until(self, n_columns: int) -> EngineStatus:
        return self.when(lambda _: sum(c.shape[1] for c in self.columns) >= n_columns)

    def when(self, condition: Callable[[EngineStatus], bool]) -> EngineStatus:
        deadline = time.monotonic() + 30
        while True:
            self.columns += [c.values[0] for c in self.engine.drain()]
            status = self.engine.status()
            assert status.state != "failed", status.fault
            if condition(status):
                return status
            assert time.monotonic() < deadline, status
            self.woken.wait(0.1)
            self.woken.clear()


@contextmanager
def listening(capture: CaptureConfig) -> Iterator[Listener]:
    listener = Listener(capture)
    try:
        yield listener
    finally:
        listener.engine.close()


def expected_db(sample_rate: int) -> tuple[int, float]:
    """Band and level of the tone, from librosa's filters and the spectrum of a Hann window.

    At both rates the tone lies on a bin of the 50 ms window: ½, 1, ½ of its magnitude in three.
    """
    config = preset_for("simli", sample_rate)
    filters = librosa.filters.mel(
        sr=sample_rate,
        n_fft=config.win_length,
        n_mels=80,
        fmin=55,
        fmax=7600,
        htk=True,
        dtype=float,
    )
    middle = round(TONE_HZ * config.win_length / sample_rate)
    magnitude = AMPLITUDE * config.win_length / 4
    values = filters[:, middle - 1 : middle + 2] @ (magnitude * np.array([0.5, 1.0, 0.5]))
    band = int(values.argmax())
    return band, float(20 * np.log10(values[band] / config.values.level.full_scale))


@pytest.mark.parametrize("rate", [16_000, 48_000])
def test_a_tone_comes_back_in_its_band_at_its_level(sound_server: SoundServer, rate: int) -> None:
    with tone(sound_server, "sink_a"), listening(CaptureConfig("mic", sample_rate=rate)) as ears:
        status = ears.until(160)
    heard = np.concatenate(ears.columns, axis=1)[:, -40:]
    assert status.mel is not None
    decibels = status.mel.values.level.decibels(heard)
    band, level = expected_db(rate)
    low, high = status.mel.rows.edges_hz[[band, band + 2]]
    assert low < TONE_HZ < high
    assert (heard.argmax(axis=0) == band).all()
    np.testing.assert_allclose(decibels[band], level, atol=0.1)
    assert status.source is not None
    # Two deliveries a hop, as was asked for: every second one ends with a column's last sample.
    assert status.samples_per_delivery == status.source.block_length == status.mel.hop_length / 2
    assert (status.source.kind, status.source.sample_rate) == ("mic", rate)
    # One block's period at least, and not the seconds that a confused device would claim.
    assert status.source.device_latency_s is not None
    assert 0.005 <= status.source.device_latency_s < 0.5


def test_the_named_device_is_the_one_that_is_heard(sound_server: SoundServer) -> None:
    with tone(sound_server, "sink_b"):
        with listening(CaptureConfig("mic", device="mic_b")) as ears:
            ears.until(120)
        with listening(CaptureConfig("mic", device="mic_a")) as deaf:
            deaf.until(40)
    assert ears.columns[-1].max() > 0.01
    assert max(c.max() for c in deaf.columns) == 0.0


def test_devices_come_with_their_rates(sound_server: SoundServer) -> None:
    devices = {d.name: d for d in list_devices().devices}
    assert {"mic_a", "mic_b", "default"} <= devices.keys()
    assert devices["default"].is_default
    assert devices["mic_a"].host_api == "ALSA"
    rates = accepted_rates(devices["mic_a"])
    assert {16_000, 44_100, 48_000} <= set(rates)
    assert devices["mic_a"].native_rate in rates


def test_devices_are_swapped_while_it_runs(sound_server: SoundServer) -> None:
    with tone(sound_server, "sink_b"), listening(CaptureConfig("mic", device="mic_a")) as ears:
        config = ears.until(20).config
        assert max(c.max() for c in ears.columns) == 0.0
        ears.engine.configure(EngineConfig(CaptureConfig("mic", device="mic_b"), config.preset))
        while max(c.max() for c in ears.columns[-5:]) < 0.01:
            status = ears.until(sum(c.shape[1] for c in ears.columns) + 1)
    assert status.source is not None
    assert status.source.name == "mic_b"
    assert status.fault is None
