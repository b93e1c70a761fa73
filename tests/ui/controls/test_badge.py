from __future__ import annotations

from dataclasses import replace

from pytestqt.qtbot import QtBot

from visualizer.audio.capture import CaptureConfig
from visualizer.engine.config import EngineConfig
from visualizer.engine.status import EngineStatus
from visualizer.mel.kernels.timing import Timing
from visualizer.ui.controls.badge import KernelBadge

STATUS = EngineStatus("running", EngineConfig(CaptureConfig("demo")), backend="eager", device="cpu")


def test_the_badge_says_what_was_measured_and_nothing_before(qtbot: QtBot) -> None:
    badge = KernelBadge()
    qtbot.addWidget(badge)
    badge.show_status(STATUS)
    assert badge.isHidden()
    timings = (Timing("eager", 150, 60.4, 99.9, 12.5), Timing("compiled", 150, 12.3, 45.6, 12.5))
    badge.show_status(replace(STATUS, backend="compiled", deviation=1.23e-7, timings=timings))
    assert not badge.isHidden()
    assert badge.text() == "compiled: 1.2e-07 off float64"
    assert "eager: p50 60 µs, p99 100 µs, called once every 12.5 ms" in badge.toolTip()
    assert "compiled: p50 12 µs, p99 46 µs" in badge.toolTip()
    badge.show_status(replace(STATUS, deviation=None))
    assert badge.isHidden()


def test_the_badge_says_why_nothing_better_runs(qtbot: QtBot) -> None:
    badge = KernelBadge()
    qtbot.addWidget(badge)
    note = "there is no C++ compiler; install g++ or clang++"
    badge.show_status(replace(STATUS, deviation=2e-7, kernel_note=note))
    assert f"eager runs: {note}" in badge.toolTip()
