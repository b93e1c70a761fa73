"""Better kernels come to a running engine, or do not, and its columns never show it."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from tests.conftest import hurry_builders
from tests.engine.test_engine import HOP, MIC, Bench, expected, noise
from visualizer.engine.config import EngineConfig
from visualizer.engine.keeper import BUILDING, LONG_TRANSFORM, NOT_WANTED
from visualizer.engine.status import EngineStatus
from visualizer.mel.kernels.artifacts import Artifact


@pytest.fixture
def kernels(compiled_simli: Artifact, tmp_path: Path) -> Path:
    folder = tmp_path / "kernels"
    shutil.copytree(compiled_simli.folder, folder)
    return folder


@pytest.fixture
def bench() -> Iterator[Bench]:
    # A device that was chosen has its own kernel, whether or not NumPy is faster here.
    bench = Bench(EngineConfig(MIC, compute="cpu"))
    yield bench
    bench.engine.close()


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry_builders(monkeypatch)


def measured(status: EngineStatus) -> bool:
    return status.deviation is not None


def compiled(status: EngineStatus) -> bool:
    return status.backend == "compiled"


def assert_columns(bench: Bench, config_id: int, samples: np.ndarray) -> None:
    whole = expected(samples.mean(axis=1, keepdims=True))
    came = bench.values(config_id)
    assert sorted(came) == list(range(whole.shape[1]))
    ours = np.array([came[t] for t in range(len(came))]).T
    np.testing.assert_allclose(ours, whole, rtol=0, atol=1e-6 * whole.max())


def leaves_the_processor_to_others(process: psutil.Process) -> bool:
    if sys.platform == "linux":
        return os.sched_getscheduler(process.pid) == os.SCHED_IDLE
    return process.nice() in (19, getattr(psutil, "IDLE_PRIORITY_CLASS", 19))


def builders() -> list[psutil.Process]:
    """The processes that build kernels for this one."""
    found = []
    for child in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):
            if "visualizer.engine.kernel_builder" in child.cmdline():
                found.append(child)
    return found


def test_a_kernel_is_swapped_in_and_no_column_shows_it(bench: Bench, kernels: Path) -> None:
    """Sound arrives before, while and after the kept kernel takes over."""
    bench.kernels = kernels
    bench.start().until(lambda s: s.state == "running")
    samples = noise(400 * HOP)
    whole = expected(samples.mean(axis=1, keepdims=True))
    for index, block in enumerate(np.split(samples, 400)):
        if index == 300:
            bench.until(compiled)
        bench.write(block)
        # No faster than the ring can hold.
        bench.until(lambda s, least=index - 20: s.columns >= least)
    status = bench.until(lambda s: s.columns == whole.shape[1])
    assert_columns(bench, status.config_id, samples)
    assert status.gaps == status.dropped_blocks == status.dropped_columns == 0
    assert status.deviation is not None
    assert 0 < status.deviation < 1e-6
    assert status.kernel_note is None


def test_a_preset_picked_again_has_its_kernel_at_once(
    bench: Bench, kernels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The other front-end shall not be compiled beside the tests that follow.
    monkeypatch.setenv("PATH", "")
    bench.kernels = kernels
    bench.start().until(compiled)
    bench.engine.configure(replace(bench.config, preset="whisper-80"))
    other = bench.until(lambda s: s.config.preset == "whisper-80")
    assert other.backend == "numpy"
    bench.engine.configure(bench.config)
    # The first status of the new setting has it already.
    again = bench.until(lambda s: s.config_id > other.config_id)
    assert again.backend == "compiled"
    assert again.deviation is not None


@pytest.mark.usefixtures("hurried")
def test_a_damaged_kernel_is_built_anew_beside_the_stream(bench: Bench, kernels: Path) -> None:
    """The whole way, with the real compiler in the real process."""
    library = next(kernels.glob("*.so"))
    library.write_bytes(b"damaged")
    bench.kernels = kernels
    status = bench.start().until(measured)
    assert (status.backend, status.kernel_note) == ("numpy", BUILDING)
    samples = noise(8000)
    bench.write(samples[:4000])
    bench.deadline_s = 110.0
    status = bench.until(compiled)
    names = [timing.name for timing in status.timings]
    assert names[:2] == ["numpy", "compiled"]
    assert all(timing.p99_us >= timing.p50_us > 0 for timing in status.timings)
    bench.write(samples[4000:])
    bench.until(lambda s: s.columns == expected(samples[:, :1]).shape[1])
    assert_columns(bench, status.config_id, samples)
    assert library.stat().st_size > 100_000


def test_a_better_kernel_is_no_change_of_settings(bench: Bench, kernels: Path) -> None:
    """The window takes a new revision for the answer to what the user chose last."""
    bench.kernels = kernels
    running = bench.start().until(lambda s: s.state == "running")
    assert bench.until(compiled).revision == running.revision


def test_another_front_end_ends_the_build_of_the_one_before(bench: Bench, tmp_path: Path) -> None:
    bench.kernels = tmp_path / "kernels"
    bench.start().until(lambda s: s.kernel_note == BUILDING)
    bench.until(lambda _: len(builders()) == 1)
    (first,) = builders()
    bench.engine.configure(replace(bench.config, preset="whisper-80"))
    bench.until(lambda s: s.config.preset == "whisper-80" and s.kernel_note == BUILDING)
    psutil.wait_procs([first], timeout=10)
    assert not first.is_running()
    bench.until(lambda _: len(builders()) == 1)
    (second,) = builders()
    assert second.pid != first.pid
    bench.until(lambda _: leaves_the_processor_to_others(second))
    bench.engine.close()
    psutil.wait_procs([second], timeout=10)
    assert not second.is_running()


@pytest.mark.usefixtures("hurried")
def test_for_a_long_transform_nothing_is_built(bench: Bench, tmp_path: Path) -> None:
    """Its compiled kernel would call torch's FFT, which takes 110 MB and saves no time."""
    bench.kernels = tmp_path / "kernels"
    bench.config = replace(bench.config, preset="panns")
    status = bench.start().until(measured)
    assert (status.backend, status.kernel_note) == ("numpy", LONG_TRANSFORM)
    assert bench.until(lambda s: bool(s.timings)).kernel_note == LONG_TRANSFORM


