"""What a model answers to a whole file."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from visualizer.audio.channels import Channel
from visualizer.audio.source import SourceInfo
from visualizer.export.offline import opened_mono
from visualizer.mel.clip import cut
from visualizer.models.history import Answered
from visualizer.models.reader import ModelReader

_PIECE_S = 0.1
"""How much sound is handed over at once."""
_STREAM_ID = 1


def answers_to(
    source: Path,
    reader: ModelReader,
    *,
    channel: Channel = "mean",
    gain_db: float = 0.0,
    on_progress: Callable[[float], None] = lambda _: None,
    on_notice: Callable[[str], None] = lambda _: None,
) -> Answered:
    """Return what a model that is loaded answers to an audio file, as fast as it can.

    Args:
        source: the file.
        reader: of the model, which hears nothing else.
        channel: what of the file it gets.
        gain_db: applied before everything else.
        on_progress: told the share of the file that is read.
        on_notice: told, at the end, what a person should know of the sound.

    Raises:
        SourceError: The file cannot be read.
        ConfigError: It does not have the channel.
        CodeError: The model failed.
    """
    tap = reader.tap
    spec = reader.require_success().spec
    assert spec is not None
    came: list[Answered] = []

    def take() -> None:
        came.extend(Answered.of(spec, answers) for answers in reader.drain())

    with opened_mono(
        source, channel=channel, gain_db=gain_db, on_progress=on_progress, on_notice=on_notice
    ) as (file, blocks):
        # The one signal that is left of it.
        info = SourceInfo("file", file.name, None, file.sample_rate, 1)
        tap.begin(info, "mean", _STREAM_ID)
        n_samples = 0
        for piece in cut(blocks, round(_PIECE_S * file.sample_rate)):
            while not tap.has_room(reader.wake):
                reader.wait()
                take()
            reader.require_success()
            tap.put(n_samples, piece, time.perf_counter())
            n_samples += len(piece)
            take()
    tap.end()
    while not reader.is_done():
        reader.wait()
        take()
    take()
    reader.require_success()
    return Answered(
        spec,
        np.concatenate((np.empty(0), *(some.times_s for some in came))),
        np.concatenate((np.empty((0, spec.n_numbers), np.float32), *(s.numbers for s in came))),
        tuple(words for some in came for words in some.texts),
    )
