"""The mel command with many files, in processes of its own and on a cluster."""

from __future__ import annotations

import errno
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile
from safetensors import safe_open
from safetensors.numpy import load_file

from tests.conftest import ROOT
from tests.export.dying import dying
from visualizer.cli import run_command as main
from visualizer.errors import ConfigError, SourceError
from visualizer.export import cluster, workers
from visualizer.export.corpus import Job, Making, compute, find_jobs
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


def jobs_of(inputs: list[str], out: Path) -> list[Job]:
    """What is to be computed where every folder can be read."""
    unreadable: list[str] = []
    jobs = find_jobs(inputs, out, "npy", unreadable.append)
    assert not unreadable
    return jobs


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
        (["x/a.wav", "x/a.flac"], "rename one, or compute them in two runs, each with another -o"),
        (["x/*.*"], "would both be written to"),
        (["x/a.wav", "y/a.wav"], "name a folder that holds both"),
        (["y", "gone.wav"], "there is no file or folder 'gone.wav'"),
        (["*.ogg"], "nothing is called '*.ogg'"),
        pytest.param(
            ["x/**.wav"],
            "'x/**.wav' cannot be searched for",
            marks=pytest.mark.skipif(sys.version_info >= (3, 13), reason="Python takes it"),
        ),
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
    assert jobs_of(inputs, tmp_path / "out") == [
        Job(a, tmp_path / "out/a.npy"),
        Job(b, tmp_path / "out/y/b.npy"),
    ]


@pytest.mark.skipif(os.name == "nt", reason="names and links of POSIX")
def test_links_hidden_files_and_names_with_the_characters_of_patterns(tmp_path: Path) -> None:
    a, c = write(tmp_path / "x/a.wav"), write(tmp_path / "x/[1]/c.wav")
    write(tmp_path / "x/.cache/hidden.wav")
    link = tmp_path / "x/y/of a.wav"
    link.parent.mkdir()
    link.symlink_to(a)
    (tmp_path / "x/y/loop").symlink_to(tmp_path / "x")
    dangling = tmp_path / "x/y/dangling.wav"
    dangling.symlink_to(tmp_path / "gone.wav")
    words = f"'{dangling}' points to a file that is not there"
    assert compute(Making("simli"), Job(dangling, tmp_path / "no.npy")).problem == words
    with pytest.raises(SourceError, match=re.escape(words)):
        jobs_of([str(dangling)], tmp_path / "out")
    dangling.unlink()
    out = tmp_path / "out"
    expected = [Job(c, out / "[1]/c.npy"), Job(a, out / "a.npy"), Job(link, out / "y/of a.npy")]
    assert jobs_of([str(tmp_path / "x")], out) == expected
    assert jobs_of([str(tmp_path / "x/**/*.wav")], out) == expected
    assert jobs_of([str(tmp_path / "x/[1]/*.wav")], out) == [Job(c, out / "c.npy")]


