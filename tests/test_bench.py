"""The bench command, with few calls: what it measures is real, but not quotable."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PyQt6.QtGui import QImage

from visualizer import bench as bench_module
from visualizer.cli import run_command as main
from visualizer.mel.kernels import EagerKernel
from visualizer.mel.timing import noise_frames
from visualizer.peers import peers
from visualizer.presets import preset

PEERS = {
    "librosa, as people call it",
    "librosa, filters kept",
    "torchaudio MelSpectrogram",
    "the seed's function, eager",
    "numpy float32",
    "scipy float32",
    "kaldi-native-fbank",
}


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Few calls, little sound, and no compiler, without which two minutes become seconds."""
    for name, value in (
        ("ROUNDS", 1),
        ("CALLS_A_ROUND", 3),
        ("PACED_ROUNDS", 1),
        ("PACED_CALLS_A_ROUND", 2),
        ("OFFLINE_S", 2.0),
        ("OFFLINE_RUNS", 1),
    ):
        monkeypatch.setattr(bench_module, name, value)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CXX", str(tmp_path / "no-compiler"))


@pytest.mark.parametrize("name", sorted(PEERS))
def test_a_peer_computes_what_it_is_compared_with(name: str) -> None:
    """Magnitudes under mel filters of their own scale; kaldi's transform has 1024 points."""
    config = preset("simli", 16_000)
    frames = noise_frames(config)
    theirs = np.asarray(peers(config)[name]()(frames)).reshape(80)
    ours = EagerKernel(config)(frames)[0]
    if name == "kaldi-native-fbank":
        # It takes the hop after a window of silence, and its filters have no Slaney norm.
        assert np.isfinite(theirs).all()
        assert (theirs > 0).all()
    else:
        np.testing.assert_allclose(theirs, ours, rtol=0, atol=1e-5 * ours.max())


@pytest.mark.usefixtures("short")
def test_all_are_timed_and_what_cannot_be_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figures, chart = tmp_path / "bench.json", tmp_path / "bench.png"
    assert main(["bench", "--peers", "--json", str(figures), "--chart", str(chart)]) == 0
    printed = capsys.readouterr().out
    result = json.loads(figures.read_text())
    assert result["ours"] == "eager"
    for timings in (result["tight"], result["paced"]):
        assert {*PEERS, "eager", "the FFT call alone"} <= {timing["name"] for timing in timings}
        assert all(0 < timing["p50_us"] <= timing["p99_us"] for timing in timings)
    assert all(timing["period_ms"] == 12.5 for timing in result["paced"])
    by_name = {timing["name"]: timing["p50_us"] for timing in result["tight"]}
    ratio = by_name["librosa, as people call it"] / by_name["eager"]
    assert result["ratios"]["librosa, as people call it"] == pytest.approx(ratio, abs=0.01)
    assert [row["n_streams"] for row in result["streams"]] == [1, 8, 64]
    assert result["offline_times_real_time"] > 1
    assert result["build_s"] is None
    assert any("no C++ compiler" in problem for problem in result["problems"])
    assert "not measured: the kernel could not be compiled: there is no C++ compiler" in printed
    assert "64 " in printed
    assert "times real time on one core" in printed
    assert "kaldi-native-fbank" in printed
    image = QImage(str(chart))
    # The middle of each bar's beginning: ours in its own colour, and one of each other.
    rows = range(84 + 15, image.height() - 44, 34)
    bars = [image.pixelColor(310, row).name() for row in rows]
    assert len(bars) == len(result["tight"])
    assert bars.count("#e0548d") == 1
    assert bars.count("#4a4a5c") == len(bars) - 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--json", "no/such/a.json"], "the figures cannot be written"),
        (["--chart", "a.svg"], "must end in .png"),
        (["--chart", "no/such/a.png"], "the chart cannot be written"),
    ],
)
def test_what_cannot_be_written_is_said_before_anything_runs(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    options: list[str],
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["bench", *options]) == 2
    assert words in capsys.readouterr().err
