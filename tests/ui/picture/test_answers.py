"""What a model answers, on the screen: its lane, over the picture, read and marked."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from PyQt6.QtCore import QPoint, QTimer
from PyQt6.QtGui import QGuiApplication, QImage, QPainter, QPalette
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from tests.models.made_up import RATE_HZ, made_up
from tests.ui.helpers import click, drag, hear, screen_pixels, view_of
from visualizer.audio.capture import CaptureConfig
from visualizer.engine.columns import MelColumns
from visualizer.engine.config import EngineConfig
from visualizer.engine.history import SoundHistory
from visualizer.engine.status import EngineStatus
from visualizer.mel.presets import preset_for
from visualizer.mel.stream import MelStream
from visualizer.models.answers import Answers, ModelStatus
from visualizer.models.contract import Output
from visualizer.ui.picture.answer_overlay import AnswerOverlay
from visualizer.ui.picture.answers import ShownAnswers
from visualizer.ui.picture.display import DisplayConfig
from visualizer.ui.picture.spectrogram import MARK_COLOURS, colour_table
from visualizer.ui.picture.tints import CURVE_COLOURS, GAP
from visualizer.ui.picture.viewer import Viewer
from visualizer.ui.window import Window

SPAN_S = 4.0
LABELS = ("speech", "music", "rain")
SPEC = made_up(
    Output("speech", "probability"),
    Output("pitch", unit="Hz", range=(0, 400)),
    Output("tags", "classes", labels=LABELS),
    Output("words", "text"),
)
GRID = SPEC.grid(None)
BEGAN, LOST = 16, range(94, 100)
"""of the answers: the first, and those that never came"""


def answer(k: int, stream_id: int = 1) -> Answers:
    """Speech from 1 to 2 s, of 200 Hz."""
    is_speech = 1.0 <= GRID.middle_s(k) < 2.0
    numbers = [0.9, 200, 1, 0.5, 0] if is_speech else [0.1, np.nan, 0, 0.25, 0.75]
    words = "a long word" if k == 40 else ""
    return Answers(k, np.float32([numbers]), ((words,),), stream_id, 0.0, 0.0, GRID)


def pixels(image: QImage) -> np.ndarray:
    """(height, width) 0xffRRGGBB."""
    image = image.convertToFormat(QImage.Format.Format_RGB32)
    memory = image.constBits()
    assert memory is not None
    memory.setsize(image.sizeInBytes())
    return np.array(memory).view(np.uint32).reshape(image.height(), image.width())


@pytest.fixture
def viewer(qtbot: QtBot) -> Iterator[Viewer]:
    """Four seconds of noise, frozen, with a model's answers."""
    viewer = Viewer(DisplayConfig(span_s=SPAN_S))
    qtbot.addWidget(viewer)
    viewer.resize(900, 600)
    with qtbot.waitExposed(viewer):
        viewer.show()
    mel, sound = preset_for("simli", RATE_HZ), SoundHistory(RATE_HZ, 1)
    samples = np.random.default_rng(2).normal(0, 0.1, (5 * RATE_HZ, 1)).astype(np.float32)
    sound.append(0, samples)
    config = EngineConfig(CaptureConfig("demo"))
    viewer.begin(EngineStatus("running", config, mel=mel, sound=sound, stream_id=1), sound)
    viewer.append(MelColumns(MelStream(mel, RATE_HZ, 1).push(samples), 0, 1, 0.0, 0.0, 0.0, 0.0))
    viewer.stack.show_until(SPAN_S)
    yield viewer
    viewer.tracks.close()


def follow(viewer: Viewer) -> None:
    viewer.follow_model(ModelStatus("running", "made-up", SPEC, GRID, 1))
    end = GRID.index_at(SPAN_S) + 1
    viewer.add_answers(answer(k) for k in range(BEGAN, end) if k not in LOST)


def x_of(viewer: Viewer, moment_s: float) -> int:
    return int(viewer.stack.model.plot.width() * moment_s / SPAN_S)


def lane_pixels(viewer: Viewer) -> np.ndarray:
    return pixels(viewer.stack.model.plot.grab().toImage())


def picture_pixels(viewer: Viewer) -> np.ndarray:
    return pixels(viewer.stack.pictures[0].view.grab().toImage())


def bare_pixels(viewer: Viewer) -> np.ndarray:
    """The picture without what lies over it."""
    viewer.stack.pictures[0].view.set_overlay(None)
    bare = picture_pixels(viewer)
    viewer.stack.show_answers(viewer.stack.answers)
    return bare


def shaded_s(viewer: Viewer) -> tuple[float, float] | None:
    """From when to when the picture is not as without the model."""
    differs = np.flatnonzero((picture_pixels(viewer) != bare_pixels(viewer)).mean(axis=0) > 0.9)
    if len(differs) == 0:
        return None
    assert len(differs) == differs[-1] - differs[0] + 1
    pixel_s = SPAN_S / viewer.stack.pictures[0].view.width()
    return differs[0] * pixel_s, (differs[-1] + 1) * pixel_s


