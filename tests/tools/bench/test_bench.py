"""The bench command, with few calls: what it measures is real, but not quotable."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PyQt6.QtGui import QImage
from PyQt6.QtWidgets import QApplication

from visualizer.cli import run_command as main
from visualizer.mel.kernels import EagerKernel
from visualizer.mel.presets import preset
from visualizer.mel.timing import noise_frames
from visualizer.tools.bench import drawing as drawing_bench
from visualizer.tools.bench import measure as bench_module
from visualizer.tools.bench.peers import peers

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


def test_the_picture_is_timed_beside_a_plain_image(qapp: QApplication) -> None:
    steps: list[str] = []
    sizes = [(1280, 720), (900, 500)]
    timings = drawing_bench.time_drawing(qapp, sizes, steps.append, rounds=2, updates_a_round=3)
    assert len(steps) == 2
    assert [timing.window for timing in timings] == [size for size in sizes for _ in range(2)]
    assert [timing.timing.name for timing in timings] == ["ours", "setImage"] * 2
    for ours, plain in (timings[:2], timings[2:]):
        assert ours.picture == plain.picture
        # Beside it are the axes and the colour bar.
        assert all(0.7 * w < p < w for w, p in zip(ours.window, ours.picture, strict=True))
        assert ours.times_ours == 1
        ratio = plain.timing.p50_us / ours.timing.p50_us
        assert plain.times_ours == pytest.approx(ratio, abs=0.01)
    for timing in timings:
        assert timing.timing.n_calls == 6
        assert timing.timing.period_ms == 12.5
        assert 0 < timing.timing.p50_us <= timing.timing.p99_us
        assert timing.cpu_us > 0


def test_both_ways_show_the_columns(qapp: QApplication) -> None:
    """What is timed is what is seen: in each way the newest column arrives at the right edge."""
    window = drawing_bench._Window(qapp, 1280, 720)
    window._show()
    loudest = np.full((80, 1), 1e3, np.float32)
    for way, picture in ((window._ours, window._ours.view), (window._plain, window._plain.page)):
        window._pages.setCurrentWidget(way.page)
        window._update(way)
        before = picture.grab().toImage()
        for _ in range(4):
            way.update(loudest)
        after = picture.grab().toImage()
        assert picture.isVisible()
        row, right = after.height() // 2, after.width() - 3
        assert before.pixelColor(right, row) != after.pixelColor(right, row)
    window._pages.close()


@pytest.mark.usefixtures("qapp")
def test_drawing_alone_prints_and_saves_the_drawing_alone(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    few = partial(drawing_bench.time_drawing, rounds=1, updates_a_round=2)
    monkeypatch.setattr(drawing_bench, "time_drawing", few)
    figures = tmp_path / "drawing.json"
    assert main(["bench", "--drawing", "--json", str(figures)]) == 0
    printed = capsys.readouterr().out
    assert "1280×720" in printed
    assert "setImage" in printed
    result = json.loads(figures.read_text())
    assert set(result) == {"date", "machine", "drawing"}
    # The screen of the tests is 1600×1000.
    assert [row["window"] for row in result["drawing"]] == [[1280, 720]] * 2


def test_drawing_needs_a_display(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    assert main(["bench", "--drawing"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("visualizer: --drawing needs a window: there is no display")
    assert said.count("\n") == 1


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
