"""The bytes of a sound file as FFmpeg asks for them, and what their header says of the length.

Recorders that are killed, or write into a pipe, leave sizes open that FFmpeg takes at their word:
it gets others in their place.
"""

from __future__ import annotations

import os
import struct
import time
from typing import BinaryIO

_PATIENCE_S = 5.0
"""Of processor time without any sound: what a damaged file may cost."""
_MOST_TAGS = 8
"""Before an MP3; one is usual."""
UNKNOWN_BYTES = 0x7F000000
"""A length from here on stands for "not known yet": the file was written into a pipe."""
_HEAD_BYTES = 1 << 16
_PAGE = b"OggS\0\x02"
"""How the first page of a part of a chained Ogg begins."""


class SoundBytes:
    """The bytes of one file from `start` on, as FFmpeg asks for them."""

    def __init__(self, file: BinaryIO, start: int) -> None:
        self._file = file
        self._start = start
        self.patience = 0.0
        """s, this thread's processor time until which sound is waited for"""
        self._error: OSError | None = None
        self._mended: list[tuple[int, bytes]] = []
        """(offset, bytes) that FFmpeg gets instead of those of the file: sizes that a recorder that
        was killed, or wrote into a pipe, left open in a way that FFmpeg takes at its word"""
        self._samples: tuple[int, int] | None = None
        """of a WAV that does not say how long it is: where the first sample is, and the bytes of
        one in all channels"""
        self.is_wav = False
        """as far as it was looked at: what cannot be sought is not"""
        self.kind = b""
        """what an MP4 has at its fifth byte"""
        self.announced_s: float | None = None
        """s, how long the sound is as the header has it, whatever is there; of WAV and MP3 alone"""
        if self.seekable():
            self._look()
            self.seek(0)

    def be_patient(self) -> None:
        """Let it take its time from now on: sound came."""
        self.patience = time.thread_time() + _PATIENCE_S

    def check(self) -> None:
        """Raise OSError where the file cannot be read, or no sound comes of all that is read."""
        if self._error is None and time.thread_time() > self.patience:
            self._error = TimeoutError("its decoder makes no progress")
        if self._error is not None:
            raise self._error

    def read(self, n_bytes: int) -> bytes:
        # What is raised here while FFmpeg waits may be dropped, and printed: `check` raises it.
        try:
            self.check()
            at = self.tell() if self._mended else 0
            data = self._file.read(n_bytes)
            if self._samples is not None and len(data) < n_bytes:
                data = self._whole_samples(data)
        except OSError as error:
            self._error = error
            return b""
        for place, right in self._mended:
            first, last = max(at, place), min(at + len(data), place + len(right))
            if first < last:
                data = data[: first - at] + right[first - place : last - place] + data[last - at :]
        return data

    def _whole_samples(self, data: bytes) -> bytes:
        """Leave a sample for later that is not whole yet: its file is still being written."""
        assert self._samples is not None
        first, sample_bytes = self._samples
        begun = max(0, self.tell() - first) % sample_bytes
        self._file.seek(-begun, os.SEEK_CUR)
        return data[: len(data) - begun]

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = self._start if whence == os.SEEK_SET else 0
        try:
            return self._file.seek(offset + start, whence) - self._start
        except (OSError, ValueError, OverflowError):
            # A damaged file leads anywhere.
            return -1

    def tell(self) -> int:
        return self._file.tell() - self._start

    def seekable(self) -> bool:
        return self._file.seekable()

    def next_part(self, after: int) -> int | None:
        """Where in the file the next part of a chained Ogg begins, if there is one."""
        if not self.seekable():
            return None
        at, data = self._start + after + 1, b""
        self._file.seek(at)
        while piece := self._file.read(_HEAD_BYTES):
            data += piece
            if (found := data.find(_PAGE)) >= 0:
                return at + found
            at, data = at + len(data) - len(_PAGE), data[-len(_PAGE) :]
        return None

    def last_granule(self) -> int | None:
        """How far the last page of an Ogg goes, in ticks; None where it does not say it."""
        if not self.seekable():
            return None
        end = self._file.seek(0, os.SEEK_END)
        self._file.seek(max(0, end - _HEAD_BYTES))
        tail = self._file.read()
        at = tail.rfind(_PAGE[:5])
        granule = int.from_bytes(tail[at + 6 : at + 14], "little", signed=True)
        return granule if at >= 0 and granule >= 0 else None

    def _look(self) -> None:
        """Find what the header says."""
        self.seek(0)
        head = self._file.read(_HEAD_BYTES)
        self.kind = head[4:8]
        if head[:4] in (b"RIFF", b"RF64", b"BW64") and head[8:12] == b"WAVE":
            self.is_wav = True
            self._look_at_wav(head)
            return
        if head[:4] == b"FORM" and head[8:11] == b"AIF":
            self._look_at_aiff(head)
            return
        if head[:4] == b"riff" and head[16:24] == b"\xff" * 8:
            at, end = head.find(b"data\xf3\xac"), self.seek(0, os.SEEK_END)
            self._mended = [(n + 16, struct.pack("<q", end - n)) for n in (0, at)]
            return
        start = 0
        for _ in range(_MOST_TAGS):
            if head[:3] != b"ID3":
                break
            # Four digits of seven bits.
            high, mid, low, last = (byte & 127 for byte in head[6:10].ljust(4, b"\0"))
            start += 10 + (high << 21 | mid << 14 | low << 7 | last)
            self.seek(start)
            head = self._file.read(_HEAD_BYTES)
        self.announced_s = _length_of_mp3_s(head)

    def _look_at_wav(self, head: bytes) -> None:
        at, byte_rate = 12, 0
        while at + 8 <= len(head):
            name, size = head[at : at + 4], int.from_bytes(head[at + 4 : at + 8], "little")
            if name == b"ds64" and head[at + 16 : at + 24] == bytes(8):
                self._mended = [(at + 16, struct.pack("<q", (1 << 63) - 1))]
            elif name == b"fmt " and at + 24 <= len(head):
                rate, byte_rate, frame_bytes = struct.unpack_from("<IIH", head, at + 12)
                byte_rate *= byte_rate == rate * frame_bytes
            elif name == b"data":
                if byte_rate and 8 < size < UNKNOWN_BYTES:
                    self.announced_s = size / byte_rate
                elif byte_rate:
                    self._samples = at + 8, frame_bytes
                return
            at += 8 + size + size % 2

    def _look_at_aiff(self, head: bytes) -> None:
        at = 12
        while at + 8 <= len(head):
            name, size = head[at : at + 4], int.from_bytes(head[at + 4 : at + 8])
            if name == b"SSND":
                if size <= 8:
                    self._mended = [(n, struct.pack(">i", UNKNOWN_BYTES)) for n in (4, at + 4)]
                return
            at += 8 + size + size % 2


def _length_of_mp3_s(head: bytes) -> float | None:
    """The length of an MP3 as its first frame has it (Xing's and LAME's), in s."""
    at = max(head.find(b"Xing", 0, 64), head.find(b"Info", 0, 64))
    if at < 0 or head[0] != 0xFF or len(head) < at + 144 or not head[at + 7] & 1:
        return None
    version, rate = head[1] >> 3 & 3, head[2] >> 2 & 3
    if version == 1 or rate == 3:
        return None
    rate_hz = (44_100, 48_000, 32_000)[rate] >> {3: 0, 2: 1, 0: 2}[version]
    n_samples = int.from_bytes(head[at + 8 : at + 12]) * (1152 if version == 3 else 576)
    # Delay and padding, twelve bits each.
    around = int.from_bytes(head[at + 141 : at + 144])
    return (n_samples - (around >> 12) - (around & 0xFFF)) / rate_hz
