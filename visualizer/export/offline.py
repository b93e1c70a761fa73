"""A file's features as the model would get them, in memory that does not grow with the file."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from visualizer.audio.file import open_audio, read_blocks
from visualizer.errors import ConfigError
from visualizer.export.archive import CLIP, STREAMING, write_archive
from visualizer.mel.clip import cut, finished_columns
from visualizer.mel.flat import MelConfig

Channels = Literal["mean", "all"] | int
Samples = NDArray[np.float32]
Columns = NDArray[np.float32]

BLOCK_S = 10.0
STREAMING_BLOCK_S = 0.01
"""As short as the blocks of a live source."""


def write_features(
    source: Path,
    output: Path,
    front_end: Callable[[int], MelConfig],
    channels: Channels,
    *,
    streaming: bool,
    on_progress: Callable[[float], None] = lambda _: None,
) -> tuple[tuple[int, ...], MelConfig]:
    """Write the features of an audio file to a .npy or .npz; return their shape and the config.

    `front_end` is asked for the config at the file's sample rate; the sound is resampled where the
    answer has another. `on_progress` is told the share that is done. The shape is (rows,
    n_columns), or (n_channels, rows, n_columns) for "all". What `output` held before stays until
    all is written. Raises SourceError or ConfigError.
    """
    torch.set_num_threads(1)
    # Where it is a link, what it points to is written.
    output = output.resolve()
    with open_audio(source) as file:
        if isinstance(channels, int) and not 1 <= channels <= file.channels:
            there = f"the channels 1 to {file.channels}" if file.channels > 1 else "channel 1 alone"
            raise ConfigError(f"--channels is {channels}", f"{str(source)!r} has {there}")
        config = front_end(file.samplerate)
        n_channels = file.channels if channels == "all" else 1
        blocks = _chosen(
            read_blocks(file, source, round(BLOCK_S * file.samplerate), on_progress), channels
        )
        if streaming:
            blocks = cut(blocks, round(STREAMING_BLOCK_S * file.samplerate))
        try:
            with tempfile.TemporaryDirectory(dir=output.parent, prefix=".mel-") as folder:
                unfinished = Path(folder, "features.npy")
                with tempfile.TemporaryFile(dir=folder) as spool, unfinished.open("wb") as features:
                    writer = _ColumnWriter(features, (n_channels,) if channels == "all" else ())
                    for columns in finished_columns(
                        blocks,
                        config,
                        file.samplerate,
                        n_channels,
                        _Spool(spool),
                        streaming=streaming,
                    ):
                        writer.append(columns)
                    shape = writer.finish()
                if output.suffix == ".npz":
                    form = STREAMING if streaming else CLIP
                    unfinished = _packed(unfinished, config, shape[-1], form)
                if output.exists():
                    shutil.copymode(output, unfinished)
                unfinished.replace(output)
        except OSError as error:
            raise ConfigError(
                f"the features cannot be written to {str(output)!r}: {error.strerror}"
            ) from error
        except MemoryError as error:
            signals = "1 channel" if n_channels == 1 else f"{n_channels} channels"
            raise ConfigError(
                f"{config.name} with {signals} needs more memory than there is",
                "take one channel, or a front-end with a shorter window or fewer bands",
            ) from error
    return shape, config


def _chosen(blocks: Iterable[Samples], channels: Channels) -> Iterator[Samples]:
    """The channels that were asked for: (n_samples, n_channels)."""
    for block in blocks:
        if channels == "all" or block.shape[1] == 1:
            yield block
        elif channels == "mean":
            yield block.mean(axis=1, keepdims=True)
        else:
            yield block[:, channels - 1 : channels]


class _Spool:
    """Columns put aside in a file."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._shapes: list[tuple[int, ...]] = []

    def append(self, columns: Columns, /) -> None:
        self._shapes.append(columns.shape)
        self._file.write(columns.tobytes())

    def __iter__(self) -> Iterator[Columns]:
        self._file.seek(0)
        for shape in self._shapes:
            n_bytes = int(np.prod(shape)) * np.dtype(np.float32).itemsize
            yield np.frombuffer(self._file.read(n_bytes), np.float32).reshape(shape)


class _ColumnWriter:
    """A .npy whose last axis grows: in Fortran order, a column follows the one before it."""

    def __init__(self, file: IO[bytes], channels: tuple[int, ...]) -> None:
        """`channels` is () where there is one and the array has no axis for it."""
        self._file = file
        self._channels = channels
        self._shape: tuple[int, ...] = (*channels, 0, 0)
        self._write_header()

    def append(self, columns: Columns) -> None:
        """(n_channels, rows, n), as many channels and rows each time."""
        _, rows, n = columns.shape
        self._shape = (*self._channels, rows, self._shape[-1] + n)
        self._file.write(np.ascontiguousarray(columns.T).data)

    def finish(self) -> tuple[int, ...]:
        """Write the final shape, and return it."""
        self._file.seek(0)
        self._write_header()
        return self._shape

    def _write_header(self) -> None:
        # NumPy leaves room in it for the last axis to grow.
        header = {"descr": "<f4", "fortran_order": True, "shape": self._shape}
        np.lib.format.write_array_header_1_0(self._file, header)


def _packed(features: Path, config: MelConfig, n_columns: int, form: str) -> Path:
    """The .npy as a .npz that tells what it holds."""
    path = features.with_suffix(".npz")
    mel = np.load(features, mmap_mode="r", allow_pickle=False)
    parts = {
        "config": np.array(json.dumps(config.to_dict())),
        "form": np.array(form),
        "sample_rate": np.array(config.sample_rate),
        "times_s": column_times_s(config, n_columns),
    }
    write_archive(path, mel, parts)
    return path


def column_times_s(config: MelConfig, n_columns: int) -> NDArray[np.float64]:
    """The middle of each column's window, in seconds from the first sample: (n_columns,)."""
    hops = np.arange(n_columns, dtype=np.float64) * config.stack + (config.stack - 1) / 2
    return config.middle_s + hops * config.hop_s
