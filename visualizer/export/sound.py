"""The sound of a file as the mean of its channels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from visualizer.audio.channels import signals_of
from visualizer.audio.file import open_audio, read_blocks
from visualizer.export.offline import BLOCK_S

Blocks = Iterator[NDArray[np.float32]]


@contextmanager
def opened_mono(
    path: Path, on_progress: Callable[[float], None] = lambda _: None
) -> Iterator[tuple[soundfile.SoundFile, Blocks]]:
    """Open an audio file; yield it, and its sound in blocks of float32 (n_samples, 1).

    `on_progress` is told the share that is read.

    Raises:
        SourceError: It cannot be read.
    """
    with open_audio(path) as file:
        blocks = read_blocks(file, path, round(BLOCK_S * file.samplerate), on_progress)
        yield file, (signals_of(block, None) for block in blocks)