def test_what_becomes_of_features_of_before(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    sounds, out = tmp_path / "sounds", tmp_path / "out"
    for name in ("a", "b", "c"):
        write(sounds / f"{name}.wav")

    def run(*options: str) -> tuple[int, str, str]:
        code = main(["mel", str(sounds), "-o", str(out), "--jobs", "1", *options])
        said = capfd.readouterr()
        return code, said.out.strip().removeprefix(f"{out}: "), said.err

    assert run() == (0, "3 of 3 files written, simli", "")
    said = run("--front-end", "whisper-80")[1]
    assert said == "3 of 3 files written (3 replaced: they were simli), whisper-80"
    assert run()[1] == "3 of 3 files written (3 replaced: they were whisper-80), simli"
    # A fault of the command is told once, and not for each sound.
    write(sounds / "d.wav")
    code, _, problems = run("--channel", "7")
    assert code == 1
    assert problems.count("\n") == 1
    assert "there is no channel 7" in problems
    assert "a.wav' has channel 1 alone (and the same of 3 other files)" in problems
    (sounds / "d.wav").unlink()
    assert run() == (0, "0 of 3 files written, 3 already there, simli", "")
    write(sounds / "a.wav", 0.4)
    (sounds / "b.wav").write_text("no sound any more")
    (sounds / "c.wav").unlink()
    code, line, problems = run()
    assert code == 1
    assert line == (
        "1 of 2 files written, 1 could not be computed, simli; 1 there without a source"
    )
    assert problems.count("\n") == 1
    assert "b.wav' is not an audio file" in problems
    assert problems.endswith("; its features, of before, are removed\n")
    assert set(files_in(out)) == {"a.npy", "c.npy"}
    assert "of before" not in run()[2]
    # The list says so.
    assert json.loads((out / LIST).read_text().splitlines()[-1])["output"] == "b.npy"
    assert "b.wav' is not" in json.loads((out / LIST).read_text().splitlines()[-1])["problem"]
    # Another source of the same name, and features that nobody knows.
    write(tmp_path / "else/a.flac")
    write(sounds / "b.wav")
    (out / "b.npy").write_text("of somebody's")
    assert main(["mel", str(tmp_path / "else"), "-o", str(out)]) == 0
    assert "1 of 1 files written (1 replaced: it was of another sound)" in capfd.readouterr().out
    assert "(2 replaced: they were " in (line := run()[1])
    assert "of another sound" in line
    assert "not in the list" in line


def test_a_folder_that_cannot_be_read_is_named_at_the_end(
    corpus: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    scandir = os.scandir

    def refusing(path: str) -> Iterator[os.DirEntry[str]]:
        if Path(path).name == "er":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    command = ["-o", str(tmp_path / "out"), "--jobs", "1"]
    assert main(["mel", str(corpus), *command]) == 1
    said = capfd.readouterr().err
    assert f"the folder '{corpus / 'deep/er'}' cannot be read: Permission denied" in said
    assert main(["mel", str(corpus / "deep"), *command]) == 2
    assert "er' cannot be read: Permission denied" in capfd.readouterr().err


def test_options_of_many_files_want_a_folder(
    corpus: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    new = tmp_path / "new"
    assert main(["mel", str(corpus / "one.wav"), "-o", str(new), "--format", "npz"]) == 0
    assert set(files_in(new)) == {"one.npz"}
    out = str(tmp_path / "a.npy")
    assert main(["mel", str(corpus / "one.wav"), "-o", out, "--jobs", "2"]) == 2
    assert "--jobs is for many files" in capfd.readouterr().err
    assert main(["mel", str(corpus), "-o", out]) == 2
    assert "a.npy' is a file's name; many files need a folder" in capfd.readouterr().err


@pytest.mark.parametrize("channel", ["mean", "each"])
def test_safetensors_hold_what_an_npz_holds(tmp_path: Path, channel: str) -> None:
    # What a name ends in counts in capitals as well.
    sound, paths = tmp_path / "sound.wav", [tmp_path / "a.NPZ", tmp_path / "a.Safetensors"]
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


_SIGNALLED = """
import os, sys
from visualizer.cli import run_command
from visualizer.export.made import Made

class SignalledMade(Made):
    n_added = 0

    def add(self, outcome):
        super().add(outcome)
        self.n_added += 1
        if self.n_added == 3:
            os.kill(os.getpid(), int(sys.argv[1]))

import visualizer.export.made
visualizer.export.made.Made = SignalledMade
sys.exit(run_command(sys.argv[2:]))
"""


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_a_run_that_was_stopped_and_killed_ends_with_the_same_files(tmp_path: Path) -> None:
    sounds, out = tmp_path / "sounds", tmp_path / "out"
    n_files = 20
    for i in range(n_files):
        write(sounds / f"{i % 3}/{i}.wav", 5.0)
    options = ["--format", "npz", "--jobs", "2"]
    assert main(["mel", str(sounds), "-o", str(tmp_path / "whole"), *options]) == 0
    expected = files_in(tmp_path / "whole")
    assert len(expected) == n_files

    def run(by: signal.Signals) -> subprocess.CompletedProcess[str]:
        """Run it until there are three more, with others on their way, and have the signal come."""
        words = ["mel", "sounds", "-o", "out", *options]
        # Ends only when the workers, who have these pipes too, have ended.
        return subprocess.run(
            [sys.executable, "-c", _SIGNALLED, str(int(by)), *words],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
        )

    def n_listed() -> int:
        return len((out / LIST).read_text().splitlines())

    for by in (signal.SIGINT, signal.SIGTERM):
        stopped = run(by)
        assert stopped.returncode == 128 + by
        assert f"of {n_files} files are done; run the same command again" in stopped.stderr
        assert len(stopped.stderr.splitlines()) == 1
        assert set(files_in(out)) < set(expected)
    assert run(signal.SIGKILL).returncode == -signal.SIGKILL
    assert n_listed() == 9
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
            # Written piece by piece.
            wait_until(lambda: told.exists() and told.read_text().rstrip().endswith("}"))
        address = str(json.loads(told.read_text())["address"])
        with Client(address) as client:
            client.wait_for_workers(2, timeout=60)
        yield address
    finally:
        for process in processes:
            process.kill()
            process.wait()


def test_a_cluster_makes_the_same_files(
    corpus: Path,
    tmp_path: Path,
    scheduler: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for folder, options in ((here, ["--jobs", "1"]), (there, ["--cluster", scheduler])):
        assert main(["mel", str(corpus), "-o", str(folder), *options]) == 1
        said = capfd.readouterr()
        assert "2 of 4 files written, 2 could not be computed" in said.out
        assert "bad.ogg' is not an audio file" in said.err
    assert files_in(there) == files_in(here)
    assert main(["mel", str(corpus / "one.wav"), "-o", str(there), "--cluster", scheduler]) == 0
    assert "1 already there" in capfd.readouterr().out
    with cluster.connected(scheduler) as connected:
        connected.require()
        client = connected.executor._client
        client.retire_workers(client.nthreads())
        connected.require()
        seconds = itertools.count(time.monotonic(), 10.0)
        clock = SimpleNamespace(monotonic=lambda: next(seconds))
        monkeypatch.setattr(cluster, "time", clock)

        def look_for_a_while() -> None:
            for _ in range(10):
                connected.require()

        with pytest.raises(ConfigError, match=f"all workers of the Dask cluster at '{scheduler}'"):
            look_for_a_while()
        monkeypatch.undo()
        # As it does by itself when the scheduler does not come back.
        client.close()
        with pytest.raises(ConfigError, match=f"the Dask scheduler at '{scheduler}' is gone"):
            connected.require()


def test_an_executor_that_is_gone_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone(Executor):
        def submit(self, *_: object, **__: object) -> Future[Any]:
            return Future()

    def require() -> None:
        raise ConfigError("it is gone")

    monkeypatch.setattr(workers, "_LOOK_S", 0.01)
    jobs = iter([Job(Path("a"), Path("b"))])
    with pytest.raises(ConfigError, match="it is gone"):
        list(workers.done_by(Gone(), dying, jobs, 1, require))


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
        assert not (tmp_path / "out").exists()
    # As without the extra.
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert main([*command, "tcp://127.0.0.1:9"]) == 2
    said = capfd.readouterr().err
    assert "`pip install '.[cluster]'`, in the folder of this program's source" in said
    assert said.count("\n") == 1
