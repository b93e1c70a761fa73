"""A model beside the columns of the commands: what it answers, in lines and in files."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from silero_vad import load_silero_vad

from tests.conftest import ROOT
from visualizer.audio.demo import demo_path
from visualizer.cli import run_command
from visualizer.mel.resample import StreamingResampler

RATE_HZ = 16_000
CHUNK = 512
RUN = [sys.executable, str(ROOT / "run.py")]

OWN = """
from visualizer import Model, Output

class Own(Model):
    front_end, window = "whisper-80", 10
    outputs = (
        Output("level", range=(-9, 9)),
        Output("bands", "classes", labels=("low", "high")),
        Output("word", "text"),
    )
    limit = 0.5

    def __call__(self, columns):
        low, high = columns[:40].mean(), columns[40:].mean()
        print("this goes to no line of columns")
        return {"word": "loud" if low > 0 else None, "bands": (low, high), "level": self.level(low)}

    def level(self, low):
        if low > self.limit:
            return None
        return low
"""


SLOW = """
import time
from visualizer import Model, Output

class Slow(Model):
    sample_rate, window = 16_000, 8_000
    outputs = (Output("mean", range=(-1, 1)),)

    def __call__(self, samples):
        time.sleep(0.25)
        return samples.mean()
"""


def run(*arguments: object, stdin: bytes = b"", code: int = 0) -> tuple[list[dict[str, Any]], str]:
    """Return the lines that the program wrote, and what it said."""
    command = [*RUN, *map(str, arguments)]
    done = subprocess.run(command, input=stdin, capture_output=True, timeout=90)
    said = done.stderr.decode()
    assert done.returncode == code, said
    return [json.loads(line) for line in done.stdout.splitlines()], said


def of_type(lines: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [line for line in lines if line["type"] == kind]


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds of it, at 48 kHz."""
    samples, rate = soundfile.read(demo_path(), dtype="float32")
    assert rate == 48_000
    path = tmp_path_factory.mktemp("sound") / "speech.wav"
    soundfile.write(path, samples[: 3 * rate + 7], rate, subtype="FLOAT")
    return path


@pytest.fixture(scope="module")
def speech_16k(speech: Path) -> Path:
    samples, rate = soundfile.read(speech, dtype="float32", always_2d=True)
    resampler = StreamingResampler(rate, RATE_HZ, 1)
    path = speech.with_name("speech-16k.wav")
    resampled = np.concatenate((resampler.push(samples), resampler.flush()))
    soundfile.write(path, resampled, RATE_HZ, subtype="FLOAT")
    return path


@pytest.fixture(scope="module")
def probabilities(speech_16k: Path) -> np.ndarray:
    """What the package silero-vad answers, chunk by chunk."""
    samples, _ = soundfile.read(speech_16k, dtype="float32")
    with torch.no_grad():
        [found] = load_silero_vad().audio_forward(torch.from_numpy(samples), RATE_HZ).numpy()
    # Also of the last chunk, which is filled with silence.
    assert len(samples) % CHUNK
    assert len(found) == len(samples) // CHUNK + 1
    return found


def require_probabilities(lines: list[dict[str, Any]], expected: np.ndarray, off: float) -> None:
    answers = of_type(lines, "model")
    times_s = [answer["time_s"] for answer in answers]
    np.testing.assert_allclose(times_s, (np.arange(len(expected)) + 0.5) * CHUNK / RATE_HZ)
    assert all(answer["gap"] == 0 and answer["late_ms"] > 0 for answer in answers)
    assert {(answer["name"], *answer["outputs"]) for answer in answers} == {
        ("silero-vad", "speech")
    }
    values = [answer["values"][0] for answer in answers]
    np.testing.assert_allclose(values, expected, rtol=0, atol=off)
    assert min(values) < 0.1
    assert max(values) > 0.9


def test_a_stream_has_the_voice_detectors_answers_chunk_by_chunk(
    speech_16k: Path, probabilities: np.ndarray
) -> None:
    lines, said = run("stream", "--source", speech_16k, "--model", "silero-vad")
    require_probabilities(lines, probabilities, 1e-3)
    assert lines[0]["model"]["name"] == "silero-vad"
    assert lines[0]["front_end"]["name"] == "simli"
    # An answer is written after the columns that it is for.
    answered_s = 0.0
    for line in lines[1:]:
        if line["type"] == "model":
            answered_s = line["time_s"] + CHUNK / RATE_HZ / 2
        else:
            assert line["time_s"] > answered_s - 0.05
    assert f"silero-vad {len(probabilities)} blocks, 0 lost" in said


