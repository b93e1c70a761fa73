"""The columns of a whole clip, piece by piece, as the model gets them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from visualizer.mel.flat import MelConfig
from visualizer.mel.kernels import HostKernel
from visualizer.mel.level import ClipLevel, ClipShape
from visualizer.mel.reference import reference_columns
from visualizer.mel.stream import MelStream

Samples = NDArray[np.float32]
Columns = NDArray[np.float32]

_PROBE_COLUMNS = 24


class ColumnStore(Protocol):
    """Where columns wait until the whole clip is known; a list will do."""

    def append(self, columns: Columns, /) -> None: ...
    def __iter__(self) -> Iterator[Columns]: ...


def clip_columns(
    samples: Samples,
    config: MelConfig,
    block_length: int,
    *,
    streaming: bool,
    kernel: HostKernel | None = None,
) -> Columns:
    """The columns of (n_samples, n_channels) at config.sample_rate, block by block.

    Returns (n_channels, rows, n_columns). With `streaming` they are those of the live path, which
    differ where the model needs the whole clip.
    """
    pieces = finished_columns(
        cut([samples], block_length),
        config,
        config.sample_rate,
        samples.shape[1],
        [],
        streaming=streaming,
        kernel=kernel,
    )
    return np.concatenate(list(pieces), axis=2)


def cut(blocks: Iterable[Samples], length: int) -> Iterator[Samples]:
    for block in blocks:
        for at in range(0, len(block), length):
            yield block[at : at + length]


def finished_columns(
    blocks: Iterable[Samples],
    config: MelConfig,
    sample_rate: int,
    n_channels: int,
    store: ColumnStore,
    *,
    streaming: bool,
    kernel: HostKernel | None = None,
) -> Iterator[Columns]:
    """The columns of a clip as the model gets them, piece by piece: (n_channels, rows, n).

    The blocks are (n_samples, n_channels) at `sample_rate` Hz.
    """
    in_one_pass = streaming or not config.needs_whole_clip
    stream = MelStream(config, sample_rate, n_channels, kernel, level=in_one_pass)
    shape = ClipShape(config, n_channels)
    analysed = _analysed(blocks, stream)
    if not in_one_pass:
        clip = ClipLevel(config, n_channels)
        for columns in analysed:
            clip.observe(columns)
            store.append(columns)
        analysed = map(clip.finish, store)
    yield from map(shape.push, analysed)
    yield shape.flush()


def _analysed(blocks: Iterable[Samples], stream: MelStream) -> Iterator[Columns]:
    for block in blocks:
        with torch.inference_mode():
            columns = stream.push(block)
        yield columns
    with torch.inference_mode():
        columns = stream.flush()
    yield columns


def largest_deviation(
    config: MelConfig, samples: Samples, kernel: HostKernel | None = None
) -> tuple[float, float]:
    """How far the kernel is from the float64 reference over (n_samples,), and its largest value.

    `kernel` takes one row; None is plain torch on the CPU.
    """
    ours = clip_columns(samples[:, None], config, len(samples), streaming=False, kernel=kernel)[0]
    reference = reference_columns(samples, config)
    return (
        float(np.abs(ours - reference).max(initial=0.0)),
        float(np.abs(reference).max(initial=0.0)),
    )


def relative_deviation(config: MelConfig, kernel: HostKernel) -> float:
    """The largest deviation over a short fresh noise, as a share of the largest value."""
    n_samples = config.win_length + max(_PROBE_COLUMNS, config.stack) * config.hop_length
    noise = np.random.default_rng().normal(0.0, 0.1, n_samples).astype(np.float32)
    deviation, largest = largest_deviation(config, noise, kernel)
    return deviation / largest if largest else deviation
