"""The mel command: a file's features as the model would get them."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile

from visualizer.audio.capture import CaptureConfig
from visualizer.cli import run_command as main
from visualizer.engine.config import EngineConfig, front_end
from visualizer.export import offline
from visualizer.mel.presets import PRESETS, preset
from visualizer.mel.whole import reference_columns

RATE_HZ = 22_050


@pytest.fixture
def sound(tmp_path: Path) -> tuple[Path, np.ndarray]:
    samples = np.random.default_rng().normal(0, 0.1, (RATE_HZ, 2)).astype(np.float32)
    path = tmp_path / "sound.wav"
    soundfile.write(path, samples, RATE_HZ, subtype="FLOAT")
    return path, samples


def test_a_files_features_are_librosas(tmp_path: Path, sound: tuple[Path, np.ndarray]) -> None:
    path, samples = sound
    out = tmp_path / "mel.npy"
    assert main(["mel", str(path), "-o", str(out), "--front-end", "librosa"]) == 0
    theirs = librosa.feature.melspectrogram(y=samples.mean(axis=1), sr=RATE_HZ)
    ours = np.load(out, allow_pickle=False)
    assert (ours.dtype, ours.shape) == (np.float32, theirs.shape)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5 * theirs.max())


def test_channels_are_chosen(tmp_path: Path, sound: tuple[Path, np.ndarray]) -> None:
    path, samples = sound
    out = tmp_path / "mel.npy"
    main(["mel", str(path), "-o", str(out), "--front-end", "librosa", "--channel", "each"])
    both = np.load(out)
    for channel, expected in (("2", both[1]), ("1+2", None), ("mean", None)):
        main(["mel", str(path), "-o", str(out), "--front-end", "librosa", "--channel", channel])
        if expected is None:
            y = samples.mean(axis=1)
            expected = librosa.feature.melspectrogram(y=y, sr=RATE_HZ)
        np.testing.assert_allclose(np.load(out), expected, rtol=0, atol=1e-5 * both.max())
    # As it was spelled before.
    for before, now in (("all", both), ("2", both[1])):
        main(["mel", str(path), "-o", str(out), "--front-end", "librosa", "--channels", before])
        np.testing.assert_allclose(np.load(out), now, rtol=0, atol=1e-5 * both.max())
    theirs = librosa.feature.melspectrogram(y=samples.T, sr=RATE_HZ)
    np.testing.assert_allclose(both, theirs, rtol=0, atol=1e-5 * theirs.max())


def test_an_npz_tells_what_it_holds(tmp_path: Path, sound: tuple[Path, np.ndarray]) -> None:
    out = tmp_path / "mel.npz"
    assert main(["mel", str(sound[0]), "-o", str(out), "--front-end", "whisper-80"]) == 0
    with np.load(out, allow_pickle=False) as held:
        assert held["mel"].shape == (80, 100)
        assert int(held["sample_rate"]) == 16_000
        assert json.loads(str(held["config"])) == preset("whisper-80").to_dict()
        np.testing.assert_allclose(held["times_s"], np.arange(100) * 0.01, atol=1e-12)
        assert held["form"] == "clip"


def test_it_says_one_line_where_nobody_watches(
    tmp_path: Path, sound: tuple[Path, np.ndarray], capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["mel", str(sound[0]), "-o", str(tmp_path / "mel.npy")]) == 0
    said = capfd.readouterr()
    assert said.err == ""
    assert said.out.endswith("mel.npy: 80 × 81 float32, simli at 22050 Hz\n")
    assert said.out.count("\n") == 1


@pytest.mark.parametrize(
    "name", [n for n, p in PRESETS.items() if not p.front_end.needs_whole_clip]
)
def test_the_live_path_gives_the_same(
    tmp_path: Path, sound: tuple[Path, np.ndarray], name: str
) -> None:
    whole, live = tmp_path / "whole.npy", tmp_path / "live.npy"
    assert main(["mel", str(sound[0]), "-o", str(whole), "--front-end", name]) == 0
    assert main(["mel", str(sound[0]), "-o", str(live), "--front-end", name, "--streaming"]) == 0
    # A file is computed in batches: what float32 leaves of a logarithm near its floor differs.
    expected, values = np.load(whole), PRESETS[name].front_end.values
    neper = abs(getattr(values.level, "per_db", 1 / 8.7)) * 8.7
    rounding = 2e-6 * expected.max() if values.is_linear else 1e-3 * neper
    np.testing.assert_allclose(np.load(live), expected, rtol=0, atol=rounding)


@pytest.mark.parametrize("name", ["simli", "whisper-80", "nemo", "seamless", "clap", "yamnet"])
@pytest.mark.parametrize("channel", ["mean", "each"])
def test_pieces_make_the_features_of_the_whole(
    tmp_path: Path,
    sound: tuple[Path, np.ndarray],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    channel: str,
) -> None:
    """Read in 25 pieces; what the model takes from the whole clip is of the whole clip."""
    monkeypatch.setattr(offline, "BLOCK_S", 0.04)
    out = tmp_path / "mel.npy"
    options = ["--front-end", name, "--channel", channel]
    assert main(["mel", str(sound[0]), "-o", str(out), *options]) == 0
    config = front_end(EngineConfig(CaptureConfig("demo"), preset=name), RATE_HZ)
    samples = sound[1] if channel == "each" else sound[1].mean(axis=1, keepdims=True)
    came = np.load(out)
    for samples_of_one, ours in zip(
        samples.T, came if channel == "each" else came[None], strict=True
    ):
        at_rate = resampled(samples_of_one, config.sample_rate)
        reference = reference_columns(at_rate, config)
        assert ours.shape == reference.shape
        np.testing.assert_allclose(ours, reference, rtol=0, atol=2e-3 * np.abs(reference).max())


def resampled(samples: np.ndarray, rate_hz: int) -> np.ndarray:
    """torchaudio's own resampling of the whole."""
    import torch
    import torchaudio

    return torchaudio.functional.resample(torch.from_numpy(samples), RATE_HZ, rate_hz).numpy()