def test_the_same_from_another_rate_in_a_pipe_and_in_a_file_of_answers(
    tmp_path: Path, speech: Path, probabilities: np.ndarray, capsys: pytest.CaptureFixture[str]
) -> None:
    pipe = ("stream", "--source", "-", "--model", "silero-vad", "--front-end", "whisper-80")
    lines, _ = run(*pipe, stdin=speech.read_bytes())
    require_probabilities(lines, probabilities, 0.02)
    assert lines[0]["front_end"]["name"] == "whisper-80"
    out = tmp_path / "answers.npz"
    assert run_command(["answers", str(speech), "-o", str(out), "--model", "silero-vad"]) == 0
    assert f"{len(probabilities)} answers of silero-vad: speech" in capsys.readouterr().out
    with np.load(out) as held:
        streamed = [answer["values"] for answer in of_type(lines, "model")]
        np.testing.assert_array_equal(held["model"].T, np.float32(streamed))
        times_s = [answer["time_s"] for answer in of_type(lines, "model")]
        np.testing.assert_allclose(held["model_times_s"], times_s, atol=1e-9)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "own.py"
    path.write_text(OWN)
    return path


def test_a_model_of_ones_own_answers_numbers_classes_and_texts(speech: Path, own: Path) -> None:
    lines, _ = run("stream", "--source", "-", "--model", own, stdin=speech.read_bytes())
    # The columns are those that it is fed.
    assert lines[0]["front_end"]["name"] == "whisper-80"
    columns = np.array([column["values"] for column in of_type(lines, "column")])
    answers = of_type(lines, "model")
    assert len(answers) == len(columns) // 10
    assert answers[0]["outputs"] == ["level", "bands", "word"]
    blocks = np.split(columns[: 10 * len(answers)], len(answers))
    for answer, block in zip(answers, blocks, strict=True):
        low, high = block[:, :40].mean(), block[:, 40:].mean()
        level, bands, word = answer["values"]
        np.testing.assert_allclose(bands, (low, high), rtol=1e-5)
        assert level == pytest.approx(low, rel=1e-5) if bands[0] <= 0.5 else level is None
        assert word == ("loud" if bands[0] > 0 else None)
    assert {answer["values"][2] for answer in answers} == {"loud", None}
    assert {answer["values"][0] is None for answer in answers} == {True, False}


def test_of_a_pipe_a_slow_model_misses_nothing(tmp_path: Path, speech: Path) -> None:
    """Also where its last answers come long after the last column."""
    slow = tmp_path / "slow.py"
    slow.write_text(SLOW)
    lines, _ = run("stream", "--source", "-", "--model", slow, stdin=speech.read_bytes())
    answers = of_type(lines, "model")
    assert [answer["time_s"] for answer in answers] == [0.25, 0.75, 1.25, 1.75, 2.25, 2.75]
    assert all(answer["gap"] == 0 for answer in answers)


