"""Our kernels and what people call instead, on one machine, in one run, over the same sound."""

from __future__ import annotations

import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch

from visualizer.engine.kernel_builder import end, events, start_builder
from visualizer.errors import KernelError
from visualizer.export.offline import write_features
from visualizer.mel import artifacts
from visualizer.mel.kernels import CudaGraphKernel, EagerKernel, HostKernel
from visualizer.mel.kernels.artifacts import Artifact
from visualizer.mel.kernels.timing import Call, Timing, noise_frames, paced, summary, tight
from visualizer.mel.presets import preset_for
from visualizer.tools.bench.peers import FrameCall, gpu_peers, peers

RATE_HZ = 16_000
ROUNDS, CALLS_A_ROUND = 120, 20
PACED_ROUNDS, PACED_CALLS_A_ROUND = 4, 50
OFFLINE_S, OFFLINE_RUNS = 600.0, 5
N_STREAMS = (1, 8, 64)
OUR_KERNELS = ("compiled", "eager", "cuda-graph")
"""the one that the ratios are about is the first of them that there is"""
FFT_ALONE = "the FFT call alone"
_WARM_UP_CALLS = 10


@dataclass(frozen=True)
class StreamTiming:
    """n independent streams, all in one call."""

    n_streams: int
    kernel: str
    p50_us: float
    share_of_single_calls: float
    """of the time that n calls of one stream take"""


@dataclass(frozen=True)
class DrawingTiming:
    """Updates of the picture by one column, each with its paint, in one of the ways."""

    window: tuple[int, int]
    """width and height in pixels of the screen"""
    picture: tuple[int, int]
    """inside the axes"""
    timing: Timing
    times_ours: float
    """by the medians"""
    cpu_us: float
    """processor time of this process, the mean of the updates"""


