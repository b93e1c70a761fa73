"""What is computed beside the live columns equals what would have come live."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from visualizer.audio.channels import Channel
from visualizer.engine.columns import MelColumns
from visualizer.engine.follower import FollowedColumns, Follower, unbroken
from visualizer.engine.history import SoundHistory
from visualizer.engine.pipeline import Pipeline
from visualizer.engine.tracks import Difference, Tracks
from visualizer.mel.picture import PictureUnit
from visualizer.mel.presets import preset, preset_for
from visualizer.mel.stream import MelStream

RATE_HZ = 16_000
SIMLI = preset_for("simli", RATE_HZ)
DEADLINE_S = 20.0


def noise(n_samples: int) -> np.ndarray:
    return np.random.default_rng(3).normal(0, 0.1, (n_samples, 2)).astype(np.float32)


def sound_of(samples: np.ndarray, start: int = 0) -> SoundHistory:
    sound = SoundHistory(RATE_HZ, 2)
    sound.append(start, samples)
    return sound


def wait_until(condition: Callable[[], bool], woken: threading.Event) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline
        woken.wait(0.05)
        woken.clear()


def followed(sound: SoundHistory, name: str, channel: Channel, until: int) -> dict[int, np.ndarray]:
    """Columns (n_channels, n_mels) by their index."""
    woken = threading.Event()
    came: list[FollowedColumns] = []
    follower = Follower(sound, preset_for(name, RATE_HZ), channel, woken.set, until)

    def is_over() -> bool:
        ended = follower.ended
        came.extend(follower.drain())
        return ended

    wait_until(is_over, woken)
    assert follower.fault is None
    return {at + i: values[:, :, i] for at, values in came for i in range(values.shape[2])}


@pytest.mark.parametrize("name", ["simli", "kaldi", "whisper-80", "full-band", "clap"])
def test_kept_sound_gives_the_columns_of_the_whole(name: str) -> None:
    samples = noise(20 * RATE_HZ)
    whole = MelStream(preset_for(name, RATE_HZ), RATE_HZ, 1).push(samples[:, 1:])[0]
    came = followed(sound_of(samples), name, (1,), until=whole.shape[1])
    assert sorted(came) == list(range(whole.shape[1]))
    for t, column in came.items():
        np.testing.assert_allclose(column[0], whole[:, t], rtol=1e-4, atol=1e-5)


def test_a_follower_goes_on_with_what_comes_and_leaves_out_what_was_lost() -> None:
    samples = noise(3 * RATE_HZ)
    sound = sound_of(samples[:RATE_HZ])
    woken = threading.Event()
    came: dict[int, np.ndarray] = {}
    follower = Follower(sound, SIMLI, "each", woken.set)

    def fetch() -> int:
        for at, values in follower.drain():
            came.update({at + i: values[:, :, i] for i in range(values.shape[2])})
        return len(came)

    try:
        wait_until(lambda: fetch() > 70, woken)
        sound.append(2 * RATE_HZ, samples[2 * RATE_HZ :])
        follower.wake()
        last = (3 * RATE_HZ - 400) // 200
        wait_until(lambda: fetch() > 0 and last in came, woken)
    finally:
        follower.close()
    assert not any(RATE_HZ // 200 + 2 <= t < 2 * RATE_HZ // 200 + 2 for t in came)
    live = Pipeline(SIMLI, RATE_HZ, 2, "each")
    live.push(0, samples[:RATE_HZ])
    first, columns = live.push(2 * RATE_HZ, samples[2 * RATE_HZ :])
    np.testing.assert_array_equal(came[first], columns[:, :, 0])


def test_stretches_without_a_loss_are_found() -> None:
    samples = np.zeros((9, 1), np.float32)
    samples[[0, 4, 5]] = np.nan
    assert [(start, len(part)) for start, part in unbroken(100, samples)] == [(101, 3), (106, 3)]
    assert list(unbroken(0, samples[:1])) == []


class Live:
    """Tracks that are fed as the window feeds them."""

    def __init__(self) -> None:
        self.woken = threading.Event()
        self.tracks = Tracks(self.woken.set)
        self.samples = noise(6 * RATE_HZ)
        self.sound = SoundHistory(RATE_HZ, 2)

    def begin(self, name: str, channel: Channel = "mean") -> None:
        mel = preset_for(name, RATE_HZ)
        self.pipeline = Pipeline(mel, RATE_HZ, 2, channel)
        self.tracks.begin(mel, self.sound, channel)

    def feed(self, seconds: int) -> None:
        start = self.sound.end
        samples = self.samples[start : start + seconds * RATE_HZ]
        first, values = self.pipeline.push(start, samples)
        self.sound.append(start, samples)
        self.tracks.append(MelColumns(values, first, 1, 0.0, 0.0, 0.0, 0.0))

    def take_until(self, condition: Callable[[], bool]) -> None:
        def taken() -> bool:
            self.tracks.take()
            return condition()

        wait_until(taken, self.woken)


@pytest.fixture
def live() -> Iterator[Live]:
    live = Live()
    yield live
    live.tracks.close()


def test_another_front_end_has_the_columns_of_what_was_heard_before(live: Live) -> None:
    live.begin("simli")
    live.feed(2)
    live.begin("kaldi")
    live.feed(2)
    [track] = live.tracks.first
    mel = preset_for("kaldi", RATE_HZ)
    whole = MelStream(mel, RATE_HZ, 1).push(live.samples[: 4 * RATE_HZ].mean(1, keepdims=True))[0]
    live.take_until(lambda: not np.isnan(track.columns.between(0, whole.shape[1])).any())
    np.testing.assert_allclose(track.columns.between(0, whole.shape[1]).T, whole, rtol=1e-4)


def test_what_has_ended_is_computed_anew_to_its_very_end(live: Live) -> None:
    live.begin("simli")
    live.feed(3)
    mel = preset_for("kaldi", RATE_HZ)
    live.tracks.begin(mel, live.sound, "mean", is_over=True)
    live.tracks.compare(SIMLI)
    for config, tracks in ((mel, live.tracks.first), (SIMLI, live.tracks.second)):
        stream = MelStream(config, RATE_HZ, 1)
        heard = live.samples[: 3 * RATE_HZ].mean(1, keepdims=True)
        whole = np.concatenate((stream.push(heard), stream.flush()), axis=2)[0]
        columns, n = tracks[0].columns, whole.shape[1]
        live.take_until(lambda columns=columns, n=n: columns.end >= n)
        np.testing.assert_allclose(columns.between(0, n).T, whole, rtol=1e-4)


def test_another_sound_begins_with_nothing(live: Live) -> None:
    live.begin("simli")
    live.feed(2)
    live.sound = SoundHistory(RATE_HZ, 2)
    live.begin("simli")
    assert live.tracks.first[0].columns.end == 0


def test_channels_lie_side_by_side(live: Live) -> None:
    live.begin("simli", "each")
    live.feed(1)
    titles = [track.title for track in live.tracks.first]
    assert titles == ["simli · channel 1", "simli · channel 2"]
    for channel, track in enumerate(live.tracks.first):
        whole = MelStream(SIMLI, RATE_HZ, 1).push(live.samples[:RATE_HZ, channel : channel + 1])[0]
        np.testing.assert_array_equal(track.columns.between(0, track.columns.end).T, whole)


def test_a_second_front_end_follows_and_differs_by_what_it_is(live: Live) -> None:
    """Twice the magnitude is 6.02 dB more, in each column and band of the difference."""
    louder = replace(preset("simli", RATE_HZ), name="louder", input_scale=2.0).front_end
    live.begin("simli")
    live.tracks.compare(louder)
    live.feed(1)
    live.feed(1)
    [first], [second] = live.tracks.first, live.tracks.second
    live.take_until(lambda: second.columns.end == first.columns.end)
    # dB re each one's own full scale would hide it, so both are read as one.
    units = PictureUnit(SIMLI, "db"), PictureUnit(SIMLI, "db")
    difference = Difference(first, second, units)
    shown = difference.between(0, difference.end)
    np.testing.assert_allclose(shown, -20 * np.log10(2), atol=1e-3)
    assert np.isnan(difference.between(difference.end, difference.end + 1)).all()


def test_windows_that_lie_apart_are_brought_together_by_whole_hops(live: Live) -> None:
    """The same front-end but for where its frames begin: two hops later on the same sound."""
    offset = SIMLI.offset + 2 * SIMLI.hop_length
    later = replace(preset("simli", RATE_HZ), name="later", offset=offset).front_end
    live.begin("simli")
    live.tracks.compare(later)
    live.feed(2)
    [first], [second] = live.tracks.first, live.tracks.second
    live.take_until(lambda: second.columns.end > 100)
    units = PictureUnit(SIMLI, "db"), PictureUnit(later, "db")
    shown = Difference(first, second, units).between(10, 100)
    np.testing.assert_allclose(shown, 0.0, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("full-band", "80 and 255 bands"),
        ("whisper-80", "hops are 12.5 and 10 ms"),
    ],
)
def test_where_shapes_do_not_agree_it_is_said(live: Live, name: str, reason: str) -> None:
    live.begin("simli")
    live.tracks.compare(preset_for(name, RATE_HZ))
    units = PictureUnit(SIMLI, "db"), PictureUnit(preset_for(name, RATE_HZ), "db")
    with pytest.raises(ValueError, match=reason):
        Difference(live.tracks.first[0], live.tracks.second[0], units)


def test_a_second_front_end_that_fails_is_said(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    live.begin("simli")
    live.feed(1)

    def broken(*_: object) -> None:
        raise RuntimeError("no memory")

    monkeypatch.setattr(Pipeline, "push", broken)
    live.tracks.compare(preset_for("kaldi"))
    live.take_until(lambda: live.tracks.fault() is not None)
    assert "no memory" in (live.tracks.fault() or "")