def test_two_files_of_answers_are_compared(
    tmp_path: Path, speech: Path, own: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, same, after = (str(tmp_path / f"{name}.npz") for name in ("before", "same", "after"))
    make = ["answers", str(speech), "--model", str(own), "-o"]
    assert run_command([*make, before]) == run_command([*make, same]) == 0
    assert Path(before).read_bytes() == Path(same).read_bytes()
    capsys.readouterr()
    assert run_command(["diff", before, same]) == 0
    assert "they are the same: every answer of A is exactly that of B" in capsys.readouterr().out
    own.write_text(OWN.replace("limit = 0.5", "limit = 0.3").replace("low > 0", "low > 0.2"))
    assert run_command([*make, after]) == 0
    figures = tmp_path / "figures.json"
    assert run_command(["diff", before, after, "--json", str(figures)]) == 0
    assert "where A alone tells something" in capsys.readouterr().out
    found = json.loads(figures.read_text())
    level, bands, word = found["outputs"]
    assert not found["is_same"]
    assert level["only_a"] > 0
    assert level["n_different"] == bands["n_different"] == bands["largest"] == 0
    assert word["only_a"] > 0
    assert run_command(["diff", before, "simli"]) == 2
    assert "holds a model's answers, and 'simli' does not" in capsys.readouterr().err
    assert run_command(["diff", before, after, "--picture", str(tmp_path / "a.png")]) == 2
    assert "--picture does not go with two files of answers" in capsys.readouterr().err


def test_where_a_model_fails_the_columns_go_on_and_the_exit_code_says_so(
    tmp_path: Path, speech: Path, own: Path
) -> None:
    own.write_text(OWN.replace("return None", "raise ValueError(7)"))
    lines, said = run("stream", "--source", "-", "--model", own, stdin=speech.read_bytes(), code=2)
    assert len(of_type(lines, "column")) == 300
    assert "Own: failed: ValueError: 7; the columns go on without it" in said
    assert f'File "{own}", line 20, in level' in said
    _, said = run("answers", speech, "--model", own, "-o", tmp_path / "no.npz", code=2)
    assert "Own: failed: ValueError: 7\n" in said
    assert not (tmp_path / "no.npz").exists()


def test_what_unpickles_needs_to_be_trusted(
    tmp_path: Path, speech: Path, own: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own.write_text(OWN.replace("limit = 0.5", "limit, unpickles = 0.5, 'weights.pt'"))
    out = tmp_path / "answers.npz"
    ask = ["answers", str(speech), "-o", str(out), "--model", str(own)]
    assert run_command(ask) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"visualizer: {own} unpickles weights.pt, which can run any code")
    assert said.endswith("; --trust-model says yes\n")
    assert run_command([*ask, "--trust-model"]) == 0
    assert out.exists()


@pytest.mark.parametrize("form", ["npy", "f32"])
def test_bare_columns_have_no_answers(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["stream", "--model", "silero-vad", "--format", form]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"visualizer: --format {form} holds columns alone")
    assert said.count("\n") == 1


def test_a_missing_package_is_named_with_what_brings_it(
    tmp_path: Path,
    speech: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stand_in = "raise ModuleNotFoundError(name='torchfcpe')"
    (tmp_path / "torchfcpe.py").write_text(stand_in)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    out = str(tmp_path / "answers.npz")
    assert run_command(["answers", str(speech), "-o", out, "--model", "fcpe"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "fcpe: the package torchfcpe is not installed" in said
    assert f"{sys.executable} -m pip install torchfcpe" in said


def test_the_live_view_its_report_and_its_recording_have_the_model(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    command = [*RUN, "--headless", "--source", "demo", "--model", "silero-vad", "--duration", "2"]
    command += ["--report", str(report), "--record", str(tmp_path / "takes")]
    done = subprocess.run(command, capture_output=True, timeout=90)
    assert done.returncode == 0
    last = done.stdout.decode().splitlines()[-1]
    assert re.search(r"· silero-vad speech [\d.e-]+ · model p50 [\d.]+ p99 [\d.]+ ms", last)
    found = json.loads(report.read_text())
    assert found["model"]["name"] == "silero-vad"
    assert found["model"]["calls"] > 10
    assert found["latency_ms"]["model"]["p50"] > 0
    [take] = (tmp_path / "takes").glob("*.npz")
    with np.load(take) as held:
        assert held["model"].shape == (1, len(held["model_times_s"]))
        assert len(held["model_times_s"]) > 10


def test_the_loudness_model_of_the_docs_says_how_loud_it_is(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "models.md").read_text("utf-8")
    block = re.search(r"```python\n(# loudness\.py\n.*?)```", page, re.DOTALL)
    assert block is not None
    model = tmp_path / "loudness.py"
    model.write_text(block[1])
    tone = np.sin(2 * np.pi * 1000 * np.arange(48_000) / 48_000)
    soundfile.write(tmp_path / "tone.wav", np.outer(tone, (0.5, 0.5)), 48_000, subtype="FLOAT")
    out = tmp_path / "loudness.npz"
    command = ["answers", str(tmp_path / "tone.wav"), "-o", str(out), "--model", str(model)]
    assert run_command(command) == 0
    with np.load(out) as held:
        # 0.5 of full scale, and a sine: 6 and 3 dB below it.
        np.testing.assert_allclose(held["model"][0, 1:-1], -9.03, atol=0.01)
        np.testing.assert_allclose(held["model_times_s"], np.arange(10) / 10 + 0.05)
