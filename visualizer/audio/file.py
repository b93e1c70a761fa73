"""A file played at its own pace.

One thread per file, owned here, reads blocks and hands them on when they are due.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from visualizer.audio.ring import BlockRing
from visualizer.audio.source import BLOCK_S, SourceInfo
from visualizer.config import CaptureConfig, SourceKind
from visualizer.errors import ConfigError, SourceError

_PIECE_S = 0.5
END_OF_FILE = "the end of the file was reached"


class FileSource:
    """An audio file (WAV, FLAC, OGG, MP3 and what else libsndfile reads), opened and waiting."""

    def __init__(
        self, path: Path, capture: CaptureConfig, *, kind: SourceKind = "file", name: str = ""
    ) -> None:
        """Open the file. Raises SourceError or ConfigError."""
        self._file = open_audio(path)
        self._loop = capture.loop
        self.info = SourceInfo(
            kind=kind,
            name=name or path.name,
            host_api=None,
            sample_rate=self._file.samplerate,
            channels=self._file.channels,
            device_latency_s=None,
        )
        for wish, given, unit in (
            (capture.sample_rate, self.info.sample_rate, "Hz"),
            (capture.channels, self.info.channels, "channels"),
        ):
            if wish is not None and wish != given:
                self._file.close()
                raise ConfigError(
                    f"{self.info.name} has {given} {unit}, not {wish}; leave that option out"
                )
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, ring: BlockRing) -> None:
        """Deliver blocks into `ring` from now on."""
        self._thread = threading.Thread(target=self._play, args=(ring,), name="file", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop delivering."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
        self._file.close()

    def _play(self, ring: BlockRing) -> None:
        block_length = max(1, round(BLOCK_S * self.info.sample_rate))
        delivered = 0
        started_at = time.perf_counter()
        try:
            for piece in self._pieces():
                for at in range(0, len(piece), block_length):
                    block = piece[at : at + block_length]
                    delivered += len(block)
                    due_at = started_at + delivered / self.info.sample_rate
                    if self._stopping.wait(max(0.0, due_at - time.perf_counter())):
                        return
                    ring.write(block, time.perf_counter())
        except Exception as error:
            # Whatever it is, a thread that ends without a word would look like silence.
            ring.finish(f"{self.info.name} cannot be read on: {error}")
            return
        ring.finish(END_OF_FILE)

    def _pieces(self) -> Iterator[NDArray[np.float32]]:
        """The sound in pieces of many blocks: a read costs more than what it reads."""
        n_samples = round(_PIECE_S * self.info.sample_rate)
        at_start = True
        while True:
            samples = self._file.read(n_samples, dtype="float32", always_2d=True)
            if len(samples):
                yield samples
                at_start = False
            elif self._loop and not at_start:
                self._file.seek(0)
                at_start = True
            else:
                return


def open_audio(path: Path) -> Any:
    """A soundfile.SoundFile with at least one sample. Raises SourceError in words."""
    if not path.exists():
        raise SourceError(f"there is no file {str(path)!r}")
    if not path.is_file():
        raise SourceError(f"{str(path)!r} is not a file; name an audio file")
    if path.stat().st_size == 0:
        raise SourceError(f"{str(path)!r} is empty (0 bytes)")
    try:
        file = soundfile.SoundFile(path)
    except soundfile.SoundFileError as error:
        reason = str(getattr(error, "error_string", error)).strip().rstrip(".")
        raise SourceError(
            f"{str(path)!r} is not an audio file that can be read ({reason}); "
            "WAV, FLAC, OGG and MP3 can"
        ) from error
    if file.frames == 0:
        file.close()
        raise SourceError(f"{str(path)!r} holds no sound (0 samples)")
    return file


def write_sound(path: Path, samples: NDArray[np.float32], sample_rate: int) -> None:
    """Write (n_samples, n_channels) as they are, a WAV of float32. Raises SourceError in words."""
    try:
        soundfile.write(path, samples, sample_rate, subtype="FLOAT")
    except (OSError, soundfile.SoundFileError) as error:
        raise SourceError(f"{str(path)!r} cannot be written: {error}") from error


def read_blocks(
    file: Any, length: int, on_progress: Callable[[float], None]
) -> Iterator[NDArray[np.float32]]:
    """All of an open file: (n_samples ≤ length, n_channels). Raises SourceError in words.

    `on_progress` is told the share that is done.
    """
    try:
        for block in file.blocks(length, dtype="float32", always_2d=True):
            yield block
            on_progress(file.tell() / file.frames)
    except soundfile.SoundFileError as error:
        raise SourceError(f"{str(file.name)!r} cannot be read on: {error}") from error
