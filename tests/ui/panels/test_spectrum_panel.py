"""The spectrum slice, read off its pixels."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
import pytest
from PyQt6.QtCore import QPointF
from pytestqt.qtbot import QtBot

from visualizer.engine.history import ColumnHistory
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.picture import PictureUnit
from visualizer.mel.presets import preset_for
from visualizer.ui.panels.spectrum_panel import SpectrumPanel
from visualizer.ui.picture.lanes import Lane

CONFIG = preset_for("simli", 48_000)
LEVELS = (-90.0, -10.0)
SILENCE = np.full(CONFIG.n_rows, -np.inf, np.float32)


def lane(mel: FrontEnd, label: str) -> Lane:
    columns, unit = ColumnHistory(mel.n_rows, mel.hop_s), PictureUnit.default(mel)
    return Lane("", mel, columns, unit, None, label, LEVELS)


@pytest.fixture
def panel(qtbot: QtBot) -> SpectrumPanel:
    panel = SpectrumPanel()
    qtbot.addWidget(panel)
    panel.resize(700, 400)
    panel.set_lane(lane(CONFIG, "dB"))
    panel.show()
    qtbot.waitExposed(panel)
    return panel


def curve_at(panel: SpectrumPanel, band: int, item: pg.PlotCurveItem) -> float | None:
    """The value at which the curve is painted over a band's middle; None where it is not."""
    colour = item.opts["pen"].color().getRgb()[:3]
    # Each curve by itself, since they cover each other.
    for curve in (panel.plot.curve, panel.plot.peaks):
        curve.setVisible(curve is item)
    image = panel.plot.grab().toImage()
    view = panel.plot.box
    middle = panel.plot.mapFromScene(view.mapViewToScene(QPointF(band + 0.5, 0.0)))
    area = panel.plot.mapFromScene(view.sceneBoundingRect()).boundingRect()
    rows = [
        y
        for y in range(area.top(), area.bottom())
        if image.pixelColor(middle.x(), y).getRgb()[:3] == colour
    ]
    if not rows:
        return None
    return float(view.mapSceneToView(panel.plot.mapToScene(0, round(np.mean(rows)))).y())


def test_the_curve_is_where_the_values_are(panel: SpectrumPanel) -> None:
    values = np.linspace(-80, -20, CONFIG.n_rows, dtype=np.float32)
    panel.show_values(values, LEVELS, "0.52 s before now")
    for band in (5, 40, 70):
        assert curve_at(panel, band, panel.plot.curve) == pytest.approx(values[band], abs=1.0)
    assert panel.title.text() == "0.52 s before now"


def test_a_gap_shows_nothing_and_silence_lies_at_the_bottom(panel: SpectrumPanel) -> None:
    values = SILENCE.copy()
    values[30:50] = np.nan
    panel.show_values(values, LEVELS, "now")
    assert curve_at(panel, 40, panel.plot.curve) is None
    assert curve_at(panel, 10, panel.plot.curve) == pytest.approx(LEVELS[0], abs=2.5)
    panel.show_values(np.full(CONFIG.n_rows, np.nan, np.float32), LEVELS, "now")
    assert curve_at(panel, 10, panel.plot.curve) is None


def test_peaks_stay_until_they_are_reset(panel: SpectrumPanel) -> None:
    for level in (-50.0, -30.0, -70.0):
        panel.show_values(np.full(CONFIG.n_rows, level, np.float32), LEVELS, "now")
    assert curve_at(panel, 40, panel.plot.curve) == pytest.approx(-70.0, abs=1.0)
    assert curve_at(panel, 40, panel.plot.peaks) == pytest.approx(-30.0, abs=1.0)
    # Columns between two looks count, gaps do not.
    panel.hold(np.repeat(np.array([[-45], [-20], [np.nan]], np.float32), CONFIG.n_rows, axis=1))
    panel.show_values(SILENCE, LEVELS, "now")
    assert curve_at(panel, 40, panel.plot.peaks) == pytest.approx(-20.0, abs=1.0)
    panel.reset.click()
    assert curve_at(panel, 40, panel.plot.peaks) is None
    panel.show_values(np.full(CONFIG.n_rows, -60.0, np.float32), LEVELS, "now")
    assert curve_at(panel, 40, panel.plot.peaks) == pytest.approx(-60.0, abs=1.0)


def test_another_front_end_begins_anew(panel: SpectrumPanel) -> None:
    panel.show_values(np.full(CONFIG.n_rows, -30.0, np.float32), LEVELS, "now")
    whisper = preset_for("whisper-128", 16_000)
    panel.set_lane(lane(whisper, "log10"))
    assert curve_at(panel, 40, panel.plot.peaks) is None
    assert panel.title.text() == "no column yet"
    panel.show_values(np.full(whisper.n_rows, 0.5, np.float32), (-1.0, 1.0), "now")
    assert curve_at(panel, 120, panel.plot.curve) == pytest.approx(0.5, abs=0.05)


def test_hertz_stand_at_their_mel_positions_and_not_on_each_other(panel: SpectrumPanel) -> None:
    axis = panel.plot.frequency_axis
    [(_, positions)] = axis.tickValues(0, CONFIG.n_rows, 600)
    labels = axis.tickStrings(positions, 1, 1)
    assert {"100", "1000", "5000"} <= set(labels)
    hertz = np.array([float(label) for label in labels])
    np.testing.assert_allclose(positions, CONFIG.rows.position(hertz))
    width = max(panel.fontMetrics().horizontalAdvance(label) for label in labels)
    assert np.diff(positions).min() * 600 / CONFIG.n_rows > width
