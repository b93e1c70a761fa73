"""Features and what belongs to them as one .npz."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

CLIP, STREAMING = "clip", "streaming"
"""What an archive's `form` says: levelled over the whole clip, where its front-end does that, or as
the columns came."""
_COLUMNS_AT_ONCE = 4096
"""Few enough that no other thread waits long for Python."""


def write_archive(
    path: Path, mel: NDArray[np.float32], parts: dict[str, NDArray[np.generic]]
) -> None:
    """Write `mel`, whose last axis is columns and may be on a disk, and other arrays by name.

    Of float32 in Fortran order, a column's values beside each other. Raises OSError.
    """
    with zipfile.ZipFile(path, "w") as archive:
        with archive.open("mel.npy", "w", force_zip64=True) as target:
            header = {"descr": "<f4", "fortran_order": True, "shape": mel.shape}
            np.lib.format.write_array_header_1_0(target, header)
            for at in range(0, mel.shape[-1], _COLUMNS_AT_ONCE):
                columns = mel[..., at : at + _COLUMNS_AT_ONCE]
                target.write(np.ascontiguousarray(columns.T, dtype="<f4").tobytes())
        for name, values in parts.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as target:
                np.lib.format.write_array(target, values, allow_pickle=False)
