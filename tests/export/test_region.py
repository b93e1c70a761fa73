"""A saved region: its values, its sound, and the code that computes the values from the sound."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.models.made_up import made_up
from visualizer.audio.channels import Channel, signals_of
from visualizer.engine.history import SoundHistory
from visualizer.engine.pipeline import Pipeline
from visualizer.errors import ConfigError
from visualizer.export.region import Piece, save_piece
from visualizer.mel.presets import preset_for
from visualizer.models.contract import Output
from visualizer.models.history import Answered

RATE_HZ = 48_000


def noise(n_samples: int) -> np.ndarray:
    return np.random.default_rng(5).normal(0, 0.1, (n_samples, 2)).astype(np.float32)


def heard(samples: np.ndarray, start: int = 0) -> SoundHistory:
    sound = SoundHistory(RATE_HZ, 2)
    sound.append(start, samples)
    return sound


def piece_of(name: str, sound: SoundHistory, channel: Channel = "mean") -> Piece:
    mel = preset_for(name, RATE_HZ)
    return Piece(sound, mel, channel, 0, False, 100, 140, 10, 30)


@pytest.mark.parametrize(
    ("name", "channel"),
    [
        ("simli", "mean"),
        ("simli", (0, 1)),
        ("whisper-80", (0,)),
        ("kaldi", "mean"),
        ("perch-pcen", (1,)),
        ("torchaudio-mfcc", "mean"),
    ],
)
def test_what_is_saved_is_what_was_shown_and_the_code_makes_it_again(
    tmp_path: Path, name: str, channel: Channel
) -> None:
    """kaldi has another rate than the sound, whisper and PCEN take in what was heard before."""
    samples = noise(3 * RATE_HZ)
    piece = piece_of(name, heard(samples), channel)
    code = save_piece(piece, tmp_path / "a region.npy")
    saved = np.load(tmp_path / "a region.npy")
    assert saved.dtype == np.float32
    _, live = Pipeline(piece.mel, RATE_HZ, 2, channel).push(0, samples)
    shown = live[0, 10:30, 100:140]
    if piece.mel.needs_whole_clip:
        # The window levels column by column by what was heard so far; so does the code.
        pipeline = Pipeline(piece.mel, RATE_HZ, 2, channel)
        parts = [pipeline.push(at, samples[at : at + 480])[1] for at in range(0, len(samples), 480)]
        shown = np.concatenate(parts, axis=2)[0, 10:30, 100:140]
    np.testing.assert_allclose(saved, shown, rtol=1e-4, atol=1e-5)
    wav, rate = soundfile.read(tmp_path / "a region.wav", dtype="float32", always_2d=True)
    assert rate == RATE_HZ
    assert len(wav) < 3 * RATE_HZ
    assert set(wav[:, 0]) <= set(signals_of(samples, channel)[:, 0])
    done = subprocess.run(
        [sys.executable, "-c", code + "print(mel.shape)"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "(20, 40)"


def test_what_a_model_answered_is_saved_with_times_of_the_sound(tmp_path: Path) -> None:
    samples, spec = noise(3 * RATE_HZ), made_up(Output("speech", "probability"))
    numbers = np.array([[0.25], [0.75]], np.float32)
    answers = Answered(spec, np.array([1.3, 1.4]), numbers, ((), ()))
    piece = replace(piece_of("simli", heard(samples)), answers=answers)
    code = save_piece(piece, tmp_path / "region.npy")
    told = "print(json.dumps([model.tolist(), model_times_s.tolist()]))"
    done = subprocess.run([sys.executable, "-c", code + told], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    values, times_s = json.loads(done.stdout)
    assert values == [[0.25, 0.75]]
    # Which sample of the stream the sound begins with is told by the sound itself.
    sound, _ = soundfile.read(tmp_path / "region.wav", dtype="float32")
    start = int(np.flatnonzero(samples.mean(axis=1) == sound[0])[0])
    assert start > 0
    np.testing.assert_allclose(times_s, [1.3 - start / RATE_HZ, 1.4 - start / RATE_HZ])


def test_the_end_of_a_sound_can_be_taken_too(tmp_path: Path) -> None:
    samples = noise(RATE_HZ)
    piece = piece_of("simli", heard(samples))
    pipeline = Pipeline(piece.mel, RATE_HZ, 2, "mean")
    _, before = pipeline.push(0, samples)
    _, rest = pipeline.flush()
    whole = np.concatenate((before, rest), axis=2)[0]
    n = whole.shape[1]
    piece = replace(piece, ended=True, first_column=n - 5, end_column=n)
    save_piece(piece, tmp_path / "end.npy")
    np.testing.assert_allclose(np.load(tmp_path / "end.npy"), whole[10:30, -5:], rtol=1e-4)


def test_a_loss_before_the_region_does_no_harm_and_one_in_it_is_said(tmp_path: Path) -> None:
    samples = noise(3 * RATE_HZ)
    pipeline = Pipeline(preset_for("simli", RATE_HZ), RATE_HZ, 2, "mean")
    lost = round(1.1 * RATE_HZ)
    sound = heard(samples[:lost])
    pipeline.push(0, samples[:lost])
    sound.append(lost + 2400, samples[lost + 2400 :])
    first, live = pipeline.push(lost + 2400, samples[lost + 2400 :])
    piece = replace(piece_of("simli", sound), first_column=first, end_column=first + 9)
    save_piece(piece, tmp_path / "after.npy")
    np.testing.assert_allclose(np.load(tmp_path / "after.npy"), live[0, 10:30, :9], rtol=1e-4)
    piece = replace(piece, first_column=first - 20)
    with pytest.raises(ConfigError, match="sound was lost in the region"):
        save_piece(piece, tmp_path / "in.npy")
    assert not (tmp_path / "in.npy").exists()


def test_sound_that_is_no_longer_kept_is_said(tmp_path: Path) -> None:
    sound = heard(noise(RATE_HZ), start=5 * RATE_HZ)
    with pytest.raises(ConfigError, match="no longer kept"):
        save_piece(piece_of("simli", sound), tmp_path / "gone.npy")


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    piece = piece_of("simli", heard(noise(3 * RATE_HZ)))
    with pytest.raises(ConfigError, match="cannot be written"):
        save_piece(piece, tmp_path / "no folder" / "a.npy")


@contextmanager
def full_after(n_bytes: int) -> Iterator[None]:
    """No file of this process can become larger."""
    import resource

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no limit for the size of files")
def test_what_would_be_replaced_stays_where_the_new_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    piece = piece_of("simli", heard(noise(3 * RATE_HZ)))
    folder = tmp_path / "regions"
    folder.mkdir()
    path = folder / "a.npy"
    save_piece(piece, path)
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    assert before.keys() == {"a.npy", "a.wav"}
    other = replace(piece, end_column=130)
    with full_after(4096), pytest.raises(ConfigError, match="Is there room on the drive"):
        save_piece(other, path)

    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(np, "save", fail)
    with pytest.raises(ConfigError, match=r"written to '.*a\.npy': No space left"):
        save_piece(other, path)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before
