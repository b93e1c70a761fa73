"""A kernel that does not keep up with live sound is said to be too slow, and when that is over."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tests.engine.test_engine import HOP, MIC, Bench, bench  # noqa: F401
from visualizer.cli.said import Said
from visualizer.engine.config import EngineConfig
from visualizer.engine.pace import KernelPace
from visualizer.engine.status import EngineStatus
from visualizer.mel.kernels.host import Frames, NumpyKernel
from visualizer.mel.presets import preset_for

HOP_S = 0.0125
SIMLI = preset_for("simli", 16_000)


def told(*taken: float) -> list[float | None]:
    """Return what is said after each column, given how many hops each took."""
    pace, said = KernelPace(), []
    for n, hops in enumerate(taken):
        pace.note(n * HOP_S, hops * HOP_S, 1, HOP_S)
        said.append(pace.slow_hops)
    return said


def test_only_what_is_slow_for_a_second_is_said() -> None:
    assert told(*[0.5] * 200) == [None] * 200
    assert told(*[0.5] * 100, *[30.0] * 20, *[0.5] * 100) == [None] * 220
    said = told(*[1.9] * 100)
    assert said[79] is None
    assert said[85] == pytest.approx(1.9)
    # A column now and then is no less slow.
    pace = KernelPace()
    assert [pace.note(n, 3.0, 1, 1.0) for n in range(8)] == [False] * 7 + [True]


def test_it_does_not_come_and_go() -> None:
    said = told(*[1.2] * 200, *[0.95] * 400, *[0.5] * 200)
    assert said[199] == said[599] == pytest.approx(1.2)
    assert said[-1] is None


def test_what_brings_no_column_counts_with_the_next_that_does() -> None:
    pace = KernelPace()
    for n in range(400):
        pace.note(n * HOP_S / 4, 0.5 * HOP_S, 1 if n % 4 == 3 else 0, HOP_S)
    assert pace.slow_hops == pytest.approx(2.0)


def test_another_kernel_is_judged_anew() -> None:
    pace = KernelPace()
    for n, hops in enumerate([3.0] * 100 + [1.5] * 100):
        if n == 100:
            pace.begin()
        pace.note(n * HOP_S, hops * HOP_S, 1, HOP_S)
    assert pace.slow_hops == pytest.approx(1.5)
    pace.begin()
    for n in range(200, 300):
        pace.note(n * HOP_S, 0.95 * HOP_S, 1, HOP_S)
    assert pace.slow_hops is None


def test_the_engine_says_it_and_takes_it_back(
    bench: Bench,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    delays, compute = [1.5 * HOP_S], NumpyKernel.__call__

    def delayed(kernel: NumpyKernel, frames: Frames) -> Frames:
        time.sleep(delays[0])
        return compute(kernel, frames)

    monkeypatch.setattr(NumpyKernel, "__call__", delayed)
    bench.config = EngineConfig(MIC)
    bench.start().until(lambda s: s.state == "running" and bool(bench.sources))

    def hop_by_hop(condition: Callable[[EngineStatus], bool]) -> EngineStatus:
        deadline = time.monotonic() + 30.0
        while not condition(status := bench.engine.status()):
            assert time.monotonic() < deadline, status
            bench.write(np.zeros((HOP, 2), np.float32))
            bench.woken.wait(HOP_S)
            bench.woken.clear()
        return status

    before = bench.engine.status().revision
    slow = hop_by_hop(lambda s: s.slow_hops is not None)
    assert slow.slow_hops is not None
    assert slow.slow_hops > 1.4
    assert slow.revision > before
    assert slow.note.startswith("the kernel takes ")
    assert "of 12.5 ms), and sound is lost; a front-end with a longer hop" in slow.note
    delays[0] = 0.0
    assert hop_by_hop(lambda s: s.slow_hops is None).note == ""


def test_it_is_told_once_and_that_it_is_over() -> None:
    fast = EngineStatus("running", EngineConfig(MIC), mel=SIMLI)
    slow = replace(fast, slow_hops=1.9)
    said = Said()
    words = [said.news(status) for status in (fast, slow, slow, fast, fast)]
    assert words == [None, slow.note, None, "the kernel keeps up", None]
    assert slow.note.startswith("the kernel takes 1.9 × the hop (23.8 of 12.5 ms), and sound is ")
    building = replace(slow, is_building=True).note
    assert building.endswith("; a compiled one, which may keep up, is being built")
