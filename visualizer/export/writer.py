"""Writes a recording so that what is there can be read at any moment, whatever happens next.

The sound is a WAV, and the columns a .npy of one record each, whose lengths are written after what
they count; `finish` packs the columns as .npz. Of one thread.
"""

from __future__ import annotations

import json
import logging
import platform
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visualizer._version import __version__
from visualizer.audio.channels import Channel
from visualizer.audio.wav import SAMPLE_BYTES, GrowingWav, SoundFormat
from visualizer.engine.follower import stretches
from visualizer.errors import ConfigError
from visualizer.export.archive import STREAMING, GrowingArray, about, model_parts, write_archive
from visualizer.export.take import Take, TakeFiles
from visualizer.mel.flat import written
from visualizer.models.contract import ModelSpec
from visualizer.models.history import Answered
from visualizer.support.files import replacing, writing

WAV_BYTES_MAX = 2**32 - 2**20
"""The length of a WAV has 32 bits."""
_TEXT_LENGTH = 100
"""Of a model's texts; what is longer is cut."""
_log = logging.getLogger(__name__)
_UNKNOWN = (np.nan, np.nan, np.nan)

Stamps = tuple[float, float, float]
"""perf_counter seconds: captured, dequeued, computed (see MelColumns); NaN: not known"""


class TakeWriter:
    """The files of one recording."""

    def __init__(self, files: TakeFiles, take: Take, sound_format: SoundFormat) -> None:
        """Make the files. Raises SourceError or ConfigError where that fails."""
        self.files = files
        self._take = take
        self._sound_format: SoundFormat = sound_format
        self._wav = GrowingWav(
            files.sound, take.source.sample_rate, take.source.channels, sound_format
        )
        record = np.dtype(
            [
                ("column", "<i8"),
                ("captured_at", "<f8"),
                ("dequeued_at", "<f8"),
                ("computed_at", "<f8"),
                ("values", "<f4", (take.n_signals, take.mel.n_rows)),
            ]
        )
        with writing(files.growing_columns):
            # Without a buffer, so that what could not be written is not tried again later.
            self._columns_file = files.growing_columns.open("xb", buffering=0)
            self._columns = GrowingArray(self._columns_file, record, (0,))
        self._answers: _GrowingAnswers | None = None
        self._lost: list[tuple[int, int]] = []
        self._kernels: list[str] = []
        self._is_told = True
        self.write_about({})

    @property
    def n_samples(self) -> int:
        return self._wav.n_samples

    @property
    def duration_s(self) -> float:
        return self._wav.n_samples / self._take.source.sample_rate

    @property
    def n_bytes(self) -> int:
        """of sound and columns"""
        return self._sound_bytes(self._wav.n_samples) + self._columns.n_bytes

    def has_room(self, n_samples: int) -> bool:
        """Return whether the WAV has room for `n_samples` more."""
        return self._sound_bytes(self._wav.n_samples + n_samples) <= WAV_BYTES_MAX

    def append_sound(self, samples: NDArray[np.float32]) -> None:
        """Take (n_samples, n_channels) that follow; NaN, which was lost, becomes silence."""
        for start, end in stretches(np.isnan(samples).any(axis=1)):
            self._note_lost(self._wav.n_samples + start, end - start)
        self._wav.append(np.where(np.isnan(samples), np.float32(0.0), samples))

    def append_columns(
        self, first_column: int, values: NDArray[np.float32], stamps: Stamps = _UNKNOWN
    ) -> None:
        """Take (n_signals, n_mels, n_columns), of which those count that come of this sound alone.

        Indices are the recording's. Raises ConfigError where they cannot be written.
        """
        whole = [t for t in range(values.shape[2]) if self._take.is_whole(first_column + t)]
        records = np.empty(len(whole), self._columns.dtype)
        records["column"] = np.array(whole, np.int64) + first_column
        for name, moment in zip(("captured_at", "dequeued_at", "computed_at"), stamps, strict=True):
            records[name] = moment
        records["values"] = values[:, :, whole].transpose(2, 0, 1)
        with writing(self.files.growing_columns):
            self._columns.append(records)
            self._columns.sync()

    def append_answers(self, answers: Answered) -> bool:
        """Take what a model answered, on the stream's clock; return whether it was taken.

        A recording has the answers of one model: the first. Raises ConfigError where they cannot be
        written.
        """
        with writing(self.files.growing_answers):
            if self._answers is None:
                self._answers = _GrowingAnswers(self.files.growing_answers, answers.spec)
            return self._answers.append(answers)

    def note_kernel(self, kernel: str) -> None:
        """Note which kernel computes from here on, as a text names it."""
        if self._kernels[-1:] != [kernel]:
            self._kernels.append(kernel)

    def write_about(self, counters: dict[str, Any]) -> None:
        """Write what the recording is so far; what hinders that is no reason to end it."""
        try:
            self._write_json(counters, finished=False)
            self._is_told = True
        except ConfigError as error:
            # On Windows, somebody may just be reading it.
            if self._is_told:
                _log.warning("%s", error)
            self._is_told = False

    def _write_json(self, counters: dict[str, Any], *, finished: bool) -> None:
        take, files = self._take, self.files
        # Of a device that stutters for hours the whole list would be long to write each time.
        n_lost = sum(n for _, n in self._lost)
        lost = {"lost": self._lost} if finished else {"n_lost": n_lost}
        told = {
            "program": f"mel-visualizer {__version__}",
            "versions": {
                "python": platform.python_version(),
                "torch": _version_of("torch"),
                "numpy": np.__version__,
                "platform": platform.platform(),
            },
            "finished": finished,
            "started_at": take.started_at.isoformat(timespec="milliseconds"),
            "start_sample": take.start_sample,
            "source": asdict(take.source),
            "gain_db": take.gain_db,
            "channel": _stored(take.channel),
            "kernels": self._kernels,
            "sound": {
                "file": self.files.sound.name,
                "format": self._sound_format,
                "sample_rate": take.source.sample_rate,
                "channels": take.source.channels,
                "samples": self.n_samples,
                **lost,
            },
            "columns": {
                "file": (files.features if finished else files.growing_columns).name,
                "n_columns": self._columns.shape[0],
                "level_is_from_before": take.is_normalised_before,
            },
            "counters": counters,
            "front_end": written(take.mel),
        }
        with writing(files.about), replacing(files.about) as unfinished:
            unfinished.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")

    def finish(self, counters: dict[str, Any]) -> None:
        """Pack the columns, and say that all is there. Raises ConfigError."""
        path = self.files.features
        with writing(path), replacing(path) as unfinished:
            self._columns_file.close()
            self._pack(unfinished)
        for growing in (self.files.growing_columns, self.files.growing_answers):
            with suppress(OSError):
                growing.unlink()
        self._write_json(counters, finished=True)

    def _pack(self, path: Path) -> None:
        mel = self._take.mel
        # Read piece by piece from the disk: of hours these are gigabytes.
        records = np.load(self.files.growing_columns, mmap_mode="r", allow_pickle=False)
        columns = records["column"]
        values = np.moveaxis(records["values"], 0, -1)
        answers = self._answers.parts(self._take, self.duration_s) if self._answers else {}
        follows = np.flatnonzero(np.diff(columns) > 1)
        write_archive(
            path,
            values if self._take.channel == "each" else values[0],
            {
                **about(mel, STREAMING, columns * mel.hop_s + mel.middle_s, self._take.gain_db),
                "column": columns,
                "gaps": np.stack((columns[follows] + 1, np.diff(columns)[follows] - 1), axis=1),
                "lost_samples": np.array(self._lost, np.int64).reshape(-1, 2),
                "captured_at": records["captured_at"],
                "dequeued_at": records["dequeued_at"],
                "computed_at": records["computed_at"],
                **answers,
            },
        )

    def _note_lost(self, start: int, n_samples: int) -> None:
        if self._lost and sum(self._lost[-1]) == start:
            start, before = self._lost.pop()
            n_samples += before
        self._lost.append((start, n_samples))

    def _sound_bytes(self, n_samples: int) -> int:
        return n_samples * self._take.source.channels * SAMPLE_BYTES[self._sound_format]


