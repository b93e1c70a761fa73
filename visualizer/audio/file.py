"""A file played at its own pace.

One thread per file, owned here, reads blocks and hands them on when they are due.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from visualizer.audio.capture import CaptureConfig, SourceKind
from visualizer.audio.reader import SoundReader, reason_of
from visualizer.audio.ring import BlockRing
from visualizer.audio.source import BLOCK_S, LATE_LIMIT_S, SourceInfo, wait_for_room
from visualizer.errors import ConfigError, SourceError, quoted

_PIECE_S = 0.5
_CLOSE_S = 1.0
_PIECE_VALUES = 1 << 22
"""Samples of all channels that are read at once, at most: 16 MB."""

_log = logging.getLogger(__name__)


class FileSource:
    """The sound of a file, opened and waiting."""

    def __init__(
        self, path: Path, capture: CaptureConfig, *, kind: SourceKind = "file", name: str = ""
    ) -> None:
        """Open the file. Raises SourceError or ConfigError."""
        self._file = open_audio(path)
        self._loop = capture.loop
        name = name or _plain(path.name)
        self.info = SourceInfo(kind, name, None, self._file.sample_rate, self._file.channels)
        for wish, given, unit in (
            (capture.sample_rate, self.info.sample_rate, "Hz"),
            (capture.channels, self.info.channels, "channels"),
        ):
            if wish is not None and wish != given:
                self._file.close()
                raise ConfigError(
                    f"{quoted(self.info.name)} has {given} {unit}, not {wish}",
                    "leave that option out",
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
            self._thread.join(_CLOSE_S)
            if self._thread.is_alive():
                # It hangs in reading from a drive that is away, and closes nothing under its feet.
                return
        self._file.close()

    def _play(self, ring: BlockRing) -> None:
        block_length = max(1, round(BLOCK_S * self.info.sample_rate))
        delivered = 0
        started_at = time.perf_counter()
        try:
            for lost, piece in self._pieces():
                delivered += lost
                for at in range(0, len(piece), block_length):
                    block = piece[at : at + block_length]
                    delivered += len(block)
                    late_s = time.perf_counter() - started_at - delivered / self.info.sample_rate
                    if late_s > LATE_LIMIT_S:
                        # The machine slept, or was held up; played on from here, nothing is lost.
                        started_at += late_s
                    self._stopping.wait(max(0.0, -late_s))
                    if not wait_for_room(ring, len(block), self._stopping):
                        return
                    ring.write(block, time.perf_counter(), lost if at == 0 else 0)
            fault = None if self._loop else self._file.ended_early
            ring.finish(fault and f"{quoted(self.info.name)} {fault}")
        except Exception as error:
            # Whatever it is, a thread that ends without a word would look like silence.
            after_s = delivered / self.info.sample_rate
            name = quoted(self.info.name)
            ring.finish(f"{name} cannot be read on after {after_s:.2f} s: {reason_of(error)}")

    def _pieces(self) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """The samples lost before a piece of many blocks, and the piece."""
        file, n_samples, is_first = self._file, round(_PIECE_S * self.info.sample_rate), True
        while True:
            n_gaps = 0
            for samples in pieces(file, n_samples):
                new, n_gaps = file.gaps[n_gaps:], len(file.gaps)
                yield sum(gap.n_samples for gap in new), samples
            for remark in file.remarks if is_first else ():
                _log.warning("%s: %s", quoted(self.info.name), remark)
            if not self._loop:
                return
            is_first = False
            file.rewind()


def _plain(name: str) -> str:
    """A file's name as text that can be shown anywhere, whatever bytes it is of."""
    text = os.fsencode(name).decode(errors="replace")
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)


def open_audio(path: Path) -> SoundReader:
    """Open a file of sound that can be analysed. Raises SourceError."""
    name = quoted(path)
    try:
        if not path.exists():
            raise SourceError(f"there is no file {name}")
        if not path.is_file():
            raise SourceError(f"{name} is not a file", "name an audio file")
        if path.stat().st_size == 0:
            raise SourceError(f"{name} is empty (0 bytes)")
        file = path.open("rb")
    except OSError as error:
        raise SourceError(f"{name} cannot be read: {error.strerror}") from error
    return SoundReader(file, name)


def pieces(file: SoundReader, n_samples: int) -> Iterator[NDArray[np.float32]]:
    """The rest of a file, (≤ n_samples, n_channels), less at once with many channels."""
    n_samples = max(1, min(n_samples, _PIECE_VALUES // file.channels))
    while len(samples := file.read(n_samples)):
        yield samples


def write_sound(path: Path, samples: NDArray[np.float32], sample_rate: int) -> None:
    """Write (n_samples, n_channels) as they are, a WAV of float32. Raises OSError."""
    try:
        soundfile.write(path, samples, sample_rate, subtype="FLOAT")
    except soundfile.LibsndfileError as error:
        # Of a full drive it says no more than "System error."
        raise OSError(f"{error.error_string} Is there room on the drive?") from error


def read_blocks(
    file: SoundReader, length: int, on_progress: Callable[[float], None]
) -> Iterator[NDArray[np.float32]]:
    """All of an open file: (n_samples ≤ length, n_channels). Raises SourceError.

    What cannot be decoded is left out. `on_progress` is told the share that is done. Where a sample
    is not a number, or the file ends earlier than its header says, that is an error: no features
    follow from it.
    """
    for block in pieces(file, length):
        if not np.isfinite(block).all():
            at_s = file.position_s - len(block) / file.sample_rate
            raise SourceError(
                f"{file.name} holds samples that are not numbers (NaN or infinite) after "
                f"{at_s:.2f} s",
                "repair the file first",
            )
        yield block
        on_progress(file.share)
    if file.ended_early is not None:
        raise SourceError(
            f"{file.name} {file.ended_early}",
            "`visualizer stream` gives the columns of what is there",
        )
