"""A file's features as the model would get them, in memory that does not grow with the file."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from visualizer.audio.channels import Channel, require_channels, signals_of
from visualizer.audio.file import open_audio, read_blocks
from visualizer.audio.notices import said_of
from visualizer.audio.reader import SoundReader
from visualizer.audio.sanitize import Cleaner
from visualizer.errors import ConfigError
from visualizer.export.archive import (
    CLIP,
    STREAMING,
    GrowingArray,
    about,
    write_archive,
    write_tensors,
)
from visualizer.mel.clip import cut, finished_columns
from visualizer.mel.front_end import FrontEnd
from visualizer.support.files import replacing, writing

Samples = NDArray[np.float32]
Columns = NDArray[np.float32]

BLOCK_S = 10.0
STREAMING_BLOCK_S = 0.01
"""As short as the blocks of a live source."""


@contextmanager
def opened_mono(
    path: Path,
    *,
    channel: Channel = "mean",
    gain_db: float = 0.0,
    on_progress: Callable[[float], None] = lambda _: None,
    on_notice: Callable[[str], None] = lambda _: None,
) -> Iterator[tuple[SoundReader, Iterator[Samples]]]:
    """Open an audio file; yield it, and one signal of it in blocks of float32 (n_samples, 1).

    `gain_db` is applied before everything else. `on_progress` is told the share that is read, and
    `on_notice`, at the end, what a person should know of the sound, if anything.

    Raises:
        SourceError: It cannot be read.
        ConfigError: It does not have the channel.
    """
    with open_audio(path) as file:
        require_channels(channel, file.channels, str(path))
        blocks = read_blocks(file, round(BLOCK_S * file.sample_rate), on_progress)
        blocks = _cleaned(file, blocks, gain_db, on_notice)
        yield file, (signals_of(block, channel) for block in blocks)


def _cleaned(
    file: SoundReader,
    blocks: Iterator[Samples],
    gain_db: float,
    on_notice: Callable[[str], None],
) -> Iterator[Samples]:
    """The blocks as they are when they are live; at their end, `on_notice` is told of them."""
    cleaner = Cleaner(gain_db)
    yield from map(cleaner.clean, blocks)
    for words in (*file.remarks, said_of(cleaner.faults, cleaner.integer_bits)):
        if words is not None:
            on_notice(f"{file.name}: {words}")


def write_features(
    source: Path,
    output: Path,
    front_end: Callable[[int], FrontEnd],
    channel: Channel,
    *,
    streaming: bool,
    gain_db: float = 0.0,
    on_progress: Callable[[float], None] = lambda _: None,
    on_notice: Callable[[str], None] = lambda _: None,
) -> tuple[tuple[int, ...], FrontEnd]:
    """Write the features of an audio file; return their shape and the config.

    `output` ends in .npy, .npz or .safetensors, which says how. `front_end` is asked for the config
    at the file's sample rate; the sound is resampled where the answer has another. `gain_db` is
    applied before everything else. `on_progress` is told the share that is done, and `on_notice`,
    at the end, what a person should know of the sound, if anything.
    The shape is (rows, n_columns), or (n_channels, rows, n_columns) for "each", however many these
    are. What `output` held before stays until all is written. Raises SourceError or ConfigError.
    """
    with open_audio(source) as file:
        require_channels(channel, file.channels, str(source))
        config = front_end(file.sample_rate)
        n_channels = file.channels if channel == "each" else 1
        blocks = read_blocks(file, round(BLOCK_S * file.sample_rate), on_progress)
        blocks = _cleaned(file, blocks, gain_db, on_notice)
        if channel != "each":
            blocks = (signals_of(block, channel) for block in blocks)
        if streaming:
            blocks = cut(blocks, round(STREAMING_BLOCK_S * file.sample_rate))
        try:
            with (
                writing(output, "the features"),
                replacing(output) as unfinished,
                _opened(unfinished) as file_of_columns,
            ):
                shape = (n_channels, 0, 0) if channel == "each" else (0, 0)
                array = GrowingArray(file_of_columns, np.dtype("<f4"), shape)
                for columns in finished_columns(
                    blocks,
                    config,
                    file.sample_rate,
                    n_channels,
                    partial(_Spool, unfinished.parent),
                    streaming=streaming,
                ):
                    array.append(columns if channel == "each" else columns[0])
                array.sync()
                if (suffix := output.suffix.lower()) != ".npy":
                    times_s = column_times_s(config, array.shape[-1])
                    parts = about(config, form_of(streaming=streaming), times_s, gain_db)
                    write = write_archive if suffix == ".npz" else write_tensors
                    write(unfinished, array.mapped(), parts)
        except MemoryError as error:
            signals = "1 channel" if n_channels == 1 else f"{n_channels} channels"
            raise ConfigError(
                f"{config.name} with {signals} needs more memory than there is",
                "take one channel, or a front-end with a shorter window or fewer bands",
            ) from error
    return array.shape, config


def form_of(*, streaming: bool) -> str:
    """Return what features call their form, see `archive.CLIP`."""
    return STREAMING if streaming else CLIP


def _opened(output: Path) -> IO[bytes]:
    """Where columns are written: all but a .npy is made of them once all are there."""
    if output.suffix.lower() == ".npy":
        return output.open("wb")
    return tempfile.TemporaryFile(dir=output.parent)


class _Spool:
    """Columns put aside in a file that has no name, in a folder."""

    def __init__(self, folder: Path) -> None:
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
        self._count = 0

    def append(self, columns: Columns, /) -> None:
        np.save(self._file, columns, allow_pickle=False)
        self._count += 1

    def __iter__(self) -> Iterator[Columns]:
        self._file.seek(0)
        for _ in range(self._count):
            yield np.load(self._file, allow_pickle=False)


def column_times_s(config: FrontEnd, n_columns: int) -> NDArray[np.float64]:
    """The middle of each column as the model gets it, in seconds from the first sample."""
    hops = np.arange(n_columns, dtype=np.float64) * config.model_step
    return config.model_middle_s + hops * config.hop_s
