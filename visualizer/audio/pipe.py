"""Sound from a pipe, at the pace at which it is written: raw PCM, or a file of any kind.

One thread per pipe, owned here, reads what is there and hands it on as soon as there is room, so
that nothing is lost: the writer waits meanwhile.
"""

from __future__ import annotations

import io
import logging
import os
import sys
import threading
import time
from abc import ABC, abstractmethod
from typing import BinaryIO, cast

import numpy as np

from visualizer.audio.capture import CaptureConfig, SampleFormat
from visualizer.audio.pcm import ENOUGH, MAGIC_BYTES, container, decoded, sample_bytes, suspected
from visualizer.audio.reader import SoundReader, reason_of
from visualizer.audio.ring import BlockRing
from visualizer.audio.source import BLOCK_S, SourceInfo, wait_for_room
from visualizer.errors import ConfigError, SourceError

_NAME = "standard input"
_PIECE_S = 0.05
"""Of sound, read at once at most; less where less is there."""

_JUDGED = 500
"""Pieces of the beginning that are looked at."""
_LOUD = 0.1

_log = logging.getLogger(__name__)


def open_standard_input(capture: CaptureConfig) -> PipeSource | PipedFileSource:
    """What is piped into this process: a file, unless `capture` says how raw PCM is to be read.

    Waits for the beginning of a file. Raises SourceError or ConfigError.
    """
    # Python has none where the process was started with it closed, and says so by None.
    if sys.stdin is None:
        raise SourceError(
            "standard input is closed", "pipe sound into it, or name a file or a microphone"
        )
    make = PipedFileSource if capture.sample_format is None else PipeSource
    return make(sys.stdin.fileno(), capture)


class _Pipe(io.RawIOBase):
    """A file descriptor that is read and stays the caller's."""

    def __init__(self, descriptor: int) -> None:
        if os.isatty(descriptor):
            raise SourceError(
                "standard input is a terminal",
                "pipe sound into it, or name a file or a microphone",
            )
        self._file = io.FileIO(descriptor, closefd=False)
        self.stopping = threading.Event()
        self.n_bytes = 0
        """that were read"""

    def read(self, n_bytes: int = -1) -> bytes:
        """Return what has come, at most `n_bytes`; b"" at the end, or once it is to stop."""
        while (data := self._file.read(n_bytes)) is None:
            # The pipe was made non-blocking before it was given to us.
            if self.stopping.wait(BLOCK_S):
                return b""
        self.n_bytes += len(data)
        return data

    def readable(self) -> bool:
        return True


class _PipedSource(ABC):
    info: SourceInfo
    _pipe: _Pipe

    def start(self, ring: BlockRing) -> None:
        """Deliver blocks into `ring` from now on."""
        threading.Thread(target=self._read, args=(ring,), name="pipe", daemon=True).start()

    def close(self) -> None:
        """Stop delivering. The thread is not waited for: it may be, for ever, in a read."""
        self._pipe.stopping.set()

    @abstractmethod
    def _read(self, ring: BlockRing) -> None:
        """Deliver all there is; runs on the thread of its own."""


class PipeSource(_PipedSource):
    """Raw PCM, its channels side by side, from a file descriptor."""

    def __init__(self, descriptor: int, capture: CaptureConfig) -> None:
        """Get ready to read, which begins with `start`. Raises SourceError.

        The descriptor stays the caller's; `capture` is of the kind "pipe".
        """
        assert capture.sample_rate is not None
        assert capture.sample_format is not None
        self._pipe = _Pipe(descriptor)
        self._form = capture.sample_format
        channels = capture.channels or 1
        self.info = SourceInfo("pipe", _NAME, None, capture.sample_rate, channels)

    def _read(self, ring: BlockRing) -> None:
        channels = self.info.channels
        frame_bytes = channels * sample_bytes(self._form)
        most = max(1, round(_PIECE_S * self.info.sample_rate))
        delivered, held = 0, b""
        is_first, judge = True, _Judge(self._form, channels)
        try:
            while True:
                data = self._pipe.read(most * frame_bytes)
                if self._pipe.stopping.is_set():
                    return
                captured_at = time.perf_counter()
                held += data
                if is_first and (len(held) >= MAGIC_BYTES or not data):
                    is_first = False
                    self._refuse_a_file(held)
                if data and delivered == 0 and len(held) < judge.n_bytes:
                    # Nothing is handed on before it is looked at.
                    continue
                whole = len(held) - len(held) % frame_bytes
                judge.look(held[:whole])
                samples = decoded(held[:whole], self._form).reshape(-1, channels)
                held = held[whole:]
                for at in range(0, len(samples), most):
                    piece = samples[at : at + most]
                    if not wait_for_room(ring, len(piece), self._pipe.stopping):
                        return
                    ring.write(piece, captured_at)
                    delivered += len(piece)
                if not data:
                    break
        except SourceError as error:
            ring.finish(error.line)
            return
        except Exception as error:
            # Whatever it is, a thread that ends without a word would look like silence.
            after_s = delivered / self.info.sample_rate
            reason = getattr(error, "strerror", None) or repr(error)
            ring.finish(f"{_NAME} cannot be read on after {after_s:.2f} s: {reason}")
            return
        if delivered == 0:
            ring.finish(
                f"{_NAME} holds no sound ({len(held)} bytes; one sample of {channels} channels as "
                f"{self._form} takes {frame_bytes})"
            )
            return
        if held:
            _log.warning(
                "%s ends within a sample: %d of its %d bytes are there, and left out; is it %s "
                "with %d channels?",
                *(_NAME, len(held), frame_bytes, self._form, channels),
            )
        ring.finish()

    def _refuse_a_file(self, head: bytes) -> None:
        kind = container(head)
        if kind is not None:
            raise SourceError(
                f"{_NAME} begins as a file does ({kind}), and is no raw PCM",
                "leave out --sample-rate, --sample-format and --channels, and the file is read",
            )


