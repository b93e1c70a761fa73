"""A file played at its own pace.

One thread per file, owned here, reads blocks and hands them on when they are due.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from visualizer.audio.capture import SOURCE_CHANNELS_MAX, CaptureConfig, SourceKind
from visualizer.audio.ring import BlockRing
from visualizer.audio.source import BLOCK_S, LATE_LIMIT_S, SourceInfo, wait_for_room
from visualizer.errors import ConfigError, SourceError, one_line, quoted
from visualizer.mel.limits import SAMPLE_RATE_MAX_HZ, SAMPLE_RATE_MIN_HZ

_PIECE_S = 0.5
_CLOSE_S = 1.0
_PIECE_VALUES = 1 << 22
"""Samples of all channels that are read at once, at most: 16 MB."""
_IN_LOG = re.compile(r"^\s*(?:data|SSND|Data Size)\s*:\s*(\d+) \(should be (\d+)\)", re.MULTILINE)
_UNKNOWN_BYTES = 0x7FFF0000
"""A length from here on stands for "not known yet": the file was written into a pipe."""
_NO_LENGTH = (1 << 63) - 1
_SLACK_S = 0.05


class FileSource:
    """An audio file (WAV, FLAC, OGG, MP3 and what else libsndfile reads), opened and waiting."""

    def __init__(
        self, path: Path, capture: CaptureConfig, *, kind: SourceKind = "file", name: str = ""
    ) -> None:
        """Open the file. Raises SourceError or ConfigError."""
        self._file = open_audio(path)
        self._loop = capture.loop
        name = name or _plain(path.name)
        self.info = SourceInfo(kind, name, None, self._file.samplerate, self._file.channels)
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
            for piece in self._pieces():
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
                    ring.write(block, time.perf_counter())
            fault = None if self._loop else _cut_off(self._file, delivered)
            ring.finish(fault and f"{quoted(self.info.name)} {fault}")
        except Exception as error:
            # Whatever it is, a thread that ends without a word would look like silence.
            after_s = delivered / self.info.sample_rate
            name = quoted(self.info.name)
            ring.finish(f"{name} cannot be read on after {after_s:.2f} s: {_reason(error)}")

    def _pieces(self) -> Iterator[NDArray[np.float32]]:
        """The sound in pieces of many blocks: a read costs more than what it reads."""
        n_samples = _piece_length(self._file, round(_PIECE_S * self.info.sample_rate))
        at_start = True
        while True:
            samples = self._file.read(n_samples, dtype="float32", always_2d=True)
            if len(samples):
                yield samples
                at_start = False
            elif not self._loop:
                return
            elif at_start:
                raise SourceError("it holds no sound any more")
            else:
                self._file.seek(0)
                at_start = True


def _plain(name: str) -> str:
    """A file's name as text that can be shown anywhere, whatever bytes it is of."""
    text = os.fsencode(name).decode(errors="replace")
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)


def open_audio(path: Path) -> Any:
    """A soundfile.SoundFile of sound that can be analysed. Raises SourceError."""
    name = quoted(path)
    try:
        if not path.exists():
            raise SourceError(f"there is no file {name}")
        if not path.is_file():
            raise SourceError(f"{name} is not a file", "name an audio file")
        if path.stat().st_size == 0:
            raise SourceError(f"{name} is empty (0 bytes)")
        # libsndfile has no words for what the system refuses.
        path.open("rb").close()
    except OSError as error:
        raise SourceError(f"{name} cannot be read: {error.strerror}") from error
    try:
        # As bytes, since names on Linux need not be text.
        file = soundfile.SoundFile(path if os.name == "nt" else os.fsencode(path))
    except Exception as error:
        # Some decoders raise other errors than soundfile's own.
        raise SourceError(
            f"{name} is not an audio file that can be read ({_reason(error)})",
            "WAV, FLAC, OGG and MP3 can",
        ) from error
    fault = _fault(file)
    if fault is not None:
        file.close()
        raise SourceError(f"{name} {fault}")
    return file


