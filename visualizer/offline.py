"""A file's features as the model would get them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from visualizer.audio.file import open_audio
from visualizer.audio.resample import StreamingResampler
from visualizer.config import MelConfig
from visualizer.errors import ConfigError
from visualizer.mel.level import finish_clip, shape_clip
from visualizer.mel.reference import reference_columns
from visualizer.mel.stream import MelStream

Channels = Literal["mean", "all"] | int

CHUNK_S = 1.0
STREAMING_CHUNK_S = 0.01
"""As short as the blocks of a live source."""


def clip_columns(
    samples: NDArray[np.float32], config: MelConfig, chunk: int, *, streaming: bool
) -> NDArray[np.float32]:
    """The columns of (n_samples, n_channels) at config.sample_rate, `chunk` samples at a time.

    Returns (n_channels, rows, n_columns). With `streaming` they are those of the live path, which
    differ where the model needs the whole clip.
    """
    torch.set_num_threads(1)
    stream = MelStream(config, samples.shape[1], torch.device("cpu"), level=streaming)
    pieces = [stream.push(samples[at : at + chunk]) for at in range(0, len(samples), chunk)]
    columns = np.concatenate((*pieces, stream.flush()), axis=2)
    finish = shape_clip if streaming else finish_clip
    return np.stack([finish(channel, config) for channel in columns])


def file_columns(
    path: Path,
    front_end: Callable[[int], MelConfig],
    channels: Channels,
    *,
    streaming: bool,
    on_progress: Callable[[float], None] = lambda _: None,
) -> tuple[NDArray[np.float32], MelConfig]:
    """The features of an audio file, and the config that gave them.

    `front_end` is asked for the config at the file's sample rate; the sound is resampled where the
    answer has another. `on_progress` is told the share that is done. Returns (rows, n_columns), or
    (n_channels, rows, n_columns) for "all". Raises SourceError or ConfigError.
    """
    with open_audio(path) as file:
        if isinstance(channels, int) and not 1 <= channels <= file.channels:
            raise ConfigError(
                f"--channels is {channels}; {str(path)!r} has the channels 1 to {file.channels}"
            )
        config = front_end(file.samplerate)
        resampler = None
        if config.sample_rate != file.samplerate:
            resampler = StreamingResampler(file.samplerate, config.sample_rate, file.channels)
        pieces = []
        for block in file.blocks(round(CHUNK_S * file.samplerate), dtype="float32", always_2d=True):
            pieces.append(block if resampler is None else resampler.push(block))
            on_progress(file.tell() / file.frames)
    if resampler is not None:
        pieces.append(resampler.flush())
    samples = np.concatenate(pieces)
    if channels == "mean":
        samples = samples.mean(axis=1, keepdims=True)
    elif channels != "all":
        samples = samples[:, channels - 1 : channels]
    chunk = round((STREAMING_CHUNK_S if streaming else CHUNK_S) * config.sample_rate)
    columns = clip_columns(samples, config, chunk, streaming=streaming)
    return (columns if channels == "all" else columns[0]), config


def column_times_s(config: MelConfig, n_columns: int) -> NDArray[np.float64]:
    """The middle of each column's window, in seconds from the first sample: (n_columns,)."""
    first = config.offset + config.win_length / 2
    hops = np.arange(n_columns) * config.stack + (config.stack - 1) / 2
    return (hops * config.hop_length + first) / config.sample_rate


def largest_deviation(config: MelConfig, samples: NDArray[np.float32]) -> tuple[float, float]:
    """How far the kernel is from the float64 reference over (n_samples,), and its largest value."""
    ours = clip_columns(samples[:, None], config, len(samples), streaming=False)[0]
    reference = reference_columns(samples, config)
    return float(np.abs(ours - reference).max()), float(np.abs(reference).max())
