from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from visualizer.mel.flat import MelConfig
from visualizer.mel.framing import StreamingFramer
from visualizer.mel.presets import preset


def small(win_length: int, hop_length: int, offset: int) -> MelConfig:
    return replace(
        preset("simli", 16_000),
        n_fft=win_length,
        win_length=win_length,
        hop_length=hop_length,
        offset=offset,
    )


@st.composite
def configs(draw: st.DrawFn) -> MelConfig:
    win_length = draw(st.integers(2, 40))
    return small(win_length, draw(st.integers(1, 60)), draw(st.integers(1 - win_length, 0)))


def written_out(signal: np.ndarray, config: MelConfig) -> np.ndarray:
    """Frames straight from the definition: (n_frames, n_channels, win_length)."""
    edge = np.zeros((-config.offset, signal.shape[1]), np.float32)
    padded = np.concatenate((edge, signal, edge))
    starts = range(0, len(padded) - config.win_length + 1, config.hop_length)
    frames = [padded[s : s + config.win_length].T for s in starts]
    return np.array(frames).reshape(-1, signal.shape[1], config.win_length)


def one_by_one(frames: np.ndarray) -> np.ndarray:
    return frames.swapaxes(0, 1)


@given(configs(), st.integers(0, 200), st.integers(1, 3), st.data())
def test_any_split_gives_the_frames_of_the_whole(
    config: MelConfig, n_samples: int, n_channels: int, data: st.DataObject
) -> None:
    signal = np.arange(1, n_samples * n_channels + 1, dtype=np.float32).reshape(-1, n_channels)
    cuts = sorted(data.draw(st.lists(st.integers(0, n_samples), max_size=8)))
    framer = StreamingFramer(config, n_channels)
    pieces = [framer.push(piece) for piece in np.split(signal, cuts)]
    frames = one_by_one(np.concatenate((*pieces, framer.flush()), axis=1))
    np.testing.assert_array_equal(frames, written_out(signal, config))
    assert framer.next_frame == len(frames)


@given(configs(), st.integers(1, 200))
def test_a_frame_comes_with_the_sample_that_completes_it(config: MelConfig, n: int) -> None:
    framer = StreamingFramer(config, 1)
    for position in range(1, n + 1):
        came = framer.push(np.ones((1, 1), np.float32)).shape[1]
        end_of_next = (framer.next_frame - came) * config.hop_length + config.offset
        assert came == (end_of_next + config.win_length == position)


@given(configs(), st.integers(0, 100), st.integers(1, 150), st.integers(0, 150))
def test_after_a_loss_the_frames_on_the_same_grid_go_on(
    config: MelConfig, before: int, lost: int, after: int
) -> None:
    """Every frame that holds no lost sample comes out with its own index; no other does."""
    signal = np.arange(1, before + lost + after + 1, dtype=np.float32)[:, None]
    framer = StreamingFramer(config, 1)
    came = {}
    for frame in one_by_one(framer.push(signal[:before])):
        came[len(came)] = frame
    n_lost = framer.skip(lost)
    assert n_lost == framer.next_frame - len(came)
    first = framer.next_frame
    for index, frame in enumerate(one_by_one(framer.push(signal[before + lost :]))):
        came[first + index] = frame
    whole = one_by_one(StreamingFramer(config, 1).push(signal))
    expected = {
        t: frame
        for t, frame in enumerate(whole)
        if t * config.hop_length + config.offset + config.win_length <= before
        or t * config.hop_length + config.offset >= before + lost
    }
    assert came.keys() == expected.keys()
    for t, frame in expected.items():
        np.testing.assert_array_equal(came[t], frame)
