"""All that needs a GPU to be proven, in one run: tests, agreement, speed.

    python -m visualizer.tools.bench.gpu [--device cuda|cpu] [--json FILE]

The same as `visualizer bench --gpu`. It needs torch, torchaudio and NumPy, and pytest and a
checkout for the tests; nothing of the window, and no sound. It takes at most five minutes.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from visualizer.errors import ConfigError, VisualizerError
from visualizer.mel.clip import relative_deviation
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.kernels.artifacts import LOG_TOLERANCE, TOLERANCE
from visualizer.mel.kernels.host import HostKernel, NumpyKernel
from visualizer.mel.kernels.tensor_kernel import MelKernel
from visualizer.mel.kernels.timing import noise_frames, paced, tight
from visualizer.mel.kernels.torch_kernels import CudaGraphKernel, EagerKernel
from visualizer.mel.presets import PRESETS, preset_for
from visualizer.tools.bench.cases import RATE_HZ, FrameCall, article
from visualizer.tools.bench.turns import Case, in_turns

HOP_LIMIT_US = 60.0
"""For a hop with both copies."""
TIMES_FASTER = 3.0
"""Than the article's function in its compiled form on the same device."""
N_STREAMS = (1, 8, 64, 512)
CLIP_S, CLIP_RUNS = 600.0, 3

_TESTS = Path(__file__).parents[3] / "tests" / "mel" / "test_cuda.py"
_TESTS_LIMIT_S, _LAST_START_S = 120.0, 240.0
"""How long the tests may take, and when nothing more is begun."""
_ROUNDS, _CALLS_A_ROUND = 25, 20
_PACED_ROUNDS, _PACED_CALLS_A_ROUND = 4, 50
_ARTICLE_COMPILED = "article, reduce-overhead"


@dataclass(frozen=True)
class Tests:
    """What pytest said of tests/mel's CUDA tests."""

    outcome: str
    """such as "160 passed\""""
    ok: bool


@dataclass(frozen=True)
class Agreement:
    """How far one preset's kernel on the device is from float64, as a share of the largest."""

    preset: str
    deviation: float | None
    limit: float
    ok: bool
    problem: str | None = None
    """why it could not be computed"""


@dataclass(frozen=True)
class Row:
    """One call for n streams, µs: from NumPy to NumPy unless its tensors stay on the device."""

    case: str
    streams: int
    p50_us: float
    p99_us: float
    times_ours: float
    paced_p50_us: float
    """of one call each hop, as a live stream makes them"""
    paced_p99_us: float


@dataclass(frozen=True)
class Verdict:
    """One target, and whether it was reached; None: on a CPU it is no question."""

    target: str
    measured: str
    ok: bool | None


@dataclass(frozen=True)
class GpuResult:
    """All that one run found."""

    machine: dict[str, Any]
    tests: Tests
    agreement: tuple[Agreement, ...]
    calls: tuple[Row, ...]
    clip_times_real_time: float
    """`MelKernel.clip` of ten minutes that lie, and whose columns stay, on the device"""
    verdicts: tuple[Verdict, ...]
    problems: tuple[str, ...]
    seconds: float

    @property
    def ok(self) -> bool:
        """whether nothing failed and no target was missed"""
        agrees = all(one.ok for one in self.agreement)
        return self.tests.ok and agrees and all(one.ok is not False for one in self.verdicts)


def main(argv: Sequence[str] | None = None) -> int:
    """Run as a command; 1 where something failed or a target was missed, 2 where it cannot run."""
    parser = argparse.ArgumentParser(
        prog="python -m visualizer.tools.bench.gpu",
        description="test and time, on a GPU, all that needs one",
    )
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda", help="where to run")
    parser.add_argument("--json", type=Path, metavar="FILE", help="save all figures as JSON")
    arguments = parser.parse_args(argv)
    try:
        return run(arguments.device, arguments.json)
    except VisualizerError as error:
        print(f"visualizer: {error}", file=sys.stderr)
        return 2


