"""When the next column is complete, which decides how long the worker sleeps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from visualizer.engine.pipeline import Pipeline
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.presets import PRESETS
from visualizer.mel.stages.sound_pad import SoundPad

GEMMA, WHISPER = PRESETS["gemma4"].front_end, PRESETS["whisper-80"].front_end
PADDED = replace(WHISPER, stages=(SoundPad(front=100), *WHISPER.stages))


@pytest.mark.parametrize("rate", [16_000, 48_000, 44_100])
@pytest.mark.parametrize("mel", [GEMMA, WHISPER, PADDED], ids=["followed", "plain", "padded"])
def test_a_column_is_complete_by_the_sample_that_is_named(mel: FrontEnd, rate: int) -> None:
    pipeline = Pipeline(mel, rate, 1, "mean")
    at, n_columns = 0, 0
    # Past the first, which wait for what is mirrored at the start.
    while n_columns < 6:
        due = max(at + 1, pipeline.completed_by)
        if n_columns > 2:
            assert pipeline.push(at, np.zeros((due - 1 - at, 1), np.float32))[1].shape[2] == 0
            at = due - 1
        n_columns += pipeline.push(at, np.zeros((due - at, 1), np.float32))[1].shape[2]
        at = due
        assert at < 6 * rate
