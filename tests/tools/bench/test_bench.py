"""The bench command, with few calls: what it measures is real, but not quotable."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
from PyQt6.QtGui import QImage
from PyQt6.QtWidgets import QApplication

from visualizer.cli import run_command as main
from visualizer.mel.kernels.host import NumpyKernel
from visualizer.mel.kernels.timing import noise_frames
from visualizer.mel.presets import PRESETS, preset_for
from visualizer.tools.bench import drawing, gpu, measure
from visualizer.tools.bench.cases import FFT_ALONE, peers
from visualizer.tools.bench.chart import OURS_COLOUR, THEIRS_COLOUR

PEERS = {
    "librosa melspectrogram",
    "librosa, filters kept",
    "torchaudio's transform",
    "article, eager, cpu",
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
        ("FILE_S", 2.0),
        ("FILE_RUNS", 1),
    ):
        monkeypatch.setattr(measure, name, value)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CXX", str(tmp_path / "no-compiler"))


@pytest.mark.parametrize("name", sorted(PEERS))
def test_a_peer_computes_what_it_is_compared_with(name: str) -> None:
    """Magnitudes under mel filters of their own scale; kaldi's transform has 1024 points."""
    config = preset_for("simli", 16_000)
    frames = noise_frames(config)
    theirs = np.asarray(peers()[name]()(frames)).reshape(80)
    ours = NumpyKernel(config)(frames)[0]
    if name == "kaldi-native-fbank":
        # It takes the hop after a window of silence, and its filters have no Slaney norm.
        assert np.isfinite(theirs).all()
        assert (theirs > 0).all()
    else:
        np.testing.assert_allclose(theirs, ours, rtol=0, atol=1e-5 * ours.max())


@pytest.mark.usefixtures("short", "qapp")
def test_all_are_timed_and_what_cannot_be_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # As where it is not installed.
    monkeypatch.setitem(sys.modules, "kaldi_native_fbank", None)
    figures, chart = tmp_path / "bench.json", tmp_path / "bench.png"
    assert main(["bench", "--peers", "--json", str(figures), "--chart", str(chart)]) == 0
    printed = capsys.readouterr().out
    result = json.loads(figures.read_text())
    assert result["ours"] == "numpy"
    calls = {(row["case"], row["rows"]): row for row in result["calls"]}
    assert {case for case, rows in calls if rows == 1} >= {
        *PEERS - {"kaldi-native-fbank"},
        "numpy",
        "eager",
        FFT_ALONE,
    }
    assert {rows for case, rows in calls if case == "numpy"} == {1, 8, 64, 256}
    for row in calls.values():
        assert 0 < row["p50_us"] <= row["p99_us"]
        assert 0 < row["paced_p50_us"] <= row["paced_p99_us"]
        ratio = row["p50_us"] / calls["numpy", row["rows"]]["p50_us"]
        assert row["times_ours"] == pytest.approx(ratio, abs=0.01)
    scipy = calls["scipy float32", 1]
    assert f" {scipy['times_ours']:.2f} " in printed
    assert result["file"]["times_real_time"] > 1
    assert result["file"]["command_s"] > 0
    assert result["build_s"] is None
    assert any("kaldi-native-fbank" in problem for problem in result["problems"])
    assert "not measured: the kernel could not be compiled: there is no C++ compiler" in printed
    assert "of sound on one core: computed in memory in" in printed
    image = QImage(str(chart))
    pixels = [image.pixelColor(300, y).name() for y in range(image.height())]
    # Up a line through the beginnings of the bars: one is ours, the others are not.
    bars = [colour for colour, _ in groupby(pixels) if colour in (OURS_COLOUR, THEIRS_COLOUR)]
    assert bars.count(OURS_COLOUR) == 1
    assert len(bars) == sum(rows == 1 for _, rows in calls)


@pytest.fixture
def few_updates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing, "ROUNDS", 2)
    monkeypatch.setattr(drawing, "UPDATES_A_ROUND", 3)


@pytest.mark.usefixtures("few_updates")
def test_the_picture_is_timed_beside_a_plain_image(qapp: QApplication) -> None:
    steps: list[str] = []
    rows = drawing.time_drawing(qapp, ((1280, 720), (900, 500)), steps.append)
    assert len(steps) == 2
    assert [row.window for row in rows] == ["1280×720"] * 2 + ["900×500"] * 2
    assert [row.case for row in rows] == ["ours", "setImage"] * 2
    for ours, plain in (rows[:2], rows[2:]):
        assert ours.picture == plain.picture
        # Beside it are the axes and the colour bar.
        inside, whole = (tuple(map(int, text.split("×"))) for text in (ours.picture, ours.window))
        assert all(0.7 * w < p < w for w, p in zip(whole, inside, strict=True))
        assert ours.times_ours == 1
        assert plain.times_ours == pytest.approx(plain.p50_ms / ours.p50_ms, rel=0.01)
    for row in rows:
        assert 0 < row.p50_ms <= row.p99_ms
        assert row.cpu_ms > 0