@dataclass(frozen=True)
class DrawingResult:
    """All that one run of the drawing measured."""

    date: str
    machine: dict[str, Any]
    drawing: tuple[DrawingTiming, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class BenchResult:
    """All that one run measured."""

    date: str
    machine: dict[str, Any]
    front_end: str
    ours: str
    """the name of the kernel that the ratios are about"""
    tight: tuple[Timing, ...]
    paced: tuple[Timing, ...]
    offline_s: float | None
    """median of the runs, for 10 minutes of sound with the file read and the features written"""
    offline_fft_s: float | None
    """of all the transforms alone, in batches"""
    streams: tuple[StreamTiming, ...]
    build_s: float | None
    """start-up with a cold cache: from the child's start to a verified kernel"""
    load_ms: float | None
    """start-up with a warm cache: verification included"""
    problems: tuple[str, ...]
    """what could not be measured, and why"""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, the ratios included."""
        return asdict(self) | {"ratios": ratios(self), "offline_times_real_time": self.offline_x}

    @property
    def offline_x(self) -> float | None:
        return None if self.offline_s is None else round(OFFLINE_S / self.offline_s, 1)


def ratios(result: BenchResult) -> dict[str, float]:
    """How many times longer than our kernel the others take, by the medians without pauses."""
    ours = next(timing.p50_us for timing in result.tight if timing.name == result.ours)
    return {
        timing.name: round(timing.p50_us / ours, 2)
        for timing in result.tight
        if timing.name != result.ours
    }


class Bench:
    """One run; each step tells `on_step` its name, of `N_STEPS` in all."""

    N_STEPS = 6

    def __init__(self, with_peers: bool, on_step: Callable[[str], None]) -> None:
        self._with_peers = with_peers
        self._on_step = on_step
        self._config = preset_for("simli", RATE_HZ)
        self._problems: list[str] = []

    def run(self) -> BenchResult:
        torch.set_num_threads(1)
        with torch.inference_mode(), tempfile.TemporaryDirectory() as folder:
            cache = Path(folder)
            self._on_step("start-up with a cold cache: building the compiled kernel")
            build_s = self._build(cache)
            load_ms, compiled = self._load(cache)
            self._on_step("getting the others ready")
            calls = dict(self._calls(compiled))
            ours = _ours(calls)
            self._on_step(f"{len(calls)} candidates without a pause")
            tight_timings = _interleaved(calls, lambda call: tight(call, CALLS_A_ROUND))
            self._on_step(f"{len(calls)} candidates, a call each {self._config.hop_s * 1e3:g} ms")
            period_s = self._config.hop_s
            paced_timings = _interleaved(
                calls,
                lambda call: paced(call, PACED_CALLS_A_ROUND, period_s),
                PACED_ROUNDS,
                period_s,
            )
            self._on_step("10 minutes of sound offline")
            offline_s, offline_fft_s = self._offline(cache)
            self._on_step("n streams in one call")
            streams = tuple(self._streams(cache, compiled is not None))
        return BenchResult(
            date=now(),
            machine=machine(),
            front_end=f"{self._config.name} at {RATE_HZ} Hz",
            ours=ours,
            tight=tight_timings,
            paced=paced_timings,
            offline_s=offline_s,
            offline_fft_s=offline_fft_s,
            streams=streams,
            build_s=build_s,
            load_ms=load_ms,
            problems=tuple(self._problems),
        )

    def _build(self, cache: Path) -> float | None:
        """Seconds until the builder has the kernel, as the program would call it."""
        started_at = time.perf_counter()
        with start_builder(Artifact(self._config, 1, cache), torch.device("cpu")) as builder:
            event = next(events(builder), {"error": "the process that builds kernels ended"})
            built_s = time.perf_counter() - started_at
            end(builder)
        if "error" in event:
            self._problems.append(event["error"])
            return None
        return round(built_s, 1)

    def _load(self, cache: Path) -> tuple[float | None, HostKernel | None]:
        started_at = time.perf_counter()
        try:
            kernel = artifacts.load(Artifact(self._config, 1, cache))
        except KernelError as error:
            self._problems.append(str(error))
            return None, None
        loaded_ms = (time.perf_counter() - started_at) * 1e3
        return (None if kernel is None else round(loaded_ms, 1)), kernel

    def _calls(self, compiled: HostKernel | None) -> Iterator[tuple[str, Call]]:
        config = self._config
        makers: dict[str, Callable[[], FrameCall]] = {"eager": lambda: EagerKernel(config)}
        if compiled is not None:
            yield "compiled", partial(compiled, noise_frames(config))
        if torch.cuda.is_available():
            gpu = torch.device("cuda")
            makers["cuda-graph"] = lambda: CudaGraphKernel(config, 1, gpu)
        windowed = torch.from_numpy(noise_frames(config))
        makers[FFT_ALONE] = lambda: lambda _: torch.fft.rfft(windowed)
        if self._with_peers:
            makers |= peers(config)
            if torch.cuda.is_available():
                makers |= gpu_peers(config)
        frames = noise_frames(config)
        for name, make in makers.items():
            try:
                call = partial(make(), frames)
                # Compiles what compiles itself, and fills caches.
                tight(call, CALLS_A_ROUND)
            except ImportError as error:
                self._problems.append(f"{name}: {error.name} is not installed")
            except Exception as error:
                reason = str(error).strip().split("\n", 1)[0]
                self._problems.append(f"{name}: {reason or type(error).__name__}")
            else:
                yield name, call

    def _offline(self, cache: Path) -> tuple[float, float]:
        """Median seconds for 10 minutes as the mel command does it, and for the FFTs alone."""
        sound, features = cache / "sound.wav", cache / "features.npy"
        noise = np.random.default_rng().normal(0.0, 0.1, round(OFFLINE_S * RATE_HZ))
        soundfile.write(sound, noise.astype(np.float32), RATE_HZ, subtype="PCM_16")
        rows = EagerKernel.rows_per_call
        frames = torch.from_numpy(noise_frames(self._config, rows))
        n_batches = round(OFFLINE_S / self._config.hop_s / rows)
        seconds, fft_seconds = [], []
        for _ in range(OFFLINE_RUNS):
            started_at = time.perf_counter()
            write_features(sound, features, lambda _: self._config, "mean", streaming=False)
            between = time.perf_counter()
            for _ in range(n_batches):
                torch.fft.rfft(frames)
            fft_seconds.append(time.perf_counter() - between)
            seconds.append(between - started_at)
        return round(float(np.median(seconds)), 4), round(float(np.median(fft_seconds)), 4)

    def _streams(self, cache: Path, with_compiled: bool) -> Iterator[StreamTiming]:
        config = self._config
        for name in ("compiled", "eager") if with_compiled else ("eager",):
            calls: dict[str, Call] = {}
            for n in N_STREAMS:
                try:
                    kernel = EagerKernel(config) if name == "eager" else self._compiled(n, cache)
                except KernelError as error:
                    self._problems.append(f"compiled for {n} streams: {error}")
                    continue
                calls[str(n)] = partial(kernel, noise_frames(config, n))
            timings = _interleaved(calls, lambda call: tight(call, CALLS_A_ROUND))
            one_us = timings[0].p50_us
            for timing in timings:
                n = int(timing.name)
                share = round(timing.p50_us / (n * one_us), 3)
                yield StreamTiming(n, name, timing.p50_us, share)

    def _compiled(self, n_rows: int, cache: Path) -> HostKernel:
        with torch.inference_mode(False):
            return artifacts.obtain(Artifact(self._config, n_rows, cache))


def _interleaved(
    calls: dict[str, Call],
    measure: Callable[[Call], list[float]],
    rounds: int = ROUNDS,
    period_s: float | None = None,
) -> tuple[Timing, ...]:
    """Time all in turns, so that a slow phase of the machine meets each of them alike."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            tight(call, _WARM_UP_CALLS)
            seconds[name] += measure(call)
    return tuple(summary(name, taken, period_s) for name, taken in seconds.items())


def _ours(calls: dict[str, Call]) -> str:
    return next(name for name in OUR_KERNELS if name in calls)


def now() -> str:
    """Date and time, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def machine() -> dict[str, Any]:
    """What a run's figures depend on, as plain JSON values."""
    cpu = torch.cpu.get_capabilities()
    return {
        "cpu": cpu.get("cpu_name", platform.processor()),
        "cores": cpu.get("num_logical_cores"),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        "torch": torch.__version__,
    }
