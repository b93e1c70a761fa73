"""Stages that change the number of columns: stacks, deltas, fillings."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torchaudio
from numpy.typing import NDArray

from visualizer.errors import ConfigError
from visualizer.export.offline import column_times_s
from visualizer.mel.arrays import Array, Arrays, NumpyArrays
from visualizer.mel.flat import flat_form
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.kernels.torch_arrays import TorchArrays
from visualizer.mel.presets import preset_for
from visualizer.mel.stage import Layout, Stage
from visualizer.mel.stages.column_multiple import ColumnMultiple
from visualizer.mel.stages.deltas import Deltas
from visualizer.mel.stages.fixed_columns import FixedColumns
from visualizer.mel.stages.stack import Stack

RNG = np.random.default_rng()
N_ROWS = 3


def some_columns(n: int) -> NDArray[np.float32]:
    return RNG.normal(size=(n, N_ROWS)).astype(np.float32)


def after(stage: Stage, pieces: list[Array], arrays: Arrays) -> list[Array]:
    state = stage.state(arrays, Layout(16_000, width=N_ROWS), 1)
    out = [state.push(piece) for piece in pieces]
    end = state.flush()
    return out if end is None else [*out, end]


def counted(stage: Stage, columns: NDArray[np.float32], n_pieces: int = 1) -> NDArray[np.float32]:
    """What comes out in all, (n, n_rows), however the columns were cut up and by either library."""
    cuts = np.sort(RNG.integers(0, len(columns) + 1, n_pieces - 1))
    pieces = np.split(columns[None], cuts, axis=1)
    ours = np.concatenate(after(stage, pieces, NumpyArrays(np.float32)), axis=1)[0]
    tensors = [torch.from_numpy(piece.copy()) for piece in pieces]
    of_torch = torch.cat(after(stage, tensors, TorchArrays()), dim=1)[0].numpy()
    np.testing.assert_allclose(ours, of_torch, rtol=0, atol=1e-6)
    assert ours.dtype == np.float32
    return ours


def low_frame_rate(columns: NDArray[np.float32], m: int, n: int) -> NDArray[np.float32]:
    """FunASR's: stacks of m every n, the first column repeated before, the last behind."""
    before = (m - 1) // 2
    padded = [columns[0]] * before + list(columns)
    stacks = []
    for i in range(-(-len(columns) // n)):
        stack = padded[i * n : i * n + m]
        stacks.append(np.concatenate(stack + [padded[-1]] * (m - len(stack))))
    return np.array(stacks)


@pytest.mark.parametrize(("m", "n"), [(7, 6), (5, 1), (4, 3), (1, 1)])
def test_overlapping_stacks_are_funasrs(m: int, n: int) -> None:
    stage = Stack(m, hop=n, before=(m - 1) // 2, rest="repeat")
    for length in (*range(1, 16), 100):
        columns = some_columns(length)
        np.testing.assert_array_equal(counted(stage, columns), low_frame_rate(columns, m, n))


@pytest.mark.parametrize("length", [0, 1, 2, 3, 7, 8])
def test_what_becomes_of_the_last_stack(length: int) -> None:
    columns = some_columns(length)
    filled = np.concatenate((columns, np.full((2, N_ROWS), 0.5, np.float32)))
    n_full, n_begun = length // 3, -(-length // 3)
    dropped = counted(Stack(3), columns)
    np.testing.assert_array_equal(dropped, columns[: 3 * n_full].reshape(n_full, 9))
    kept = counted(Stack(3, rest="fill", fill=0.5), columns)
    np.testing.assert_array_equal(kept, filled[: 3 * n_begun].reshape(n_begun, 9))


def test_a_stack_may_leave_columns_out() -> None:
    columns = some_columns(17)
    expected = np.concatenate((columns[0:15:5], columns[1:15:5]), axis=1)
    for n_pieces in (1, 9):
        np.testing.assert_array_equal(counted(Stack(2, hop=5), columns, n_pieces)[:3], expected)


@pytest.mark.parametrize("win_length", [3, 5, 9])
@pytest.mark.parametrize("orders", [1, 2, 3])
def test_deltas_are_torchaudios(win_length: int, orders: int) -> None:
    for length in (1, 2, 4, 5, 50):
        columns = some_columns(length)
        layers = [torch.from_numpy(columns.T.astype(np.float64))]
        for _ in range(orders):
            layers.append(torchaudio.functional.compute_deltas(layers[-1], win_length))
        ours = counted(Deltas(win_length, orders), columns)
        np.testing.assert_allclose(ours, torch.cat(layers).T.numpy(), rtol=0, atol=1e-6)


@pytest.mark.parametrize("length", [0, 1, 7, 8, 9])
def test_columns_are_filled_to_a_multiple(length: int) -> None:
    columns = some_columns(length)
    ours = counted(ColumnMultiple(4, fill=-1.0), columns)
    assert len(ours) == -(-length // 4) * 4
    np.testing.assert_array_equal(ours[:length], columns)
    np.testing.assert_array_equal(ours[length:], -1.0)


@pytest.mark.parametrize(
    "stage",
    [
        Stack(7, hop=6, before=3, rest="repeat"),
        Stack(2, rest="fill"),
        Stack(2, hop=5, rest="repeat"),
        Stack(5, hop=2, before=4),
        Deltas(9, 2),
        ColumnMultiple(7),
        FixedColumns(30),
    ],
)
def test_no_split_changes_a_bit(stage: Stage) -> None:
    for length in (0, 1, 5, 40):
        columns = some_columns(length)
        whole = counted(stage, columns)
        for n_pieces in (2, 5, 60):
            np.testing.assert_array_equal(counted(stage, columns, n_pieces), whole)


@pytest.mark.parametrize(
    ("stages", "expected_hops"),
    [
        ((), np.arange(9)),
        ((Stack(2),), 0.5 + 2 * np.arange(9)),
        ((Stack(7, hop=6, before=3, rest="repeat"),), 6 * np.arange(9)),
        ((Deltas(),), np.arange(9)),
        ((Deltas(), Stack(2), Stack(3, hop=1)), 2.5 + 2 * np.arange(9)),
    ],
)
def test_the_moments_of_columns_are_those_of_their_middles(
    stages: tuple[Stage, ...], expected_hops: NDArray[Any]
) -> None:
    before = preset_for("kaldi")
    front_end = FrontEnd("counted", 16_000, (*before.stages, *stages))
    times_s = column_times_s(front_end, 9)
    np.testing.assert_allclose(times_s, 0.0125 + 0.01 * expected_hops)
    assert front_end.live == FrontEnd("counted", 16_000, before.stages)
    assert FrontEnd.from_dict(front_end.to_dict()) == front_end


def test_only_plain_stacks_have_a_flat_form() -> None:
    before = preset_for("kaldi")

    def with_stage(stage: Stage) -> FrontEnd:
        return FrontEnd("counted", 16_000, (*before.stages, stage))

    assert flat_form(with_stage(Stack(2))) is not None
    for stage in (Stack(2, rest="fill"), Stack(3, hop=2), Deltas(), ColumnMultiple(2)):
        assert flat_form(with_stage(stage)) is None


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"before is 7; it must be below n \(7\)"):
        Stack(7, hop=6, before=7)
    with pytest.raises(ConfigError, match="win_length is 4; it must be an odd number"):
        Deltas(4)
