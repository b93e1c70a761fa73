"""The mel command with many files, in processes of its own and on a cluster."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from safetensors import safe_open
from safetensors.numpy import load_file

from tests.conftest import ROOT
from tests.export.dying import dying
from visualizer.cli import run_command as main
from visualizer.export import cluster
from visualizer.export.corpus import Job, find_jobs
from visualizer.export.workers import done_by_processes

pytestmark = pytest.mark.xdist_group("many files")

RATE_HZ = 16_000
LIST = "features.jsonl"


def write(path: Path, seconds: float = 0.3) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = np.random.default_rng().normal(0, 0.1, round(seconds * RATE_HZ))
    soundfile.write(path, samples, RATE_HZ)
    return path


def wait_until(holds: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < give_up_at
        time.sleep(0.01)


def files_in(folder: Path) -> dict[str, bytes]:
    """What is there, but for the list."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != LIST)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sounds, one in a subfolder, and what is none or not whole."""
    folder = tmp_path_factory.mktemp("corpus")
    write(folder / "one.wav")
    write(folder / "deep/er/two.flac")
    (folder / "notes.txt").write_text("no sound")
    (folder / "._one.wav").write_text("no sound, but a macOS's")
    (folder / "bad.ogg").write_text("no sound, but called so")
    cut_off = write(folder / "cut.wav", 2.0)
    cut_off.write_bytes(cut_off.read_bytes()[:20_000])
    return folder


def alone(source: Path, folder: Path, *options: str, form: str = "npy") -> bytes:
    """The features of one file by itself."""
    out = folder / f"alone.{form}"
    assert main(["mel", str(source), "-o", str(out), *options]) == 0
    return out.read_bytes()


