from __future__ import annotations

import _ctypes
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.mel.chains import stage_of, varied
from visualizer.errors import KernelError
from visualizer.mel.clip import relative_deviation
from visualizer.mel.kernels import artifacts
from visualizer.mel.kernels.artifacts import Artifact
from visualizer.mel.kernels.building import folder_that_compilers_take
from visualizer.mel.kernels.host import NumpyKernel
from visualizer.mel.kernels.timing import noise_frames, summary
from visualizer.mel.stages.mel import Mel
from visualizer.mel.stream import MelStream

ROOT = Path(__file__).parents[2]


@pytest.fixture
def copy(compiled_simli: Artifact, tmp_path: Path) -> Artifact:
    folder = tmp_path / "kernels"
    shutil.copytree(compiled_simli.folder, folder)
    return replace(compiled_simli, folder=folder)


def test_a_compiled_kernel_computes_what_numpy_does(compiled_simli: Artifact) -> None:
    kernel = artifacts.load(compiled_simli)
    assert kernel is not None
    front_end = compiled_simli.front_end
    samples = np.random.default_rng().normal(0, 0.1, (5000, 1)).astype(np.float32)
    ours = MelStream(front_end, front_end.sample_rate, 1, kernel).push(samples)
    expected = MelStream(front_end, front_end.sample_rate, 1).push(samples)
    assert ours.shape == expected.shape
    assert ours.shape[2] > 20
    np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-6 * expected.max())
    assert relative_deviation(compiled_simli.front_end, kernel) < 1e-6