def test_what_was_there_stays_until_all_is_written(
    tmp_path: Path, sound: tuple[Path, np.ndarray], capsys: pytest.CaptureFixture[str]
) -> None:
    cut_off = tmp_path / "cut.flac"
    soundfile.write(cut_off, np.tile(sound[1], (20, 1)), RATE_HZ)
    cut_off.write_bytes(cut_off.read_bytes()[:400_000])
    out = tmp_path / "mel.npy"
    out.write_bytes(b"what was there")
    assert main(["mel", str(cut_off), "-o", str(out), "--front-end", "librosa"]) == 2
    assert "cut.flac' ends after 5.20 s" in capsys.readouterr().err
    assert out.read_bytes() == b"what was there"
    assert sorted(p.name for p in tmp_path.glob("*mel*")) == ["mel.npy"]


def test_a_link_and_the_rights_of_a_file_stay(
    tmp_path: Path, sound: tuple[Path, np.ndarray]
) -> None:
    real, link = tmp_path / "real.npy", tmp_path / "link.npy"
    real.touch(mode=0o600)
    link.symlink_to(real)
    assert main(["mel", str(sound[0]), "-o", str(link), "--front-end", "librosa"]) == 0
    assert link.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o600
    assert np.load(real).shape[0] == 128


def test_a_front_end_of_ones_own(tmp_path: Path, sound: tuple[Path, np.ndarray]) -> None:
    mine = preset("tacotron2").to_dict() | {"name": "mine", "n_mels": 40}
    config = tmp_path / "mine.json"
    config.write_text(json.dumps(mine))
    out = tmp_path / "mel.npy"
    assert main(["mel", str(sound[0]), "-o", str(out), "--front-end", str(config)]) == 0
    assert len(np.load(out)) == 40


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["-o", "a.txt"], "must end in .npy or .npz"),
        (["-o", "no/such/a.npy"], "cannot be written"),
        (["-o", "a.npy", "--channel", "3"], "has the channels 1 to 2"),
        (["-o", "a.npy", "--channel", "left"], "'left' is not mean, each, a number"),
        (["-o", "a.npy", "--front-end", "wisper"], "did you mean whisper"),
        (["-o", "a.npy", "--front-end", "gone.json"], "cannot be read"),
        (
            ["-o", "a.npy", "--preset", "simli", "--config", "x"],
            "--config: not allowed with argument --preset",
        ),
    ],
)
def test_bad_input_is_named(
    tmp_path: Path,
    sound: tuple[Path, np.ndarray],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["mel", str(sound[0]), *options]) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "a.npy").exists()