def test_each_file_has_its_features_and_bad_ones_are_named_at_the_end(
    corpus: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "made/here"
    command = ["mel", str(corpus), "-o", str(out), "--jobs", "2", "--front-end", "whisper-80"]
    assert main(command) == 1
    said = capfd.readouterr()
    assert "2 of 4 files written, 2 could not be computed" in said.out
    bad, cut_off = said.err.splitlines()
    assert f"'{corpus}/bad.ogg' is not an audio file" in bad
    assert f"'{corpus}/cut.wav' ends after 0.62 s, though its header says 2.00 s" in cut_off
    options = ("--front-end", "whisper-80")
    assert files_in(out) == {
        "one.npy": alone(corpus / "one.wav", tmp_path, *options),
        "deep/er/two.npy": alone(corpus / "deep/er/two.flac", tmp_path, *options),
    }


def test_only_what_is_not_there_yet_is_made(
    corpus: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    sounds, out = tmp_path / "sounds", tmp_path / "out"
    names = ("a", "b", "c", "d")
    for name in names:
        write(sounds / f"{name}.wav")

    def made(*options: str) -> str:
        """The names of those that were written."""
        before = {path: path.stat().st_ino for path in out.glob("*.npy")}
        # A pattern as Windows, or quotes, leave it.
        assert main(["mel", str(sounds / "*.wav"), "-o", str(out), "--jobs", "1", *options]) == 0
        capfd.readouterr()
        after = {path: path.stat().st_ino for path in out.glob("*.npy")}
        return "".join(sorted(p.stem for p in after if before.get(p) != after[p]))

    assert made() == "abcd"
    assert made() == ""
    write(sounds / "a.wav", 0.4)
    (out / "b.npy").unlink()
    shutil.copyfile(out / "d.npy", out / "c.npy")
    # A run was killed while it wrote the list.
    with (out / LIST).open("a") as file:
        file.write('{"output": "d.npy", "sou')
    assert made() == "abc"
    assert made("--gain", "6") == "abcd"
    last = json.loads((out / LIST).read_text().splitlines()[-1])
    assert (last["output"], last["gain_db"], last["front_end"]) == ("d.npy", 6.0, "simli")
    assert tuple(last["shape"]) == np.load(out / "d.npy").shape


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        (["x/a.wav", "x/a.flac"], "would both be written to"),
        (["x/*.*"], "would both be written to"),
        (["x/a.wav", "y/a.wav"], "would both be written to"),
        (["y", "gone.wav"], "there is no file or folder 'gone.wav'"),
        (["*.ogg"], "nothing is called '*.ogg'"),
        (["empty"], "there is no sound in the folder 'empty'"),
        (["x/a.wav", "-"], "`visualizer stream --source -` takes that"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_starts(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    inputs: list[str],
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("x/a.wav", "x/a.flac", "y/a.wav"):
        write(Path(name))
    Path("empty").mkdir()
    assert main(["mel", *inputs, "-o", "out"]) == 2
    said = capfd.readouterr().err
    assert words in said
    assert said.count("\n") == 1
    assert not Path("out").exists()


def test_a_file_that_is_named_twice_is_one(tmp_path: Path) -> None:
    a, b = write(tmp_path / "x/a.wav"), write(tmp_path / "x/y/b.wav")
    inputs = [str(tmp_path / "x"), str(a), str(tmp_path / "x/**/*.wav")]
    assert find_jobs(inputs, tmp_path / "out", "npz") == [
        Job(a, tmp_path / "out/a.npz"),
        Job(b, tmp_path / "out/y/b.npz"),
    ]


def test_options_of_many_files_want_a_folder(
    corpus: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "a.npy")
    assert main(["mel", str(corpus / "one.wav"), "-o", out, "--jobs", "2"]) == 2
    assert "--jobs is for many files" in capfd.readouterr().err
    assert main(["mel", str(corpus), "-o", out]) == 2
    assert "a.npy' is a file's name; many files need a folder" in capfd.readouterr().err


@pytest.mark.parametrize("channel", ["mean", "each"])
def test_safetensors_hold_what_an_npz_holds(tmp_path: Path, channel: str) -> None:
    sound, paths = tmp_path / "sound.wav", [tmp_path / "a.npz", tmp_path / "a.safetensors"]
    # Of more columns than are written at once.
    samples = np.random.default_rng().normal(0, 0.1, (60 * RATE_HZ, 2))
    soundfile.write(sound, samples, RATE_HZ)
    for path in paths:
        options = ["--front-end", "whisper-80", "--channel", channel, "--gain", "3"]
        assert main(["mel", str(sound), "-o", str(path), *options]) == 0
    tensors = load_file(paths[1])
    with np.load(paths[0]) as npz, safe_open(paths[1], "numpy") as held:
        assert {name for name in npz if npz[name].ndim} == set(tensors)
        for name, values in tensors.items():
            assert values.dtype == npz[name].dtype
            np.testing.assert_array_equal(values, npz[name])
        expected = {name: str(npz[name]) for name in npz if not npz[name].ndim}
        assert held.metadata() == expected
    assert json.loads(expected["chain"])["name"] == "whisper-80"


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_a_run_that_was_stopped_and_killed_ends_with_the_same_files(tmp_path: Path) -> None:
    sounds, out = tmp_path / "sounds", tmp_path / "out"
    n_files = 40
    for i in range(n_files):
        write(sounds / f"{i % 3}/{i}.wav", 5.0)
    options = ["--format", "npz", "--jobs", "2"]
    assert main(["mel", str(sounds), "-o", str(tmp_path / "whole"), *options]) == 0
    expected = files_in(tmp_path / "whole")
    assert len(expected) == n_files
    words = ["-m", "visualizer", "mel", "sounds", "-o", "out", *options]

    def run(least: int, by: signal.Signals) -> subprocess.CompletedProcess[str]:
        """Run it until there are some more, and send it a signal."""
        done = n_listed() + least
        process = subprocess.Popen(
            [sys.executable, *words],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        wait_until(lambda: n_listed() >= done)
        process.send_signal(by)
        # Which ends only when the workers, who have these pipes too, have ended.
        texts = process.communicate(timeout=60)
        return subprocess.CompletedProcess(words, process.returncode, *texts)

    def n_listed() -> int:
        return len((out / LIST).read_text().splitlines()) if (out / LIST).exists() else 0

    stopped = run(3, signal.SIGINT)
    assert stopped.returncode == 130
    assert f"of {n_files} files are done; the same goes on" in stopped.stderr
    assert len(stopped.stderr.splitlines()) == 1
    assert set(files_in(out)) < set(expected)
    assert run(3, signal.SIGKILL).returncode == -signal.SIGKILL
    assert n_listed() < n_files
    assert main(["mel", str(sounds), "-o", str(out), *options]) == 0
    assert files_in(out) == expected


def test_a_file_that_no_process_survives_stops_no_other() -> None:
    names = [*map(str, range(6)), "deadly", *map(str, range(7, 12))]
    jobs = [Job(Path(name), Path(name)) for name in names]
    outcomes = list(done_by_processes(dying, iter(jobs), 1))
    assert sorted(str(outcome.job.source) for outcome in outcomes) == sorted(names)
    (bad,) = (outcome for outcome in outcomes if outcome.problem)
    assert bad.problem == "'deadly': the process that computed it ended by itself"


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[str]:
    """A Dask scheduler with two workers, each a process of its own, and its address."""
    from distributed import Client

    told = tmp_path / "scheduler.json"
    dask = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1"]
    dask += ["--port", "0", "--no-dashboard", "--scheduler-file", str(told)]
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", "--no-nanny", "--no-dashboard"]
    worker += ["--nthreads", "1", "--scheduler-file", str(told), "--local-directory", str(tmp_path)]
    processes = []
    try:
        for command in (dask, worker, worker):
            processes.append(
                subprocess.Popen(
                    command,
                    env=os.environ | {"PYTHONPATH": str(ROOT)},
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
            )
            wait_until(told.exists)
        address = str(json.loads(told.read_text())["address"])
        with Client(address) as client:
            client.wait_for_workers(2, timeout=60)
        yield address
    finally:
        for process in processes:
            process.kill()
            process.wait()


def test_a_cluster_makes_the_same_files(
    corpus: Path, tmp_path: Path, scheduler: str, capfd: pytest.CaptureFixture[str]
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for folder, options in ((here, ["--jobs", "1"]), (there, ["--cluster", scheduler])):
        assert main(["mel", str(corpus), "-o", str(folder), *options]) == 1
        said = capfd.readouterr()
        assert "2 of 4 files written, 2 could not be computed" in said.out
        assert "bad.ogg' is not an audio file" in said.err
    assert files_in(there) == files_in(here)
    assert main(["mel", str(corpus / "one.wav"), "-o", str(there), "--cluster", scheduler]) == 0
    assert "1 were there" in capfd.readouterr().out


def test_a_cluster_that_is_not_there_is_one_line(
    corpus: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(cluster, "_TIMEOUT", "200ms")
    command = ["mel", str(corpus), "-o", str(tmp_path / "out"), "--cluster"]
    for address in ("tcp://127.0.0.1:9", "nonsense://"):
        assert main([*command, address]) == 2
        assert f"no Dask scheduler answers at '{address}'" in capfd.readouterr().err
    # As without the extra.
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert main([*command, "tcp://127.0.0.1:9"]) == 2
    said = capfd.readouterr().err
    assert "`pip install 'mel-visualizer[cluster]'` installs it" in said
    assert said.count("\n") == 1
