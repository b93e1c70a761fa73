"""WAV files that grow."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Literal

import numpy as np
import soundfile
from numpy.typing import NDArray

from visualizer.errors import SourceError, quoted

SoundFormat = Literal["float32", "int16"]
"""of samples in a file; int16 rounds to 1/32768 of full scale and cuts what is beyond"""

_SUBTYPES: dict[SoundFormat, str] = {"float32": "FLOAT", "int16": "PCM_16"}
SAMPLE_BYTES: dict[SoundFormat, int] = {"float32": 4, "int16": 2}
_FULL_BYTES = 1 << 20


class GrowingWav:
    """A WAV that can be read after each `append`, whatever becomes of this program then."""

    def __init__(
        self, path: Path, sample_rate: int, n_channels: int, sound_format: SoundFormat
    ) -> None:
        """Make the file, with no samples. `sample_rate` in Hz. Raises SourceError."""
        self._path = path
        # As bytes, since names on Linux need not be text.
        self._name = path if os.name == "nt" else os.fsencode(path)
        self.n_samples = 0
        try:
            with soundfile.SoundFile(
                self._name, "x", sample_rate, n_channels, _SUBTYPES[sound_format], format="WAV"
            ):
                pass
        except (OSError, soundfile.SoundFileError) as error:
            raise self._failure(error) from error

    def append(self, samples: NDArray[np.float32]) -> None:
        """Write (n_samples, n_channels). Raises SourceError."""
        try:
            # Closed each time: that is when the library writes the length where readers look.
            with soundfile.SoundFile(self._name, "r+") as file:
                file.seek(0, soundfile.SEEK_END)
                file.write(samples)
        except (OSError, soundfile.SoundFileError) as error:
            raise self._failure(error) from error
        self.n_samples += len(samples)

    def _failure(self, error: Exception) -> SourceError:
        # The library does not say why.
        folder = self._path.parent
        is_full = folder.is_dir() and shutil.disk_usage(folder).free < _FULL_BYTES
        reason = "the disk is full" if is_full else str(error)
        return SourceError(f"{quoted(self._path)} cannot be written: {reason}")