def _fault(file: Any) -> str | None:
    """Why an open file cannot be analysed, if it cannot."""
    if file.frames <= 0:
        return "holds no sound (0 samples)"
    if file.frames == _NO_LENGTH:
        return (
            "does not say how long it is (it was written into a pipe), and the decoder stumbles "
            "over that; convert it to WAV"
        )
    if not 1 <= file.channels <= SOURCE_CHANNELS_MAX:
        return f"has {file.channels} channels; 1 to {SOURCE_CHANNELS_MAX} can be analysed"
    if not SAMPLE_RATE_MIN_HZ <= file.samplerate <= SAMPLE_RATE_MAX_HZ:
        return (
            f"has {file.samplerate} Hz; {SAMPLE_RATE_MIN_HZ} to {SAMPLE_RATE_MAX_HZ} Hz can be "
            "analysed"
        )
    return None


def _reason(error: Exception) -> str:
    """What a decoder says of an error."""
    words = one_line(getattr(error, "error_string", error)).rstrip(".")
    return words or "the decoder does not say why"


def _announced(file: Any) -> int:
    """How many samples the header of an open file says there are."""
    frames = int(file.frames)
    # Of some formats libsndfile itself takes the file's length for what the header says, and
    # tells it in its log alone.
    said = _IN_LOG.search(file.extra_info)
    if said is not None:
        header_bytes, file_bytes = int(said[1]), int(said[2])
        if file_bytes < header_bytes < _UNKNOWN_BYTES:
            return round(frames * header_bytes / max(1, file_bytes))
    return frames


def _cut_off(file: Any, n_samples: int) -> str | None:
    """What is to be said of a file that ended after `n_samples`: None where that is its end."""
    expected = _announced(file)
    missing = expected - n_samples
    # Some programs count a few bytes too many, and an MP3 without a header of its own has its
    # length guessed from its size.
    if missing <= max(_SLACK_S * file.samplerate, 0.1 * expected * (file.format == "MP3")):
        return None
    ended_s, said_s = n_samples / file.samplerate, expected / file.samplerate
    return (
        f"ends after {ended_s:.2f} s, though its header says {said_s:.2f} s: it is cut off or "
        "still being written"
    )


def write_sound(path: Path, samples: NDArray[np.float32], sample_rate: int) -> None:
    """Write (n_samples, n_channels) as they are, a WAV of float32. Raises OSError."""
    try:
        soundfile.write(path, samples, sample_rate, subtype="FLOAT")
    except soundfile.LibsndfileError as error:
        # Of a full drive it says no more than "System error."
        raise OSError(f"{error.error_string} Is there room on the drive?") from error


def read_blocks(
    file: Any, path: Path, length: int, on_progress: Callable[[float], None]
) -> Iterator[NDArray[np.float32]]:
    """All of an open file: (n_samples ≤ length, n_channels). Raises SourceError.

    `on_progress` is told the share that is done. Where a sample is not a number, or the file ends
    earlier than its header says, that is an error: no features follow from it.
    """
    name, position = quoted(path), 0
    length = _piece_length(file, length)
    while True:
        try:
            # Not file.blocks: it goes on for as many samples as the header says.
            block = file.read(length, dtype="float32", always_2d=True)
        except Exception as error:
            raise SourceError(
                f"{name} cannot be read on after {position / file.samplerate:.2f} s: "
                f"{_reason(error)}"
            ) from error
        if len(block) == 0:
            break
        if not np.isfinite(block).all():
            raise SourceError(
                f"{name} holds samples that are not numbers (NaN or infinite) after "
                f"{position / file.samplerate:.2f} s",
                "repair the file first",
            )
        yield block
        position += len(block)
        on_progress(min(1.0, position / file.frames))
    fault = _cut_off(file, position)
    if fault is not None:
        raise SourceError(f"{name} {fault}")


def _piece_length(file: Any, length: int) -> int:
    """How many samples to read at once: fewer with many channels and a high rate."""
    return max(1, min(length, _PIECE_VALUES // int(file.channels)))
