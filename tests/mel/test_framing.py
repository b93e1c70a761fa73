from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from visualizer.mel.arrays import NumpyArrays
from visualizer.mel.stage import Layout
from visualizer.mel.stages.frames import Frames, StreamingFramer

ARRAYS = NumpyArrays(np.float32)


@st.composite
def cuttings(draw: st.DrawFn) -> Frames:
    """Any edges, and any number of columns that the hop and the offset allow."""
    win_length = draw(st.integers(2, 40))
    hop_length, offset = draw(st.integers(1, 60)), draw(st.integers(1 - win_length, 20))
    choices = Frames.alternatives()
    edge, end = draw(st.sampled_from(choices["edge"])), draw(st.sampled_from(choices["end"]))
    counts = ["whole"]
    if offset <= 0:
        counts += ["fit", "begun"]
        if offset + win_length >= hop_length:
            counts += ["per_hop", "nearest", "even"]
    count = draw(st.sampled_from(counts))
    followed_by = draw(st.integers(0, 30)) if count in ("fit", "whole") else 0
    return Frames(win_length, hop_length, offset, edge, count, end, followed_by)


with_zeros = cuttings().map(
    lambda frames: replace(
        frames, edge="zeros", count="fit", offset=min(0, frames.offset), end=None, followed_by=0
    )
)


def framer_of(frames: Frames, n_channels: int) -> StreamingFramer:
    return frames.state(ARRAYS, Layout(16_000), n_channels)


def written_out(signal: np.ndarray, frames: Frames) -> np.ndarray:
    """Frames straight from the definition: (n_frames, n_channels, win_length)."""
    edge = np.zeros((-frames.offset, signal.shape[1]), np.float32)
    padded = np.concatenate((edge, signal, edge))
    starts = range(0, len(padded) - frames.win_length + 1, frames.hop_length)
    cut = [padded[s : s + frames.win_length].T for s in starts]
    return np.array(cut).reshape(-1, signal.shape[1], frames.win_length)


def one_by_one(frames: np.ndarray) -> np.ndarray:
    return frames.swapaxes(0, 1)


@given(with_zeros, st.integers(0, 200), st.integers(1, 3), st.data())
def test_any_split_gives_the_frames_of_the_whole(
    cutting: Frames, n_samples: int, n_channels: int, data: st.DataObject
) -> None:
    signal = np.arange(1, n_samples * n_channels + 1, dtype=np.float32).reshape(-1, n_channels)
    cuts = sorted(data.draw(st.lists(st.integers(0, n_samples), max_size=8)))
    framer = framer_of(cutting, n_channels)
    pieces = [framer.push(piece.T) for piece in np.split(signal, cuts)]
    frames = one_by_one(np.concatenate((*pieces, framer.flush()), axis=1))
    np.testing.assert_array_equal(frames, written_out(signal, cutting))
    assert framer.next_frame == len(frames)


@given(with_zeros, st.integers(1, 200))
def test_a_frame_comes_with_the_sample_that_completes_it(cutting: Frames, n: int) -> None:
    framer = framer_of(cutting, 1)
    for position in range(1, n + 1):
        came = framer.push(np.ones((1, 1), np.float32)).shape[1]
        end_of_next = (framer.next_frame - came) * cutting.hop_length + cutting.offset
        assert came == (end_of_next + cutting.win_length == position)


@given(with_zeros, st.integers(0, 100), st.integers(1, 150), st.integers(0, 150))
def test_after_a_loss_the_frames_on_the_same_grid_go_on(
    cutting: Frames, before: int, lost: int, after: int
) -> None:
    """Every frame that holds no lost sample comes out with its own index; no other does."""
    signal = np.arange(1, before + lost + after + 1, dtype=np.float32)[:, None]
    framer = framer_of(cutting, 1)
    came = {}
    for frame in one_by_one(framer.push(signal[:before].T)):
        came[len(came)] = frame
    n_lost = framer.skip(lost)
    assert n_lost == framer.next_frame - len(came)
    first = framer.next_frame
    for index, frame in enumerate(one_by_one(framer.push(signal[before + lost :].T))):
        came[first + index] = frame
    whole = one_by_one(framer_of(cutting, 1).push(signal.T))
    expected = {
        t: frame
        for t, frame in enumerate(whole)
        if t * cutting.hop_length + cutting.offset + cutting.win_length <= before
        or t * cutting.hop_length + cutting.offset >= before + lost
    }
    assert came.keys() == expected.keys()
    for t, frame in expected.items():
        np.testing.assert_array_equal(came[t], frame)


@given(cuttings(), st.integers(0, 200), st.integers(1, 3), st.data())
def test_a_whole_clip_is_cut_as_a_stream_is(
    cutting: Frames, n_samples: int, n_channels: int, data: st.DataObject
) -> None:
    signal = np.arange(1, n_samples * n_channels + 1, dtype=np.float32).reshape(n_channels, -1)
    n_columns = cutting.n_columns(n_samples)
    framer = framer_of(cutting, n_channels)
    cuts = sorted(data.draw(st.lists(st.integers(0, n_samples), max_size=4)))
    pieces = [framer.push(piece) for piece in np.split(signal, cuts, axis=1)]
    streamed = np.concatenate((*pieces, framer.flush()), axis=1)
    whole = cutting.of_clip(np, signal, 0, n_columns)
    assert whole.shape == (n_channels, n_columns, cutting.win_length)
    np.testing.assert_array_equal(streamed, whole)
    first, last = sorted(data.draw(st.integers(0, n_columns)) for _ in range(2))
    np.testing.assert_array_equal(cutting.of_clip(np, signal, first, last), whole[:, first:last])
