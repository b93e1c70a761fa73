"""A whole clip through the chain, over NumPy's or torch's arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from visualizer.mel.arrays import Array, Arrays, NumpyArrays
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.kernels.host import kernel_operator
from visualizer.mel.stage import ClipState, CountState, Stage

_SAMPLES_AT_ONCE = 1 << 21
"""Of frames: enough to keep a GPU busy, and some tens of MB."""


class ColumnStore(Protocol):
    """Where columns wait until the whole clip is known; a list will do."""

    def append(self, columns: Array, /) -> None: ...
    def __iter__(self) -> Iterator[Array]: ...


def whole_clip(front_end: FrontEnd, arrays: Arrays, samples: Array) -> Array:
    """Return the columns of a whole clip as the model gets them.

    Args:
        front_end: the chain to compute.
        arrays: the library and the type to compute with.
        samples: (n_channels, n_samples) at front_end.sample_rate, ±1.0 at full scale.

    Returns:
        (n_channels, n_columns, n_model_rows).
    """
    n_channels = samples.shape[0]
    sound = front_end.sound(arrays, n_channels)
    samples = arrays.xp.concat((sound.push(samples), *sound.flush()), axis=1)
    columns = _kernel_columns(front_end, arrays, samples)
    stages = front_end.column_stages + front_end.final_stages
    pieces = through(stages, front_end, arrays, iter((columns,)), n_channels)
    return arrays.xp.concat(tuple(pieces), axis=1)


def _kernel_columns(front_end: FrontEnd, arrays: Arrays, samples: Array) -> Array:
    """Return (n_channels, n_columns, n_kernel_rows)."""
    kernel, frames = kernel_operator(front_end, arrays), front_end.frames
    n_channels, n_columns = samples.shape[0], frames.n_columns(samples.shape[1])
    # Frames share their samples until they are brought into rows: never all of them at once.
    step = max(1, _SAMPLES_AT_ONCE // max(1, n_channels * front_end.win_length))
    parts = [arrays.constant(np.zeros((n_channels, 0, front_end.n_kernel_rows)))]
    for first in range(0, n_columns, step):
        some = frames.of_clip(arrays.xp, samples, first, min(first + step, n_columns))
        columns = kernel(some.reshape(-1, front_end.win_length))
        parts.append(columns.reshape(n_channels, some.shape[1], front_end.n_kernel_rows))
    return arrays.xp.concat(parts, axis=1)


def through(
    stages: tuple[Stage, ...],
    front_end: FrontEnd,
    arrays: Arrays,
    pieces: Iterator[Array],
    n_channels: int,
    new_store: Callable[[], ColumnStore] = list,
) -> Iterator[Array]:
    """Take a clip's columns through some of the stages after the kernel.

    Args:
        stages: of `front_end`, in their order.
        front_end: the whole chain.
        arrays: the library and the type to compute with.
        pieces: of the clip, in order: (n_channels, n_columns, n_rows) each.
        n_channels: of the pieces.
        new_store: makes what keeps the columns while a stage waits for the end of the clip.

    Returns:
        Pieces of the same form, with the rows of the last stage.
    """
    for stage in stages:
        before = front_end.before(stage)
        push = stage.piecewise(arrays, before, n_channels)
        if push is not None:
            pieces = map(push, pieces)
        elif stage.place == "count":
            pieces = _counted(stage.state(arrays, before, n_channels), pieces)
        else:
            pieces = _kept(stage.state(arrays, before, n_channels), pieces, new_store())
    return pieces


def _kept(state: ClipState, pieces: Iterator[Array], store: ColumnStore) -> Iterator[Array]:
    """Keep the columns until the clip is known."""
    for piece in pieces:
        state.observe(piece)
        store.append(piece)
    yield from map(state.finish, store)


def _counted(state: CountState, pieces: Iterator[Array]) -> Iterator[Array]:
    yield from map(state.push, pieces)
    rest = state.flush()
    if rest is not None:
        yield rest


def reference_columns(samples: NDArray[np.floating], front_end: FrontEnd) -> NDArray[np.float64]:
    """Return a whole clip's columns in float64, which every kernel is measured against.

    Args:
        samples: (n_samples,) at front_end.sample_rate, ±1.0 at full scale.
        front_end: the chain to compute.

    Returns:
        (n_model_rows, n_columns), as the model gets them.
    """
    signal = np.asarray(samples, dtype=np.float64)[None]
    columns: NDArray[np.float64] = whole_clip(front_end, NumpyArrays(np.float64), signal)[0]
    return np.ascontiguousarray(columns.T)