class _Judge:
    """Says once, where it becomes plain, that raw PCM is rather in another format."""

    def __init__(self, form: SampleFormat, channels: int) -> None:
        self._form: SampleFormat = form
        self._channels = channels
        self._data = b""
        self._patience = _JUDGED
        frame_bytes = sample_bytes(form) * channels
        self.n_bytes = -(-ENOUGH * sample_bytes(form) // frame_bytes) * frame_bytes
        """to be looked at together"""

    def look(self, data: bytes) -> None:
        """Take whole frames that follow."""
        if not self._patience:
            return
        self._data += data
        while self._patience and len(self._data) >= self.n_bytes:
            self._patience -= 1
            piece, self._data = self._data[: self.n_bytes], self._data[self.n_bytes :]
            values = decoded(piece, self._form)
            if 2 * np.count_nonzero(values) < ENOUGH:
                continue
            other = suspected(piece, self._form, self._channels)
            if other is not None:
                self._say(other)
            # What is loud and no noise fits. A softer one may yet show that it does not.
            if other is not None or not np.abs(values).max() < _LOUD:
                self._patience = 0

    def _say(self, other: SampleFormat) -> None:
        # A quiet sound in 32 bits has such bytes, too.
        is_unsure = (self._form, other) == ("s32", "s24in32")
        _log.warning(
            "the samples of %s look like %s, not %s%s; --sample-format %s reads them",
            *(_NAME, other, self._form),
            *(", unless they are softer than -48 dBFS" if is_unsure else "", other),
        )


class PipedFileSource(_PipedSource):
    """A file of any kind from a file descriptor, which need not be there as a whole yet."""

    def __init__(self, descriptor: int, capture: CaptureConfig) -> None:
        """Wait for the beginning of the file. Raises SourceError or ConfigError.

        The descriptor stays the caller's; `capture` is of the kind "pipe".
        """
        self._pipe = _Pipe(descriptor)
        try:
            self._file = SoundReader(cast(BinaryIO, self._pipe), _NAME)
        except SourceError as error:
            if not self._pipe.n_bytes:
                raise SourceError(f"{_NAME} holds no sound (0 bytes)") from error
            raise SourceError(
                error.problem, "raw PCM needs --sample-rate HZ, and --sample-format but for s16"
            ) from error
        self.info = SourceInfo("pipe", _NAME, None, self._file.sample_rate, self._file.channels)
        if capture.channels not in (None, self.info.channels):
            raise ConfigError(
                f"{_NAME} has {self.info.channels} channels, not {capture.channels}",
                "leave --channels out",
            )

    def _read(self, ring: BlockRing) -> None:
        file, n_gaps = self._file, 0
        block_length = max(1, round(BLOCK_S * self.info.sample_rate))
        try:
            while len(samples := file.read(block_length)):
                captured_at = time.perf_counter()
                if not wait_for_room(ring, len(samples), self._pipe.stopping):
                    return
                new, n_gaps = file.gaps[n_gaps:], len(file.gaps)
                ring.write(samples, captured_at, sum(gap.n_samples for gap in new))
            for remark in file.remarks:
                _log.warning("%s: %s", _NAME, remark)
            ring.finish(file.ended_early and f"{_NAME} {file.ended_early}")
        except Exception as error:
            # Whatever it is, a thread that ends without a word would look like silence.
            ring.finish(
                f"{_NAME} cannot be read on after {file.position_s:.2f} s: {reason_of(error)}"
            )
