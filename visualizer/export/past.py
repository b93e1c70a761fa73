"""Saves what was heard: the sound that is kept, and the columns that it gives."""

from __future__ import annotations

from visualizer.engine.follower import unbroken
from visualizer.engine.options import RecordingConfig
from visualizer.engine.pipeline import Pipeline
from visualizer.engine.status import EngineStatus
from visualizer.errors import ConfigError
from visualizer.export.recorder import PIECE_S, Picture, counters, take_of, write_picture
from visualizer.export.take import TakeFiles
from visualizer.export.writer import TakeWriter
from visualizer.models.history import Answered


def save_last(
    config: RecordingConfig,
    status: EngineStatus,
    seconds: float,
    picture: Picture | None,
    answers: Answered | None = None,
) -> TakeFiles:
    """Write the last seconds of what runs, with a model's answers to them; return where.

    The columns are those of NumPy over that sound, so that front-ends which normalise over
    a whole clip take these seconds for one. When each was ready is not known of the past. Raises
    ConfigError or SourceError.
    """
    sound = status.sound
    assert sound is not None
    end = sound.end
    start = max(sound.first, end - round(seconds * sound.sample_rate))
    if start >= end:
        raise ConfigError("nothing was heard yet that could be saved")
    take = take_of(status, start, is_normalised_before=False)
    writer = TakeWriter(TakeFiles.unused(config.require_folder()), take, config.sound_format)
    writer.note_kernel("numpy on cpu")
    pipeline = Pipeline(take.mel, sound.sample_rate, sound.n_channels, take.channel)
    step = round(PIECE_S * sound.sample_rate)
    for at in range(start, end, step):
        samples = sound.read(at, min(end, at + step))
        writer.append_sound(samples)
        for position, heard in unbroken(at - start, samples):
            writer.append_columns(*pipeline.push(position, heard))
    if answers is not None:
        writer.append_answers(answers)
    writer.finish(counters(status))
    write_picture(writer.files, picture)
    return writer.files
