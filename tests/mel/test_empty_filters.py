"""Filters without a bin are counted, named and explained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import librosa
import numpy as np
import pytest

from visualizer.audio.demo import demo_path
from visualizer.cli import run_command
from visualizer.mel.empty_filters import empty_filters, empty_filters_text
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.presets import PRESETS, preset, preset_for
from visualizer.mel.stages.flip import Flip


@pytest.mark.parametrize("n_mels", [40, 80, 128, 200])
@pytest.mark.filterwarnings("ignore:Empty filters")
def test_those_are_empty_that_librosa_leaves_empty(n_mels: int) -> None:
    theirs = librosa.filters.mel(sr=16_000, n_fft=400, n_mels=n_mels, fmin=0.0, fmax=8000.0)
    ours = replace(preset("whisper-80"), n_mels=n_mels, f_min=0.0, f_max=8000.0).front_end
    empty = (np.flatnonzero(~theirs.any(axis=1)) + 1).tolist()
    assert list(empty_filters(ours)) == empty
    assert (empty_filters_text(ours) is None) == (not empty)


def test_bands_too_narrow_for_the_transform_are_told() -> None:
    assert empty_filters_text(preset_for("torchaudio")) == (
        "4 of 128 mel filters are empty (rows 1, 4, 7 and 14): the bins of n_fft = 400 are 40 Hz "
        "apart, and none lies within them; unless the model has them so, take a longer n_fft or "
        "fewer bands"
    )
    text = empty_filters_text(preset_for("ast"))
    assert text is not None
    assert text.startswith("1 of 128 mel filters is empty (row 4): ")


def test_bands_above_half_the_rate_are_told() -> None:
    assert empty_filters_text(preset_for("simli", 8000)) == (
        "18 of 80 mel filters are empty (rows 63 to 80): they lie above half the sample rate, 4000 "
        "Hz; unless the model has them so, let f_max (7600 Hz) be 4000 Hz or less"
    )


def test_upside_down_the_rows_are_counted_as_they_come_out() -> None:
    stages = (*PRESETS["torchaudio"].front_end.stages, Flip())
    text = empty_filters_text(FrontEnd("flipped", 16_000, stages))
    assert text is not None
    assert "(rows 115, 122, 125 and 128)" in text


def test_what_has_no_mel_filters_has_no_empty_ones() -> None:
    assert empty_filters_text(preset_for("full-band")) is None


def test_mel_says_it_beside_its_output(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = tmp_path / "a.npy"
    command = ["mel", str(demo_path()), "-o", str(out), "--front-end"]
    assert run_command([*command, "torchaudio"]) == 0
    said = capsys.readouterr()
    assert said.err.startswith("visualizer: 4 of 128 mel filters are empty (rows 1, 4, 7 and 14)")
    assert said.err.count("\n") == 1
    rows = np.load(out)
    assert (np.flatnonzero(~rows.any(axis=1)) + 1).tolist() == [1, 4, 7, 14]
    assert run_command([*command, "simli"]) == 0
    assert capsys.readouterr().err == ""
    assert run_command(["presets", "--of", "torchaudio"]) == 0
    assert "note: 4 of 128 mel filters are empty" in capsys.readouterr().out
