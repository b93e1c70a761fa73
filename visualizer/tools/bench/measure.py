"""Our kernels and what people call instead, on one machine, in one run, over the same sound."""

from __future__ import annotations

import platform
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import soundfile
import torch

from visualizer.errors import KernelError, one_line
from visualizer.export.offline import BLOCK_S, write_features
from visualizer.mel.clip import clip_columns
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.kernels.timing import Call, noise_frames, paced, tight
from visualizer.mel.presets import preset_for
from visualizer.support.children import own_command, own_environment
from visualizer.tools.bench.cases import RATE_HZ, FrameCall, kernels, peers
from visualizer.tools.bench.turns import Case, in_turns

N_ROWS = (1, 8, 64, 256)
"""Frames in one call: of one stream, of several, and the batches in which files are computed."""
ROUNDS, CALLS_A_ROUND = 120, 20
PACED_ROUNDS, PACED_CALLS_A_ROUND = 4, 50
FILE_S, FILE_RUNS = 600.0, 5


@dataclass(frozen=True)
class CallRow:
    """How long one call takes, from NumPy frames to NumPy columns."""

    case: str
    rows: int
    p50_us: float
    """of calls that follow each other at once"""
    p99_us: float
    times_ours: float | None
    """by these medians; None where ours was not measured with as many rows"""
    paced_p50_us: float
    """of one call each hop, as a live stream makes them"""
    paced_p99_us: float


@dataclass(frozen=True)
class FileTiming:
    """A file of noise, on one core, as the mel command does it; medians of the runs."""

    sound_s: float
    memory_s: float
    """from samples in memory to columns in memory"""
    memory_times_real_time: float
    seconds: float
    """read, computed and written"""
    times_real_time: float
    command_s: float
    """the command, from the start of its process to the end"""


@dataclass(frozen=True)
class BenchResult:
    """All that one run measured of the kernels."""

    front_end: str
    ours: str
    """the name of the kernel that the others are compared with"""
    calls: tuple[CallRow, ...]
    """ordered by rows, then by their medians"""
    file: FileTiming
    build_s: float | None
    """until the compiled kernel is there, with a cold cache"""
    load_ms: float | None
    """the same with a warm cache; both with its verification"""
    problems: tuple[str, ...]
    """what could not be measured, and why"""


def measure(with_peers: bool, on_step: Callable[[str], None]) -> BenchResult:
    """Measure everything, telling `on_step` what begins."""
    config = preset_for("simli", RATE_HZ)
    torch.set_num_threads(1)
    problems: list[str] = []
    build_s = load_s = None
    # Windows keeps the files of a library that is loaded.
    folders = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
    with torch.inference_mode(), folders as folder:
        ours = kernels(config, Path(folder))
        on_step("building the compiled kernel")
        try:
            build_s, load_s = tight(lambda: ours["compiled"](1), 2)
        except KernelError as error:
            problems.append(str(error))
            del ours["compiled"]
        on_step("getting the others ready")
        cases: dict[Case, Callable[[], FrameCall]] = {}
        for n in N_ROWS:
            cases |= {(name, n): partial(make, n) for name, make in ours.items()}
        if with_peers:
            cases |= {(name, 1): make for name, make in peers().items()}
        calls = _ready(cases, config, problems)
        on_step(f"{len(calls)} calls without a pause")
        tight_us = in_turns(calls, ROUNDS, lambda call: tight(call, CALLS_A_ROUND))
        on_step(f"{len(calls)} calls, one each {config.hop_s * 1e3:g} ms")
        pace = partial(paced, n_calls=PACED_CALLS_A_ROUND, period_s=config.hop_s)
        paced_us = in_turns(calls, PACED_ROUNDS, pace)
        on_step(f"a file of {FILE_S / 60:g} minutes")
        file = _time_file(config, Path(folder))
    name = next(name for name in ours if (name, 1) in calls)
    return BenchResult(
        front_end=f"{config.name} at {RATE_HZ} Hz",
        ours=name,
        calls=_rows(tight_us, paced_us, name),
        file=file,
        build_s=build_s and round(build_s, 1),
        load_ms=load_s and round(load_s * 1e3, 1),
        problems=tuple(problems),
    )


def _ready(
    cases: dict[Case, Callable[[], FrameCall]], config: FrontEnd, problems: list[str]
) -> dict[Case, Call]:
    """Make what is called; note why where that fails."""
    calls: dict[Case, Call] = {}
    for (name, n_rows), make in cases.items():
        try:
            call = partial(make(), noise_frames(config, n_rows))
            # Compiles what compiles itself, and fills caches.
            tight(call, CALLS_A_ROUND)
        except Exception as error:
            # A library that is not installed, a compiler that fails: the others still count.
            reason = one_line(str(error).partition("\n")[0]) or type(error).__name__
            problems.append(f"{name}, rows {n_rows}: {reason}")
        else:
            calls[name, n_rows] = call
    return calls


def _rows(
    tight_us: dict[Case, tuple[float, float]], paced_us: dict[Case, tuple[float, float]], ours: str
) -> tuple[CallRow, ...]:
    rows = []
    for (name, n_rows), (p50, p99) in tight_us.items():
        ours_us, _ = tight_us.get((ours, n_rows), (None, None))
        times = ours_us and round(p50 / ours_us, 2)
        rows.append(CallRow(name, n_rows, p50, p99, times, *paced_us[name, n_rows]))
    return tuple(sorted(rows, key=lambda row: (row.rows, row.p50_us)))


def _time_file(config: FrontEnd, folder: Path) -> FileTiming:
    sound, features = folder / "sound.wav", folder / "features.npy"
    noise = np.random.default_rng().normal(0.0, 0.1, (round(FILE_S * RATE_HZ), 1))
    samples = noise.astype(np.float32)
    soundfile.write(sound, samples, RATE_HZ, subtype="PCM_16")
    length = round(BLOCK_S * RATE_HZ)
    compute = partial(clip_columns, samples, config, length, streaming=False)
    through = partial(write_features, sound, features, lambda _: config, "mean", streaming=False)
    words = own_command("visualizer", "mel", str(sound), "-o", str(features))
    command = partial(
        subprocess.run, words, env=own_environment(), check=True, stdout=subprocess.DEVNULL
    )
    # The first of each also loads what it needs.
    seconds = [median(tight(call, FILE_RUNS + 1)[1:]) for call in (compute, through, command)]
    memory_s, file_s, command_s = (round(one, 4) for one in seconds)
    memory_times, file_times = (round(FILE_S / one, 1) for one in seconds[:2])
    return FileTiming(FILE_S, memory_s, memory_times, file_s, file_times, command_s)


def machine() -> dict[str, Any]:
    """Return what a run's figures depend on, as plain JSON values."""
    cpu = torch.cpu.get_capabilities()
    return {
        "cpu": cpu.get("cpu_name", platform.processor()),
        "cores": cpu.get("num_logical_cores"),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        "torch": torch.__version__,
    }
