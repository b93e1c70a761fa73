"""Stages that work on columns, each against its formula or another's code."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

import librosa
import numpy as np
import pytest
import scipy.fft
import torch
from numpy.typing import NDArray

from visualizer.errors import ConfigError
from visualizer.mel.arrays import NumpyArrays
from visualizer.mel.clip import clip_columns
from visualizer.mel.flat import flat_form
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.kernels.tensor_kernel import MelKernel
from visualizer.mel.kernels.torch_arrays import CompilableArrays, TorchArrays
from visualizer.mel.picture import PictureUnit, has_db
from visualizer.mel.presets import preset_for
from visualizer.mel.rounding import Rounding, rounded
from visualizer.mel.stage import Layout, Rows, Stage, Values
from visualizer.mel.stages.clip import Clip
from visualizer.mel.stages.dct import Dct
from visualizer.mel.stages.flip import Flip
from visualizer.mel.stages.one_hot import OneHot
from visualizer.mel.stages.power_law import PowerLaw
from visualizer.mel.stages.relative_to_max import RelativeToMax
from visualizer.mel.stages.rounding import Rounded
from visualizer.mel.stages.row_affine import RowAffine
from visualizer.mel.stages.stack import Stack
from visualizer.mel.stages.statistics import Statistics
from visualizer.mel.stream import MelStream

RATE_HZ = 16_000
RNG = np.random.default_rng()


def noise(n_samples: int = RATE_HZ) -> NDArray[np.float32]:
    return RNG.normal(0.0, 0.1, n_samples).astype(np.float32)


def chain(*stages: Stage) -> FrontEnd:
    """After 80 logarithms to the base of 10."""
    before = preset_for("voxtral-realtime").stages[:5]
    assert before[-1].stage == "log"
    return FrontEnd("test", RATE_HZ, (*before, *stages))


def plain(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    return clip_columns(samples[:, None], chain(), 4000, streaming=False)[0]


def applied(stage: Stage, columns: NDArray[np.floating]) -> list[NDArray[Any]]:
    """What it makes of (n_columns, n_rows), by NumPy in float64 and float32 and by torch."""
    before = Layout(RATE_HZ, width=columns.shape[-1], values=Values((-1.0, 1.0), None))
    of_numpy = [
        stage.operator(NumpyArrays(dtype), before)(columns.astype(dtype))
        for dtype in (np.float64, np.float32)
    ]
    tensor = torch.tensor(columns, dtype=torch.float32)
    of_torch = [
        stage.operator(arrays, before)(tensor).numpy()
        for arrays in (TorchArrays(), CompilableArrays(1))
    ]
    return [*of_numpy, *of_torch]


def test_each_row_has_numbers_of_its_own() -> None:
    columns, shifts, scales = RNG.normal(size=(7, 5)), RNG.normal(size=5), RNG.normal(size=5)
    stage = RowAffine(tuple(shifts.tolist()), tuple(scales.tolist()))
    for ours in applied(stage, columns):
        np.testing.assert_allclose(ours, (columns + shifts) * scales, atol=1e-5)
    front_end = chain(RowAffine((4.0,) * 128, tuple(np.linspace(0.1, 0.9, 128).tolist())))
    read = FrontEnd.from_dict(front_end.to_dict())
    assert read == front_end
    assert not has_db(front_end)
    low, high = PictureUnit.default(front_end).range()
    assert -2.0 < low < high < 5.0
    with pytest.raises(ConfigError, match=r"shifts is .*; it must be a list of 128 numbers"):
        chain(RowAffine((0.0,) * 80, (1.0,) * 80))
    with pytest.raises(ConfigError, match=r"scales is \(1.0, 'x'\); it must be a list of 1 to"):
        RowAffine((0.0, 0.0), (1.0, "x"))  # type: ignore[arg-type]


def test_rows_of_stacks_have_numbers_of_their_own_too() -> None:
    shifts, samples = tuple(map(float, range(256))), noise(8000)
    stacked = clip_columns(samples[:, None], chain(Stack(2)), 999, streaming=False)[0]
    front_end = chain(Stack(2), RowAffine(shifts, (2.0,) * 256))
    ours = clip_columns(samples[:, None], front_end, 999, streaming=False)[0]
    np.testing.assert_allclose(ours, (stacked + np.arange(256)[:, None]) * 2.0, rtol=1e-6)


def test_a_power_law_takes_no_signs() -> None:
    columns = RNG.normal(size=(6, 4))
    for ours in applied(PowerLaw(0.3), columns):
        np.testing.assert_allclose(ours, np.abs(columns) ** 0.3, rtol=1e-5)
    before = Layout(RATE_HZ, 4, values=Values((-2.0, 3.0), None))
    after = PowerLaw(2.0).after(before).values
    assert after is not None
    assert (after.usual, after.level) == ((0.0, 9.0), None)


@pytest.mark.parametrize("dtype", get_args(Rounding))
def test_rounding_is_torchs_to_the_bit(dtype: Rounding) -> None:
    bits = RNG.integers(0, 2**32, 200_000, dtype=np.uint32)
    # And what lies halfway between two, of which the even one is taken.
    halves = (bits & np.uint32(0xFFFF0000)) | np.uint32(0x8000)
    values = np.concatenate((bits, halves)).view(np.float32)
    values = np.concatenate((values, np.array([0.0, -0.0, 1.0, 65_519.0, 6e-8], np.float32)))
    if dtype == "float16":
        values = values[~(np.abs(values) >= 65_504.0)]
    theirs = torch.from_numpy(values).to(getattr(torch, dtype)).float().numpy()
    ours = rounded(values, dtype)
    np.testing.assert_array_equal(ours, theirs)
    assert ours.dtype == np.float32
    finite = values[np.isfinite(values)]
    expected = rounded(finite, dtype)
    for computed in applied(Rounded(dtype), finite[:, None]):
        np.testing.assert_array_equal(computed[:, 0], expected)


def test_what_is_beyond_float16_becomes_its_largest() -> None:
    for ours in applied(Rounded("float16"), np.array([[1e6, -1e30, 65_519.0, 65_520.0]])):
        np.testing.assert_array_equal(ours, [[65_504.0, -65_504.0, 65_504.0, 65_504.0]])


def test_flipped_rows_keep_their_frequencies() -> None:
    samples, front_end = noise(8000), chain(Flip())
    for streaming in (False, True):
        ours = clip_columns(samples[:, None], front_end, 999, streaming=streaming)[0]
        np.testing.assert_allclose(ours, plain(samples)[::-1], rtol=0, atol=1e-3)
    straight = chain().rows
    peaks = [straight.middle_hz(row) for row in range(128)]
    assert [front_end.rows.middle_hz(row) for row in range(128)] == peaks[::-1]
    np.testing.assert_allclose(front_end.rows.position(peaks), 127.5 - np.arange(128))
    # A column stage behind one that needs the clip: torch takes what comes of it, too.
    stream = MelStream(chain(RelativeToMax(), Flip()), RATE_HZ, 1)
    torch.from_numpy(stream.push(samples[:, None]))
    labelled = Layout(RATE_HZ, 3, rows=Rows(labels=("0", "1", "2")))
    assert Flip().after(labelled).rows.labels == ("2", "1", "0")


def test_one_hot_is_the_first_of_the_largest() -> None:
    columns = np.array([[0.0, 3.0, 1.0], [2.0, 1.0, 2.0], [-3.0, -2.0, -1.0]])
    for ours in applied(OneHot(), columns):
        np.testing.assert_array_equal(ours, [[0, 1, 0], [1, 0, 0], [0, 0, 1]])


def test_clip_has_a_lowest_value_of_its_own() -> None:
    columns = 3.0 * RNG.normal(size=(50, 4))
    for low in (None, 0.0, -3.5):
        for ours in applied(Clip(2.0, low), columns):
            np.testing.assert_allclose(ours, np.clip(columns, -2.0 if low is None else low, 2.0))
    with pytest.raises(ConfigError, match=r"low is 2.0; it must be null or below limit \(2.0\)"):
        Clip(2.0, 2.0)
    assert flat_form(chain(Clip(2.0, 0.0))) is None
    assert flat_form(chain(Clip(2.0))) is not None


def test_values_relative_to_the_maximum_are_librosas() -> None:
    samples = noise()
    mel = librosa.feature.melspectrogram(y=samples.astype(float), sr=22_050)
    theirs = librosa.power_to_db(mel, ref=np.max, top_db=None)
    front_end = preset_for("librosa")
    log = {"stage": "log", "kind": "db", "floor": 1e-10}
    values = front_end.to_dict()
    values["stages"] += [log, {"stage": "relative_to_max"}]
    front_end = FrontEnd.from_dict(values)
    ours = clip_columns(samples[:, None], front_end, 999, streaming=False)[0]
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-3)
    assert front_end.dependence == "clip"
    assert PictureUnit.default(front_end).range()[1] == 0.0
    of_torch = MelKernel(front_end).clip(torch.from_numpy(samples[:, None]))[0].numpy()
    np.testing.assert_allclose(of_torch, theirs, rtol=0, atol=1e-3)
    # As it streams, the clip so far stands for the whole.
    live = clip_columns(samples[:, None], front_end, 999, streaming=True)[0]
    so_far = np.maximum.accumulate(theirs.max(axis=0))
    np.testing.assert_allclose(live, theirs - so_far, rtol=0, atol=1e-3)


@pytest.mark.parametrize("lifter", [0, 22])
def test_coefficients_are_librosas_lifter_and_all(lifter: int) -> None:
    logs = RNG.normal(size=(40, 9))
    theirs = librosa.feature.mfcc(S=logs, n_mfcc=13, lifter=lifter)
    ours = Dct(13, lifter=float(lifter), lifter_from=1).matrix(40).T @ logs
    np.testing.assert_allclose(ours, theirs, atol=1e-12)
    if lifter == 0:
        np.testing.assert_allclose(ours, scipy.fft.dct(logs, axis=0, norm="ortho")[:13])


# ------------------------------------------------------------------------------------ statistics


@pytest.mark.parametrize("over", ["row", "all"])
@pytest.mark.parametrize("ddof", [0, 1])
@pytest.mark.parametrize("kind", ["std", "variance", "mean"])
def test_statistics_are_numpys(kind: Any, ddof: Any, over: Any) -> None:
    samples, epsilon = noise(), 1e-3
    columns = plain(samples).astype(np.float64)
    axes = {"axis": 1 if over == "row" else None, "keepdims": True}
    expected = columns - columns.mean(**axes)
    if kind == "std":
        expected /= columns.std(ddof=ddof, **axes) + epsilon
    elif kind == "variance":
        expected /= np.sqrt(columns.var(ddof=ddof, **axes) + epsilon)
    front_end = chain(Statistics(kind, epsilon, ddof, over))
    ours = clip_columns(samples[:, None], front_end, 999, streaming=False)[0]
    np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-4)
    of_torch = MelKernel(front_end).clip(torch.from_numpy(samples[:, None]))[0].numpy()
    np.testing.assert_allclose(of_torch, expected, rtol=0, atol=1e-3)
    assert (flat_form(front_end) is None) == ((ddof, over) != (1, "row"))
    assert front_end.dependence == "clip"


@pytest.mark.parametrize("kind", ["std", "variance", "mean"])
@pytest.mark.parametrize("over", ["row", "all"])
def test_a_row_that_never_changes_is_zero_without_an_epsilon(kind: Any, over: Any) -> None:
    state = Statistics(kind, over=over).state(NumpyArrays(np.float32), Layout(RATE_HZ), 1)
    columns = np.full((1, 100, 3), np.float32(RNG.normal(0.0, 10.0)))
    for piece in np.array_split(columns, 7, axis=1):
        state.observe(piece)
    with np.errstate(all="raise"):
        np.testing.assert_array_equal(state.finish(columns), 0.0)


def test_pieces_have_the_statistics_of_the_whole() -> None:
    samples = noise()
    front_end = chain(Statistics("std", 0.0, 0, "all"))
    whole = clip_columns(samples[:, None], front_end, len(samples), streaming=False)
    pieces = clip_columns(samples[:, None], front_end, 321, streaming=False)
    np.testing.assert_allclose(pieces, whole, rtol=0, atol=1e-3)
    longer = replace(front_end, name="other")
    assert longer.to_dict()["stages"][-1]["over"] == "all"
