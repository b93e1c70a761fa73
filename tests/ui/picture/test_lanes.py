"""Several pictures over one sound: two front-ends, their difference, channels, and what was heard
before a choice."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QScrollArea
from pytestqt.qtbot import QtBot

from tests.ui.helpers import (
    EMPTY,
    RATE_HZ,
    WAIT_MS,
    assert_shows_its_columns,
    cells_on_screen,
    click,
    columns_in_view,
    freeze,
    hear,
    hear_on,
    heard_columns,
    make_window,
    move_mouse_away,
    newest_index,
    noise_file,
    pick,
    picture_pixels,
    press,
    running,
    tones_file,
    view_of,
)
from visualizer.audio.capture import CaptureConfig
from visualizer.engine.config import EngineConfig
from visualizer.engine.tracks import Track
from visualizer.mel.presets import preset_for
from visualizer.ui.controls.settings import Settings
from visualizer.ui.picture.display import DisplayConfig
from visualizer.ui.window import Window


def assert_equals_the_heard(window: Window, track: Track, channel: int | None = None) -> None:
    """All columns of a track are those of a stream of its own over the kept sound."""
    heard = heard_columns(window, track.mel, channel)
    first, end = track.columns.first, min(track.columns.end, len(heard))
    assert end - first > 40
    np.testing.assert_allclose(
        track.columns.between(first, end), heard[first:end], rtol=1e-3, atol=1e-5
    )


def test_a_new_front_end_shows_what_was_heard_before(noisy: Window, qtbot: QtBot) -> None:
    hear(noisy, qtbot, 2.5)
    for name in ("librosa", "kaldi"):
        chosen_at_s = newest_index(noisy) * noisy.viewer.tracks.first[0].mel.hop_s
        pick(noisy.controls.preset, name, qtbot)
        qtbot.waitUntil(lambda name=name: noisy.viewer.tracks.first[0].mel.name == name)
        track = noisy.viewer.tracks.first[0]
        qtbot.waitUntil(lambda t=track: t.columns.end > 0 and t.columns.first == 0)
        assert track.columns.end * track.mel.hop_s > chosen_at_s - 0.1
        freeze(noisy, qtbot)
        assert_equals_the_heard(noisy, track)
        # Not only kept, but seen, up to the oldest: no empty pixel is left of now.
        for _ in range(2):
            qtbot.waitUntil(lambda: assert_shows_its_columns(noisy))
            assert not (cells_on_screen(noisy)[columns_in_view(noisy) >= 0] == EMPTY).all(2).any()
            press(noisy, "Home")
        press(noisy, "End")


def test_a_front_end_picked_while_frozen_redraws_the_very_place(
    noisy: Window, qtbot: QtBot
) -> None:
    hear(noisy, qtbot, 2.5)
    press(noisy, "Left")
    shown, before = noisy.stack.shown, picture_pixels(noisy)
    pick(noisy.controls.preset, "librosa", qtbot)
    qtbot.waitUntil(lambda: len(noisy.viewer.tracks.first[0].columns.between(0, 1)[0]) == 128)
    qtbot.waitUntil(lambda: (picture_pixels(noisy) != before).any())
    assert noisy.frozen
    assert noisy.stack.shown == shown
    qtbot.waitUntil(lambda: noisy.viewer.tracks.first[0].columns.first == 0, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: assert_shows_its_columns(noisy))
    assert_equals_the_heard(noisy, noisy.viewer.tracks.first[0])


def test_a_second_front_end_lies_below_over_the_same_time(noisy: Window, qtbot: QtBot) -> None:
    hear(noisy, qtbot, 1.2)
    pick(noisy.controls.second, "simli-librosa", qtbot)
    assert [lane.title for lane in noisy.stack.lanes] == ["simli", "simli-librosa"]
    assert Settings().display_config().second == "simli-librosa"
    second = noisy.viewer.tracks.second[0]
    qtbot.waitUntil(lambda: abs(second.columns.end - newest_index(noisy)) < 10)
    hear_on(noisy, qtbot, 0.3)
    freeze(noisy, qtbot)
    qtbot.waitUntil(lambda: second.columns.end >= columns_in_view(noisy)[-1])
    views = [view_of(noisy, lane) for lane in (0, 1)]
    lefts = [view.mapTo(noisy, QPoint(0, 0)).x() for view in views]
    assert (lefts[0], views[0].width()) == (lefts[1], views[1].width())
    assert views[1].mapTo(noisy, QPoint(0, 0)).y() > views[0].mapTo(noisy, QPoint(0, 0)).y()
    for lane in (0, 1):
        qtbot.waitUntil(lambda lane=lane: assert_shows_its_columns(noisy, lane))
    assert second.columns.first == 0
    assert_equals_the_heard(noisy, second)
    assert_equals_the_heard(noisy, noisy.viewer.tracks.first[0])
    pick(noisy.controls.second, "none", qtbot)
    assert len(noisy.stack.pictures) == 1
    qtbot.waitUntil(lambda: assert_shows_its_columns(noisy))


def test_a_mark_in_one_lane_is_a_line_in_the_other(noisy: Window, qtbot: QtBot) -> None:
    pick(noisy.controls.second, "librosa", qtbot)
    hear(noisy, qtbot, 1.2)
    freeze(noisy, qtbot)
    lower = view_of(noisy, 1)
    click(lower, QPoint(lower.width() // 2, lower.height() // 2))
    move_mouse_away(noisy, qtbot)
    assert "of 128" in noisy.stack.reading.text()

    def seen() -> bool:
        shares = [
            (picture_pixels(noisy, lane) == (0x5A, 0xD1, 0xFF)).all(axis=2).mean(axis=0).max()
            for lane in (0, 1)
        ]
        # Dotted in the lane that it does not lie in.
        return 0.2 < shares[0] < 0.8 * shares[1]

    qtbot.waitUntil(seen)


def test_the_difference_is_a_lane_where_shapes_agree(noisy: Window, qtbot: QtBot) -> None:
    hear(noisy, qtbot, 1.2)
    pick(noisy.controls.second, "simli-librosa", qtbot)
    press(noisy, "D")
    assert [lane.title for lane in noisy.stack.lanes][2:] == ["simli less simli-librosa"]
    lane = noisy.stack.lanes[2]
    qtbot.waitUntil(lambda: lane.columns.end > 80)
    tracks = noisy.viewer.tracks
    units = [lane.unit for lane in noisy.stack.lanes[:2]]
    heard = [
        unit(heard_columns(noisy, track.mel))
        for unit, track in zip(units, (tracks.first[0], tracks.second[0]), strict=True)
    ]
    n = min(lane.columns.end, *map(len, heard))
    # Both have their windows around the same moments.
    assert tracks.first[0].mel.cell_start_s == tracks.second[0].mel.cell_start_s
    np.testing.assert_allclose(
        lane.columns.between(0, n), heard[0][:n] - heard[1][:n], rtol=1e-3, atol=1e-2
    )
    # What does not differ is dark; louder in the one is of another colour than in the other.
    freeze(noisy, qtbot)
    on_screen = cells_on_screen(noisy, 2)[20:-20, 30:50].astype(int)
    first = columns_in_view(noisy, 2)[20]
    values = lane.columns.between(int(first), int(first) + len(on_screen))[:, 30:50]
    redness = on_screen[:, :, 0] - on_screen[:, :, 2]
    assert np.corrcoef(redness.ravel(), values.ravel())[0, 1] > 0.9
    press(noisy, "D")
    assert len(noisy.stack.lanes) == 2


def test_where_shapes_differ_there_is_a_reason_instead(noisy: Window, qtbot: QtBot) -> None:
    press(noisy, "D")
    assert not noisy.banner.isVisible()
    pick(noisy.controls.second, "full-band", qtbot)
    assert len(noisy.stack.lanes) == 2
    assert noisy.banner.isVisible()
    bands = preset_for("full-band", RATE_HZ).n_rows
    assert noisy.banner.text() == (
        f"there is no simli less full-band: they have 80 and {bands} bands"
    )


def test_channels_side_by_side_have_a_lane_each(tmp_path: Path, qtbot: QtBot) -> None:
    sound = CaptureConfig("file", path=str(tones_file(tmp_path, 440.0, 3000.0)))
    window = make_window(EngineConfig(sound), display=DisplayConfig(span_s=1.0))
    with running(window, qtbot):
        press(window, "L")
        hear(window, qtbot, 0.5)
        pick(window.controls.channel, "each", qtbot)
        qtbot.waitUntil(lambda: len(window.stack.lanes) == 2)
        qtbot.waitUntil(lambda: window.viewer.tracks.first[0].columns.end > 100)
        freeze(window, qtbot)
        mel = preset_for("simli", RATE_HZ)
        bands = [int(mel.rows.position(hertz)) for hertz in (440.0, 3000.0)]
        for lane in (0, 1):
            assert window.stack.lanes[lane].title == f"simli · channel {lane + 1}"
            own, others = (
                cells_on_screen(window, lane)[20:-20, band].sum(axis=1).mean()
                for band in (bands[lane], bands[1 - lane])
            )
            assert own > 400
            assert others < 60
            assert_equals_the_heard(window, window.viewer.tracks.first[lane], lane)
        # A second front-end comes for each channel.
        pick(window.controls.second, "librosa", qtbot)
        titles = [lane.title for lane in window.stack.lanes]
        assert titles[2:] == ["librosa · channel 1", "librosa · channel 2"]


def test_eighteen_channels_scroll_and_those_in_sight_are_drawn(
    tmp_path: Path, qtbot: QtBot
) -> None:
    path = tones_file(tmp_path, *(200.0 * k for k in range(1, 19)))
    sound = CaptureConfig("file", path=str(path))
    window = make_window(EngineConfig(sound, channel="each"), display=DisplayConfig(span_s=1.0))
    with running(window, qtbot):
        press(window, "L")
        window.resize(1280, 720)
        qtbot.waitUntil(lambda: len(window.stack.lanes) == 18, timeout=WAIT_MS)
        qtbot.waitUntil(lambda: window.viewer.tracks.first[0].columns.end > 100, timeout=WAIT_MS)
        freeze(window, qtbot)
        area = window.stack.findChild(QScrollArea)
        assert area is not None
        bar = area.verticalScrollBar()
        assert bar is not None
        assert bar.maximum() > 0
        rows = preset_for("simli", RATE_HZ).rows

        def brightest(window: Window, lane: int) -> int:
            cells = cells_on_screen(window, lane)[20:-20]
            return int(cells.sum(axis=2).mean(axis=0).argmax())

        def where(lane: int) -> float:
            return float(rows.position(200.0 * (lane + 1)))

        for lane in (0, 8, 17):
            picture = window.stack.pictures[lane]
            bar.setValue(picture.y())
            qtbot.waitUntil(lambda p=picture: not p.view.visibleRegion().isEmpty())
            assert picture.height() > 5 * window.fontMetrics().height()
            axis = picture.left
            assert len(axis.tickValues(0, 80, axis.size().height())[0][1]) > 1
            assert window.stack.lanes[lane].title == f"simli · channel {lane + 1}"
            qtbot.waitUntil(lambda n=lane: abs(brightest(window, n) - where(n)) < 2)
        # The plates are on the first and the last that are in sight.
        bar.setValue(bar.maximum())
        plates = [plate for plate, _ in window.stack.pictures[17].view.plates]
        assert window.stack.reading in plates
        assert window.stack.latency not in [p for p, _ in window.stack.pictures[0].view.plates]


def test_the_mean_of_some_channels_can_be_typed(tmp_path: Path, qtbot: QtBot) -> None:
    path = tones_file(tmp_path, *(200.0 * k for k in range(1, 7)))
    sound = CaptureConfig("file", path=str(path), loop=True)
    window = make_window(EngineConfig(sound))
    with running(window, qtbot):
        box = window.controls.channel
        QTest.mouseClick(box, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(box.list.isVisible)
        QTest.keyClicks(box.list.search, "nonsense")
        QTest.keyClick(box.list.search, Qt.Key.Key_Return)
        assert box.list.isVisible()
        box.list.search.clear()
        QTest.keyClicks(box.list.search, "6 + 5")
        QTest.keyClick(box.list.search, Qt.Key.Key_Return)
        assert not box.list.isVisible()
        qtbot.waitUntil(lambda: window.engine_status().config.channel == (4, 5))
        qtbot.waitUntil(lambda: box.currentText() == "5+6")
        # One that is not there is said, and what was in force goes on.
        window.controls.channel.picked.emit((6,))
        qtbot.waitUntil(lambda: "there is no channel 7" in window.banner.text())
        assert window.engine_status().config.channel == (4, 5)
        assert box.currentText() == "5+6"
        # So is one that the next sound lacks, which is shown as its mean.
        (tmp_path / "mono").mkdir()
        window.controls.play(tones_file(tmp_path / "mono", 440.0))
        qtbot.waitUntil(lambda: "channel 6; 'tones.wav' has channel 1" in window.banner.text())
        assert "instead: the mean of all channels" in window.banner.text()
        assert box.currentText() == "mean"


def test_a_second_front_end_comes_after_the_end_of_a_file(tmp_path: Path, qtbot: QtBot) -> None:
    """Nothing comes any more that would paint it by the way."""
    sound = CaptureConfig("file", path=str(noise_file(tmp_path, 1.2)))
    window = make_window(EngineConfig(sound), display=DisplayConfig(span_s=1.0))
    with running(window, qtbot):
        press(window, "L")
        qtbot.waitUntil(lambda: "ended" in window.status_line.label.text(), timeout=WAIT_MS)
        pick(window.controls.second, "simli-librosa", qtbot)
        qtbot.waitUntil(lambda: assert_shows_its_columns(window, 1))
        assert_equals_the_heard(window, window.viewer.tracks.second[0])


@pytest.mark.parametrize("frozen", [False, True], ids=["live", "frozen"])
def test_of_another_source_no_column_is_missing(
    noisy: Window, qtbot: QtBot, tmp_path: Path, frozen: bool
) -> None:
    """Also not where the window learns of the source and of its columns at once."""
    hear(noisy, qtbot, 1.2)
    if frozen:
        freeze(noisy, qtbot)
    before = noisy.engine_status()
    assert before is not None
    noisy.open_file(tones_file(tmp_path, 440.0, 3000.0))
    # No event is handled meanwhile.
    deadline = time.monotonic() + WAIT_MS / 1e3
    while True:
        status = noisy.engine_status()
        assert status is not None
        if status.config_id > before.config_id and status.columns > before.columns + 60:
            break
        assert time.monotonic() < deadline
        threading.Event().wait(0.01)
    qtbot.waitUntil(lambda: "tones.wav" in noisy.status_line.label.text(), timeout=WAIT_MS)
    hear(noisy, qtbot, 1.2)
    assert not noisy.frozen
    track = noisy.viewer.tracks.first[0]
    assert track.columns.first == 0
    assert not np.isnan(track.columns.between(0, track.columns.end)).any()
    assert_equals_the_heard(noisy, track)


def test_the_unit_is_said_as_far_as_there_is_room(noisy: Window, qtbot: QtBot) -> None:
    """Beside three low lanes there is less of it, and it ends in dots instead of being cut."""

    def units() -> list[str]:
        axes = [p._colour_bar.axis for p in noisy.stack.pictures]
        for axis in axes:
            seen = axis.mapRectFromItem(axis.label, axis.label.boundingRect())
            assert 0 <= seen.top() < seen.bottom() <= axis.size().height()
        return [axis.labelText for axis in axes]

    assert units() == ["dB re full-scale sine"]
    noisy.viewer.show_in(second="simli-librosa", difference=True)
    noisy.resize(820, 450)
    qtbot.waitUntil(lambda: len(units()) == 3 and units()[0].endswith("…"), timeout=WAIT_MS)
    noisy.viewer.show_in(second=None)
    qtbot.waitUntil(lambda: units() == ["dB re full-scale sine"], timeout=WAIT_MS)
