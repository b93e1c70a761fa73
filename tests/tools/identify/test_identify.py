"""The identify command: what other people's code was told to do is found from its features.

battery.py has many more such cases, and runs them by itself.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.tools.identify.battery import CASES, SOUNDS, outcome, whisper
from visualizer.cli import run_command as main
from visualizer.mel.front_ends import find_front_end
from visualizer.mel.presets import PRESETS, preset_for
from visualizer.mel.whole import reference_columns
from visualizer.tools.identify import search
from visualizer.tools.identify.agreement import agreement
from visualizer.tools.identify.chains import Chain, Sound
from visualizer.tools.identify.numbers import rounder
from visualizer.tools.identify.observation import Observation, observations

RATE_HZ = 16_000
QUICK = ("librosa f_max", "whisper f_max 7600", "kaldi 0.95")
SEED = 5


@pytest.mark.parametrize("name", QUICK)
def test_what_was_moved_is_found(name: str) -> None:
    (case,) = (case for case in CASES if case.name == name)
    done = outcome(case, SEED, math.inf)
    assert done.kind == "exact", (done.missed, done.lines)


def test_features_that_no_chain_makes_are_not_called_the_same() -> None:
    (case,) = (case for case in CASES if case.name == "smoothed")
    assert not outcome(case, SEED, longest_s=3.0).is_same


@pytest.fixture(scope="module")
def samples() -> np.ndarray:
    return SOUNDS["speech"](RATE_HZ, np.random.default_rng(3), 2.0)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, samples: np.ndarray) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("identify")
    sound, features = folder / "talk.wav", folder / "theirs.npy"
    soundfile.write(sound, samples, RATE_HZ, subtype="FLOAT")
    np.save(features, whisper(htk=True)(samples)[None])
    return sound, features


def test_the_command_says_what_differs_and_saves_what_the_window_opens(
    files: tuple[Path, Path],
    samples: np.ndarray,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    sound, features = files
    report, mine = tmp_path / "found.json", tmp_path / "mine.json"
    arguments = ["identify", features, "--on", sound, "--near", "whisper-80"]
    assert main([*map(str, arguments), "--json", str(report), "--save", str(mine)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "mel scale: htk, where whisper-80 has slaney" in lines
    found: dict[str, Any] = json.loads(report.read_text())
    assert (found["is_same"], found["near"]) == (True, "whisper-80")
    assert {"field": "mel_scale", "theirs": "htk", "near": "slaney"} in found["differences"]
    assert found["front_end"]["log"] == "log10"
    columns = reference_columns(samples, find_front_end(mine).at(None))
    assert np.abs(columns - np.load(features)[0]).max() == pytest.approx(found["largest"], abs=1e-4)


def test_the_nearest_ends_with_1(
    files: tuple[Path, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # What is found of noise is of no interest, only that it is not called the same.
    monkeypatch.setattr(search, "identify", partial(search.identify, longest_s=2.0))
    sound, features = files
    noise = np.random.default_rng(1).normal(0, 0.02, np.load(features).shape)
    np.save(tmp_path / "noisy.npy", np.load(features) + noise)
    assert main(["identify", str(tmp_path / "noisy.npy"), "--on", str(sound)]) == 1
    said = capsys.readouterr().out
    assert "not the same" in said or "no front-end explains it" in said


@pytest.mark.parametrize(
    ("features", "what"),
    [
        (np.zeros((80, 200), np.float32), "all values of the array are the same"),
        (np.full((80, 200), np.nan), "not finite"),
        (np.random.default_rng(0).random(200), "shape"),
        (np.array(["no"]), "no numbers"),
        (np.random.default_rng(0).random((2, 300, 80)), "shape"),
    ],
)
def test_what_is_no_array_of_features_is_one_line(
    files: tuple[Path, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    features: np.ndarray,
    what: str,
) -> None:
    np.save(tmp_path / "odd.npy", features)
    assert main(["identify", str(tmp_path / "odd.npy"), "--on", str(files[0])]) == 2
    error = capsys.readouterr().err
    assert what in error
    assert error.count("\n") == 1


def test_an_unknown_front_end_is_named_before_anything_is_computed(
    files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    sound, features = files
    assert main(["identify", str(features), "--on", str(sound), "--near", "wisper"]) == 2
    assert "whisper-80" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("made", "rounding"),
    [
        (lambda v: v, "float64"),
        (lambda v: v.astype(np.float32), "float32"),
        (lambda v: v.astype(np.float16), "float16"),
        (lambda v: v.astype(np.float16).astype(np.float32), "float16"),
        (lambda v: (v.astype(np.float32).view(np.uint32) & 0xFFFF0000).view("f4"), "bfloat16"),
    ],
)
def test_the_array_tells_what_it_was_rounded_to(
    made: Callable[[np.ndarray], np.ndarray], rounding: str
) -> None:
    values = np.random.default_rng(2).normal(0, 1, (80, 100))
    assert {seen.rounding for seen in observations(made(values))} == {rounding}


@pytest.mark.parametrize("name", ["whisper-80", "kaldi", "nemo", "vocos", "torchaudio-mfcc"])
@pytest.mark.parametrize(("field", "amount"), [("f_max", -8.0), ("offset", -1), ("f_min", 0.5)])
def test_what_is_a_little_off_is_not_the_same(
    name: str, field: str, amount: float, samples: np.ndarray
) -> None:
    front_end = preset_for(name)
    chain = Chain(front_end.sample_rate, front_end.stages)
    sound = Sound(samples, front_end.sample_rate)

    def seen(chain: Chain) -> Observation:
        columns = sound.finished(chain).astype(np.float32)
        (one,) = (one for one in observations(columns) if one.columns_first)
        return one

    stage = next(stage for stage in chain.stages if hasattr(stage, field))
    moved = chain.having(replace(stage, **{field: getattr(stage, field) + amount}))
    linear = sound.linear(chain)
    assert agreement(sound, chain, seen(chain), linear).is_same
    assert not agreement(sound, chain, seen(moved), linear).is_same


@pytest.mark.parametrize("name", PRESETS)
def test_chains_that_are_computed_in_parts_are_those_of_the_presets(
    name: str, samples: np.ndarray
) -> None:
    front_end = preset_for(name)
    chain = Chain(front_end.sample_rate, front_end.stages)
    columns = Sound(samples, front_end.sample_rate).finished(chain)
    reference = reference_columns(samples, front_end)
    np.testing.assert_allclose(columns.T, reference, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("measured", "expected"),
    [(1.00002e-10, 1e-10), (7600.3, 7600.0), (0.250004, 0.25), (0.0312498, 0.03125), (0.0, 0.0)],
)
def test_a_measured_number_is_taken_as_the_roundest_near_to_it(
    measured: float, expected: float
) -> None:
    first, _ = next(rounder(measured, abs(measured) * 1e-4))
    assert first == expected