def test_it_runs_without_torch(compiled_simli: Artifact) -> None:
    """Whose import holds up every other thread, and whose libraries take 110 MB, CUDA's among them.

    Only on Linux is a kernel without the libraries.
    """
    program = """
import json, pathlib, sys
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.kernels import artifacts, timing
front_end = FrontEnd.from_dict(json.loads(sys.argv[1]))
kernel = artifacts.load(artifacts.Artifact(front_end, 1, pathlib.Path(sys.argv[2])))
print(kernel.backend, kernel(timing.noise_frames(front_end)).shape, "torch" in sys.modules)
maps = pathlib.Path("/proc/self/maps")
for line in maps.read_text().splitlines() if maps.exists() else ():
    path = line.partition("/")[2]
    assert not any(name in path for name in ("/torch/", "/nvidia/", "libcu")), line
"""
    chain = json.dumps(compiled_simli.front_end.to_dict())
    command = [sys.executable, "-c", program, chain, str(compiled_simli.folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert (done.returncode, done.stdout) == (0, "compiled (1, 80) False\n"), done.stderr


def test_threads_may_call_it_one_after_the_other(compiled_simli: Artifact) -> None:
    kernel = artifacts.load(compiled_simli)
    assert kernel is not None
    frames = noise_frames(compiled_simli.front_end)
    here = kernel(frames)
    with ThreadPoolExecutor(1) as elsewhere:
        np.testing.assert_array_equal(elsewhere.submit(kernel, frames).result(), here)
    np.testing.assert_array_equal(kernel(frames), here)


def test_its_results_stay_as_they_were(compiled_simli: Artifact) -> None:
    kernel = artifacts.load(compiled_simli)
    assert kernel is not None
    first = kernel(noise_frames(compiled_simli.front_end))
    kept = first.copy()
    second = kernel(10 * noise_frames(compiled_simli.front_end))
    np.testing.assert_array_equal(first, kept)
    assert not np.array_equal(first, second)


def test_it_refuses_rows_it_was_not_built_for(compiled_simli: Artifact) -> None:
    kernel = artifacts.load(compiled_simli)
    assert kernel is not None
    with pytest.raises(ValueError, match="takes 1 rows, not 2"):
        kernel(noise_frames(compiled_simli.front_end, 2))


def test_what_was_never_built_is_not_there(compiled_simli: Artifact, tmp_path: Path) -> None:
    assert artifacts.load(replace(compiled_simli, folder=tmp_path)) is None
    assert artifacts.load(replace(compiled_simli, n_rows=2)) is None
    front_end = compiled_simli.front_end
    mel = replace(stage_of(front_end, Mel), f_max=7000.0)
    other = varied(front_end, mel, name=front_end.name)
    assert artifacts.load(replace(compiled_simli, front_end=other)) is None


def test_another_torch_or_cpu_has_other_kernels(
    compiled_simli: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = compiled_simli.library
    with monkeypatch.context() as patch:
        patch.setattr("importlib.metadata.version", lambda package: "2.99.0")
        assert compiled_simli.library != library
    monkeypatch.setattr(artifacts, "_cpu_features", lambda: ["AVX512F"])
    assert compiled_simli.library != library


def test_a_damaged_library_is_not_run(copy: Artifact) -> None:
    damaged = bytearray(copy.library.read_bytes())
    damaged[len(damaged) // 2] ^= 0xFF
    copy.library.write_bytes(damaged)
    with pytest.raises(KernelError, match="damaged"):
        artifacts.load(copy)
    copy.library.write_bytes(b"")
    with pytest.raises(KernelError, match="damaged"):
        artifacts.load(copy)


def test_a_library_of_another_machine_is_not_run(copy: Artifact) -> None:
    record = json.loads(copy.record.read_text())
    record["made_for"]["cpu"].append("ANOTHER")
    copy.record.write_text(json.dumps(record))
    with pytest.raises(KernelError, match="made for something else"):
        artifacts.load(copy)


def test_what_loads_but_is_no_kernel_is_refused(copy: Artifact) -> None:
    artifacts.put_library(copy, Path(_ctypes.__file__).read_bytes())
    with pytest.raises(KernelError, match=r"cannot be loaded: .* has no AOTInductor"):
        artifacts.load(copy)
    artifacts.put_library(copy, b"no library")
    with pytest.raises(KernelError, match="cannot be loaded"):
        artifacts.load(copy)


@pytest.mark.parametrize("text", ["", "{", "[]", "null"])
def test_a_record_that_is_none_counts_as_no_kernel(copy: Artifact, text: str) -> None:
    copy.record.write_text(text)
    assert artifacts.load(copy) is None


def test_notes_are_kept_with_a_kernel(copy: Artifact) -> None:
    artifacts.write_record(copy, {"timings": None})
    assert artifacts.timings(copy) == ((), False)
    timing = summary("compiled", [20e-6, 30e-6], 0.0125)
    artifacts.write_record(copy, {"timings": [timing.to_dict()]})
    assert artifacts.timings(copy) == ((timing,), True)
    assert artifacts.load(copy) is not None
    artifacts.discard(copy)
    assert artifacts.load(copy) is None
    assert list(copy.folder.iterdir()) == []


@pytest.mark.parametrize("wrong", [1.001, np.nan])
def test_a_kernel_that_computes_something_else_is_refused(
    compiled_simli: Artifact, wrong: float
) -> None:
    ready = NumpyKernel(compiled_simli.front_end)

    class Wrong:
        backend, device, rows_per_call = "wrong", "cpu", 1

        def __call__(self, frames: np.ndarray) -> np.ndarray:
            columns = ready(frames)
            columns[0, 40] *= wrong
            return columns

    with pytest.raises(KernelError, match="differs from NumPy"):
        artifacts.verify(Wrong(), compiled_simli)


def test_where_nothing_can_be_kept_that_is_said(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(KernelError, match=r"cannot be kept in .*file/kernels.*: Not a directory"):
        artifacts.require_folder(file / "kernels")


def test_the_folder_is_for_this_user_alone(tmp_path: Path) -> None:
    folder = tmp_path / "cache" / "kernels"
    artifacts.require_folder(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    for mode in (0o770, 0o707):
        folder.chmod(mode)
        with pytest.raises(KernelError, match="others may write there; remove it, or `chmod 700`"):
            artifacts.require_folder(folder)
    folder.chmod(0o755)
    artifacts.require_folder(folder)


def belong_to_another(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Really so where that is allowed; elsewhere it is this user who is another one."""
    if os.getuid() == 0:
        os.chown(folder, 12_345, -1)
    else:
        other = os.getuid() + 1
        monkeypatch.setattr(os, "getuid", lambda: other)


def test_a_kernel_in_the_folder_of_another_user_is_not_run(
    copy: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    belong_to_another(copy.folder, monkeypatch)
    with pytest.raises(KernelError, match="others may write there"):
        artifacts.require_folder(copy.folder)
    with pytest.raises(KernelError, match="others may write there"):
        artifacts.load(copy)


def test_a_folder_that_others_could_exchange_is_refused(copy: Artifact, tmp_path: Path) -> None:
    above = copy.folder.parent
    above.chmod(0o777)
    for use in (lambda: artifacts.require_folder(copy.folder), lambda: artifacts.load(copy)):
        with pytest.raises(
            KernelError, match=r"others could exchange it.*is theirs, or open to all"
        ):
            use()
    # In a sticky one, such as /tmp, nobody can rename what is of others.
    above.chmod(0o1777)
    assert artifacts.load(copy) is not None
    above.chmod(0o700)


def test_a_link_is_as_safe_as_where_it_lies_and_leads(copy: Artifact, tmp_path: Path) -> None:
    for name in ("open", "closed"):
        (tmp_path / name).mkdir()
    inside, beside = tmp_path / "open" / "kernels", tmp_path / "closed" / "kernels"
    shutil.copytree(copy.folder, inside)
    beside.symlink_to(inside)
    assert artifacts.load(replace(copy, folder=beside)) is not None
    (tmp_path / "open").chmod(0o777)
    with pytest.raises(KernelError, match="open' is theirs, or open to all"):
        artifacts.load(replace(copy, folder=beside))
    (tmp_path / "open").chmod(0o700)
    (tmp_path / "closed").chmod(0o777)
    with pytest.raises(KernelError, match="closed' is theirs, or open to all"):
        artifacts.load(replace(copy, folder=beside))


def test_a_folder_above_that_is_of_another_user_is_refused(
    copy: Artifact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can give a folder away")
    above = tmp_path / "theirs"
    above.mkdir()
    shutil.copytree(copy.folder, above / "kernels")
    os.chown(above, 12_345, -1)
    with pytest.raises(KernelError, match="theirs' is theirs"):
        artifacts.load(replace(copy, folder=above / "kernels"))


def test_without_a_home_there_is_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    before = set(tmp_path.iterdir())
    with pytest.raises(KernelError, match="this user has no home folder"):
        artifacts.require_folder(Path("~", "kernels"))
    assert set(tmp_path.iterdir()) == before


@pytest.mark.parametrize("name", ["plain", "a space", "a'quote", 'a"quote', "für"])
def test_compilers_get_a_folder_whose_name_they_take(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = tmp_path / name
    usual.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(usual))
    monkeypatch.setenv("TMPDIR", str(usual))
    with folder_that_compilers_take(usual):
        given = tempfile.gettempdir()
        assert os.environ["TMPDIR"] == given
        assert Path(given).is_dir()
        assert re.fullmatch("[A-Za-z0-9_./-]+", given)
    assert (given == str(usual)) == (name == "plain")
    assert tempfile.gettempdir() == os.environ["TMPDIR"] == str(usual)


def test_where_there_is_no_such_folder_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "a space"))
    monkeypatch.setattr(os, "access", lambda *_: False)
    words = r"a space.*; set TMPDIR to a folder without them"
    with pytest.raises(KernelError, match=words), folder_that_compilers_take():
        pass
