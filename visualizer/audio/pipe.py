"""Raw PCM from a pipe, at the pace at which it is written.

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

import numpy as np
import soundfile
from numpy.typing import NDArray

from visualizer.audio.capture import CaptureConfig, SampleFormat
from visualizer.audio.ring import BlockRing
from visualizer.audio.source import BLOCK_S, SourceInfo, wait_for_room
from visualizer.errors import SourceError

_PIECE_S = 0.05
"""Of sound, read at once at most; less where less is there."""
_SUBTYPES: dict[SampleFormat, str] = {
    "u8": "PCM_U8",
    "s16": "PCM_16",
    "s24": "PCM_24",
    "s32": "PCM_32",
    "f32": "FLOAT",
    "f64": "DOUBLE",
}
"""libsndfile's names"""

_log = logging.getLogger(__name__)


def sample_bytes(form: SampleFormat) -> int:
    """How many bytes a sample of one channel takes."""
    return int(form[1:]) // 8


def decoded(data: bytes, form: SampleFormat) -> NDArray[np.float32]:
    """Return whole samples of raw PCM as (n,) float32, ±1.0 at full scale."""
    raw = {"samplerate": 48000, "channels": 1, "format": "RAW", "endian": "LITTLE"}
    file = io.BytesIO(data)
    samples: NDArray[np.float32]
    samples, _ = soundfile.read(file, dtype="float32", subtype=_SUBTYPES[form], **raw)
    return samples


def open_standard_input(capture: CaptureConfig) -> PipeSource:
    """Raw PCM that is piped into this process. Raises SourceError."""
    # Python has none where the process was started with it closed, and says so by None.
    if sys.stdin is None:
        raise SourceError(
            "standard input is closed", "pipe raw PCM into it, or name a file or a microphone"
        )
    return PipeSource(sys.stdin.fileno(), capture)


class PipeSource:
    """Raw PCM, little-endian, its channels side by side, from a file descriptor."""

    def __init__(self, descriptor: int, capture: CaptureConfig) -> None:
        """Get ready to read, which begins with `start`. Raises SourceError.

        The descriptor stays the caller's; `capture` is of the kind "pipe".
        """
        if os.isatty(descriptor):
            raise SourceError(
                "standard input is a terminal",
                "pipe raw PCM into it, or name a file or a microphone",
            )
        assert capture.sample_rate is not None
        assert capture.sample_format is not None
        self._file = io.FileIO(descriptor, closefd=False)
        self._form = capture.sample_format
        channels = capture.channels or 1
        self.info = SourceInfo("pipe", "standard input", None, capture.sample_rate, channels)
        self._stopping = threading.Event()

    def start(self, ring: BlockRing) -> None:
        """Deliver blocks into `ring` from now on."""
        threading.Thread(target=self._read, args=(ring,), name="pipe", daemon=True).start()

    def close(self) -> None:
        """Stop delivering. The thread is not waited for: it may be, for ever, in a read."""
        self._stopping.set()

    def _read(self, ring: BlockRing) -> None:
        name, channels = self.info.name, self.info.channels
        frame_bytes = channels * sample_bytes(self._form)
        most = max(1, round(_PIECE_S * self.info.sample_rate)) * frame_bytes
        delivered, rest = 0, b""
        try:
            while (data := self._file.read(most - len(rest))) != b"":
                if data is None:
                    # The pipe was made non-blocking before it was given to us.
                    if self._stopping.wait(BLOCK_S):
                        return
                    continue
                captured_at = time.perf_counter()
                data = rest + data
                whole = len(data) - len(data) % frame_bytes
                rest = data[whole:]
                samples = decoded(data[:whole], self._form).reshape(-1, channels)
                if not wait_for_room(ring, len(samples), self._stopping):
                    return
                if len(samples):
                    ring.write(samples, captured_at)
                    delivered += len(samples)
        except Exception as error:
            # Whatever it is, a thread that ends without a word would look like silence.
            after_s = delivered / self.info.sample_rate
            reason = getattr(error, "strerror", None) or repr(error)
            ring.finish(f"{name} cannot be read on after {after_s:.2f} s: {reason}")
            return
        if delivered == 0:
            ring.finish(
                f"{name} holds no sound ({len(rest)} bytes; one sample of {channels} channels as "
                f"{self._form} takes {frame_bytes})"
            )
            return
        if rest:
            _log.warning(
                "%s ends within a sample: %d of its %d bytes are there, and left out; is it %s "
                "with %d channels?",
                *(name, len(rest), frame_bytes, self._form, channels),
            )
        ring.finish()
