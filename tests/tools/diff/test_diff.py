"""The diff command: differences that were put there are found, in size, in time and in Hz."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from PyQt6.QtGui import QImage
from safetensors import safe_open
from safetensors.numpy import save_file

from tests.children import piped
from tests.conftest import ROOT
from visualizer.cli import run_command as main
from visualizer.engine.report import write_report
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.kernels.artifacts import Artifact
from visualizer.mel.presets import preset, preset_for
from visualizer.mel.stage import Stage
from visualizer.mel.stages.affine import Affine
from visualizer.mel.stages.deltas import Deltas
from visualizer.mel.stages.row_affine import RowAffine
from visualizer.mel.stages.stack import Stack
from visualizer.mel.stream import MelStream

RATE_HZ = 16_000
TONE_HZ, TONE_FROM_S, TONE_TO_S = 2000.0, 1.0, 1.5


@pytest.fixture
def noise() -> np.ndarray:
    return np.random.default_rng(7).normal(0, 0.01, 2 * RATE_HZ).astype(np.float32)


@pytest.fixture
def sound(tmp_path: Path, noise: np.ndarray) -> Path:
    return written(tmp_path / "sound.wav", noise)


def written(path: Path, samples: np.ndarray, rate: int = RATE_HZ) -> Path:
    soundfile.write(path, samples, rate, subtype="FLOAT")
    return path


def front_end(path: Path, config: FrontEnd) -> Path:
    path.write_text(json.dumps(config.to_dict()))
    return path


def diff(tmp_path: Path, *arguments: object) -> dict[str, Any]:
    figures = tmp_path / "figures.json"
    assert main(["diff", *map(str, arguments), "--json", str(figures)]) == 0
    found: dict[str, Any] = json.loads(figures.read_text())
    return found


def test_what_is_the_same_differs_by_exactly_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = diff(tmp_path, "simli", "simli")
    assert "they are the same: every value of A is exactly that of B" in capsys.readouterr().out
    assert found["numbers_that_differ"] == {}
    difference = found["difference"]
    assert difference["is_same"]
    assert [difference[name] for name in ("largest", "mean_absolute", "rms")] == [0, 0, 0]
    assert difference["correlation"] == 1
    assert all(band["rms"] == band["largest"] == 0 for band in difference["bands"])


def test_one_number_that_was_changed_is_the_one_that_is_named(
    tmp_path: Path, sound: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Samples twice as large: each band is louder by 20·log10(2) dB, and nothing else."""
    own = front_end(
        tmp_path / "own.json", replace(preset("simli", RATE_HZ), input_scale=2.0).front_end
    )
    found = diff(tmp_path, own, "simli", "--on", sound)
    assert found["numbers_that_differ"] == {"input_scale": [2.0, 1.0]}
    # dB are of a full scale that is as much larger.
    assert found["unit"] == "db"
    assert found["difference"]["largest"] < 1e-3
    found = diff(tmp_path, own, "simli", "--on", sound, "--unit", "model")
    louder = np.load(_mel(sound, tmp_path, "simli"))
    difference = found["difference"]
    assert difference["largest"] == pytest.approx(louder.max(), rel=1e-5)
    assert difference["mean_absolute"] == pytest.approx(louder.mean(), rel=1e-5)
    assert difference["correlation"] == pytest.approx(1)
    means = [band["mean"] for band in difference["bands"]]
    np.testing.assert_allclose(means, louder.mean(axis=1), rtol=1e-4)
    assert "│ input_scale │ 2 │ 1 │" in capsys.readouterr().out


def _mel(sound: Path, tmp_path: Path, name: str, suffix: str = ".npy") -> Path:
    out = tmp_path / f"{sound.stem}-{name}{suffix}"
    assert main(["mel", str(sound), "-o", str(out), "--front-end", name]) == 0
    return out


