"""What the plates on the picture say, and how much of it they cover."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from PyQt6.QtCore import QRectF, Qt
from pytestqt.qtbot import QtBot

from visualizer.audio.capture import CaptureConfig
from visualizer.audio.source import SourceInfo
from visualizer.engine.columns import MelColumns
from visualizer.engine.config import EngineConfig
from visualizer.engine.latency import LatencyLog
from visualizer.engine.status import EngineStatus
from visualizer.mel.presets import preset_for
from visualizer.ui.picture.overlay import Line, TextPlate, latency_lines, short_latency_lines
from visualizer.ui.picture.tints import ALARM, DIM, TEXT

HOP_MS = 12.5
READING = "−0.512 s · mel 45 of 80: 1234 to 1345 Hz, peak 1290 Hz · −23.4 dB · and more of it"


def status_of(device_s: float) -> EngineStatus:
    return EngineStatus(
        "running",
        EngineConfig(CaptureConfig("mic")),
        source=SourceInfo("mic", "USB", "ALSA", 48_000, 2, device_s),
        mel=preset_for("simli", 48_000),
    )


def log_of(*totals_ms: float) -> LatencyLog:
    log = LatencyLog()
    for total_ms in totals_ms:
        columns = MelColumns(np.zeros((1, 80, 1), np.float32), 0, 1, 0.0, 0.0, 0.0, 0.0)
        log.record(columns, total_ms / 1e3)
    return log


@pytest.mark.parametrize("total_ms", [0.5, 99.99, 999.99, 999.996, 1000.0, 12_345.6, 600_000.0])
def test_numbers_stand_under_their_headings(total_ms: float) -> None:
    lines = [
        line.text + line.alarm
        for line in latency_lines(status_of(total_ms / 1e3), log_of(total_ms))
    ]
    headings = [match.end() for match in re.finditer(r"\S+", lines[0])][2:]
    for stage in ("draw", "total"):
        [line] = [line for line in lines if line.startswith(stage)]
        words = list(re.finditer(r"\S+", line))[1:]
        assert [word.end() for word in words] == headings
        assert all(float(word[0]) == pytest.approx(total_ms, rel=0.01) for word in words)
    [device] = [line for line in lines if line.startswith("device")]
    assert re.search(r"^device +[\d.]+  as reported$", device)


def test_a_model_has_a_line_and_how_often_it_was_behind_in_red_while_it_is() -> None:
    status, log = status_of(0.01), log_of(1.0)
    assert not any("model" in line.text for line in latency_lines(status, log))
    for index in range(101):
        log.model.record(40.0 if index in (0, 8, 100) else 3.0, float(index), 0.032)
    lines = latency_lines(status, log)
    [model] = [line for line in lines if line.text.startswith("model  ")]
    assert model.text.split() == ["model", "40.00", "3.00", "3.00"]
    assert model.alarm.split() == ["40.00"]
    assert lines[-1] == Line("model behind 2 of 100 times", ALARM)
    assert short_latency_lines(status, log)[-1] == lines[-1]
    log.model.record(3.0, 101.0, 0.032)
    log.model.lost = 7
    assert latency_lines(status, log)[-1] == Line("model behind 2 of 101 times · lost 7", DIM)


def test_of_the_short_form_too_what_is_late_is_red() -> None:
    log = log_of(*[1.0] * 90, *[20.0] * 10)
    line, _ = short_latency_lines(status_of(0.01), log)
    assert line.text == "latency, ms · p50 1.00"
    assert line.alarm == " · p95 20.00 · p99 20.00"


@pytest.mark.parametrize("log", [log_of(), log_of(1.0)])
def test_the_short_form_tells_of_resampling(log: LatencyLog) -> None:
    status = status_of(0.01)
    assert status.source is not None
    status = replace(status, source=replace(status.source, resampled_from=44_100))
    said = "44100 → 48000 Hz, resampled by the sound server"
    for lines in (latency_lines(status, log), short_latency_lines(status, log)):
        assert said in [line.text for line in lines]


def placed(plate: TextPlate, width: float, height: float) -> QRectF:
    return plate.place(QRectF(0, 0, width, height), Qt.Corner.TopLeftCorner, 1.0)


def test_a_plate_that_would_cover_much_of_a_picture_is_short(qtbot: QtBot) -> None:
    plate = TextPlate()
    lines, short = [Line("x" * 40, TEXT)] * 9, [Line("short", TEXT)]
    plate.set_lines(lines, short)
    large = placed(plate, 1200, 600)
    for width, height in ((620, 280), (1200, 100)):
        small = placed(plate, width, height)
        assert small.height() < 0.5 * large.height()
        assert small.height() < 0.5 * height
    assert placed(plate, 1200, 600) == large
    plate.set_lines(lines)
    assert placed(plate, 620, 280) == large


def test_a_long_line_is_broken_at_its_dots(qtbot: QtBot) -> None:
    plate = TextPlate()
    plate.set_lines([Line(READING, TEXT)])
    whole = placed(plate, 1200, 600)
    broken = placed(plate, 500, 600)
    assert whole.width() > 500
    # Beside it there is room for the button that goes back to now.
    assert broken.width() < 420
    assert broken.height() > whole.height()
