"""What is done to the sound before it is cut: held to torch, and to the whole by any split."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from visualizer.mel.arrays import NumpyArrays
from visualizer.mel.clip import clip_columns
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.kernels.torch_arrays import TorchArrays
from visualizer.mel.presets import PRESETS
from visualizer.mel.stage import Stage
from visualizer.mel.stages.dither import Dither
from visualizer.mel.stages.preemphasis import Preemphasis
from visualizer.mel.stages.sound_length import SoundLength
from visualizer.mel.stages.sound_multiple import SoundMultiple
from visualizer.mel.stages.sound_normalisation import SoundNormalisation
from visualizer.mel.stages.sound_pad import SoundPad
from visualizer.mel.stream import MelStream
from visualizer.mel.whole import whole_clip

WHISPER = PRESETS["whisper-80"].front_end
STAGES: list[Stage] = [
    SoundPad(3, 2),
    SoundMultiple(7),
    SoundMultiple(7, first=20),
    SoundLength(30),
    SoundLength(30, fill="repeat"),
    SoundLength(30, fill="repeat_whole"),
    SoundLength(30, longer="keep"),
    *(Preemphasis(0.9, start=start) for start in Preemphasis.alternatives()["start"]),
    SoundNormalisation("extremes", 1e-6),
    SoundNormalisation("statistics", 1e-7),
    Dither(0.01),
]


def before(*stages: Stage) -> FrontEnd:
    return replace(WHISPER, stages=(*stages, *WHISPER.stages))


def made_of(stage: Stage, *pieces: np.ndarray) -> np.ndarray:
    """What a stage makes of a sound in pieces, (n_channels, n) each."""
    arrays = NumpyArrays(np.float32)
    sound = before(stage).sound(arrays, len(pieces[0]))
    return np.concatenate((*map(sound.push, pieces), *sound.flush()), axis=1)


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng().normal(0.0, 0.1, shape).astype(np.float32)


@pytest.mark.parametrize("stage", STAGES, ids=str)
@given(st.integers(0, 90), st.integers(1, 2), st.data())
def test_any_split_gives_what_the_whole_gives(
    stage: Stage, n_samples: int, n_channels: int, data: st.DataObject
) -> None:
    signal = np.arange(1, n_samples * n_channels + 1, dtype=np.float32).reshape(n_channels, -1)
    cuts = sorted(data.draw(st.lists(st.integers(0, n_samples), max_size=5)))
    whole = made_of(stage, signal)
    np.testing.assert_array_equal(made_of(stage, *np.split(signal, cuts, axis=1)), whole)
    assert whole.shape == (n_channels, stage.n_samples(n_samples))


@pytest.mark.parametrize("stage", STAGES, ids=str)
def test_a_tensor_gives_the_same(stage: Stage) -> None:
    front_end, signal = before(stage), noise(2, 4321)
    expected = whole_clip(front_end, NumpyArrays(np.float64), signal.astype(np.float64))
    columns = whole_clip(front_end, TorchArrays(), torch.from_numpy(signal))
    assert columns.shape == expected.shape == (2, front_end.n_columns(4321), 80)
    np.testing.assert_allclose(columns.numpy(), expected, atol=1e-4)


def test_zeros_stand_around_the_sound_and_columns_keep_their_places() -> None:
    np.testing.assert_array_equal(made_of(SoundPad(2, 1), np.ones((1, 2))), [[0, 0, 1, 1, 0]])
    padded = before(SoundPad(front=160))
    # A hop of silence in front: each column comes one later, and its window's middle says so.
    assert padded.middle_s == WHISPER.middle_s - 0.01
    assert before(Preemphasis(0.97, start="drop")).offset == WHISPER.offset + 1


def test_a_sound_is_filled_to_a_length() -> None:
    sound = np.array([[1.0, 2.0, 3.0]])
    filled = [made_of(SoundLength(8, fill=fill), sound)[0].tolist() for fill in FILLS]
    assert filled == [
        [1, 2, 3, 0, 0, 0, 0, 0],
        [1, 2, 3, 1, 2, 3, 1, 2],
        [1, 2, 3, 1, 2, 3, 0, 0],
    ]
    assert made_of(SoundLength(2), sound).tolist() == [[1, 2]]
    assert made_of(SoundLength(2, longer="keep"), sound).tolist() == [[1, 2, 3]]
    assert made_of(SoundMultiple(2), sound).tolist() == [[1, 2, 3, 0]]
    assert made_of(SoundMultiple(2, first=5), sound).shape == (1, 5)


FILLS = SoundLength.alternatives()["fill"]


@pytest.mark.parametrize(
    ("start", "first"), [("zero", [5.0]), ("repeat", [2.5]), ("reflect", [4.0]), ("drop", [])]
)
def test_what_stands_before_the_first_sample(start: str, first: list[float]) -> None:
    emphasised = made_of(Preemphasis(0.5, start=start), np.array([[5.0, 2.0, 4.0]]))
    assert emphasised.tolist() == [[*first, -0.5, 3.0]]


def test_the_noise_is_that_of_torchs_generator() -> None:
    for n in (16, 17, 33, 4800, 16_001):
        generator = torch.Generator().manual_seed(n)
        expected = 0.5 * torch.randn(n, generator=generator).numpy()
        made = made_of(Dither(0.5), np.zeros((1, n), np.float32))[0]
        np.testing.assert_allclose(made, expected, atol=1e-6)


def test_a_sound_is_brought_to_its_extremes_or_its_statistics() -> None:
    signal = noise(1, 1000) + 0.3
    extremes = made_of(SoundNormalisation("extremes", 0.0), signal)
    assert (extremes.min(), extremes.max()) == (-1.0, 1.0)
    normal = made_of(SoundNormalisation("statistics", 0.0), signal)
    np.testing.assert_allclose((normal.mean(), normal.var()), (0.0, 1.0), atol=1e-5)
    silence = np.zeros((1, 50), np.float32)
    assert not made_of(SoundNormalisation("statistics", 0.0), silence).any()


def test_while_a_sound_goes_on_it_is_not_filled_to_a_length() -> None:
    whisper = before(SoundLength(480_000))
    signal = noise(8000, 1)
    assert clip_columns(signal, whisper, 8000, streaming=False).shape == (1, 80, 3000)
    assert clip_columns(signal, whisper, 8000, streaming=True).shape == (1, 80, 50)
    live, plain = (MelStream(mel, 16_000, 1) for mel in (whisper, WHISPER))
    np.testing.assert_array_equal(live.push(signal), plain.push(signal))
    assert (whisper.n_columns(8000), whisper.streaming.n_columns(8000)) == (3000, 50)


@given(st.integers(0, 40), st.integers(1, 25), st.integers(0, 25), st.integers(2, 50), st.data())
def test_after_losses_samples_keep_their_places(
    n_before: int, n_lost: int, n_lost_too: int, n_after: int, data: st.DataObject
) -> None:
    stage = data.draw(st.sampled_from([s for s in STAGES if s.streaming is not None]))
    n_missing = n_lost + n_lost_too
    signal = np.arange(1, n_before + n_missing + n_after + 1, dtype=np.float32)[None]
    sound = before(stage).sound(NumpyArrays(np.float32), 1)
    came = sound.push(signal[:, :n_before])
    at = came.shape[1] + sound.skip(n_lost) + sound.skip(n_lost_too)
    later = np.concatenate((sound.push(signal[:, n_before + n_missing :]), *sound.flush()), axis=1)
    # All that comes after the losses is there, but for the sample that follows an unknown one.
    np.testing.assert_array_equal(made_of(stage, signal)[:, at:], later)
    assert later.shape[1] >= n_after - 1
