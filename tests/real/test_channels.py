"""Sources of many channels on a real sound server: each comes as it is, and in its place."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from tests.conftest import Finished
from tests.real.test_capture import listening
from tests.sound import SERVER_RATE_HZ, SoundServer
from visualizer.audio.capture import CaptureConfig
from visualizer.audio.channels import Channel, channel_rule, signals_of
from visualizer.audio.listing import list_devices
from visualizer.audio.portaudio import rescan
from visualizer.engine.status import EngineStatus
from visualizer.mel.presets import preset_for
from visualizer.mel.stream import MelStream

SURROUND = "front-left,front-right,front-center,lfe,rear-left,rear-right"
NO_NAMES = "front-left,front-left-of-center,front-center,rear-center"
"""For the second and the last ALSA's plugin has no names."""


def aux(n: int) -> str:
    return ",".join(f"aux{i}" for i in range(n))


def tones(n_channels: int, seconds: float = 60.0) -> np.ndarray:
    """Channel k has 200·k Hz at 0.01·k of full scale."""
    time_s = np.arange(round(seconds * SERVER_RATE_HZ)) / SERVER_RATE_HZ
    k = np.arange(1, n_channels + 1)
    return 0.01 * k * np.sin(2 * np.pi * 200 * k * time_s[:, None])


@contextmanager
def many_channels(server: SoundServer, n: int, channel_map: str = "") -> Iterator[str]:
    """A source of `n` channels with their tones; its name on the server."""
    with server.sink("many", "Many", n, channel_map):
        rescan()
        [device] = [d for d in list_devices().devices if d.server_source == "many.monitor"]
        assert device.channels == len(device.positions) == n
        player = server.play_as_they_are(tones(n), "many", device.positions)
        try:
            yield "many.monitor"
        finally:
            player.kill()
            player.wait()


def amplitudes(samples: np.ndarray, n_tones: int) -> np.ndarray:
    """How loud each tone, of those of `tones`, is in each channel: (n_channels, n_tones)."""
    window = np.hanning(len(samples))[:, None]
    spectrum = np.abs(np.fft.rfft(samples * window, axis=0)) * 2 / window.sum()
    bins = np.arange(1, n_tones + 1) * 200 * len(samples) // SERVER_RATE_HZ
    return spectrum[bins].T


@pytest.mark.parametrize(
    ("n", "channel_map"),
    [
        (1, ""),
        (1, "aux0"),
        (2, ""),
        (2, aux(2)),
        (3, ""),
        (4, NO_NAMES),
        (6, ""),
        (6, SURROUND),
        (6, aux(6)),
        (18, ""),
        (18, aux(18)),
    ],
)
@pytest.mark.parametrize("by_name", [True, False])
def test_each_channel_is_itself(
    sound_server: SoundServer, n: int, channel_map: str, by_name: bool
) -> None:
    with many_channels(sound_server, n, channel_map) as name:
        sound_server.pactl("set-default-source", name)
        try:
            capture = CaptureConfig("mic", name if by_name else None, sample_rate=SERVER_RATE_HZ)
            with listening(capture) as ears:
                status = ears.until(100)
        finally:
            sound_server.choose_defaults()
    assert status.source is not None
    assert (status.source.channels, status.source.note) == (n, "")
    assert status.sound is not None
    heard = status.sound.read(status.sound.end - SERVER_RATE_HZ // 2, status.sound.end)
    expected = np.diag(0.01 * np.arange(1, n + 1))
    np.testing.assert_allclose(amplitudes(heard, n), expected, rtol=0.01, atol=1e-4)


@pytest.mark.parametrize(
    ("n", "channel_map", "channel"),
    [
        (18, aux(18), "each"),
        (18, aux(18), "5"),
        (18, aux(18), "5+6"),
        (18, "", "each"),
        (6, SURROUND, "each"),
        (6, SURROUND, "5+6"),
        (2, "", "2"),
        (1, "", "1"),
    ],
)
def test_the_stream_has_the_channels_that_are_chosen(
    program: Callable[..., Finished],
    sound_server: SoundServer,
    n: int,
    channel_map: str,
    channel: str,
) -> None:
    with many_channels(sound_server, n, channel_map) as name:
        done = program(
            *("stream", "--device", name, "--sample-rate", SERVER_RATE_HZ, "--duration", 1),
            *("--channel", channel),
        )
    assert done.code == 0, done.err
    heading, *lines = (json.loads(line) for line in done.out.splitlines())
    assert heading["source"]["channels"] == n
    came = np.array([line["values"] for line in lines if line["type"] == "column"][-40:])
    rule: Channel = channel_rule(channel)
    whole = MelStream(preset_for("simli", SERVER_RATE_HZ), SERVER_RATE_HZ, 1)
    for i, signal in enumerate(signals_of(tones(n, 1.0).astype(np.float32), rule).T):
        expected = MelStream(whole.front_end, SERVER_RATE_HZ, 1).push(signal[:, None])[0, :, 20:]
        ours = came[:, i] if rule == "each" else came
        # The level of a tone in its band, to a tenth of a dB.
        top = expected.mean(axis=1).max()
        np.testing.assert_allclose(
            ours.mean(axis=0), expected.mean(axis=1), rtol=0, atol=0.012 * top
        )


def test_fewer_channels_are_the_first_ones(sound_server: SoundServer) -> None:
    with many_channels(sound_server, 6, SURROUND) as name:
        capture = CaptureConfig("mic", name, sample_rate=SERVER_RATE_HZ, channels=4)
        with listening(capture) as ears:
            status = ears.until(100)
    assert status.sound is not None
    heard = status.sound.read(status.sound.end - SERVER_RATE_HZ // 2, status.sound.end)
    expected = np.diag(0.01 * np.arange(1, 7))[:4]
    np.testing.assert_allclose(amplitudes(heard, 6), expected, rtol=0.01, atol=1e-4)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ("--channel", "7"),
            "no channel 7; 'Many (what it plays)' has the channels 1 to 6",
        ),
        (("--channels", 8), "'Many (what it plays)' has 6 input channels, not 8"),
    ],
)
def test_a_channel_that_the_device_lacks_is_one_line(
    program: Callable[..., Finished],
    sound_server: SoundServer,
    arguments: tuple[object, ...],
    words: str,
) -> None:
    with sound_server.sink("many", "Many", 6, SURROUND):
        for command in (("stream",), ("run", "--headless")):
            done = program(*command, "--device", "many.monitor", *arguments)
            assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
            assert words in done.err


def test_a_source_past_the_plugin_goes_and_comes_back(sound_server: SoundServer) -> None:
    """No call of PortAudio watches its stream; it is lost, and found again, like any other."""
    with contextlib.ExitStack() as later:
        with many_channels(sound_server, 4, NO_NAMES) as name:
            ears = later.enter_context(listening(CaptureConfig("mic", name)))
            ears.until(40)
        assert "Many" in (ears.when(lambda s: s.state == "waiting").fault or "")
        later.enter_context(many_channels(sound_server, 4, NO_NAMES))
        expected = np.diag(0.01 * np.arange(1, 5))

        def is_as_before(status: EngineStatus) -> bool:
            # The tones begin again after the source.
            assert status.sound is not None
            heard = status.sound.read(status.sound.end - SERVER_RATE_HZ // 2, status.sound.end)
            return np.allclose(amplitudes(heard, 4), expected, rtol=0.01, atol=1e-4)

        ears.when(lambda s: s.state == "running")
        status = ears.when(is_as_before)
        assert (status.reopened, status.stream_id) == (1, 1)
