"""What the latency panel says and paints, held against plain NumPy and against pixels."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from PyQt6.QtCore import QPointF
from PyQt6.QtGui import QColor, QGuiApplication, QPalette
from PyQt6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from visualizer.audio.capture import CaptureConfig
from visualizer.audio.source import SourceInfo
from visualizer.engine.columns import MelColumns
from visualizer.engine.config import EngineConfig
from visualizer.engine.latency import LatencyLog, ModelLog
from visualizer.engine.status import EngineStatus
from visualizer.mel.presets import preset_for
from visualizer.ui.panels.latency_charts import HistogramChart
from visualizer.ui.panels.latency_figures import (
    TREND_POINTS,
    budget,
    histogram,
    numbers_table,
    trend,
    trend_top,
    what_is_measured,
)
from visualizer.ui.panels.latency_panel import LatencyPanel
from visualizer.ui.picture.tints import MODEL_COLOUR, STAGE_COLOURS, alarm

MICROPHONE = SourceInfo("mic", "USB", "ALSA", 48_000, 2, 0.0083)
STATUS = EngineStatus(
    "running",
    EngineConfig(CaptureConfig("mic")),
    source=MICROPHONE,
    mel=preset_for("simli", 48_000),
    backend="eager",
    device="cpu",
)
NOW_S = 1000.0
HOP_MS = 12.5


def record(log: LatencyLog, at_s: float, draw_ms: float | None) -> None:
    """A column that waited 1 ms, took 0.5 ms and was over at `at_s`."""
    took_s = 0.0015 + (draw_ms or 0.0) / 1e3
    came = at_s - took_s
    columns = MelColumns(
        np.zeros((1, 2, 1), np.float32), 0, 1, came, came + 0.001, came + 0.0015, 0.0
    )
    log.record(columns, None if draw_ms is None else at_s)


def filled(draw_ms: float | None = 2.0, spike_ms: float | None = None) -> LatencyLog:
    """80 columns a second for a minute, with one spike 20 s before its end."""
    log = LatencyLog()
    for index in range(4800):
        spike = spike_ms is not None and index == 3200
        record(log, NOW_S - 60 + (index + 0.5) * 0.0125, spike_ms if spike else draw_ms)
    return log


def pixels(widget: QWidget) -> np.ndarray:
    """(height, width, 3)"""
    image = widget.grab().toImage()
    image = image.convertToFormat(image.Format.Format_RGB32)
    memory = image.constBits()
    assert memory is not None
    memory.setsize(image.sizeInBytes())
    return np.array(memory).reshape(image.height(), image.width(), 4)[:, :, 2::-1].astype(int)


def count(widget: QWidget, colour: QColor) -> int:
    return int((pixels(widget) == colour.getRgb()[:3]).all(axis=2).sum())


def test_no_spike_is_lost_in_the_last_minute() -> None:
    times_s = np.sort(np.random.default_rng(1).uniform(NOW_S - 70, NOW_S, 5000))
    stages_ms = np.random.default_rng(2).exponential(1.0, (5000, 4))
    stages_ms[2500] = (30.0, 40.0, np.nan, 70.0)
    seconds, maxima = trend(times_s, stages_ms, NOW_S, 0.0125)
    assert len(seconds) <= TREND_POINTS + 2
    step = seconds[1] - seconds[0]
    for middle, found in zip(seconds, maxima, strict=True):
        inside = np.abs(times_s - NOW_S - middle) <= step / 2
        expected = np.fmax.reduce(stages_ms[inside], axis=0) if inside.any() else np.full(4, np.nan)
        np.testing.assert_array_equal(found, expected)
    assert np.nanmax(maxima[:, 3]) == 70.0


def test_a_time_without_columns_is_a_break_in_the_line() -> None:
    times_s = np.array([NOW_S - 50.0, NOW_S - 10.0])
    _, maxima = trend(times_s, np.ones((2, 4)), NOW_S, 0.0125)
    assert np.isfinite(maxima[:, 0]).sum() == 2
    _, nothing = trend(np.empty(0), np.empty((0, 4)), NOW_S, 0.0125)
    assert np.isnan(nothing).all()


def test_the_strip_has_room_beyond_the_hop_and_an_end() -> None:
    assert trend_top(np.array([2.0, np.nan]), HOP_MS) == 1.25 * HOP_MS
    assert trend_top(np.array([26.0]), HOP_MS) == 2.25 * HOP_MS
    assert trend_top(np.array([900.0]), HOP_MS) == 4 * HOP_MS
    assert trend_top(np.full(3, np.nan), HOP_MS) == 1.25 * HOP_MS


def test_the_bins_hold_all_totals_and_the_hop_is_an_edge() -> None:
    totals = np.sort(np.random.default_rng(3).gamma(4.0, 0.5, 3000))
    totals[-2:] = (13.0, 400.0)
    counts, edges_ms = histogram(totals, HOP_MS)
    assert counts.sum() == 3000
    assert np.abs(edges_ms - HOP_MS).min() < 1e-9
    expected = [
        ((low <= totals) & (totals < high)).sum()
        for low, high in zip(edges_ms, [*edges_ms[1:-1], np.inf], strict=False)
    ]
    np.testing.assert_array_equal(counts, expected)
    assert counts[edges_ms[:-1] > HOP_MS - 1e-9].sum() == 2
    assert histogram(np.empty(0), HOP_MS)[0].sum() == 0


def test_the_text_names_what_is_not_in_the_numbers() -> None:
    text = what_is_measured(replace(STATUS, resampling_s=0.0021), ModelLog())
    for words in ("callback entry", "reports 8.3 ms", "2.1 ms", "light on the screen", "25.0 ms"):
        assert words in text
    assert "Model" not in text
    silent = replace(STATUS, source=replace(MICROPHONE, device_latency_s=None))
    assert "reports nothing" in what_is_measured(silent, ModelLog())
    assert "resampling" not in what_is_measured(silent, ModelLog())
    demo = replace(STATUS, source=SourceInfo("demo", "Demo", None, 48_000, 1, None))
    assert "there is no device" in what_is_measured(demo, ModelLog())
    assert "Nothing" in what_is_measured(EngineStatus("starting", STATUS.config), ModelLog())


def test_the_table_has_every_stage_and_every_loss() -> None:
    status = replace(
        STATUS,
        input_overflows=1,
        dropped_blocks=2,
        dropped_columns=3,
        gaps=4,
        lost_s=1.5,
        drift_ppm=-12.34,
    )
    rows = [line.split("\t") for line in numbers_table(status, filled()).splitlines()]
    cells = {row[0]: row[1:] for row in rows}
    assert cells["latency in ms"] == ["last", "p50", "p95", "p99", "max"]
    assert cells["wait"] == ["1.000"] * 5
    assert cells["draw"] == ["2.000"] * 5
    assert cells["total"] == ["3.500"] * 5
    assert cells["hop"] == ["12.500"]
    assert cells["kernel"] == ["eager on cpu"]
    assert cells["device"] == ["8.300"]
    assert (cells["overflows"], cells["drops"], cells["gaps"]) == (["1"], ["5"], ["4"])
    assert (cells["lost s"], cells["drift ppm"]) == (["1.500"], ["-12.3"])
    unpainted = numbers_table(status, filled(draw_ms=None))
    assert "draw\tnot measured" in unpainted
    assert "nan" not in unpainted


def test_the_budget_is_the_median_of_the_newest_columns() -> None:
    spent = budget(STATUS, filled(spike_ms=20.0))
    assert spent is not None
    assert spent.stages == pytest.approx({"wait": 1.0, "kernel": 0.5, "draw": 2.0})
    assert (spent.p50, spent.hop) == pytest.approx((3.5, HOP_MS))
    assert budget(STATUS, LatencyLog()) is None


def with_answers(log: LatencyLog, late_ms: float) -> LatencyLog:
    """And a minute of a model's answers, one each 32 ms, of which the last is behind.

    So was one of the first second, which is left out.
    """
    for index in range(1875):
        late = 40.0 if index in (10, 1874) else late_ms
        log.model.record(late, NOW_S - 60 + index * 0.032, 0.032)
    return log


def test_the_stage_of_a_model_is_in_the_table_and_the_text() -> None:
    assert "model" not in numbers_table(STATUS, filled())
    log = with_answers(filled(), 3.0)
    rows = [line.split("\t") for line in numbers_table(STATUS, log).splitlines()]
    cells = {row[0]: row[1:] for row in rows}
    assert cells["model"] == ["40.000", "3.000", "3.000", "3.000", "40.000"]
    assert cells["step of the model"] == ["32.000"]
    assert cells["answers of the model"] == ["1843"]
    assert cells["answers behind the next block"] == ["1"]
    assert "32 ms later" in what_is_measured(STATUS, log.model)


@pytest.fixture
def panel(qtbot: QtBot) -> LatencyPanel:
    panel = LatencyPanel(clock=lambda: NOW_S)
    qtbot.addWidget(panel)
    panel.resize(600, 700)
    panel.show()
    return panel


def test_the_bar_is_as_long_as_the_stages_are(panel: LatencyPanel) -> None:
    panel.show_latency(STATUS, filled())
    bar = pixels(panel.bar)
    row = bar[round(panel.fontMetrics().height() * 0.65)]
    hop_width = panel.bar.width() / 1.25
    for stage, took_ms in (("wait", 1.0), ("kernel", 0.5), ("draw", 2.0)):
        found = (row == STAGE_COLOURS[stage].getRgb()[:3]).all(axis=1).sum()
        assert found == pytest.approx(took_ms / HOP_MS * hop_width, abs=2)
    assert count(panel.bar, alarm(panel.palette())) == 0
    assert "draw 2.00" in panel.bar.text()
    assert "total 3.50 of 12.5 ms" in panel.bar.text()


def test_a_models_answers_are_on_the_bar_and_in_the_strip(panel: LatencyPanel) -> None:
    panel.show_latency(STATUS, filled())
    height = panel.bar.sizeHint().height()
    assert [count(w, MODEL_COLOUR) for w in (panel.bar, panel.trend)] == [0, 0]
    panel.show_latency(STATUS, with_answers(filled(), 5.0))
    assert panel.bar.sizeHint().height() > height
    words = "model 5.00 of 32 ms · p99 5.00 · behind 0.054 % of 1843 times"
    assert panel.bar.text().endswith(words)
    bar = pixels(panel.bar)[round(panel.fontMetrics().height() * 1.2)]
    found = np.flatnonzero((bar == MODEL_COLOUR.getRgb()[:3]).all(axis=1))
    hop_width = panel.bar.width() / 1.25
    assert found[0] == pytest.approx(1.5 / HOP_MS * hop_width, abs=2)
    assert np.ptp(found) == pytest.approx(5.0 / HOP_MS * hop_width, abs=2)
    assert count(panel.trend, MODEL_COLOUR) > 0
    panel.show_latency(STATUS, with_answers(filled(), 50.0))
    assert count(panel.bar, alarm(panel.palette())) > 100


def test_what_is_over_the_hop_is_red_everywhere(panel: LatencyPanel) -> None:
    red = alarm(panel.palette())
    panel.show_latency(STATUS, filled())
    assert [count(w, red) for w in (panel.bar, panel.trend, panel.histogram)] == [0, 0, 0]
    panel.show_latency(replace(STATUS, config_id=1), filled(spike_ms=20.0))
    assert count(panel.bar, red) == 0
    red_pixels = np.argwhere((pixels(panel.trend) == red.getRgb()[:3]).all(axis=2))
    assert len(red_pixels) > 10
    # One upright, 20 s before now.
    assert np.ptp(red_pixels[:, 1]) <= 3
    area = panel.trend.box.sceneBoundingRect()
    assert red_pixels[:, 1].mean() == pytest.approx(area.left() + area.width() * 2 / 3, abs=4)
    assert count(panel.histogram, red) > 0
    panel.show_latency(replace(STATUS, config_id=2), filled(draw_ms=14.0))
    assert count(panel.bar, red) > 100


def test_without_a_paint_the_panel_says_so(panel: LatencyPanel) -> None:
    panel.show_latency(STATUS, filled(draw_ms=None))
    assert "draw –" in panel.bar.text()
    assert count(panel.trend, STAGE_COLOURS["draw"]) == 0
    assert count(panel.trend, STAGE_COLOURS["wait"]) > 0


def test_before_the_first_column_there_is_nothing_and_no_error(panel: LatencyPanel) -> None:
    panel.grab()
    panel.show_latency(EngineStatus("starting", STATUS.config), LatencyLog())
    panel.grab()
    panel.show_latency(STATUS, LatencyLog())
    panel.grab()
    assert panel.bar.text() == "no column yet"


def test_the_numbers_are_copied(panel: LatencyPanel) -> None:
    log = filled()
    assert not panel.copy.isEnabled()
    panel.show_latency(STATUS, log)
    panel.copy.click()
    clipboard = QGuiApplication.clipboard()
    assert clipboard is not None
    assert clipboard.text() == numbers_table(STATUS, log)


def test_another_palette_and_a_larger_font_are_followed(panel: LatencyPanel) -> None:
    panel.show_latency(STATUS, filled())
    height = panel.trend.minimumHeight()
    light = QPalette(QColor("#f0f0f0"))
    assert count(panel.trend, light.windowText().color()) == 0
    panel.trend.setPalette(light)
    # The total's line, above all.
    assert count(panel.trend, light.windowText().color()) > 200
    font = panel.font()
    font.setPointSizeF(2 * font.pointSizeF())
    panel.trend.setFont(font)
    assert panel.trend.minimumHeight() > 1.8 * height


@pytest.mark.parametrize("totals_ms", [(1.0, 1.1, 1.2), (0.1, 6.0, 12.0), (9.0, 9.1, 30.0)])
def test_no_line_of_a_percentile_runs_through_the_label_of_another(
    qtbot: QtBot, totals_ms: tuple[float, float, float]
) -> None:
    chart = HistogramChart()
    qtbot.addWidget(chart)
    chart.resize(306, 154)
    chart.show()
    few, some, most = totals_ms
    chart.show_totals(np.repeat([few, some, most], [80, 17, 3]), HOP_MS / 1e3)
    chart.grab()
    lines = chart.percentiles
    labels = [line.label.mapRectToScene(line.label.boundingRect()) for line in lines]
    area = chart.box.sceneBoundingRect()
    for line, label in zip(lines, labels, strict=True):
        assert area.adjusted(-1, -1, 1, 1).contains(label)
        for other in lines:
            # Its painted part, by its upper end.
            end = chart.box.mapViewToScene(QPointF(other.value(), 0)).x()
            top = area.top() + (1 - other.span[1]) * area.height()
            crosses = label.left() + 1 < end < label.right() and top < label.bottom() - 1
            assert not (other is not line and crosses)
    assert not any(a.intersects(b.adjusted(1, 1, -1, -1)) for a, b in pairwise(labels))
