"""A user's own function as a side of diff: a real process, whatever the function does."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import soundfile
from numpy.typing import NDArray

from visualizer.cli import run_command as main
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.stages.frames import Frames
from visualizer.mel.stages.spectrum import Spectrum
from visualizer.tools.identify import search

RATE_HZ = 16_000
POWERS = Frames(400, 160, 0, "zeros", count="per_hop")

CODE = '''
import os, sys, time
from pathlib import Path

import numpy as np

import beside

STEP = 7
print("loud at import")

def mel(samples, sample_rate):
    """The 80 mels of simli, as the article's torch code has them."""
    import torch, torchaudio

    n_fft, hop = int(0.05 * sample_rate), int(0.0125 * sample_rate)
    sound, window = torch.from_numpy(samples), torch.hann_window(n_fft)
    spectrum = torch.stft(
        sound, n_fft, hop, window=window, pad_mode="constant", return_complex=True
    ).abs()
    filters = torchaudio.functional.melscale_fbanks(
        n_fft // 2 + 1, 55.0, 7600.0, 80, sample_rate, norm="slaney"
    )
    return (filters.T @ spectrum)[None]

def given(samples, sample_rate):
    assert (type(samples), samples.dtype, samples.ndim) == (np.ndarray, np.float32, 1)
    if not Path("given.npy").exists():
        Path("given.npy").write_bytes(samples.tobytes())
    Path("rate").write_text(str(sample_rate))
    return np.zeros((80, 10))

