"""Raw PCM: bytes as samples, and what tells that they were meant otherwise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from visualizer.audio.capture import SampleFormat

_DTYPES: dict[SampleFormat, str] = {
    "u8": "u1",
    "s16": "<i2",
    "s24": "u1",
    "s24in32": "<i4",
    "s32": "<i4",
    "f32": "<f4",
    "f64": "<f8",
    "s16be": ">i2",
    "s24be": "u1",
    "s32be": ">i4",
    "f32be": ">f4",
}
_MAGIC = {
    b"RIFF": "WAV",
    b"RF64": "RF64, a long WAV",
    b"BW64": "BW64, a long WAV",
    b"RIFX": "RIFX, a big-endian WAV",
    b"riff": "W64, a long WAV",
    b"fLaC": "FLAC",
    b"OggS": "Ogg",
    b"ID3": "MP3",
    b"FORM": "AIFF",
    b"caff": "CAF",
    b".snd": "AU",
    b"\x1aE\xdf\xa3": "WebM or Matroska",
}
_MP4 = (b"ftyp", b"moov", b"mdat")
"""From the fifth byte on."""
MAGIC_BYTES = 12
"""The first ones, by which files are known."""

_OTHER_ORDER: dict[SampleFormat, SampleFormat] = {
    "s16": "s16be",
    "s24": "s24be",
    "s32": "s32be",
    "f32": "f32be",
    "s16be": "s16",
    "s24be": "s24",
    "s32be": "s32",
    "f32be": "f32",
}
ENOUGH = 2000
"""Values to judge a format by."""
_LEAST_DISTINCT = 16
"""Values that sound has; of fewer nothing follows."""
_TIMES_ROUGHER = 8.0
"""By which the steps of swapped bytes exceed those of the sound."""
_NOISE = 0.003
"""Of full scale: the mean step from one value to the next, less than which is no noise."""
_PADDING = 2.0**-6
"""Of full scale: what one byte with zeros above it reaches."""
_CLEAR = 0.5 * 2**31
"""Loud enough, at 24 bits, that a quiet sound of 32 is ruled out."""
_LEAST_FLOAT, _LARGEST_FLOAT = 1e-6, 16.0
"""Times full scale: what floats that are sound have, in the median, and at most."""


def sample_bytes(form: SampleFormat) -> int:
    """Return how many bytes a sample of one channel takes."""
    return 3 if form in ("s24", "s24be") else np.dtype(_DTYPES[form]).itemsize


def decoded(data: bytes, form: SampleFormat) -> NDArray[np.float32]:
    """Return whole samples of raw PCM as (n,) float32, ±1.0 at full scale."""
    values: NDArray[np.generic] = np.frombuffer(data, _DTYPES[form])
    if form in ("f32", "f32be"):
        return values.astype(np.float32)
    if form == "f64":
        # What is beyond float32 is infinite, which the cleaning counts.
        with np.errstate(over="ignore"):
            return values.astype(np.float32)
    if form == "u8":
        return (values.astype(np.float32) - 128.0) / np.float32(128.0)
    if form in ("s24", "s24be"):
        # In the upper three bytes of four.
        wide = np.zeros((len(data) // 3, 4), np.uint8)
        wide[:, 1:] = values.reshape(-1, 3)[:, :: 1 if form == "s24" else -1]
        values = wide.view("<i4")[:, 0]
    elif form == "s24in32":
        values = np.left_shift(values, 8)
    bits = 16 if form in ("s16", "s16be") else 32
    return values.astype(np.float32) / np.float32(2.0 ** (bits - 1))


def container(head: bytes) -> str | None:
    """Return which kind of file begins with these bytes, as people call it; None: none known."""
    if head[4:8] in _MP4:
        return "MP4 or M4A"
    return next((name for magic, name in _MAGIC.items() if head.startswith(magic)), None)


def suspected(data: bytes, form: SampleFormat, channels: int) -> SampleFormat | None:
    """Return the format that raw PCM is in, rather than in the one that was said; None: it fits.

    It is taken for 24 bits in four bytes where every fourth byte holds the sign of the third, or
    nothing; for floats where all of them are such as sound has; and for the other byte order where
    the bytes as they were said make noise of what is sound the other way round.

    Args:
        data: `ENOUGH` values or more that are not all zero, from the beginning of a frame on.
        form: what was said.
        channels: of the sound, their values side by side.
    """
    if form in ("s24", "s32") and _is_24_in_32(data):
        return "s24in32"
    if form == "s24in32":
        return None if _has_spare_bytes(data) else "s32"
    if form in ("s16", "s24", "s32") and _are_floats(_floats(data, "f32")):
        return "f32"
    other = _OTHER_ORDER.get(form)
    return other if other is not None and _is_swapped(data, form, other, channels) else None


def _is_swapped(data: bytes, form: SampleFormat, other: SampleFormat, channels: int) -> bool:
    if form in ("f32", "f32be"):
        said, swapped = _floats(data, form), _floats(data, other)
        return _are_floats(swapped) and not _are_floats(said)
    data = data[: len(data) - len(data) % (sample_bytes(form) * channels)]
    said, swapped = (decoded(data, one).reshape(-1, channels) for one in (form, other))
    # Of few values, or of one sign: what pads short samples, not sound.
    if swapped.min() >= 0 or len(np.unique(swapped)) < _LEAST_DISTINCT:
        return False
    if said.min() >= 0 and said.max() < _PADDING:
        return True
    rough, smooth = (float(np.abs(np.diff(one, axis=0)).mean()) for one in (said, swapped))
    return rough > _NOISE and smooth * _TIMES_ROUGHER < rough


def _floats(data: bytes, form: SampleFormat) -> NDArray[np.float32]:
    return decoded(data[: len(data) // 4 * 4], form)


def _are_floats(values: NDArray[np.float32]) -> bool:
    """Whether these are floats as sound has them."""
    sizes = np.abs(values[values != 0])
    # Nothing is true of NaN.
    return bool(
        values.min() < 0 and sizes.max() <= _LARGEST_FLOAT and np.median(sizes) >= _LEAST_FLOAT
    )


def _words(data: bytes) -> NDArray[np.int32]:
    return np.frombuffer(data[: len(data) // 4 * 4], "<i4")


def _has_spare_bytes(data: bytes) -> bool:
    """Whether every fourth byte is 0, or every one the sign of the third."""
    words = _words(data)
    top = words >> 24
    return bool((top == words << 8 >> 31).all() or (top == 0).all())


def _is_24_in_32(data: bytes) -> bool:
    words = _words(data)
    low = words << 8
    # A quiet sound of 32 bits looks like it, too, most often with zeros in the first byte, as
    # converters of 24 bits give it.
    is_full = bool((words & 0xFF).any()) or bool(np.abs(low.astype(np.float64)).max() > _CLEAR)
    return _has_spare_bytes(data) and is_full and bool((low > 0).any() and (low < 0).any())
