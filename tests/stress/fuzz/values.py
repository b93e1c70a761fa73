"""Values of any kind, damaged bytes, and what must hold whatever comes in."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from visualizer.errors import VisualizerError
from visualizer.mel.presets import PRESETS

LONGEST_MESSAGE = 4000
_NUMBERS = (
    *(0, 1, -1, 2, 7, 255, 65_535, 2**31 - 1, -(2**31), 2**63, 10**30, 10**400, -(10**5000)),
    *(0.0, -0.0, 0.5, 1e-320, 1e-40, 1e9, 1e38, 1e308, -1e308, math.inf, -math.inf, math.nan),
)
_TEXTS = (
    *("", " ", "hann", "slaney", "each", "auto", "file", "demo", "mic", "db", "magma_r", "0", "…"),
    *("x" * 5000, "\x00", "\n\r\t", "\ud800", "\udce9.wav", "../../..", "a,b;c", "%s{0}", "🎤"),
    *("@Invalid()", "@Variant(\x00)", "nan", "true", "null", "[]"),
)
_BYTES = (0, 1, 0x7F, 0x80, 0xFF)
_WORDS = (0, 1, 2, 3, 127, 128, 129, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def anything(random: np.random.Generator, depth: int = 0) -> Any:
    """A value as JSON, or a caller, may bring it."""
    kind = random.integers(8 if depth < 3 else 6)
    if kind == 0:
        return random.choice([None, True, False])
    if kind in (1, 2):
        return _NUMBERS[random.integers(len(_NUMBERS))]
    if kind == 3:
        return _TEXTS[random.integers(len(_TEXTS))]
    if kind == 4:
        return str(random.choice(list(PRESETS)))
    if kind == 5:
        return float(random.normal()) * 10.0 ** int(random.integers(-6, 7))
    if kind == 6:
        return [anything(random, depth + 1) for _ in range(random.integers(4))]
    texts = [_TEXTS[random.integers(len(_TEXTS))] for _ in range(random.integers(4))]
    return {text: anything(random, depth + 1) for text in texts}


def damaged(random: np.random.Generator, content: bytes, other: bytes) -> bytes:
    """The content with one to three kinds of damage; `other` is what it is spliced with."""
    for _ in range(random.integers(1, 4)):
        content = _damaged_once(random, content, other)
    return content


def _damaged_once(random: np.random.Generator, content: bytes, other: bytes) -> bytes:
    data = bytearray(content)
    at = int(random.integers(len(data) + 1))
    kind = random.integers(9)
    if kind == 0 and data:
        for _ in range(random.integers(1, 65)):
            data[random.integers(len(data))] ^= 1 << int(random.integers(8))
    elif kind in (1, 2) and data:
        # Where headers are.
        for _ in range(random.integers(1, 9)):
            data[random.integers(min(len(data), 160))] = _BYTES[random.integers(len(_BYTES))]
    elif kind in (3, 4):
        size, order = int(random.choice([2, 4])), str(random.choice(["little", "big"]))
        word = _WORDS[random.integers(len(_WORDS))] & (256**size - 1)
        at = int(random.integers(min(len(data), 160) + 1))
        data[at : at + size] = word.to_bytes(size, order)  # type: ignore[arg-type]
    elif kind == 5:
        del data[at:]
    elif kind == 6:
        data = data[:at] + bytearray(other[random.integers(len(other) + 1) :])
    elif kind == 7:
        data[at:at] = random.bytes(int(random.integers(1, 300)))
    else:
        end = at + int(random.integers(1, 300))
        data[at:end] = data[at:end] * int(random.integers(0, 4))
    return bytes(data)


def check_message(words: str) -> None:
    """One line of bearable length."""
    assert words, "an error without words"
    assert len(words.splitlines()) == 1, f"more than one line: {words!r}"
    assert len(words) <= LONGEST_MESSAGE, f"{len(words)} letters: {words[:200]!r}…"


class Refused:
    """Bears a VisualizerError with a message of one line; all else is a failure of the case."""

    words: str | None = None
    """what was said"""

    def __enter__(self) -> Refused:
        return self

    def __exit__(self, kind: object, error: BaseException | None, _: object) -> bool:
        if not isinstance(error, VisualizerError):
            return False
        self.words = str(error)
        check_message(self.words)
        return True
