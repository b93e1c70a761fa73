"""The columns of a whole clip, piece by piece, as the model gets them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from visualizer.mel.arrays import BatchArrays, NumpyArrays
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.kernels.host import HostKernel, NumpyKernel
from visualizer.mel.stream import Columns, KernelStream, MelStream, Samples
from visualizer.mel.whole import ColumnStore, reference_columns, through

_PROBE_COLUMNS = 24


def clip_columns(
    samples: Samples,
    front_end: FrontEnd,
    block_length: int,
    *,
    streaming: bool,
    kernel: HostKernel | None = None,
) -> Columns:
    """Return the columns of a clip, computed block by block.

    Args:
        samples: (n_samples, n_channels) at front_end.sample_rate.
        front_end: what to compute.
        block_length: how many samples at once.
        streaming: as the live path gives them, which differs where the model needs the whole clip.
        kernel: what computes; None is NumPy's.

    Returns:
        (n_channels, n_model_rows, n_columns) float32.
    """
    pieces = finished_columns(
        cut([samples], block_length),
        front_end,
        front_end.sample_rate,
        samples.shape[1],
        list,
        streaming=streaming,
        kernel=kernel,
    )
    return np.concatenate(list(pieces), axis=2)


def cut(blocks: Iterable[Samples], length: int) -> Iterator[Samples]:
    """Cut blocks into pieces of at most `length` samples."""
    for block in blocks:
        for at in range(0, len(block), length):
            yield block[at : at + length]


def finished_columns(
    blocks: Iterable[Samples],
    front_end: FrontEnd,
    sample_rate: int,
    n_channels: int,
    new_store: Callable[[], ColumnStore],
    *,
    streaming: bool,
    kernel: HostKernel | None = None,
) -> Iterator[Columns]:
    """Yield the columns of a clip as the model gets them: (n_channels, n_model_rows, n) each.

    The blocks are (n_samples, n_channels) at `sample_rate` Hz. `new_store` makes what keeps the
    columns while a stage waits for the end of the clip.
    """
    stages = front_end.final_stages
    computed: Iterator[Columns]
    if streaming:
        live = _analysed(blocks, MelStream(front_end, sample_rate, n_channels, kernel))
        computed = (piece.transpose(0, 2, 1) for piece in live)
    else:
        kernel = kernel or NumpyKernel(front_end, BatchArrays(np.float32))
        computed = _analysed(blocks, KernelStream(front_end, sample_rate, n_channels, kernel))
        stages = front_end.column_stages + stages
    arrays = NumpyArrays(np.float32)
    columns = through(stages, front_end, arrays, computed, n_channels, new_store)
    for piece in columns:
        yield piece.transpose(0, 2, 1)


def _analysed(blocks: Iterable[Samples], stream: MelStream | KernelStream) -> Iterator[Columns]:
    for block in blocks:
        yield stream.push(block)
    yield stream.flush()


def largest_deviation(
    front_end: FrontEnd, samples: Samples, kernel: HostKernel | None = None
) -> tuple[float, float]:
    """Return how far a kernel is from the float64 reference, and the reference's largest value.

    Args:
        front_end: what to compute.
        samples: (n_samples,) at front_end.sample_rate.
        kernel: takes one frame a call, or any number; None is NumPy's.
    """
    kernel = kernel or NumpyKernel(front_end)
    length = max(1, len(samples))
    ours = clip_columns(samples[:, None], front_end, length, streaming=False, kernel=kernel)[0]
    reference = reference_columns(samples, front_end)
    return (
        float(np.abs(ours - reference).max(initial=0.0)),
        float(np.abs(reference).max(initial=0.0)),
    )


def relative_deviation(front_end: FrontEnd, kernel: HostKernel) -> float:
    """Return the largest deviation over a short noise, as a share of the largest value."""
    n_samples = front_end.win_length + _PROBE_COLUMNS * front_end.hop_length
    noise = np.random.default_rng().normal(0.0, 0.1, n_samples).astype(np.float32)
    # What comes after live columns only moves their numbers about.
    deviation, largest = largest_deviation(front_end.streaming.live, noise, kernel)
    return deviation / largest if largest else deviation