def transposed(samples, sample_rate): return np.ones((99, 80), np.float16)
def frames(samples, sample_rate): return np.ones((80, len(samples) // 160), np.float16)
def four_seconds(samples, sample_rate):
    assert len(samples) == 4 * sample_rate
    return np.ones((80, 9))
def powers(samples):
    padded = np.pad(samples.astype(np.float64), (0, 240))
    frames = np.lib.stride_tricks.sliding_window_view(padded, 400)[: len(samples) : 160]
    return np.abs(np.fft.rfft(frames)).T ** 2
def in_chunks(samples, sample_rate):
    step = 4 * sample_rate
    return np.hstack([powers(samples[i : i + step]) for i in range(0, len(samples), step)])
def one_unknown(samples, sample_rate):
    features = powers(samples)
    features[3, 5] = np.inf
    return features
def a_list(samples, sample_rate): return [[1.0] * 100] * 80
def none(samples, sample_rate): pass
def samples_only(samples): return samples
def words(samples, sample_rate): return "no features"
def ragged(samples, sample_rate): return [[1.0], [1.0, 2.0]]
def complex_numbers(samples, sample_rate): return np.ones((80, 9)) * 1j
def a_line(samples, sample_rate): return samples
def empty(samples, sample_rate): return np.zeros((80, 0))
def two(samples, sample_rate): return np.zeros((2, 80, 9))
def not_finite(samples, sample_rate): return np.full((80, 9), np.nan)
def huge(samples, sample_rate): return np.broadcast_to(np.float32(1), (80, 1 << 26))
def hangs(samples, sample_rate):
    Path("pid").write_text(str(os.getpid()))
    time.sleep(600)
def dies(samples, sample_rate): os.kill(os.getpid(), 11)
def leaves(samples, sample_rate): os._exit(3)
def exits(samples, sample_rate): sys.exit("enough")
def prints(samples, sample_rate):
    for _ in range(50):
        print("o" * 100_000), print("e" * 100_000, file=sys.stderr)
    os.write(1, b"raw"), os.write(2, b"raw")
    return np.ones((80, 9))
def fails(samples, sample_rate): return inner(samples)
def inner(samples): raise ValueError("two\\nlines, é")
'''


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a user's file, in the folder that is the current one."""
    monkeypatch.chdir(tmp_path)
    Path("mycode.py").write_text(CODE, "utf-8")
    # The user's own module, and not this program's of the same name.
    Path("beside.py").write_text("")
    Path("tables.py").write_text("raise RuntimeError")
    noise = np.random.default_rng(3).normal(0, 0.1, RATE_HZ).astype(np.float32)
    soundfile.write("talk.wav", noise, RATE_HZ, subtype="FLOAT")
    return "mycode.py"


class Answer:
    """What identify returns, as far as diff uses it."""

    is_same = False

    def sentences(self) -> tuple[str, ...]:
        return "mel scale: htk", "norm: none"

    def to_dict(self) -> dict[str, Any]:
        return {"near": "it"}


Asked = tuple[NDArray[Any], NDArray[np.float32], int, str | None]


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Asked]:
    """What identify was asked; by itself it would search for a minute each time."""
    questions: list[Asked] = []

    def identify(*question: Any, **_: Any) -> Answer:
        questions.append(question[:4])
        return Answer()

    monkeypatch.setattr(search, "identify", identify)
    return questions


def diff(*arguments: str) -> dict[str, Any]:
    assert main(["diff", *arguments, "--json", "figures.json"]) == 0
    found: dict[str, Any] = json.loads(Path("figures.json").read_text())
    return found


def test_your_own_torch_code_is_compared_with_the_front_end_it_should_be(
    code: str, capfd: pytest.CaptureFixture[str]
) -> None:
    found = diff("simli", f"{code}:mel", "--on", "talk.wav")
    difference = found["difference"]
    assert found["b"]["title"] == "mycode.py:mel"
    assert found["b"]["shape"] == [80, 81]
    assert found["unit"] == "model"
    assert 0 < difference["largest"] < 1e-5 * difference["largest_value"]
    assert "B is your own code; its rows and columns are taken for A's" in found["notes"]
    said = capfd.readouterr()
    assert "they are the same but for rounding" in said.out
    assert "what made B" not in said.out
    assert "loud at import" not in said.out + said.err


def test_it_gets_the_sound_at_the_rate_of_the_front_end(code: str) -> None:
    diff("librosa", f"{code}:given", "--on", "talk.wav")
    sound, _ = soundfile.read("talk.wav", dtype="float32")
    assert Path("given.npy").read_bytes() == sound.tobytes()
    assert Path("rate").read_text() == str(RATE_HZ)
    Path("given.npy").unlink()
    # HiFi-GAN's own rate; both sides get the same samples.
    found = diff(f"{code}:given", "hifigan", "--on", "talk.wav")
    assert Path("rate").read_text() == "22050"
    assert Path("given.npy").stat().st_size == 4 * 22_050
    assert "A is resampled from 16000 to 22050 Hz, the rate of hifigan" in found["notes"]


def test_without_a_sound_it_gets_the_demo(code: str) -> None:
    diff("simli", f"{code}:given")
    assert Path("given.npy").stat().st_size == 4 * 600_000


def test_where_they_differ_it_says_what_the_code_computes(
    code: str, asked: list[Asked], capfd: pytest.CaptureFixture[str]
) -> None:
    """On the loudest three seconds, from the front-end of the other side on."""
    sound = np.zeros(8 * RATE_HZ, np.float32)
    sound[4 * RATE_HZ : 7 * RATE_HZ] = np.sin(np.arange(3 * RATE_HZ))
    soundfile.write("long.wav", sound, RATE_HZ, subtype="FLOAT")
    found = diff("kaldi", f"{code}:frames", "--on", "long.wav")
    ((features, samples, rate, near),) = asked
    np.testing.assert_array_equal(samples, sound[4 * RATE_HZ : 7 * RATE_HZ])
    assert (features.shape, features.dtype, rate, near) == ((80, 300), np.float16, RATE_HZ, "kaldi")
    assert capfd.readouterr().out.endswith(
        "what made B, by its loudest 3 s, from 4 s on:\n  mel scale: htk\n  norm: none\n"
    )
    told = {"near": "it", "from_s": 4.0, "over_the_whole": None}
    assert found["identified"] == {"B": told}


def test_what_is_right_for_a_stretch_alone_is_not_called_the_same(
    code: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    class Same(Answer):
        is_same, largest, differences = True, 1e-9, ()
        front_end = FrontEnd("powers", RATE_HZ, (POWERS, Spectrum(400, power=2)))

        def sentences(self) -> tuple[str, ...]:
            return "all fields: those of powers", "the same, to the rounding of the features"

    monkeypatch.setattr(search, "identify", lambda *_, **__: Same())
    sound = np.random.default_rng(3).normal(0, 0.1, 9 * RATE_HZ).astype(np.float32)
    soundfile.write("long.wav", sound, RATE_HZ, subtype="FLOAT")
    diff("kaldi", f"{code}:in_chunks", "--on", "long.wav")
    _, said = capfd.readouterr().out.split("what made B")
    heading, first, second, _ = said.splitlines()
    assert heading.startswith(", by its loudest 3 s, from ")
    assert first == "  the same, to the rounding of the features"
    # The frames that reach into the next four seconds.
    assert second.startswith("  over the whole sound it is not: up to ")
    assert second.endswith(" off, first at 3.993 s")


def test_a_value_that_is_not_finite_is_told_and_the_others_are_compared(
    code: str, asked: list[Asked]
) -> None:
    sound = np.random.default_rng(3).normal(0, 0.1, 3 * RATE_HZ).astype(np.float32)
    soundfile.write("long.wav", sound, RATE_HZ, subtype="FLOAT")
    made = diff(f"{code}:one_unknown", f"{code}:in_chunks", "--on", "long.wav")
    assert "A has 1 value that is not finite, the first in band 4, column 5" in made["notes"]
    assert (made["difference"]["largest"], made["difference"]["n_left_out"]) == (0, 1)
    diff("kaldi", f"{code}:one_unknown", "--on", "talk.wav")
    assert not asked


def test_the_tables_are_there_before_what_takes_a_minute(
    code: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    said: list[str] = []

    def identify(*_: Any, **__: Any) -> Answer:
        said.append(capfd.readouterr().out)
        assert json.loads(Path("figures.json").read_text())["identified"] == {}
        return Answer()

    monkeypatch.setattr(search, "identify", identify)
    diff("kaldi", f"{code}:frames", "--on", "talk.wav")
    assert "A less B" in said[0]


def test_code_that_cannot_take_a_shorter_sound_is_not_explained(
    code: str, capfd: pytest.CaptureFixture[str]
) -> None:
    soundfile.write("long.wav", np.ones(4 * RATE_HZ, np.float32), RATE_HZ, subtype="FLOAT")
    assert diff("kaldi", f"{code}:four_seconds", "--on", "long.wav")["identified"] == {"B": None}
    said = capfd.readouterr().out
    assert "from 0 s on:\n  mycode.py:four_seconds failed: AssertionError\n" in said


def test_how_the_array_lies_is_found_from_the_other_side_and_said(code: str) -> None:
    found = diff("simli", f"{code}:transposed", "--on", "talk.wav")
    assert (found["b"]["shape"], found["b"]["dtype"]) == ([80, 99], "float16")
    assert "B returned 99 × 80, which is taken as columns × rows" in found["notes"]
    found = diff("simli", f"{code}:a_list", "--on", "talk.wav")
    assert found["b"]["shape"] == [80, 100]
    # Neither length is the other side's rows, but one is nearly its columns.
    found = diff("whisper-128", f"{code}:transposed", "--on", "talk.wav")
    assert found["b"]["shape"] == [80, 99]
    assert found["difference"] is None


def test_two_functions_and_features_can_be_the_sides(code: str) -> None:
    found = diff(f"{code}:transposed", f"{code}:a_list", "--on", "talk.wav")
    assert (found["a"]["shape"], found["b"]["shape"]) == ([80, 99], [80, 100])
    assert found["difference"]["largest"] == 0
    np.save("theirs.npy", np.full((80, 100), 3.0))
    found = diff(f"{code}:a_list", "theirs.npy", "--on", "talk.wav")
    assert found["difference"]["largest"] == 2


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("gone", "mycode.py:gone is not there; it has mel, given, transposed"),
        ("transpose", ", …; did you mean transposed?"),
        ("samples_only", "is called as samples_only(samples, sample_rate)"),
        ("STEP", "mycode.py:STEP is of type int, not a function of samples and sample rate"),
        ("none", "mycode.py:none returned None, not an array of real numbers"),
        ("words", "mycode.py:words returned a str of <U11, not an array of real numbers"),
        ("complex_numbers", "returned a ndarray of complex128, not an array of real numbers"),
        ("a_line", "mycode.py:a_line returned 16000, not bands × columns"),
        ("empty", "mycode.py:empty returned no columns: 80 × 0"),
        ("two", "mycode.py:two returned 2 × 80 × 9, not bands × columns\n"),
        ("not_finite", "mycode.py:not_finite returned no finite number"),
        ("huge", "mycode.py:huge returned 5368709120 numbers, more than features are"),
        ("leaves", "mycode.py:leaves ended with code 3 before it returned"),
        ("", "'mycode.py:' names no function; say which, such as mycode.py:mel"),
    ],
)
def test_what_cannot_be_used_is_one_line(
    code: str, name: str, words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["diff", "simli", f"{code}:{name}", "--on", "talk.wav"]) == 2
    said = capfd.readouterr()
    assert said.out == ""
    assert words in said.err
    assert said.err.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "first", "below"),
    [
        ("fails", "mycode.py:fails failed: ValueError: two lines, é", "in inner"),
        ("exits", "mycode.py:exits failed: it called sys.exit('enough')", "in exits"),
        (
            "ragged",
            "mycode.py:ragged returned a list, which is not an array of rows × columns",
            "inhomogeneous",
        ),
        pytest.param(
            "dies",
            "mycode.py:dies ended by signal 11 (Segmentation fault) before it returned",
            "in dies",
            marks=pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX"),
        ),
    ],
)
def test_what_fails_is_one_line_with_the_traceback_of_the_users_code_below(
    code: str, name: str, first: str, below: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["diff", "simli", f"{code}:{name}", "--on", "talk.wav"]) == 2
    said = capfd.readouterr().err
    assert said.splitlines()[0] == f"visualizer: {first}"
    assert below in said
    assert "own_code" not in said


def test_a_file_that_cannot_be_loaded_shows_why(
    code: str, capfd: pytest.CaptureFixture[str]
) -> None:
    Path("broken.py").write_text("import numpy\nimport no_such_module\n")
    assert main(["diff", "simli", "broken.py:mel"]) == 2
    first, *below = capfd.readouterr().err.splitlines()
    assert first == (
        "visualizer: broken.py:mel cannot be loaded: ModuleNotFoundError: No module named "
        "'no_such_module'"
    )
    assert any('broken.py", line 2' in line for line in below)
    Path("broken.py").write_text("def mel(:\n")
    assert main(["diff", "simli", "broken.py:mel"]) == 2
    assert "SyntaxError: invalid syntax" in capfd.readouterr().err.splitlines()[0]
    assert main(["diff", "simli", "gone.py:mel"]) == 2
    assert capfd.readouterr().err == "visualizer: there is no file 'gone.py'\n"


def test_a_file_of_a_package_finds_what_it_imports(code: str) -> None:
    """By its own package, from the current folder, and also where its name is one of Python's."""
    package = Path("lab", "audio")
    package.mkdir(parents=True)
    for folder in (package, package.parent):
        (folder / "__init__.py").touch()
    (package / "rows.py").write_text("N = 80\n")
    (package / "json.py").write_text(
        "import sys, beside\nimport numpy as np\nfrom .rows import N\nfrom lab.audio import rows\n"
        "assert sys.argv == [sys.argv[0]] and rows.N == N\n"
        "class Extractor:\n    @staticmethod\n    def mel(s, rate): return np.ones((N, 9))\n"
    )
    found = diff("simli", f"{package / 'json.py'}:Extractor.mel", "--on", "talk.wav")
    assert found["b"]["shape"] == [80, 9]


def test_one_that_hangs_is_ended_and_says_where_it_was(
    code: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["diff", "simli", f"{code}:hangs", "--on", "talk.wav", "--limit", "5"]) == 2
    said = capfd.readouterr().err
    assert said.splitlines()[0] == (
        "visualizer: mycode.py:hangs did not return within 5 s; --limit gives more"
    )
    assert "in hangs" in said
    assert not psutil.pid_exists(int(Path("pid").read_text()))


def test_what_it_prints_stays_away(code: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert diff("simli", f"{code}:prints", "--on", "talk.wav")["b"]["shape"] == [80, 9]
    said = capfd.readouterr()
    assert said.err == ""
    assert "ooo" not in said.out
    assert "raw" not in said.out


def test_another_python_can_run_it(code: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Such as that of the user's own training environment."""
    marker = Path("ran").resolve()
    other = Path("other-python")
    other.write_text(f'#!/bin/sh\ntouch "{marker}"\nexec "{sys.executable}" "$@"\n')
    other.chmod(0o755)
    diff("simli", f"{code}:a_list", "--on", "talk.wav", "--python", str(other.resolve()))
    assert marker.exists()
    assert main(["diff", "simli", f"{code}:a_list", "--python", "./no-python"]) == 2
    said = capfd.readouterr().err
    assert said == (
        "visualizer: the Python './no-python' cannot be started: No such file or directory\n"
    )
    # One without NumPy: -S hides what is installed.
    other.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "$@"\n')
    assert main(["diff", "simli", f"{code}:a_list", "--python", str(other.resolve())]) == 2
    said = capfd.readouterr().err
    assert "mycode.py:a_list cannot be called: the Python " in said
    assert " has no NumPy" in said.splitlines()[0]


def test_a_recording_and_your_code_are_no_pair(
    code: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["diff", "talk.wav", f"{code}:a_list"]) == 2
    assert "one is your code and one a recording" in capfd.readouterr().err