def peak_memory(tmp_path: Path, seconds: int) -> int:
    """The most memory (bytes) that the features of so much sound take at a time."""
    path = tmp_path / "long.flac"
    soundfile.write(path, np.tile(np.float32([0.1, -0.1]), seconds * RATE_HZ // 2), RATE_HZ)
    tracemalloc.start()
    try:
        command = ["mel", str(path), "-o", str(tmp_path / "mel.npy"), "--front-end", "whisper-80"]
        assert main(command) == 0
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    peak_memory(tmp_path, 1)
    assert peak_memory(tmp_path, 600) < 1.3 * peak_memory(tmp_path, 60)


def test_what_needs_more_memory_than_there_is_says_so(
    tmp_path: Path,
    sound: tuple[Path, np.ndarray],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def none_left(*_: object) -> None:
        raise MemoryError

    # A machine that has none left cannot be had here.
    monkeypatch.setattr(offline.GrowingArray, "append", none_left)
    out = tmp_path / "mel.npy"
    assert main(["mel", str(sound[0]), "-o", str(out), "--front-end", "librosa"]) == 2
    said = capsys.readouterr().err
    assert "with 1 channel needs more memory than there is" in said
    assert len(said.strip().splitlines()) == 1
    assert not out.exists()


def test_rates_with_nothing_in_common_are_refused_before_they_take_gigabytes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "odd.wav"
    soundfile.write(path, np.zeros(44_101), 44_101)
    out = tmp_path / "mel.npy"
    assert main(["mel", str(path), "-o", str(out), "--front-end", "whisper-80"]) == 2
    said = capsys.readouterr().err
    assert "44101 Hz cannot be resampled to 16000 Hz: their greatest common divisor is 1" in said
    assert main(["mel", str(path), "-o", str(out), "--front-end", "simli"]) == 0


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xff\xfe\x00", "is not JSON"),
        (b"[" * 60_000, "is not JSON"),
        (b'{"n_fft": ' + b"9" * 5000 + b"}", "is not JSON"),
        (b" " * (5 << 20), "holds more than 2 MiB"),
        (b"null", "holds no named values"),
        (b"[1, 2]", "holds no named values"),
        (b'{"n_fft": 400, "offset": 0, "' + b"x" * 50_000 + b'": 1}', "there is no field 'xxx"),
        (b'{"vocab_size": 51865}', "no known model's file: it holds 'vocab_size'"),
    ],
)
def test_a_front_end_that_is_rubbish_is_named_in_one_line(
    tmp_path: Path,
    sound: tuple[Path, np.ndarray],
    capsys: pytest.CaptureFixture[str],
    content: bytes,
    words: str,
) -> None:
    config = tmp_path / "mine.json"
    config.write_bytes(content)
    out = tmp_path / "mel.npy"
    assert main(["mel", str(sound[0]), "-o", str(out), "--front-end", str(config)]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert len(said.splitlines()) == 1
    assert len(said) < 2000