def test_front_ends_of_other_shapes_are_told_why_and_compared_otherwise(
    tmp_path: Path, sound: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = diff(tmp_path, "simli", "whisper-128", "--on", sound)
    assert found["difference"] is None
    assert found["why_no_difference"] == "they have 80 and 128 bands"
    assert found["numbers_that_differ"]["n_mels"] == [80, 128]
    assert found["numbers_that_differ"]["hop, ms"] == [12.5, 10.0]
    assert found["numbers_that_differ"]["columns"] == [161, 200]
    levels = found["levels_db"]
    assert [level["hz"] for level in levels] == [125, 250, 500, 1000, 2000, 4000]
    # A noise is white to both; the filters of the one are wider.
    assert all(abs(level["a_db"] - level["b_db"]) < 12 for level in levels)
    printed = capsys.readouterr().out
    assert "there is no difference of columns: they have 80 and 128 bands" in printed
    assert "what can be compared: the numbers above" in printed


def test_windows_a_hop_apart_are_brought_together(tmp_path: Path, sound: Path) -> None:
    simli = preset("simli", RATE_HZ)
    earlier = replace(simli, offset=simli.offset - simli.hop_length).front_end
    found = diff(tmp_path, "simli", front_end(tmp_path / "own.json", earlier), "--on", sound)
    assert (
        "column t of A lies where column t + 1 of B does, and is compared with it" in found["notes"]
    )
    assert found["difference"]["n_columns"] == 161
    # But for rounding they are the same windows.
    assert found["difference"]["largest"] < 0.01
    found = diff(tmp_path, tmp_path / "own.json", "simli", "--on", sound)
    assert found["difference"]["first_column"] == 1
    assert found["difference"]["largest"] < 0.01


def test_one_that_has_no_db_is_told_so(tmp_path: Path, sound: Path) -> None:
    nemo = preset("nemo")
    own = front_end(tmp_path / "own.json", replace(nemo, name="own", statistics=None).front_end)
    found = diff(tmp_path, "nemo", own, "--on", sound)
    assert found["why_no_difference"] == "one is in dB, the other in the model's own unit"


def test_a_tone_is_found_in_its_band_and_its_time(
    tmp_path: Path, sound: Path, noise: np.ndarray, capsys: pytest.CaptureFixture[str]
) -> None:
    t = np.arange(len(noise)) / RATE_HZ
    tone = 0.3 * np.sin(2 * np.pi * TONE_HZ * t) * ((t >= TONE_FROM_S) & (t < TONE_TO_S))
    longer = np.concatenate((noise + tone.astype(np.float32), noise[: RATE_HZ // 2]))
    found = diff(tmp_path, sound, written(tmp_path / "tone.wav", longer))
    difference = found["difference"]
    peaks = preset_for("simli", RATE_HZ).rows.edges_hz[1:-1]
    nearest = int(np.argmin(np.abs(peaks - TONE_HZ))) + 1
    worst = difference["most_different_band"]
    assert worst["band"] == difference["largest_band"] == nearest
    assert worst["hz"] == [pytest.approx(peaks[nearest - 1])] * 2
    # B is the louder one.
    assert worst["mean"] < -5
    assert TONE_FROM_S - 0.05 < difference["largest_s"] < TONE_TO_S + 0.05
    # The noise alone lies 40 dB lower, and bands far away hear nothing of the tone.
    assert 20 < difference["largest"] < 60
    assert difference["bands"][nearest - 30]["rms"] < 0.2 * worst["rms"]
    assert difference["n_columns"] == 161
    printed = capsys.readouterr().out
    assert "the common part is compared; B has 40 columns (0.50 s) more" in printed
    assert f"differs most   band {nearest} ({peaks[nearest - 1]:.0f} Hz), by RMS" in printed


def test_other_sample_rates_are_said(tmp_path: Path, sound: Path) -> None:
    other = written(tmp_path / "other.wav", np.zeros((8000, 2), np.float32), 8000)
    found = diff(tmp_path, sound, other)
    assert "the sample rates differ: A has 16000 Hz, B 8000 Hz" in found["notes"]
    assert "B is the mean of all channels of other.wav, which has 2" in found["notes"]
    assert found["numbers_that_differ"]["n_fft"] == [800, 400]
    assert found["difference"]["n_columns"] == 81
    found = diff(tmp_path, sound, other, "--front-end", "whisper-80")
    assert "B is resampled from 8000 to 16000 Hz, the rate of whisper-80" in found["notes"]


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".safetensors"])
def test_features_that_were_changed_differ_by_what_they_were_changed(
    tmp_path: Path, sound: Path, suffix: str
) -> None:
    ours = _mel(sound, tmp_path, "simli", ".npz")
    changed = np.load(_mel(sound, tmp_path, "simli"))
    changed[30, 50] += 0.5
    changed[10] -= 0.01
    theirs = tmp_path / f"theirs{suffix}"
    if suffix == ".npz":
        with np.load(ours) as held:
            np.savez(theirs, mel=changed, config=held["config"])
    elif suffix == ".safetensors":
        ours = _mel(sound, tmp_path, "simli", suffix)
        with safe_open(ours, "numpy") as held:
            save_file({"mel": np.ascontiguousarray(changed)}, theirs, held.metadata())
    else:
        np.save(theirs, changed)
    found = diff(tmp_path, theirs, ours)
    difference = found["difference"]
    assert found["unit"] == "model"
    assert difference["largest"] == pytest.approx(0.5, abs=1e-6)
    assert (difference["largest_band"], difference["largest_column"]) == (31, 50)
    assert difference["largest_s"] == pytest.approx(50 * 0.0125)
    expected = np.sqrt((0.5**2 + 161 * 0.01**2) / changed.size)
    assert difference["rms"] == pytest.approx(expected, rel=1e-4)
    assert difference["mean_absolute"] == pytest.approx((0.5 + 161 * 0.01) / changed.size, rel=1e-4)
    assert difference["bands"][10]["mean"] == pytest.approx(-0.01, rel=1e-4)
    assert [band["band"] for band in difference["bands"] if band["largest"] > 1e-6] == [11, 31]
    assert any("does not say how it was made" in n for n in found["notes"]) == (suffix == ".npy")


def test_features_that_are_time_first_are_turned(tmp_path: Path, sound: Path) -> None:
    ours = _mel(sound, tmp_path, "simli")
    turned = tmp_path / "turned.npy"
    np.save(turned, np.load(ours).T)
    note = "holds 161 × 80, which is taken as columns × rows"
    for arguments, letter in (
        (("simli", turned, "--on", sound), "B"),
        ((turned, sound), "A"),
        ((turned, ours), "A"),
        ((ours, turned), "B"),
        ((ours, turned, "--front-end", "simli"), "B"),
    ):
        found = diff(tmp_path, *arguments)
        assert f"{letter} {note}" in found["notes"]
        assert found["difference"]["largest"] <= 1e-6 * found["difference"]["largest_value"]
        assert len(found["difference"]["bands"]) == 80
    # Two that are both time first, and not of one length.
    shorter = tmp_path / "shorter.npy"
    np.save(shorter, np.load(turned)[:150])
    found = diff(tmp_path, turned, shorter)
    assert f"A {note}" in found["notes"]
    assert (found["difference"]["n_columns"], found["difference"]["is_same"]) == (150, True)


@pytest.mark.parametrize("is_turned", [False, True])
def test_square_features_lie_as_they_agree_better(tmp_path: Path, is_turned: bool) -> None:
    n = 79 * 200
    noise = np.random.default_rng(7).normal(0, 0.01, n).astype(np.float32)
    sound = written(tmp_path / "sound.wav", noise)
    square = np.load(_mel(sound, tmp_path, "simli"))
    assert square.shape == (80, 80)
    theirs = tmp_path / "theirs.npy"
    np.save(theirs, square.T if is_turned else square)
    found = diff(tmp_path, "simli", theirs, "--on", sound)
    assert found["difference"]["largest"] <= 1e-6 * found["difference"]["largest_value"]
    order = "columns × rows" if is_turned else "rows × columns"
    (note,) = (note for note in found["notes"] if "holds 80 × 80" in note)
    assert order in note


@pytest.mark.parametrize(
    "name", ["simli", "seamless", "whisper-80", "librosa-pcen", "torchaudio-mfcc"]
)
def test_a_front_end_gives_what_the_mel_command_wrote(
    tmp_path: Path, sound: Path, name: str
) -> None:
    found = diff(tmp_path, name, _mel(sound, tmp_path, name, ".npz"), "--on", sound)
    assert found["difference"]["largest"] <= 1e-6 * found["difference"]["largest_value"]
    assert found["numbers_that_differ"] == {}


def test_columns_normalised_as_they_came_are_called_so(tmp_path: Path, sound: Path) -> None:
    path = tmp_path / "live.npz"
    assert main(["mel", str(sound), "-o", str(path), "--front-end", "nemo", "--streaming"]) == 0
    assert diff(tmp_path, "nemo", path, "--on", sound)["b"]["title"] == "live.npz (streaming form)"


def recording(
    path: Path, config: FrontEnd, columns: np.ndarray, kept: np.ndarray, **others: Any
) -> Path:
    """The .npz of one, as the user's guide says, with these of all columns."""
    follows = np.flatnonzero(np.diff(kept) > 1)
    held = {
        "mel": columns[..., kept],
        "config": np.array(json.dumps(config.to_dict())),
        "sample_rate": np.array(config.sample_rate),
        "column": kept,
        "times_s": config.middle_s + kept * config.hop_s,
        "gaps": np.stack((kept[follows] + 1, np.diff(kept)[follows] - 1), axis=1),
    }
    np.savez(path, **(held | others))
    return path


@pytest.mark.parametrize(("name", "stack"), [("simli", 1), ("kaldi", 2)])
@pytest.mark.parametrize("n_axes", [2, 3])
def test_a_recording_differs_by_nothing_from_its_own_sound(
    tmp_path: Path, sound: Path, name: str, stack: int, n_axes: int
) -> None:
    """Its columns begin with the first that this sound alone makes, and jump over gaps."""
    flat = preset(name, RATE_HZ)
    config = replace(flat, stack=stack).front_end
    samples, _ = soundfile.read(sound, dtype="float32", always_2d=True)
    columns = MelStream(config, RATE_HZ, 1).push(samples)
    kept = np.r_[2:60, 75:100, 140 : columns.shape[2] - 2].astype(np.int64)
    features = recording(
        tmp_path / "recording.npz",
        config,
        columns[0] if n_axes == 2 else columns,
        kept,
    )
    own = front_end(tmp_path / "own.json", flat.front_end)
    picture = tmp_path / "picture.png"
    for pair in ((features, sound), (sound, features)):
        found = diff(tmp_path, *pair, "--front-end", own, "--picture", picture)
        difference = found["difference"]
        assert difference["largest"] <= 1e-5 * difference["largest_value"]
        assert difference["n_left_out"] == 80 * (kept[-1] + 1 - len(kept))
        assert difference["correlation"] == pytest.approx(1)
    assert not QImage(str(picture)).isNull()
    # What there is of it counts, also where only levels can be compared: null has no level.
    levels = diff(tmp_path, features, _mel(sound, tmp_path, "whisper-128", ".npz"))["levels_db"]
    assert levels
    assert None not in [level["a_db"] for level in levels]


@pytest.mark.parametrize(
    "grid",
    [
        np.arange(9.0),
        np.arange(9, dtype=np.int32),
        np.arange(8),
        np.arange(9)[None],
        np.arange(9) - 1,
        np.arange(9)[::-1].copy(),
        np.zeros(9, np.int64),
        np.r_[0:8, 1 << 40],
        np.r_[0:8, np.iinfo(np.int64).max],
        np.r_[np.iinfo(np.int64).min, 0:8],
    ],
)
def test_a_recording_with_an_impossible_grid_is_refused(
    tmp_path: Path, grid: np.ndarray, capsys: pytest.CaptureFixture[str]
) -> None:
    columns, rising = np.zeros((80, 9), np.float32), np.arange(9)
    path = recording(tmp_path / "r.npz", preset_for("simli", RATE_HZ), columns, rising, column=grid)
    assert main(["diff", str(path), str(path)]) == 2
    said = capsys.readouterr().err
    assert "'column'" in said
    assert said.count("\n") == 1


def test_a_damaged_file_of_features_is_answered_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its deflated data broken, and then said to be encrypted, or packed in an unknown way."""
    path = tmp_path / "mel.npz"
    np.savez_compressed(path, mel=np.random.default_rng(1).normal(size=(80, 99)))
    whole = path.read_bytes()
    entry = whole.index(b"PK\1\2")
    local = 30 + int.from_bytes(whole[26:28], "little") + int.from_bytes(whole[28:30], "little")
    for damage in (
        {local: b"\xff" * 64},
        {6: b"\1\0", entry + 8: b"\1\0"},
        {8: b"\x63\0", entry + 10: b"\x63\0"},
    ):
        damaged = bytearray(whole)
        for at, put in damage.items():
            damaged[at : at + len(put)] = put
        path.write_bytes(damaged)
        assert main(["diff", str(path), str(path)]) == 2
        said = capsys.readouterr().err
        assert "'mel.npz' is not a file of features" in said.replace(f"{tmp_path}/", "")
        assert said.count("\n") == 1


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("stages", "step"),
    [
        ((Stack(7, hop=6, before=3, rest="repeat"),), 6),
        ((Deltas(),), 1),
        ((Stack(2), RowAffine((-1.0,) * 160, (0.5,) * 160)), 1),
    ],
)
def test_stacks_that_overlap_and_deltas_are_compared_as_they_are(
    tmp_path: Path, sound: Path, stages: tuple[Stage, ...], step: int
) -> None:
    kaldi = preset_for("kaldi")
    own = FrontEnd("own", RATE_HZ, (*kaldi.stages, *stages))
    louder = FrontEnd("own", RATE_HZ, (*kaldi.stages, Affine(0.25), *stages))
    a, b = front_end(tmp_path / "a.json", own), front_end(tmp_path / "b.json", louder)
    found = diff(tmp_path, a, b, "--on", sound, "--unit", "model")
    assert found["why_no_difference"] is None
    difference = found["difference"]
    n_columns = -(-kaldi.n_columns(2 * RATE_HZ) // step)
    assert difference["n_columns"] == n_columns - n_columns % 2 * (len(stages) == 2)
    assert difference["largest"] == pytest.approx(0.125 if len(stages) == 2 else 0.25, abs=1e-3)
    assert difference["largest_s"] <= 2.0
    picture = tmp_path / "picture.png"
    diff(tmp_path, a, b, "--on", sound, "--picture", picture)
    assert picture.exists()
    found = diff(tmp_path, a, "kaldi", "--on", sound, "--unit", "model")
    assert (found["why_no_difference"] is None) == (len(stages) == 2)


def test_a_stack_that_is_shifted_row_by_row_has_no_db(
    tmp_path: Path, sound: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stages = (*preset_for("kaldi").stages, Stack(2), RowAffine((-1.0,) * 160, (0.5,) * 160))
    own = front_end(tmp_path / "own.json", FrontEnd("own", RATE_HZ, stages))
    assert main(["diff", str(own), "kaldi", "--on", str(sound), "--unit", "db"]) == 2
    assert "does not tell the level of the sound" in capsys.readouterr().err


def test_a_sound_too_short_for_a_column_is_said(
    tmp_path: Path, sound: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    short = written(tmp_path / "short.wav", np.ones(100, np.float32))
    picture = tmp_path / "picture.png"
    for pair, reason in (
        ((short, sound), "A has no column; its sound is too short for one"),
        ((short, short), "neither has a column; their sounds are too short for one"),
    ):
        found = diff(tmp_path, *pair, "--front-end", "kaldi", "--picture", picture)
        assert (found["difference"], found["why_no_difference"]) == (None, reason)
        assert found["levels_db"] == []
        printed = capsys.readouterr().out
        assert reason in printed
        assert "nan" not in printed
        assert not QImage(str(picture)).isNull()


@pytest.mark.filterwarnings("error")
def test_silence_without_a_floor_differs_by_nothing(tmp_path: Path) -> None:
    """Its values are −inf, which JSON does not have."""
    values = np.random.default_rng(1).normal(size=(80, 9))
    values[:, 4] = -np.inf
    np.save(tmp_path / "one.npy", values)
    values[3, 0] += 1.0
    np.save(tmp_path / "other.npy", values)
    difference = diff(tmp_path, tmp_path / "one.npy", tmp_path / "other.npy")["difference"]
    assert difference["largest"] == pytest.approx(1)
    assert difference["n_left_out"] == 0
    assert 0.9 < difference["correlation"] < 1


def test_a_report_has_null_for_what_is_not_finite(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    write_report(path, {"a": [float("nan"), 1.0], "b": {"c": (float("-inf"), None)}})
    assert json.loads(path.read_text()) == {"a": [None, 1.0], "b": {"c": [None, None]}}


def test_arrays_that_say_nothing_are_compared_by_number(tmp_path: Path) -> None:
    one = np.zeros((40, 9), np.float64)
    other = one.copy()
    other[3, 5], other[0, 0], other[1, 1] = -2.0, np.nan, np.inf
    np.save(tmp_path / "one.npy", one)
    np.save(tmp_path / "other.npy", other)
    picture = tmp_path / "picture.png"
    found = diff(tmp_path, tmp_path / "one.npy", tmp_path / "other.npy", "--picture", picture)
    difference = found["difference"]
    assert (difference["largest"], difference["largest_band"]) == (2, 4)
    assert (difference["largest_column"], difference["largest_s"]) == (5, None)
    assert (difference["n_left_out"], difference["is_same"]) == (2, False)
    assert difference["correlation"] is None
    assert not QImage(str(picture)).isNull()
    # Said to be of a front-end that gives other sizes.
    assert main(["diff", *[str(tmp_path / "one.npy")] * 2, "--front-end", "simli"]) == 2


def test_a_kernel_is_as_near_to_the_reference_as_float32_is(tmp_path: Path, sound: Path) -> None:
    found = diff(tmp_path, "simli:eager", "simli:reference", "--on", sound)
    difference = found["difference"]
    assert (found["a"]["dtype"], found["b"]["dtype"]) == ("float32", "float64")
    assert not difference["is_same"]
    assert 0 < difference["largest"] < 1e-6 * difference["largest_value"]
    # Resampled alike, where the front-end has a rate of its own.
    other = written(tmp_path / "44.wav", np.ones(22_050, np.float32), 22_050)
    found = diff(tmp_path, "whisper-80", "whisper-80:reference", "--on", other)
    assert found["difference"]["largest"] < 1e-4


def test_a_compiled_kernel_that_is_kept_is_used(
    tmp_path: Path, sound: Path, compiled_simli: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    folder = cache / "mel-visualizer" / "kernels"
    shutil.copytree(compiled_simli.folder, folder)
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    found = diff(tmp_path, "simli:compiled", "simli:reference", "--on", sound)
    assert found["difference"]["largest"] < 1e-6 * found["difference"]["largest_value"]
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_a_kernel_that_cannot_be_built_is_an_error(
    sound: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The cache of these tests is no folder."""
    assert main(["diff", "simli:compiled", "simli", "--on", str(sound)]) == 2
    said = capsys.readouterr().err
    assert "kernels cannot be kept in" in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["simly", "simli"], "unknown preset 'simly'; did you mean simli"),
        (["simli:fast", "simli"], "there is no kernel 'fast'; there are numpy, eager, compiled"),
        (["demo", "simli"], "one is a front-end and one a recording"),
        (["simli", "text.npy"], "made of is not known; name it with --on SOUND"),
        (["no.wav", "demo"], "there is no file 'no.wav'"),
        (["no.npy", "demo"], "'no.npy' cannot be read: No such file"),
        (["no.json", "simli"], "'no.json' cannot be read: No such file"),
        (["text.npy", "demo"], "is not a file of features"),
        (["text.npz", "demo"], "is not a file of features"),
        (["text.wav", "demo"], "is not an audio file"),
        (["cube.npy", "demo"], "holds 2 × 80 × 3, not bands × columns; `visualizer mel … --ch"),
        (["words.npy", "demo"], "holds no numbers"),
        (["other.npz", "demo"], "holds no array 'mel'"),
        (["demo", "demo", "--on", "demo"], "--on is what front-ends and your code go over"),
        (["simli", "simli", "--front-end", "nemo"], "--front-end goes with recordings"),
        (["simli", "simli", "--on", "no.wav"], "there is no file 'no.wav'"),
        (["nemo", "nemo", "--unit", "db"], "so they have no dB"),
        (["simli", "simli", "--picture", "a.jpg"], "must end in .png"),
        (["simli", "simli", "--json", "no/such/a.json"], "the figures cannot be written"),
    ],
)
def test_bad_input_is_answered_in_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    for suffix in ("npy", "npz", "wav"):
        Path(f"text.{suffix}").write_text("no such thing")
    np.save("cube.npy", np.zeros((2, 80, 3), np.float32))
    np.save("words.npy", np.array([["a"]]))
    np.savez("other.npz", other=np.zeros((80, 3)))
    assert main(["diff", *arguments]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1


def test_the_picture_shows_all_three(tmp_path: Path, sound: Path, noise: np.ndarray) -> None:
    t = np.arange(len(noise)) / RATE_HZ
    tone = 0.3 * np.sin(2 * np.pi * TONE_HZ * t) * ((t >= TONE_FROM_S) & (t < TONE_TO_S))
    other = written(tmp_path / "tone.wav", noise + tone.astype(np.float32))
    path = tmp_path / "picture.png"
    diff(tmp_path, sound, other, "--picture", path)
    image = QImage(str(path))
    tops = lane_tops(image)
    assert len(tops) == 3
    left, right = lane_sides(image, tops[0] + 2)
    in_tone, before = (
        left + int((right - left) * at_s / (161 * 0.0125))
        for at_s in ((TONE_FROM_S + TONE_TO_S) / 2, 0.4)
    )
    position = np.interp(
        TONE_HZ, preset_for("simli", RATE_HZ).rows.edges_hz[1:-1], np.arange(80) + 0.5
    )
    ground = image.pixelColor(2, 2)

    def height_of(top: int) -> int:
        return next(n for n in range(1000) if image.pixelColor(right, top + n) == ground)

    heights = [height_of(top) for top in tops]
    assert min(heights) > 200
    a, b, less = (
        [image.pixelColor(x, top + int(height * (1 - position / 80))) for x in (before, in_tone)]
        for top, height in zip(tops, heights, strict=True)
    )
    assert b[1].lightness() > b[0].lightness() + 50
    assert abs(a[1].lightness() - a[0].lightness()) < 60
    # Where B is louder the difference is blue, and elsewhere nearly white.
    assert less[0].lightness() > 200
    assert less[1].blue() > less[1].red() + 60
    # What is written ends before the picture does, and is the same each time.
    edge = [image.pixelColor(image.width() - 2, y) for y in range(image.height())]
    assert all(colour == ground for colour in edge)
    diff(tmp_path, sound, other, "--picture", tmp_path / "again.png")
    assert QImage(str(tmp_path / "again.png")) == image


def lane_tops(image: QImage) -> list[int]:
    """The first row of each lane: below a title, right of the middle, where no text is."""
    x, ground = image.width() - 170, image.pixelColor(2, 2)
    coloured = [image.pixelColor(x, y) != ground for y in range(image.height())]
    return [y for y in range(1, len(coloured)) if all(coloured[y : y + 99]) and not coloured[y - 1]]


def lane_sides(image: QImage, y: int) -> tuple[int, int]:
    """The first and the last column of a lane, found from its middle."""
    ground, middle = image.pixelColor(2, 2), image.width() // 2
    left = next(x for x in range(middle, 0, -1) if image.pixelColor(x, y) == ground) + 1
    right = next(x for x in range(middle, image.width()) if image.pixelColor(x, y) == ground) - 1
    return left, right


def test_a_reader_that_goes_does_not_keep_the_files_away(tmp_path: Path) -> None:
    picture, figures = tmp_path / "a.png", tmp_path / "a.json"
    command = [sys.executable, str(ROOT / "run.py"), "diff", "simli", "kaldi"]
    command += ["--picture", str(picture), "--json", str(figures)]
    with piped(command) as child:
        assert child.stdout is not None
        child.stdout.close()
        assert child.wait(120) == 0
    assert not QImage(str(picture)).isNull()
    assert json.loads(figures.read_text())["a"]["title"] == "simli"


def test_it_needs_no_display_and_leaves_the_environment_alone(program: Any, tmp_path: Path) -> None:
    none = {"DISPLAY": None, "WAYLAND_DISPLAY": None, "QT_QPA_PLATFORM": None}
    # Qt has words of its own for a locale that is not UTF-8.
    none |= {"LANG": "C", "LC_ALL": "C"}
    done = program("diff", "simli", "simli-librosa", "--picture", "a.png", env=none)
    assert (done.code, done.err) == (0, "")
    assert "mel_scale" in done.out
    assert not QImage(str(tmp_path / "a.png")).isNull()