class _GrowingAnswers:
    """The answers of one model, in a file while they come."""

    def __init__(self, path: Path, spec: ModelSpec) -> None:
        """Make the file. Raises OSError."""
        self._spec = spec
        self._path = path
        n_texts = sum(output.kind == "text" for output in spec.outputs)
        record = np.dtype(
            [
                ("stream_s", "<f8"),
                ("late_ms", "<f8"),
                ("numbers", "<f4", (spec.n_numbers,)),
                ("texts", f"<U{_TEXT_LENGTH}", (n_texts,)),
            ]
        )
        # As the columns' file.
        self._file = path.open("xb", buffering=0)
        self._rows = GrowingArray(self._file, record, (0,))

    def append(self, answers: Answered) -> bool:
        """Return whether they are of the same model. Raises OSError."""
        if answers.spec != self._spec:
            return False
        records = np.empty(len(answers.times_s), self._rows.dtype)
        records["stream_s"] = answers.times_s
        records["late_ms"] = np.nan if answers.late_ms is None else answers.late_ms
        records["numbers"] = answers.numbers
        records["texts"] = np.array(answers.texts, records["texts"].dtype).reshape(
            records["texts"].shape
        )
        self._rows.append(records)
        self._rows.sync()
        return True

    def parts(self, take: Take, duration_s: float) -> dict[str, NDArray[np.generic]]:
        """Return those to the sound of a recording, as parts of its archive. Raises OSError."""
        self._file.close()
        records = np.load(self._path, mmap_mode="r", allow_pickle=False)
        times_s = records["stream_s"] - take.start_sample / take.source.sample_rate
        inside = (times_s >= 0) & (times_s < duration_s)
        kept = records[inside]
        parts = model_parts(self._spec, times_s[inside], kept["numbers"], kept["texts"])
        return {**parts, "model_late_ms": kept["late_ms"]}


def _version_of(package: str) -> str | None:
    # Slow to load, and needed only here.
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _stored(channel: Channel) -> int | str | tuple[int, ...] | None:
    """Return the rule as `channel_rule` reads it, one channel and the mean as they ever were."""
    if channel == "mean":
        return None
    return channel[0] if len(channel) == 1 else channel
