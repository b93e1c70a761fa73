"""One small file out of a tar archive of gigabytes, which nothing else of is read or unpacked."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

from visualizer.errors import ConfigError, one_line, quoted

_BLOCK = 512
_MOST_MEMBERS = 10_000
_MOST_UNPACKED = 128 << 20
"""Bytes of a packed archive before the file that is looked for, which comes first in NeMo's."""
_LARGEST = 1 << 60
"""Bytes of a member; no disk holds more."""
_GZIP = b"\x1f\x8b"


def member(path: Path, name: str, limit: int) -> bytes:
    """Return a file of a tar archive, plain or packed by gzip.

    Args:
        path: of the archive.
        name: of the file, in no folder of the archive.
        limit: bytes that it may hold.

    Raises:
        ConfigError: where the archive is none, is damaged or does not have the file.
    """
    try:
        with path.open("rb") as file:
            is_packed = file.read(2) == _GZIP
            file.seek(0)
            if not is_packed:
                return _member(file, path, name, limit, is_packed=False)
            with gzip.GzipFile(fileobj=file) as unpacked:
                return _member(cast(IO[bytes], unpacked), path, name, limit, is_packed=True)
    except OSError as error:
        said = error.strerror or one_line(error)
        raise ConfigError(f"{quoted(path)} cannot be read: {said}") from error
    except (EOFError, zlib.error) as error:
        raise ConfigError(f"{quoted(path)} is damaged: {one_line(error)}") from error


def _member(file: IO[bytes], path: Path, name: str, limit: int, *, is_packed: bool) -> bytes:
    for found, size in _members(file, path):
        if is_packed and file.tell() + size > _MOST_UNPACKED and found.removeprefix("./") != name:
            raise ConfigError(
                f"{quoted(path)} has no {name} in its first {_MOST_UNPACKED >> 20} MiB",
                "unpack it and give its folder",
            )
        if found.removeprefix("./") != name:
            continue
        if size > limit:
            problem = f"{name} in {quoted(path)} holds more than {limit >> 20} MiB"
            raise ConfigError(problem, "no model's settings need it")
        content = file.read(size)
        if len(content) < size:
            raise ConfigError(f"{quoted(path)} is damaged: it ends within {name}")
        return content
    raise ConfigError(f"{quoted(path)} has no {name}")


def _members(file: IO[bytes], path: Path) -> Iterator[tuple[str, int]]:
    """Give name and size of each member, with the file at the beginning of its content."""
    for n in range(_MOST_MEMBERS):
        header = file.read(_BLOCK)
        if not header.strip(b"\0"):
            # Two empty blocks end an archive.
            if n == 0:
                raise ConfigError(f"{quoted(path)} is no tar archive")
            return
        found = _entry(header)
        if found is None:
            problem = "is no tar archive" if n == 0 else "is damaged: it has a bad header"
            raise ConfigError(f"{quoted(path)} {problem}")
        name, size = found
        start = file.tell()
        yield name, size
        end = start + -(-size // _BLOCK) * _BLOCK
        file.seek(end)


def _entry(header: bytes) -> tuple[str, int] | None:
    """Return name and size that a tar header has (POSIX.1-1988), or None where it is none."""
    if len(header) < _BLOCK:
        return None
    told, size = _number(header[148:156]), _number(header[124:136])
    if told != _checksum(header) or not 0 <= size <= _LARGEST:
        return None
    return header[:100].split(b"\0", 1)[0].decode("utf-8", "replace"), size


def _number(text: bytes) -> int:
    """Return an octal number, or one as GNU writes those of files above 8 GiB; −1 for neither."""
    if text[0] == 0x80:
        return int.from_bytes(text[1:], "big")
    try:
        return int(text.strip(b" \0") or b"0", 8)
    except ValueError:
        return -1


def _checksum(header: bytes) -> int:
    return sum(header[:148]) + 8 * ord(" ") + sum(header[156:])
