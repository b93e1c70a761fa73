"""Statistics of a corpus in NumPy's files, of which nothing is unpickled."""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import Path

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from visualizer.errors import ConfigError, one_line, quoted
from visualizer.mel.model_files.loading import read_at_most

_MOST_BYTES = 4 << 20
_MOST_ARRAYS = 16
_ZIP, _NPY = b"PK\x03\x04", b"\x93NUMPY"


class PickledError(ConfigError):
    """A file that only Python's pickle reads, which runs what is in it."""


def arrays_of(path: Path) -> dict[str, NDArray[np.generic]]:
    """Return the arrays of an .npz file by name, or that of an .npy file under "".

    Raises:
        PickledError: for one that holds Python's own objects.
        ConfigError: for one that is damaged, too large or of another kind.
    """
    content = read_at_most(path, _MOST_BYTES)
    try:
        if content.startswith(_NPY):
            return {"": _array(content, path)}
        if content.startswith(_ZIP):
            return _members(content, path)
    except (OSError, EOFError, MemoryError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise ConfigError(f"{quoted(path)} is damaged: {one_line(error)}") from error
    except (NotImplementedError, RuntimeError) as error:
        # A coding that Python lacks, or a password.
        raise ConfigError(f"{quoted(path)} cannot be read: {one_line(error)}") from error
    raise PickledError(f"{quoted(path)} is no .npz or .npy file")


def _members(content: bytes, path: Path) -> dict[str, NDArray[np.generic]]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = archive.infolist()
        size = sum(member.file_size for member in members)
        if len(members) > _MOST_ARRAYS or size > _MOST_BYTES:
            raise ConfigError(
                f"{quoted(path)} holds more than {_MOST_BYTES >> 20} MiB", "no statistics need it"
            )
        return {
            member.filename.removesuffix(".npy"): _array(archive.read(member), path)
            for member in members
        }


def _array(content: bytes, path: Path) -> NDArray[np.generic]:
    file = io.BytesIO(content)
    version = npy.read_magic(file)
    read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, is_fortran, dtype = read_header(file)
    if dtype.hasobject:
        raise PickledError(f"{quoted(path)} holds Python's own objects")
    data = content[file.tell() :]
    if any(n < 0 for n in shape) or int(np.prod(shape, dtype=object)) * dtype.itemsize > len(data):
        raise ConfigError(f"{quoted(path)} is damaged: it ends within an array")
    count = int(np.prod(shape, dtype=object))
    array = np.frombuffer(data, dtype=dtype, count=count)
    return array.reshape(shape, order="F" if is_fortran else "C")