def test_without_a_folder_nothing_is_built(bench: Bench) -> None:
    status = bench.start().until(measured)
    assert (status.backend, status.kernel_note) == ("numpy", NOT_WANTED)
    assert status.deviation is not None
    assert 0 < status.deviation < 1e-6


def test_a_kernel_that_was_measured_to_be_slower_is_not_taken(bench: Bench, kernels: Path) -> None:
    (record,) = kernels.glob("*.json")
    notes = json.loads(record.read_text())
    times = {"n_calls": 150, "p99_us": 90.0, "period_ms": 12.5}
    notes["timings"] = [
        {"name": "numpy", "p50_us": 50.0, **times},
        {"name": "compiled", "p50_us": 60.0, **times},
    ]
    record.write_text(json.dumps(notes))
    bench.kernels, bench.config = kernels, EngineConfig(MIC, compute="auto")
    status = bench.start().until(measured)
    note = "NumPy is faster here: 50 µs per hop, compiled 60 µs"
    assert (status.backend, status.kernel_note) == ("numpy", note)
    assert len(status.timings) == 2


def test_torch_is_loaded_beside_the_stream_and_swapped_in(bench: Bench) -> None:
    bench.choice = "eager"
    bench.start().until(lambda s: s.state == "running")
    samples = noise(100 * HOP)
    bench.write(samples[: 50 * HOP])
    status = bench.until(lambda s: s.backend == "eager")
    assert status.kernel_note is None
    bench.write(samples[50 * HOP :])
    bench.until(lambda s: s.columns == expected(samples[:, :1]).shape[1])
    assert_columns(bench, status.config_id, samples)


def test_where_nothing_can_be_kept_the_stream_goes_on(bench: Bench, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    bench.kernels = file / "kernels"
    status = bench.start().until(lambda s: s.kernel_note not in (None, BUILDING))
    assert status.backend == "numpy"
    assert "cannot be kept in" in (status.kernel_note or "")
    samples = noise(4000)
    bench.write(samples)
    bench.until(lambda s: s.columns == expected(samples[:, :1]).shape[1])


@pytest.mark.usefixtures("hurried")
def test_without_a_compiler_the_stream_goes_on(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CXX", str(tmp_path / "no-compiler"))
    bench.kernels = tmp_path / "kernels"
    bench.start().until(measured)
    samples = noise(4000)
    bench.write(samples)
    bench.until(lambda s: s.columns == expected(samples[:, :1]).shape[1])
    bench.deadline_s = 110.0
    status = bench.until(lambda s: s.kernel_note not in (None, BUILDING))
    assert status.backend == "numpy"
    assert "there is no C++ compiler" in (status.kernel_note or "")