def test_answers_lie_under_the_picture_and_segments_over_it(viewer: Viewer) -> None:
    height = viewer.stack.pictures[0].height()
    assert not viewer.stack.model.isVisible()
    follow(viewer)
    QApplication.processEvents()
    plot, view = viewer.stack.model.plot, viewer.stack.pictures[0].view
    assert viewer.stack.model.isVisible()
    assert plot.mapTo(viewer, QPoint(0, 0)).x() == view.mapTo(viewer, QPoint(0, 0)).x()
    assert plot.width() == view.width()
    curves, classes, words = plot.sections
    seen, base = lane_pixels(viewer), plot.palette().color(QPalette.ColorRole.Base).rgb()
    for moment_s, share in ((1.5, 0.9), (2.5, 0.1)):
        row = round(plot.y_of(curves, share))
        assert CURVE_COLOURS[0].rgb() in seen[row - 1 : row + 2, x_of(viewer, moment_s)]
    # Before the model ran there is nothing but the thresholds, and what was lost is a gap.
    rows = slice(0, int(plot.place_of(curves).height()))
    lost_s = GRID.middle_s(LOST[len(LOST) // 2])
    assert (seen[rows, x_of(viewer, 0.3)] == base).mean() > 0.9
    assert (seen[rows, x_of(viewer, lost_s)] == GAP.rgb()).mean() > 0.9
    table, place = colour_table(viewer.display.colour_map), plot.place_of(classes)
    for n, share in enumerate((1.0, 0.5, 0.0)):
        row = int(place.top() + (n + 0.5) / len(LABELS) * place.height())
        assert seen[row, x_of(viewer, 1.5)] == table[int(share * 511)]
    word = plot.place_of(words).toRect()
    said = slice(x_of(viewer, GRID.middle_s(40)), x_of(viewer, GRID.middle_s(48)))
    assert (seen[word.top() + 2 : word.bottom(), said] != base).any()
    assert shaded_s(viewer) == pytest.approx((1.0 - 0.03, 2.0 + 0.03), abs=1.5 * GRID.period_s)
    viewer.follow_model(None)
    QApplication.processEvents()
    assert not viewer.stack.model.isVisible()
    assert viewer.stack.pictures[0].height() == height
    assert shaded_s(viewer) is None


def test_a_threshold_is_dragged_and_segments_follow(viewer: Viewer) -> None:
    follow(viewer)
    QApplication.processEvents()
    plot, clipboard = viewer.stack.model.plot, QGuiApplication.clipboard()
    assert clipboard is not None
    viewer.copy_segments()
    titles, segment = clipboard.text().splitlines()
    told = dict(zip(titles.split("\t"), segment.split("\t"), strict=True))
    assert (told["output"], told["threshold"]) == ("speech", "0.50")
    assert float(told["start_s"]) == pytest.approx(0.97, abs=GRID.period_s)
    assert float(told["duration_s"]) == pytest.approx(1.06, abs=2 * GRID.period_s)
    assert float(told["mean"]) == pytest.approx(0.85, abs=0.03)
    assert told["max"] == "0.900"

    def drag_to(share: float) -> None:
        answers = viewer.stack.answers
        assert answers is not None
        curves, now = plot.sections[0], answers.rules["speech"].threshold
        x, ends = plot.width() // 4, (plot.y_of(curves, now), plot.y_of(curves, share))
        drag(plot, *(QPoint(x, round(y)) for y in ends))
        assert answers.rules["speech"].threshold == pytest.approx(share, abs=0.02)

    shown = viewer.stack.shown
    drag_to(0.95)
    assert shaded_s(viewer) is None
    viewer.copy_segments()
    assert clipboard.text().splitlines() == [titles]
    for _ in range(10):
        viewer.move_threshold(-1)
    assert shaded_s(viewer) is not None
    # Elsewhere a drag moves the picture.
    assert viewer.stack.shown == shown
    low = plot.height() - 4
    drag(plot, QPoint(150, low), QPoint(50, low))
    assert viewer.stack.shown[1] > shown[1]
    # A model that is followed anew has the threshold that it had.
    viewer.follow_model(None)
    follow(viewer)
    assert viewer.stack.answers is not None
    assert viewer.stack.answers.rules["speech"].threshold == pytest.approx(0.85, abs=0.02)


def test_answers_are_read_and_marked(viewer: Viewer) -> None:
    follow(viewer)
    QApplication.processEvents()
    plot, stack = viewer.stack.model.plot, viewer.stack
    place = QPoint(x_of(viewer, 1.5), plot.height() // 2)
    bare = picture_pixels(viewer)
    QTest.mouseMove(plot, place)
    assert stack.reading.text().endswith(
        "s · speech 0.90 · pitch 200 Hz · speech 1.00 · music 0.50 · rain 0.00"
    )
    line = (picture_pixels(viewer)[:, place.x()] != bare[:, place.x()]).mean()
    assert line > 0.3
    QTest.mouseMove(plot, QPoint(x_of(viewer, 0.2), place.y()))
    assert stack.reading.text().endswith("s · nothing")
    # The same on the picture, and where a marker is put from the lane.
    QTest.mouseMove(stack.pictures[0].view, QPoint(x_of(viewer, 2.5), 50))
    assert "made-up: speech 0.10 · pitch none" in stack.reading.text()
    click(plot, place)
    marked = viewer.inspector.marks.a
    assert marked is not None
    assert stack.lanes[0].grid.middle_s(marked.column) == pytest.approx(1.5, abs=0.02)
    x = x_of(viewer, stack.lanes[0].grid.middle_s(marked.column))
    is_line = (lane_pixels(viewer)[:, x - 1 : x + 2] == MARK_COLOURS["A"].rgb()).any(axis=1)
    assert is_line.mean() > 0.5


def test_a_stream_that_begins_has_no_answers_of_the_one_before(viewer: Viewer) -> None:
    follow(viewer)
    sound = SoundHistory(RATE_HZ, 1)
    config = EngineConfig(CaptureConfig("demo"))
    mel = viewer.stack.lanes[0].mel
    viewer.begin(EngineStatus("running", config, mel=mel, sound=sound, stream_id=2), sound)
    assert not viewer.stack.model.isVisible()
    # One that comes late is of the stream before.
    viewer.add_answers([answer(200)])
    assert not viewer.stack.model.isVisible()
    viewer.follow_model(ModelStatus("running", "made-up", SPEC, GRID, 2))
    assert viewer.stack.answers is not None
    assert viewer.stack.answers.bounds() == (0, 0)


@pytest.mark.parametrize("preset", ["simli", "fcpe", "full-band", "birdnet-low"])
def test_a_pitch_is_drawn_where_it_is_heard(preset: str) -> None:
    """On mel rows of both kinds, on linear ones, and on ones that fall."""
    mel, height = preset_for(preset, 48_000), 700
    hz = mel.rows.middle_hz(2 * mel.n_rows // 5)
    tone = np.sin(2 * np.pi * hz * np.arange(48_000) / 48_000).astype(np.float32)
    columns = MelStream(mel, 48_000, 1).push(tone[:, np.newaxis])[0]
    loudest = int(columns[:, columns.shape[1] // 2].argmax())
    assert loudest == 2 * mel.n_rows // 5
    shown = ShownAnswers(SPEC, GRID, 1, {})
    shown.add(Answers(0, np.float32([[0, hz, 0, 0, 0]] * 20), ((),) * 20, 1, 0.0, 0.0, GRID))
    image = QImage(100, height, QImage.Format.Format_RGB32)
    image.fill(0)
    painter = QPainter(image)
    overlay = AnswerOverlay(shown, mel.rows)
    overlay.draw(painter, height, mel.n_rows, (0.0, 0.6), lambda moment_s: 100 * moment_s / 0.6)
    painter.end()
    drawn = np.flatnonzero(pixels(image)[:, 50] & 0xFFFFFF)
    middle = height * (1 - (loudest + 0.5) / mel.n_rows)
    assert drawn.mean() + 0.5 == pytest.approx(middle, abs=1.0)


def test_what_is_painted_bit_by_bit_is_as_if_painted_at_once(noisy: Window, qtbot: QtBot) -> None:
    viewer, random = noisy.viewer, np.random.default_rng(8)
    status = noisy.engine_status()
    assert status is not None
    stream_id = status.stream_id
    # An answer is as wide as a few pixels.
    viewer.show_in(span_s=5.0)
    viewer.follow_model(ModelStatus("running", "made-up", SPEC, GRID, stream_id))
    told = 0

    def tell() -> None:
        """What is due, some of it late."""
        nonlocal told
        sound = viewer.tracks.sound
        assert sound is not None
        end = GRID.index_at(sound.end / RATE_HZ) - int(random.integers(0, 4))
        for k in range(told, end):
            is_on = k // 11 % 2 == 0
            numbers = [0.9, 200 + k % 11 * 15, 0, 0, 0] if is_on else [0.1, np.nan, 0, 0, 0]
            if k % 40 != 39:
                word = "more of it than there is room for" if k % 20 == 0 else ""
                one = Answers(k, np.float32([numbers]), ((word,),), stream_id, 0.0, 0.0, GRID)
                viewer.add_answers([one])
        told = max(told, end)

    timer = QTimer()
    timer.timeout.connect(tell)
    timer.start(15)
    hear(noisy, qtbot, 1.0)
    # From here on nothing has it painted anew: what is seen was moved there bit by bit.
    noisy._texts.stop()
    hear(noisy, qtbot, 2.4)
    timer.stop()
    noisy._bridge.woken.disconnect()
    view, plot = view_of(noisy), viewer.stack.model.plot
    for widget in (view, plot):
        whole = pixels(widget.grab().toImage())

        def is_same(widget: QWidget = widget, whole: np.ndarray = whole) -> bool:
            seen = screen_pixels(noisy, widget).astype(np.uint32)
            rgb = seen[..., 0] << 16 | seen[..., 1] << 8 | seen[..., 2]
            return bool((rgb == whole & 0xFFFFFF).all())

        qtbot.waitUntil(is_same)
    answers = viewer.stack.answers
    assert answers is not None
    assert answers.segments("speech", *viewer.stack.shown)