def run(device: str, file: Path | None) -> int:
    """Measure, print the tables and write the JSON; return the exit code.

    Raises:
        ConfigError: where there is no such device, or the file cannot be written.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise ConfigError(
            f"torch {torch.__version__} finds no CUDA device here",
            "`--device cpu` runs what can be run without one",
        )
    if file is not None and not file.resolve().parent.is_dir():
        raise ConfigError(f"there is no folder for {str(file)!r}", "name a file in one that exists")
    result = measure(device)
    if file is not None:
        text = json.dumps(asdict(result) | {"ok": result.ok}, indent=1, allow_nan=False)
        try:
            file.write_text(text + "\n", encoding="utf-8")
        except OSError as error:
            raise ConfigError(f"{str(file)!r} cannot be written: {error.strerror}") from error
    print("\n".join(lines(result)))
    return 0 if result.ok else 1


def measure(device: str) -> GpuResult:
    """Do all of it on a device, "cuda" or "cpu", telling standard error what begins."""
    began_at = time.monotonic()
    problems: list[str] = []

    def on_step(step: str) -> None:
        print(f"{time.monotonic() - began_at:4.0f} s  {step}", file=sys.stderr, flush=True)

    torch.set_num_threads(1)
    on_step("the CUDA tests")
    tests = _tests()
    on_step(f"{len(PRESETS)} presets against float64")
    agreement = tuple(_agreement(name, device) for name in PRESETS)
    front_end = preset_for("simli", RATE_HZ)
    rows: list[Row] = []
    with torch.inference_mode():
        for n in N_STREAMS:
            if time.monotonic() - began_at > _LAST_START_S:
                problems.append(f"{n} streams: five minutes would not have been enough")
                continue
            on_step(f"{n} streams in a call")
            rows += _time(front_end, n, device, problems)
        on_step("ten minutes as one clip")
        clip_times = _clip_times_real_time(front_end, device)
    return GpuResult(
        machine=_machine(device),
        tests=tests,
        agreement=agreement,
        calls=tuple(rows),
        clip_times_real_time=clip_times,
        verdicts=tuple(_verdicts(rows, device)),
        problems=tuple(problems),
        seconds=round(time.monotonic() - began_at, 1),
    )


def _tests() -> Tests:
    if not _TESTS.exists():
        return Tests("not run: they are in a checkout only", ok=False)
    # Their fixtures need more than a bare image has, and these tests use none.
    options = ("--noconftest", "-p", "no:cacheprovider", "-W", "ignore", "--tb=short")
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *options, str(_TESTS)],
            cwd=_TESTS.parents[2],
            capture_output=True,
            text=True,
            timeout=_TESTS_LIMIT_S,
        )
    except subprocess.TimeoutExpired:
        return Tests(f"not done after {_TESTS_LIMIT_S:g} s", ok=False)
    said = (done.stdout.strip() or done.stderr.strip() or "pytest said nothing").splitlines()
    if done.returncode:
        print(done.stdout, done.stderr, sep="\n", file=sys.stderr)
    return Tests(re.sub(r"=+ ?| ?=+", "", said[-1]), ok=done.returncode == 0)


def _agreement(name: str, device: str) -> Agreement:
    front_end = PRESETS[name].front_end
    limit = TOLERANCE if front_end.values.is_linear else LOG_TOLERANCE
    try:
        deviation = relative_deviation(front_end, _kernel(front_end, 1, device))
    except Exception as error:
        # Whatever a GPU's libraries say; the others still count.
        return Agreement(name, None, limit, ok=False, problem=_first_line(error))
    known = deviation if math.isfinite(deviation) else None
    return Agreement(name, known, limit, ok=deviation <= limit)


def _kernel(front_end: FrontEnd, n: int, device: str) -> HostKernel:
    if device == "cuda":
        return CudaGraphKernel(front_end, n, device)
    return EagerKernel(front_end, device)


def _time(front_end: FrontEnd, n: int, device: str, problems: list[str]) -> Iterator[Row]:
    """Time all candidates with n frames in a call; the first is ours."""
    makers: dict[str, Callable[[], FrameCall]] = {
        f"ours, {_form(device)}": lambda: _kernel(front_end, n, device),
        "ours, eager": lambda: EagerKernel(front_end, device),
        "MelKernel, tensors stay": lambda: _staying(front_end, n, device),
        _ARTICLE_COMPILED: lambda: article(device, is_compiled=True),
        "article, eager": lambda: article(device, is_compiled=False),
        "numpy": lambda: NumpyKernel(front_end),
    }
    if device == "cpu":
        # There it is the first one.
        del makers["ours, eager"]
        makers = {"ours, eager": lambda: EagerKernel(front_end, device)} | makers
    frames = noise_frames(front_end, n)
    calls: dict[Case, Callable[[], object]] = {}
    for name, make in makers.items():
        try:
            call = partial(make(), frames)
            # Compiles what compiles itself; the third call of reduce-overhead replays its graph.
            tight(call, _CALLS_A_ROUND)
        except Exception as error:
            problems.append(f"{name}, {n} streams: {_first_line(error)}")
        else:
            calls[name, n] = call
    if not calls:
        return
    tight_us = in_turns(calls, _ROUNDS, lambda call: tight(call, _CALLS_A_ROUND))
    pace = partial(paced, n_calls=_PACED_CALLS_A_ROUND, period_s=front_end.hop_s)
    paced_us = in_turns(calls, _PACED_ROUNDS, pace)
    ours_us = next(iter(tight_us.values()))[0]
    for (name, _), (p50, p99) in tight_us.items():
        yield Row(name, n, p50, p99, round(p50 / ours_us, 2), *paced_us[name, n])


def _form(device: str) -> str:
    return "CUDA graph" if device == "cuda" else "eager"


def _staying(front_end: FrontEnd, n: int, device: str) -> FrameCall:
    """Return a call of MelKernel on a tensor that is there, until its columns are."""
    frames = torch.from_numpy(noise_frames(front_end, n)).to(device)
    if device == "cpu":
        on_cpu = MelKernel(front_end)
        return lambda _: on_cpu(frames)
    kernel = MelKernel.cuda_graph(front_end, n, device)

    def call(_: object) -> object:
        columns = kernel(frames)
        torch.cuda.synchronize()
        return columns

    return call


def _clip_times_real_time(front_end: FrontEnd, device: str) -> float:
    noise = np.random.default_rng().normal(0.0, 0.1, (round(CLIP_S * RATE_HZ), 1))
    samples = torch.from_numpy(noise.astype(np.float32)).to(device)
    kernel = MelKernel(front_end, device)

    def call() -> None:
        kernel.clip(samples)
        if device == "cuda":
            torch.cuda.synchronize()

    call()
    return round(CLIP_S / min(tight(call, CLIP_RUNS)), 1)


def _verdicts(rows: Sequence[Row], device: str) -> Iterator[Verdict]:
    hop = {row.case: row for row in rows if row.streams == 1}
    ours = hop.get(f"ours, {_form(device)}")
    theirs = hop.get(_ARTICLE_COMPILED)
    is_judged = device == "cuda"
    target = f"a hop ≤ {HOP_LIMIT_US:g} µs with both copies"
    if ours is None:
        yield Verdict(target, "not measured", False if is_judged else None)
    else:
        measured = f"{ours.p50_us} µs p50, paced {ours.paced_p50_us} µs"
        yield Verdict(target, measured, ours.p50_us <= HOP_LIMIT_US if is_judged else None)
    target = f"≥ {TIMES_FASTER:g} times quicker than the article's compiled form"
    if ours is None or theirs is None:
        yield Verdict(target, "not measured", False if is_judged else None)
    else:
        times = theirs.p50_us / ours.p50_us
        paced_times = theirs.paced_p50_us / ours.paced_p50_us
        measured = f"{times:.2f} times by p50, paced {paced_times:.2f} times"
        yield Verdict(target, measured, times >= TIMES_FASTER if is_judged else None)


def _machine(device: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "device": device,
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
    }
    if device == "cuda":
        properties = torch.cuda.get_device_properties(0)
        found |= {
            "device": properties.name,
            "capability": f"{properties.major}.{properties.minor}",
            "memory_gb": round(properties.total_memory / 1e9, 1),
            "cuda": torch.version.cuda,
        }
    return found


def lines(result: GpuResult) -> Iterator[str]:
    """Yield the tables of a result for a terminal, line by line."""
    yield " · ".join(f"{name} {value}" for name, value in result.machine.items())
    yield ""
    yield f"CUDA tests: {result.tests.outcome}"
    agreed = sum(one.ok for one in result.agreement)
    yield f"agreement with float64: {agreed} of {len(result.agreement)} presets within the limit"
    worst = sorted(result.agreement, key=_share_of_limit, reverse=True)
    for one in worst[:3] + [one for one in worst[3:] if not one.ok]:
        told = f"{one.deviation:.1e}" if one.deviation is not None else f"failed: {one.problem}"
        yield f"  {one.preset:20} {told}, limit {one.limit:.0e}"
    yield ""
    yield f"{'µs':>8} {'':26} {'p50':>9} {'p99':>9} {'× ours':>8} {'paced p50':>10} {'p99':>9}"
    for row in result.calls:
        yield (
            f"{row.streams:>8} {row.case:26} {row.p50_us:>9.1f} {row.p99_us:>9.1f} "
            f"{row.times_ours:>8.2f} {row.paced_p50_us:>10.1f} {row.paced_p99_us:>9.1f}"
        )
    yield ""
    yield f"MelKernel.clip, ten minutes: {result.clip_times_real_time:,.0f} times real time"
    for problem in result.problems:
        yield f"not measured: {problem}"
    for verdict in result.verdicts:
        said = {True: "reached", False: "MISSED", None: "not judged without a GPU"}[verdict.ok]
        yield f"{said}: {verdict.target}: {verdict.measured}"
    yield f"all in {result.seconds:.0f} s"


def _share_of_limit(one: Agreement) -> float:
    return math.inf if one.deviation is None else one.deviation / one.limit


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__


if __name__ == "__main__":
    sys.exit(main())
