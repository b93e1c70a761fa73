"""Features as files: a .npy that grows, and a .npz or .safetensors with what belongs to them."""

from __future__ import annotations

import errno
import json
import math
import os
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from visualizer.mel.flat import written
from visualizer.mel.front_end import FrontEnd
from visualizer.models.contract import ModelSpec

FORMATS = ("npy", "npz", "safetensors")
"""What a file of features may end in, without the dot."""
CLIP, STREAMING = "clip", "streaming"
"""What an archive's `form` says: normalised over the whole clip, where its front-end does that, or
as the columns came."""
_MOST_HEADER_BYTES = 1 << 20
"""Of a .safetensors that is read; a model's largest has some hundreds of thousands."""
_DTYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "i1",
    "U8": "u1",
}
"""What a .safetensors calls them, and NumPy."""
_COLUMNS_AT_ONCE = 4096
"""Few enough that no other thread waits long for Python."""


class GrowingArray:
    """A .npy whose last axis grows; it can be read as far as `sync` has told.

    In Fortran order, so that what comes follows what is there.
    """

    def __init__(self, file: IO[bytes], dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
        """Write the header of an array that is empty yet, the last of its `shape` being 0.

        Lengths that are not known yet may be 0 as well. Raises OSError.
        """
        self._file = file
        self.dtype = dtype
        self.shape = shape
        self.n_bytes = 0
        """without the header"""
        self.sync()
        self._begin = file.tell()

    def append(self, values: NDArray[Any]) -> None:
        """Write an array of the same shape but for its last axis. Raises OSError."""
        content = np.ascontiguousarray(values.T, dtype=self.dtype)
        # Over what a write left behind that failed halfway.
        self._file.seek(self._begin + self.n_bytes)
        if self._file.write(content.data) != content.nbytes:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.shape = (*values.shape[:-1], self.shape[-1] + values.shape[-1])
        self.n_bytes += content.nbytes

    def sync(self) -> None:
        """Write the shape that the array has by now. Raises OSError."""
        # NumPy leaves room in the header for an axis to grow.
        self._file.seek(0)
        _write_header(self._file, self.dtype, self.shape)

    def mapped(self) -> NDArray[Any]:
        """Return what was written so far, read from the disk where it is looked at."""
        return np.memmap(self._file, self.dtype, "r", self._begin, self.shape, "F")


def _write_header(file: IO[bytes], dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
    descr = np.lib.format.dtype_to_descr(dtype)
    header = {"descr": descr, "fortran_order": len(shape) > 1, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)


def about(
    front_end: FrontEnd, form: str, times_s: NDArray[np.float64], gain_db: float
) -> dict[str, NDArray[np.generic]]:
    """Return what an archive says of its columns: how they were made, and their middles (s).

    `gain_db` is the gain that their sound was given before everything else.
    """
    return {
        "config": np.array(json.dumps(written(front_end))),
        "chain": np.array(json.dumps(front_end.to_dict())),
        "form": np.array(form),
        "sample_rate": np.array(front_end.sample_rate),
        "gain_db": np.array(float(gain_db)),
        "times_s": times_s,
    }


def model_parts(
    spec: ModelSpec,
    times_s: NDArray[np.float64],
    numbers: NDArray[np.float32],
    texts: NDArray[np.str_],
) -> dict[str, NDArray[np.generic]]:
    """Return what an archive says of a model's answers.

    Args:
        spec: what the model says of itself.
        times_s: (n,), the middles of what they are for, on the archive's own clock.
        numbers: (n, n_numbers).
        texts: (n, n_texts).
    """
    parts: dict[str, NDArray[np.generic]] = {
        "model": np.ascontiguousarray(numbers.T),
        "model_times_s": times_s,
        "model_spec": np.array(json.dumps(spec.to_dict())),
    }
    return parts | ({"model_texts": np.ascontiguousarray(texts.T)} if texts.shape[1] else {})


def write_archive(
    path: Path, mel: NDArray[np.float32], parts: dict[str, NDArray[np.generic]]
) -> None:
    """Write `mel`, whose last axis is columns and may be on a disk, and other arrays by name.

    Of float32 in Fortran order, a column's values beside each other. The same features make the
    same file, whenever it is written. Raises OSError.
    """
    with zipfile.ZipFile(path, "w") as archive:
        with archive.open(zipfile.ZipInfo("mel.npy"), "w", force_zip64=True) as target:
            _write_header(target, np.dtype("<f4"), mel.shape)
            for at in range(0, mel.shape[-1], _COLUMNS_AT_ONCE):
                columns = mel[..., at : at + _COLUMNS_AT_ONCE]
                target.write(np.ascontiguousarray(columns.T, dtype="<f4").tobytes())
        _add(archive, parts)


def write_arrays(path: Path, parts: dict[str, NDArray[np.generic]]) -> None:
    """Write an .npz of arrays by name, the same file whenever it is written. Raises OSError."""
    with zipfile.ZipFile(path, "w") as archive:
        _add(archive, parts)


def _add(archive: zipfile.ZipFile, parts: dict[str, NDArray[np.generic]]) -> None:
    for name, values in parts.items():
        with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as target:
            np.lib.format.write_array(target, values, allow_pickle=False)


def write_tensors(
    path: Path, mel: NDArray[np.float32], parts: dict[str, NDArray[np.generic]]
) -> None:
    """Write a .safetensors of `mel`, whose last axis is columns and may be on a disk.

    Of the other parts, arrays are tensors beside it, and what is one text or number is a text in
    the metadata. Written here, since the format's own library takes no array piece by piece; its
    specification is https://huggingface.co/docs/safetensors. Raises OSError.
    """
    arrays = {name: part.astype("<f8") for name, part in parts.items() if part.ndim}
    header: dict[str, Any] = {
        "__metadata__": {name: str(part) for name, part in parts.items() if not part.ndim}
    }
    end = 0
    for name, part, dtype in (("mel", mel, "F32"), *((n, a, "F64") for n, a in arrays.items())):
        offsets = [end, end + part.nbytes]
        header[name] = {"dtype": dtype, "shape": list(part.shape), "data_offsets": offsets}
        end = offsets[1]
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        begin = file.tell()
        n_columns = mel.shape[-1]
        # A row's values lie beside each other there.
        for at in range(0, n_columns, _COLUMNS_AT_ONCE):
            columns = mel[..., at : at + _COLUMNS_AT_ONCE].astype("<f4", order="C")
            for i, row in enumerate(columns.reshape(-1, columns.shape[-1])):
                file.seek(begin + 4 * (i * n_columns + at))
                file.write(row.tobytes())
        file.seek(begin + mel.nbytes)
        for part in arrays.values():
            file.write(part.tobytes())


@contextmanager
def opened_archive(path: Path) -> Iterator[Mapping[str, NDArray[Any]]]:
    """Open what an .npz or a .safetensors holds, by name, whichever its name says.

    Metadata are arrays of one text. Raises OSError where it cannot be read, and whatever NumPy,
    zipfile, zlib or json say of one that is damaged.
    """
    if path.suffix.lower() == ".safetensors":
        tensors, metadata = read_tensors(path)
        yield {name: np.array(text) for name, text in metadata.items()} | tensors
    else:
        with np.load(path, allow_pickle=False) as held:
            yield held


def read_tensors(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """Return the arrays and the metadata of a .safetensors, whoever wrote it.

    No more is read than the file has, whatever its header says. Raises OSError, or ValueError for
    one that is damaged or of a type of numbers that NumPy lacks.
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        n_header = int.from_bytes(file.read(8), "little")
        if not 2 <= n_header <= min(size - 8, _MOST_HEADER_BYTES):
            raise ValueError(f"its header has {n_header} bytes")
        header = json.loads(file.read(n_header))
        if not isinstance(header, dict):
            raise ValueError("its header is not a JSON object")
        metadata = header.pop("__metadata__", {})
        if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
            raise ValueError("its metadata are no texts")
        entries = [(name, *_entry(name, entry)) for name, entry in header.items()]
        tensors: dict[str, NDArray[Any]] = {}
        end = 0
        # Side by side, as the format has them, so that none is read twice.
        for name, dtype, shape, begin, at in sorted(entries, key=lambda entry: entry[3:]):
            n_bytes = math.prod(shape) * dtype.itemsize
            if begin != end or at != begin + n_bytes or 8 + n_header + at > size:
                raise ValueError(f"{name!r} does not lie where it should")
            end = at
            tensors[name] = np.frombuffer(file.read(n_bytes), dtype).reshape(shape)
    return tensors, metadata


def _entry(name: str, entry: Any) -> tuple[np.dtype[Any], tuple[int, ...], int, int]:
    """Return the type, the shape and the offsets of a tensor. Raises ValueError."""
    try:
        dtype, shape, (begin, end) = entry["dtype"], tuple(entry["shape"]), entry["data_offsets"]
    except (KeyError, TypeError) as error:
        raise ValueError(f"its header does not say what {name!r} is") from error
    if not all(type(n) is int and n >= 0 for n in (*shape, begin, end)):
        raise ValueError(f"its header does not say what {name!r} is")
    if dtype not in _DTYPES:
        raise ValueError(f"{name!r} holds {dtype}, which is not read")
    return np.dtype(_DTYPES[dtype]), shape, begin, end
