"""A piece of the picture to take away: its values, its sound, and the code that joins them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from visualizer.audio.channels import Channel, signals_of
from visualizer.audio.file import write_sound
from visualizer.engine.history import SoundHistory
from visualizer.engine.pipeline import Pipeline
from visualizer.errors import ConfigError
from visualizer.export.answers import write_answers
from visualizer.mel.flat import flat_form, written
from visualizer.mel.front_end import FrontEnd
from visualizer.models.history import Answered
from visualizer.support.files import replacing, writing

_SNIPPET = """\
import json

import numpy as np
import soundfile

from visualizer import {kind}, MelStream

front_end = {kind}.from_dict(json.loads({front_end!r}))
samples, sample_rate = soundfile.read({wav!r}, dtype="float32", always_2d=True)
stream = MelStream(front_end, sample_rate, 1)
{skip}first = stream.next_column
columns = np.concatenate((stream.push(samples){flush}), axis=2)
mel = columns[0, {first_band}:{end_band}, {first_column} - first : {end_column} - first]
assert np.array_equal(mel, np.load({npy!r}))
"""
_MODEL_SNIPPET = """\
answered = np.load({answers!r})
model, model_times_s = answered["model"], answered["model_times_s"]
"""
_LEAD_S = 0.25
"""Of sound before the first window, for what a resampler reaches back."""


@dataclass(frozen=True)
class Piece:
    """A stretch of one signal's columns, and where its front-end began to be fed."""

    sound: SoundHistory
    mel: FrontEnd
    channel: Channel
    fed_since: int
    """the stream's sample"""
    ended: bool
    """whether the stream is over, so that its last columns reach past its end"""
    first_column: int
    end_column: int
    first_band: int
    end_band: int
    answers: Answered | None = None
    """of a model, to this stretch"""


def save_piece(piece: Piece, path: Path) -> str:
    """Write the values to `path`, a .npy, as float32 (n_bands, n_columns) as the model gets them,
    and the sound they need to `sound_path(path)`; return the Python code that computes the one
    from the other. What a model answered goes to `answers_path(path)`, with times of that sound.

    What is written is what that code gives, so both are the same to the bit on this machine.
    Raises ConfigError where the sound is no longer kept or the files cannot be written.
    """
    npy, wav = path, sound_path(path)
    if not path.parent.is_dir():
        raise ConfigError(f"the region cannot be written: there is no folder {str(path.parent)!r}")
    start, samples = _samples(piece)
    values = _values(piece, start, samples)
    # The values go first, which another program may hold open: if that fails, nothing is gone.
    if piece.answers is not None:
        write_answers(answers_path(path), piece.answers.since(start / piece.sound.sample_rate))
    with writing(npy, "the region"), replacing(wav) as new_wav, replacing(npy) as new_npy:
        write_sound(new_wav, samples, piece.sound.sample_rate)
        np.save(new_npy, values, allow_pickle=False)
    code = _SNIPPET.format(
        kind="FrontEnd" if flat_form(piece.mel) is None else "MelConfig",
        front_end=json.dumps(written(piece.mel)),
        wav=str(wav),
        npy=str(npy),
        skip=f"stream.skip({start})\n" if start else "",
        flush=", stream.flush()" if piece.ended else ",",
        first_band=piece.first_band,
        end_band=piece.end_band,
        first_column=piece.first_column,
        end_column=piece.end_column,
    )
    if piece.answers is not None:
        code += _MODEL_SNIPPET.format(answers=str(answers_path(path)))
    return code


def sound_path(path: Path) -> Path:
    """Where the sound of a region goes whose values go to `path`."""
    return path.with_suffix(".wav")


def answers_path(path: Path) -> Path:
    """Where a model's answers to a region go whose values go to `path`."""
    return path.with_suffix(".model.npz")


def _samples(piece: Piece) -> tuple[int, NDArray[np.float32]]:
    """The first sample's index, and the samples (n, 1) of the signal that the columns need."""
    mel, sound = piece.mel, piece.sound
    rate = sound.sample_rate / mel.sample_rate
    first_s = (piece.first_column * mel.hop_length + mel.offset) * rate
    last_s = ((piece.end_column - 1) * mel.hop_length + mel.offset + mel.win_length) * rate
    lead = round(_LEAD_S * sound.sample_rate)
    start = max(0, round(first_s) - lead)
    if mel.remembers:
        # The level of its columns comes from all that was heard before.
        start = min(start, piece.fed_since)
    end = min(sound.end, round(last_s) + lead)
    if start < sound.first:
        start = sound.first
        if mel.remembers or round(first_s) < start:
            raise ConfigError(
                "the sound of the region is no longer kept", "take a later one, or save sooner"
            )
    samples = signals_of(sound.read(start, end), piece.channel)
    lost = np.flatnonzero(np.isnan(samples[: max(0, round(first_s) - start)]))
    if len(lost) and not mel.remembers:
        start, samples = start + int(lost[-1]) + 1, samples[lost[-1] + 1 :]
    if np.isnan(samples).any() and mel.remembers:
        raise ConfigError(
            f"{mel.name} normalises by all sound before a column, of which some was lost",
            "pick the front-end again and take a later region",
        )
    if np.isnan(samples).any():
        raise ConfigError("sound was lost in the region, or just before", "take one without a gap")
    return start, samples


def _values(piece: Piece, start: int, samples: NDArray[np.float32]) -> NDArray[np.float32]:
    pipeline = Pipeline(piece.mel, piece.sound.sample_rate, 1, "mean")
    first, columns = pipeline.push(start, samples)
    if piece.ended:
        columns = np.concatenate((columns, pipeline.flush()[1]), axis=2)
    rows = slice(piece.first_band, piece.end_band)
    values = columns[0, rows, piece.first_column - first : piece.end_column - first]
    if values.shape[1] != piece.end_column - piece.first_column:
        raise ConfigError("not all of the region is computed from sound that is kept")
    return np.ascontiguousarray(values)
