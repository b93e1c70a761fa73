"""What this program and a model's process say to each other, through pipes.

A message is a header, plain JSON values, and numbers. The lengths of both go before it.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

_LENGTHS = struct.Struct("<II")
_LONGEST = 1 << 28
"""of either part, in bytes: more than the longest block, or the most outputs, can take"""

Header = dict[str, Any]


def send(
    pipe: IO[bytes], header: Mapping[str, Any], numbers: NDArray[np.float32] | None = None
) -> None:
    """Write a message, with numbers of any shape. Raises OSError where nobody reads any more."""
    text = json.dumps(header).encode()
    raw = b"" if numbers is None else numbers.tobytes()
    pipe.write(_LENGTHS.pack(len(text), len(raw)) + text + raw)
    pipe.flush()


def receive(pipe: IO[bytes]) -> tuple[Header, NDArray[np.float32]]:
    """Wait for a message; its numbers are an array of its own, (n,).

    Raises:
        EOFError: where the other one has ended.
        ValueError: for what is no message.
    """
    lengths = _LENGTHS.unpack(_read(pipe, _LENGTHS.size))
    if max(lengths) > _LONGEST:
        raise ValueError("no message")
    text, raw = (_read(pipe, length) for length in lengths)
    header: Header = json.loads(text)
    return header, np.frombuffer(bytearray(raw), np.float32)


def _read(pipe: IO[bytes], n_bytes: int) -> bytes:
    data = pipe.read(n_bytes)
    if len(data) < n_bytes:
        raise EOFError
    return data