def test_both_ways_show_the_columns(qapp: QApplication) -> None:
    """What is timed is what is seen: in each way the newest column arrives at the right edge."""
    window = drawing.TwoWays(qapp, 1280, 720)
    loudest = np.full((80, 1), 1e3, np.float32)
    for way, picture in ((window.ours, window.ours.view), (window.plain, window.plain.page)):
        window.pages.setCurrentWidget(way.page)
        window.update(way)
        before = picture.grab().toImage()
        for _ in range(4):
            way.update(loudest)
        after = picture.grab().toImage()
        assert picture.isVisible()
        row, right = after.height() // 2, after.width() - 3
        assert before.pixelColor(right, row) != after.pixelColor(right, row)
    window.pages.close()


@pytest.mark.usefixtures("qapp", "few_updates")
def test_drawing_alone_prints_and_saves_the_drawing_alone(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    figures = tmp_path / "drawing.json"
    assert main(["bench", "--drawing", "--json", str(figures)]) == 0
    printed = capsys.readouterr().out
    assert "1280×720" in printed
    assert "setImage" in printed
    result = json.loads(figures.read_text())
    assert set(result) == {"machine", "drawing"}
    # The screen of the tests is 1600×1000.
    assert [row["window"] for row in result["drawing"]] == ["1280×720"] * 2


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


_BARE = """
import sys


class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ABSENT:
            raise ModuleNotFoundError(f"no module named {name!r}", name=name)


ABSENT = {"PyQt6", "pyqtgraph", "sounddevice", "soundfile", "av", "psutil", "rich", "platformdirs",
          "scipy", "pulsectl", "hypothesis"}
sys.meta_path.insert(0, Blocker())
from visualizer.tools.bench import gpu
gpu.N_STREAMS, gpu._ROUNDS, gpu._CALLS_A_ROUND = (1, 8), 1, 3
gpu._PACED_ROUNDS, gpu._PACED_CALLS_A_ROUND, gpu.CLIP_S = 1, 2, 10.0
sys.exit(gpu.main(sys.argv[1:]))
"""


def test_the_gpu_bench_runs_with_what_a_bare_image_has(tmp_path: Path) -> None:
    """On the CPU, and without a compiler: all but the graphs and the verdicts."""
    figures = tmp_path / "gpu.json"
    done = subprocess.run(
        [sys.executable, "-c", _BARE, "--device", "cpu", "--json", str(figures)],
        capture_output=True,
        text=True,
        env={**os.environ, "CXX": str(tmp_path / "no-compiler"), "CUDA_VISIBLE_DEVICES": ""},
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(figures.read_text())
    assert re.fullmatch(r"\d+ skipped.*", result["tests"]["outcome"])
    assert {one["preset"] for one in result["agreement"] if one["ok"]} == set(PRESETS)
    assert {row["streams"] for row in result["calls"]} == {1, 8}
    assert {row["case"] for row in result["calls"]} >= {"ours, eager", "article, eager", "numpy"}
    assert "not judged without a GPU: a hop ≤ 60 µs with both copies: " in done.stdout


def test_without_a_gpu_the_gpu_bench_says_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert main(["bench", "--gpu"]) == 2
    said = capsys.readouterr().err
    assert "finds no CUDA device here; `--device cpu` runs what can be run without one" in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("ours_us", "theirs_us", "reached"),
    [(60.0, 180.0, [True, True]), (60.1, 180.0, [False, False]), (50.0, 149.0, [True, False])],
)
def test_the_targets_of_a_gpu_are_judged_by_one_hop(
    ours_us: float, theirs_us: float, reached: list[bool]
) -> None:
    def row(case: str, n: int, p50_us: float) -> gpu.Row:
        return gpu.Row(case, n, p50_us, p50_us, 1.0, p50_us, p50_us)

    rows = [
        row("ours, CUDA graph", 1, ours_us),
        row("article, reduce-overhead", 1, theirs_us),
        row("ours, CUDA graph", 8, 1000.0),
    ]
    assert [verdict.ok for verdict in gpu._verdicts(rows, "cuda")] == reached
    assert [verdict.ok for verdict in gpu._verdicts(rows, "cpu")] == [None, None]
    assert [verdict.ok for verdict in gpu._verdicts([], "cuda")] == [False, False]
