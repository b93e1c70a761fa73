"""The stream command, as a script has it: a child process between two pipes."""

from __future__ import annotations

import errno
import fcntl
import io
import json
import os
import signal
import subprocess
import sys
import termios
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.children import piped
from tests.conftest import DEADLINE_S, ROOT, Finished
from visualizer.audio.capture import CaptureConfig
from visualizer.cli import run_command
from visualizer.cli.stream import is_closed_pipe
from visualizer.engine.config import EngineConfig, front_end
from visualizer.export.offline import column_times_s
from visualizer.mel.flat import written
from visualizer.mel.presets import preset_for

RATE_HZ = 16_000
RUN = [sys.executable, str(ROOT / "run.py"), "stream", "--kernel", "numpy"]


def stream(*arguments: object, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """What it wrote until its end, which came by itself and without a word."""
    done = subprocess.run(
        [*RUN, *map(str, arguments)], input=stdin, capture_output=True, timeout=90
    )
    assert done.returncode == 0, done.stderr
    [summary] = done.stderr.decode().splitlines()
    assert "columns · gaps 0 (0 columns missing) · drops 0 columns 0 blocks" in summary
    return done


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    """Of 16 bits, so that it is the same in a WAV and as raw PCM."""
    samples = np.random.default_rng().normal(0, 0.1, (RATE_HZ, 2))
    path = tmp_path / "sound.wav"
    soundfile.write(path, samples, RATE_HZ, subtype="PCM_16")
    return path


def by_mel(sound: Path, *arguments: str) -> np.ndarray:
    """(n_columns, n_mels), or (n_columns, n_channels, n_mels), as `mel` gives them."""
    out = sound.with_suffix(".npy")
    assert run_command(["mel", str(sound), "-o", str(out), "--streaming", *arguments]) == 0
    return np.moveaxis(np.load(out), -1, 0)


def raw(sound: Path, subtype: str = "PCM_16") -> bytes:
    samples, _ = soundfile.read(sound)
    file = io.BytesIO()
    soundfile.write(file, samples, RATE_HZ, subtype, "LITTLE", "RAW")
    return file.getvalue()


@pytest.mark.parametrize("name", ["simli", "whisper-80", "vocos"])
def test_a_files_columns_are_those_of_mel(sound: Path, name: str) -> None:
    """Of a front-end with the file's rate, one in its streaming form, and a resampled one."""
    done = stream("--source", sound, "--format", "f32", "--front-end", name)
    expected = by_mel(sound, "--front-end", name)
    columns = np.frombuffer(done.stdout, "<f4").reshape(-1, expected.shape[1])
    np.testing.assert_allclose(columns, expected, rtol=1e-6, atol=1e-6 * np.abs(expected).max())


@pytest.mark.parametrize(("subtype", "form"), [("PCM_16", "s16"), ("FLOAT", "f32")])
def test_raw_pcm_gives_the_columns_of_the_file(sound: Path, subtype: str, form: str) -> None:
    done = stream(
        *("--source", "-", "--sample-rate", RATE_HZ, "--channels", 2, "--sample-format", form),
        *("--format", "f32"),
        stdin=raw(sound, subtype),
    )
    expected = by_mel(sound)
    columns = np.frombuffer(done.stdout, "<f4").reshape(expected.shape)
    np.testing.assert_allclose(columns, expected, rtol=1e-6, atol=1e-6 * expected.max())


@pytest.mark.parametrize("form", ["WAV", "FLAC", "AIFF"])
def test_a_file_in_a_pipe_gives_the_columns_of_the_file(sound: Path, form: str) -> None:
    samples, rate = soundfile.read(sound)
    file = io.BytesIO()
    soundfile.write(file, samples, rate, "PCM_16", format=form)
    done = stream("--source", "-", "--format", "f32", stdin=file.getvalue())
    expected = by_mel(sound)
    columns = np.frombuffer(done.stdout, "<f4").reshape(expected.shape)
    np.testing.assert_allclose(columns, expected, rtol=1e-6, atol=1e-6 * expected.max())


def test_columns_of_a_file_come_while_it_is_written() -> None:
    file = io.BytesIO()
    samples = np.random.default_rng(2).normal(0, 0.1, 10 * RATE_HZ)
    soundfile.write(file, samples, RATE_HZ, "PCM_16", format="WAV")
    data = file.getvalue()
    with piped([*RUN, "--source", "-"], stdin=subprocess.PIPE) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(data[: len(data) // 2])
        child.stdin.flush()
        # Half of it is there, and nobody knows how much will follow.
        lines = [json.loads(child.stdout.readline()) for _ in range(1 + 80 * 4)]
        assert lines[0]["source"]["kind"] == "pipe"
        assert lines[-1]["time_s"] == pytest.approx(4.0, abs=0.02)
        child.stdin.write(data[len(data) // 2 :])
        child.stdin.close()
        rest = child.stdout.read().splitlines()
        assert child.wait(DEADLINE_S) == 0
    assert len(rest) + 80 * 4 == preset_for("simli", RATE_HZ).n_columns(len(samples))


def test_a_file_is_not_taken_for_raw_pcm(sound: Path) -> None:
    command = [*RUN, "--source", "-", "--sample-rate", str(RATE_HZ), "--sample-format", "s16"]
    done = subprocess.run(command, input=sound.read_bytes(), capture_output=True, timeout=90)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.decode() == (
        "visualizer: standard input begins as a file does (WAV), and is no raw PCM; leave out "
        "--sample-rate, --sample-format and --channels, and the file is read\n"
    )


@pytest.mark.parametrize("bits", [16, 24, 32])
def test_one_sound_has_one_result_as_integers_stored_as_floats(
    sound: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], bits: int
) -> None:
    """In mel, from a file and from a pipe, as it is and with the gain that is meant."""
    samples, rate = soundfile.read(sound)
    path = tmp_path / "integers.wav"
    soundfile.write(path, np.rint(samples * 2.0 ** (bits - 1)), rate, subtype="FLOAT")
    raw_floats = np.rint(samples * 2.0 ** (bits - 1)).astype("<f4").tobytes()
    gain = f"{-20 * np.log10(2.0 ** (bits - 1)):.3f}"
    for options in ([], ["--gain", gain]):
        expected = by_mel(path, *options)
        hint = f"look like {bits}-bit integers stored as floats" in capfd.readouterr().err
        assert hint == (not options)
        pipe = ["--source", "-", "--sample-rate", rate, "--sample-format", "f32", "--channels", 2]
        for source, stdin in ((["--source", path], b""), (pipe, raw_floats)):
            command = [*RUN, *map(str, source), "--format", "f32", *options]
            done = subprocess.run(command, input=stdin, capture_output=True, timeout=90)
            columns = np.frombuffer(done.stdout, "<f4").reshape(expected.shape)
            np.testing.assert_allclose(columns, expected, rtol=1e-6, atol=1e-6 * expected.max())
            assert (f"--gain {gain}" in done.stderr.decode()) == (not options)
    right = by_mel(sound)
    np.testing.assert_allclose(expected, right, rtol=1e-4, atol=1e-4 * right.max())


@pytest.mark.parametrize("name", ["simli", "kaldi"])
def test_lines_say_what_and_when(sound: Path, name: str) -> None:
    before = time.time()
    lines = stream("--source", sound, "--front-end", name).stdout.splitlines()
    after = time.time()
    heading, *columns = map(json.loads, lines)
    mel = front_end(EngineConfig(CaptureConfig("demo"), preset=name), RATE_HZ)
    assert heading["type"] == "stream"
    assert heading["chain"] == mel.to_dict()
    assert heading["front_end"] == written(mel)
    assert (heading["n_mels"], heading["hop_s"], heading["unit"]) == (80, mel.hop_s, "model")
    assert heading["source"] == {
        "kind": "file",
        "name": "sound.wav",
        "host_api": None,
        "sample_rate": RATE_HZ,
        "channels": 2,
        "resampled_from": None,
        "note": "",
    }
    expected = by_mel(sound, "--front-end", name)
    assert {c["type"] for c in columns} == {"column"}
    assert [c["column"] for c in columns] == list(range(len(expected)))
    times_s = column_times_s(mel, len(expected))
    np.testing.assert_allclose([c["time_s"] for c in columns], times_s, rtol=0, atol=1e-9)
    # The first column has the first sample in the middle of its window, or at its start.
    assert columns[0]["time_s"] == {"simli": 0.0, "kaldi": 0.0125}[name]
    np.testing.assert_allclose(
        [c["values"] for c in columns], expected, rtol=1e-6, atol=1e-6 * np.abs(expected).max()
    )
    assert {(c["gap"], c["dropped"]) for c in columns} == {(0, 0)}
    moments = [c["captured_at"] for c in columns]
    assert before < moments[0] <= moments[-1] < after
    # A file is played at its own pace.
    assert moments[-1] - moments[0] > 0.9
    assert all(c["wait_ms"] >= 0 and c["kernel_ms"] > 0 for c in columns)


@pytest.mark.parametrize(
    ("channel", "shape"), [("mean", (80,)), ("2", (80,)), ("1+2", (80,)), ("each", (2, 80))]
)
def test_arrays_follow_each_other(sound: Path, channel: str, shape: tuple[int, ...]) -> None:
    done = stream("--source", sound, "--format", "npy", "--channel", channel)
    expected = by_mel(sound, "--channel", channel)
    # In a file, and as the README reads them from a pipe, in which numpy.load cannot seek.
    in_file, pipe = io.BytesIO(done.stdout), io.BytesIO(done.stdout)
    for column in expected:
        first = np.load(in_file, allow_pickle=False)
        second = np.lib.format.read_array(SimpleNamespace(read=pipe.read))
        assert (first.dtype, first.shape) == (np.float32, shape)
        np.testing.assert_array_equal(first, second)
        np.testing.assert_allclose(first, column, rtol=1e-6, atol=1e-6 * expected.max())
    assert in_file.read() == b""


def test_lines_of_several_channels_have_a_list_for_each(sound: Path) -> None:
    heading, *columns = stream("--source", sound, "--channel", "each").stdout.splitlines()
    assert json.loads(heading)["signals"] == 2
    expected = by_mel(sound, "--channel", "each")
    values = np.array([json.loads(c)["values"] for c in columns])
    np.testing.assert_allclose(values, expected, rtol=1e-6, atol=1e-6 * expected.max())


def test_a_pipe_waits_for_a_reader_that_stalls(tmp_path: Path) -> None:
    """More than all the queues together hold is piped in while nobody reads."""
    n_samples = 400 * RATE_HZ
    samples = np.random.default_rng().integers(-9999, 9999, n_samples).astype("<i2").tobytes()
    command = [*RUN, "--source", "-", "--sample-rate", str(RATE_HZ), "--format", "f32"]
    with piped(command, stdin=subprocess.PIPE) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        n_fed = 0

        def feed(into: Any) -> None:
            nonlocal n_fed
            with into:
                for at in range(0, len(samples), 1 << 16):
                    into.write(samples[at : at + (1 << 16)])
                    n_fed = at

        thread = threading.Thread(target=feed, args=(child.stdin,), daemon=True)
        thread.start()
        deadline, before = time.monotonic() + 60, -1
        while n_fed > before or n_fed < 1 << 20:
            assert time.monotonic() < deadline
            before = n_fed
            thread.join(1.0)
        assert thread.is_alive()
        heard = np.frombuffer(child.stdout.read(), "<f4").reshape(-1, 80)
        assert child.wait(DEADLINE_S) == 0
    assert len(heard) == preset_for("simli", RATE_HZ).n_columns(n_samples)
    assert np.isfinite(heard).all()
    path = tmp_path / "sound.wav"
    soundfile.write(path, np.frombuffer(samples, "<i2"), RATE_HZ, subtype="PCM_16")
    expected = by_mel(path)
    np.testing.assert_allclose(heard, expected, rtol=1e-6, atol=1e-6 * expected.max())


def waits_in(pipe: Any) -> int:
    """Bytes."""
    buffer = bytearray(4)
    fcntl.ioctl(pipe.fileno(), termios.FIONREAD, buffer)
    return int.from_bytes(buffer, sys.byteorder)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["Ctrl-C", "SIGTERM"]
)
def test_it_ends_when_told_also_where_nobody_reads(number: signal.Signals, code: int) -> None:
    with piped([*RUN, "--source", "demo"]) as child:
        deadline, before = time.monotonic() + 60, -1
        # A pipe holds 64 KiB, of which it does not use all for lines of this length.
        while waits_in(child.stdout) > before or before < 1 << 15:
            assert time.monotonic() < deadline
            before = waits_in(child.stdout)
            time.sleep(0.2)
        child.send_signal(number)
        assert child.wait(DEADLINE_S) == code
        assert child.stderr is not None
        [summary] = child.stderr.read().decode().splitlines()
    assert "not read any more: " in summary


def test_told_to_end_it_ends_with_a_whole_line() -> None:
    with piped([*RUN, "--source", "demo"]) as child:
        assert child.stdout is not None
        heard = b"".join(child.stdout.readline() for _ in range(10))
        child.terminate()
        # Nothing, where none came meanwhile.
        heard += child.stdout.read()
        assert child.wait(DEADLINE_S) == 143
    assert all(json.loads(line)["type"] == "column" for line in heard.splitlines()[1:])
    assert heard.endswith(b"\n")


def test_a_duration_ends_it() -> None:
    lines = stream("--source", "demo", "--duration", 1).stdout.splitlines()
    # On a busy machine those that waited at first come with it.
    assert 40 < len(lines) < 1 + 80 + 40


def test_bad_input_is_one_clear_line(program: Any, sound: Path, tmp_path: Path) -> None:
    pipe = ("--source", "-", "--sample-rate", RATE_HZ)
    for arguments, words in (
        (("--source", "-"), "standard input holds no sound (0 bytes)"),
        (("--source", "-", "--sample-format", "s24"), "--sample-format needs --sample-rate HZ"),
        ((*pipe, "--gain", "201"), "--gain: '201' is not a number from -200 to 200 (dB)"),
        ((*pipe, "--loop"), "--loop does not go with --source -"),
        ((*pipe, "--device", "x"), "--device does not go with --source -"),
        ((*pipe, "--channels", 0), "channels is 0; it must be from 1"),
        (pipe, "standard input holds no sound (0 bytes"),
        (("--source", sound, "--sample-format", "s16"), "--sample-format goes with --source -"),
        (("--sample-format", "s17"), "invalid choice: 's17'"),
        (("--format", "csv"), "invalid choice: 'csv'"),
        (
            ("--channel", "0"),
            "--channel: '0' is not mean, each, a number from 1",
        ),
        (
            ("--source", sound, "--channel", "3"),
            "there is no channel 3; 'sound.wav' has the channels 1 to 2",
        ),
        (("--source", "gone.wav"), "there is no file 'gone.wav'"),
        (("--duration", "-1"), "--duration: '-1' is not a number of seconds above 0"),
        (("--front-end", "smili"), "did you mean simli"),
        (("--screenshot", "a.png"), "unrecognized arguments"),
    ):
        done: Finished = program("stream", *arguments)
        assert done.code == 2, (arguments, done)
        assert (words in done.err, len(done.err.splitlines())) == (True, 1), (arguments, done.err)
        assert done.err.startswith("visualizer: ")
        assert done.out == ""
    window = program("--headless", "--source", "-")
    assert (window.code, "`visualizer stream` reads" in window.err) == (2, True)


def test_a_closed_standard_input_is_one_clear_line() -> None:
    """As `<&-` of a shell leaves it."""
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" <&-', "sh", *RUN, "--source", "-", "--sample-rate", str(RATE_HZ)],
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "visualizer: standard input is closed; pipe sound into it, or name a file or a microphone\n"
    )


def test_a_sound_too_short_for_a_column_is_an_error(program: Any, tmp_path: Path) -> None:
    path = tmp_path / "short.wav"
    soundfile.write(path, np.ones(100), RATE_HZ)
    done = program("stream", "--kernel", "numpy", "--source", path, "--front-end", "kaldi")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("visualizer: the sound is too short for a single column")


def test_no_column_in_time_is_an_error_also_before_anything_runs() -> None:
    """Nothing is loaded after a millisecond."""
    script = (
        "import sys, visualizer.engine.reader as reader; reader.FIRST_COLUMN_LIMIT_S = 0.0\n"
        "from visualizer.cli import run_command\n"
        "sys.exit(run_command(['stream', '--source', 'demo', '--duration', '0.001']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "visualizer: no column came in time\n"


def test_a_reader_that_goes_away_is_known_by_the_systems_own_word() -> None:
    """Windows has another than the rest."""
    closed, invalid = BrokenPipeError(), OSError(errno.EINVAL, "Invalid argument")
    assert [is_closed_pipe(closed, system) for system in ("posix", "nt")] == [True, True]
    assert [is_closed_pipe(invalid, system) for system in ("posix", "nt")] == [False, True]
    assert not is_closed_pipe(OSError(errno.ENOSPC, "No space left on device"), "nt")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full is of Linux")
def test_a_full_disk_is_said() -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*RUN, "--source", "demo"], stdout=full, stderr=subprocess.PIPE, timeout=90
        )
    assert done.returncode == 2
    assert done.stderr.decode() == (
        "visualizer: the output cannot be written: No space left on device\n"
    )


def test_a_pipe_that_does_not_let_it_wait_is_written_all_the_same(sound: Path) -> None:
    """Some that start children share such a pipe with them."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    child = subprocess.Popen(
        [*RUN, "--source", "-", "--sample-rate", str(RATE_HZ), "--format", "f32"],
        stdin=subprocess.PIPE,
        stdout=writer,
        stderr=subprocess.DEVNULL,
    )
    os.close(writer)
    assert child.stdin is not None
    child.stdin.write(raw(sound) * 5)
    child.stdin.close()
    with os.fdopen(reader, "rb") as output:
        # 160000 bytes of output do not fit into it.
        n_bytes = len(output.read())
    assert child.wait(DEADLINE_S) == 0
    assert n_bytes == 4 * 80 * preset_for("simli", RATE_HZ).n_columns(10 * RATE_HZ)
