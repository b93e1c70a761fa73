"""Menus, files dragged in or opened again, and what assistive tools and large text need."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PyQt6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PyQt6.QtGui import QContextMenuEvent, QDragEnterEvent, QDropEvent
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QComboBox,
    QDockWidget,
    QMenu,
    QWidget,
)
from pytestqt.qtbot import QtBot

from tests.ui.helpers import (
    WAIT_MS,
    freeze,
    hear,
    make_window,
    press,
    running,
    screen_pixels,
    tones_file,
    view_of,
)
from visualizer.audio.capture import CaptureConfig
from visualizer.engine.config import EngineConfig
from visualizer.ui.controls.settings import Settings
from visualizer.ui.picture.display import DisplayConfig
from visualizer.ui.window import Window


def choose(window: Window, menu: QMenu, text: str, qtbot: QtBot) -> None:
    """Open a menu and click one of its lines."""
    action = next(action for action in menu.actions() if action.text() == text)
    menu.popup(window.mapToGlobal(QPoint(100, 100)))
    qtbot.waitUntil(menu.isVisible)
    QTest.mouseClick(menu, Qt.MouseButton.LeftButton, pos=menu.actionGeometry(action).center())
    qtbot.waitUntil(lambda: not menu.isVisible())


def test_one_theme_is_checked_at_a_time(qtbot: QtBot) -> None:
    sound = EngineConfig(CaptureConfig("demo"))
    window = make_window(sound, display=DisplayConfig(theme="dark"))
    with running(window, qtbot):
        themes = window.menus.menus["view.theme"]
        dark = screen_pixels(window, window.controls)

        def checked() -> list[str]:
            return [action.text() for action in themes.actions() if action.isChecked()]

        assert checked() == ["Dark"]
        for name in ("Light", "Dark", "Light"):
            choose(window, themes, name, qtbot)
            assert checked() == [name]
        qtbot.waitUntil(lambda: screen_pixels(window, window.controls).mean() > dark.mean() + 100)
        choose(window, themes, "System", qtbot)
        assert checked() == ["System"]
    assert Settings().display_config().theme == "system"


def test_the_right_button_offers_marks(noisy: Window, qtbot: QtBot) -> None:
    hear(noisy, qtbot, 1.2)
    freeze(noisy, qtbot)
    texts = [action.text().replace("&", "") for action in noisy._context.actions()]
    assert texts[:2] == ["Marker A", "Marker B"]
    view = view_of(noisy)
    QTest.mouseMove(view, QPoint(300, 200))
    where = QPoint(300, 200)
    reason = QContextMenuEvent.Reason.Mouse
    QApplication.sendEvent(view, QContextMenuEvent(reason, where, view.mapToGlobal(where)))
    qtbot.waitUntil(noisy._context.isVisible)
    action = noisy._context.actions()[0]
    QTest.mouseClick(
        noisy._context,
        Qt.MouseButton.LeftButton,
        pos=noisy._context.actionGeometry(action).center(),
    )
    marked = noisy.viewer.inspector.marks.a
    assert marked is not None
    assert abs(noisy.stack.pictures[0].view.cell(marked).center().x() - 300) < 10


def dropped(widget: QWidget, data: QMimeData) -> bool:
    """Drag something in and let it go over a widget; return whether it was taken."""
    # As Qt does it: what lies below is asked, first among those that accept drops at all.
    target: QWidget | None = widget
    while target is not None and not target.acceptDrops():
        target = target.parentWidget()
    if target is None:
        return False
    widget = target
    copy, no_key = Qt.DropAction.CopyAction, Qt.KeyboardModifier.NoModifier
    left, place = Qt.MouseButton.LeftButton, widget.rect().center()
    enter = QDragEnterEvent(place, copy, data, left, no_key)
    enter.ignore()
    QApplication.sendEvent(widget, enter)
    if not enter.isAccepted():
        return False
    drop = QDropEvent(QPointF(place), copy, data, left, no_key)
    drop.ignore()
    QApplication.sendEvent(widget, drop)
    return drop.isAccepted()


def test_a_file_dragged_in_plays_and_is_kept(noisy: Window, qtbot: QtBot, tmp_path: Path) -> None:
    path = tones_file(tmp_path, 440.0)
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    assert dropped(noisy.controls, data)
    assert dropped(view_of(noisy), data)
    qtbot.waitUntil(lambda: "tones.wav" in noisy.status_line.label.text(), timeout=WAIT_MS)
    names = [action.text() for action in noisy.recent.menu.actions()]
    assert names == ["tones.wav", "noise.wav"]
    assert Settings().recent_files()[0] == str(path)
    noisy.close()
    # Another run of the program offers it, and plays it again.
    again = make_window(EngineConfig(CaptureConfig("demo")))
    with running(again, qtbot):
        choose(again, again.recent.menu, "tones.wav", qtbot)
        qtbot.waitUntil(lambda: "tones.wav" in again.status_line.label.text(), timeout=WAIT_MS)
        status = again.engine_status()
        assert status is not None
        assert status.config.capture.path == str(path)


def test_what_is_not_one_file_is_not_taken(noisy: Window, tmp_path: Path) -> None:
    text, two, web = QMimeData(), QMimeData(), QMimeData()
    text.setText("not a file")
    two.setUrls([QUrl.fromLocalFile(str(tmp_path / name)) for name in ("a.wav", "b.wav")])
    web.setUrls([QUrl("https://example.org/a.wav")])
    for data in (text, two, web):
        assert not dropped(view_of(noisy), data)
        assert not dropped(noisy, data)


def test_all_that_can_be_worked_has_a_name_and_a_tip(noisy: Window, qtbot: QtBot) -> None:
    for keys in ("P", "S"):
        press(noisy, keys)
    freeze(noisy, qtbot)
    noisy.show_fault("for its button")
    worked = [
        widget
        for kind in (QAbstractButton, QComboBox, QDockWidget)
        for widget in noisy.findChildren(kind)
        if widget.isVisible()
    ]
    assert len(worked) > 15
    for widget in worked:
        what = f"{type(widget).__name__} {widget.objectName()!r} {widget.accessibleName()!r}"
        assert widget.accessibleName(), what
        # The two buttons in a panel's title are Qt's own, which gives them a name but no tip.
        if not widget.objectName().startswith("qt_dockwidget_"):
            assert widget.toolTip(), what


def test_twice_as_large_text_is_cut_off_nowhere(qtbot: QtBot, qapp: QApplication) -> None:
    usual = qapp.font()
    large = qapp.font()
    large.setPointSizeF(2 * usual.pointSizeF())
    qapp.setFont(large)
    try:
        window = make_window(EngineConfig(CaptureConfig("demo")))
        with running(window, qtbot):
            window.resize(1920, 1000)
            qtbot.waitUntil(lambda: (window.width(), window.height()) == (1920, 1000))
            qtbot.waitUntil(lambda: not window.status_line.badge.isHidden(), timeout=WAIT_MS)
            foot = [window.status_line.meter, window.status_line.label, window.status_line.badge]
            bar = [w for w in window.controls.children() if isinstance(w, QWidget)]
            assert len(bar) > 15
            widgets = [*foot, *bar, window.controls, window.stack.time_axis]

            def are_whole() -> None:
                for widget in widgets:
                    parent = widget.parentWidget()
                    assert parent is not None
                    what = f"{type(widget).__name__} {widget.accessibleName()!r}"
                    least = widget.minimumSizeHint()
                    assert widget.width() >= least.width(), what
                    assert widget.height() >= least.height(), what
                    assert parent.rect().contains(widget.geometry()), what

            qtbot.waitUntil(are_whole)
            axis = window.stack.time_axis
            metrics = axis.fontMetrics()
            assert metrics.height() > 25
            assert axis.height() >= 2 * metrics.height()
            # Ticks are far enough apart for their texts.
            ticks = axis.ticks()
            apart = np.diff([x for x, _ in ticks]).min()
            assert apart > max(metrics.horizontalAdvance(text) for _, text in ticks)
    finally:
        qapp.setFont(usual)
