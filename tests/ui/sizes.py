"""A window of the program on the screen there is; prints what can be seen of it, as JSON.

    python -m tests.ui.sizes [X Y WIDTH HEIGHT, of the window that was stored]

A process of its own, since Qt takes its scale and its screen once.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

from PyQt6.QtCore import QPoint, QRect, QSize, Qt
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import (
    QAbstractButton,
    QComboBox,
    QLabel,
    QStyle,
    QStyleOptionComboBox,
    QWidget,
)

from tests.ui.helpers import make_window
from visualizer.audio.capture import CaptureConfig
from visualizer.engine.config import EngineConfig
from visualizer.ui.app import make_application
from visualizer.ui.controls.label import ElidedLabel
from visualizer.ui.controls.settings import Settings
from visualizer.ui.window import Window

DEADLINE_S = 30.0


def wait(condition: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < give_up_at
        QTest.qWait(20)


def on_screen(widget: QWidget) -> QRect:
    return QRect(widget.mapToGlobal(QPoint(0, 0)), widget.size())


def room_for_text(combo: QComboBox) -> int:
    option, style = QStyleOptionComboBox(), combo.style()
    combo.initStyleOption(option)
    assert style is not None
    kind, field = QStyle.ComplexControl.CC_ComboBox, QStyle.SubControl.SC_ComboBoxEditField
    return style.subControlRect(kind, option, field, combo).width()


def is_cut(widget: QWidget) -> bool:
    """Whether some of a widget's text cannot be read."""
    if isinstance(widget, ElidedLabel):
        return widget.shown() != widget.text()
    if isinstance(widget, QComboBox):
        text = widget.fontMetrics().horizontalAdvance(widget.currentText())
        return text > room_for_text(widget)
    least = widget.minimumSizeHint()
    return widget.width() < least.width() or widget.height() < least.height()


def name_of(widget: QWidget) -> str:
    text = getattr(widget, "text", str)()
    return widget.accessibleName() or text or type(widget).__name__


def controls_of(window: Window) -> list[QWidget]:
    return [
        widget
        for kind in (QComboBox, QAbstractButton, QLabel)
        for widget in window.controls.findChildren(kind)
        if widget.parentWidget() is window.controls
    ]


def look(window: Window) -> dict[str, object]:
    """What a person sees and reaches."""
    screen = window.screen()
    assert screen is not None
    room = screen.availableGeometry()
    view = window.stack.pictures[0].view
    newest = QRect(view.mapToGlobal(QPoint(view.width() - 1, 0)), QSize(1, view.height()))
    foot = [*window.status_line.findChildren(QWidget), window.stack.time_axis]
    seen = [widget for widget in (*controls_of(window), *foot) if widget.isVisible()]
    reached = {name_of(widget) for widget in seen}
    more = window.controls.more
    cut = {name_of(widget) for widget in seen if is_cut(widget)}
    [(_, plate)] = view._placed
    found: dict[str, object] = {
        "scale": window.devicePixelRatioF(),
        "window": list(window.frameGeometry().getRect()),
        "screen": list(room.getRect()),
        "the window is on the screen": room.contains(window.frameGeometry()),
        "the newest column is": room.contains(newest),
        "Record is": room.contains(on_screen(window.controls.record)),
        "plate's shares": [plate.width() / view.width(), plate.height() / view.height()],
        "picture's share": view.height() / window.height(),
    }
    if more.isVisible():
        QTest.mouseClick(more, Qt.MouseButton.LeftButton)
        wait(lambda: all(widget.isVisible() for widget in controls_of(window)))
        QTest.qWait(200)
        reached |= {name_of(w) for w in controls_of(window)}
        cut |= {name_of(widget) for widget in controls_of(window) if is_cut(widget)}
        found["Record stays"] = room.contains(on_screen(window.controls.record))
    outside = [w for w in controls_of(window) if w.isVisible() and not room.contains(on_screen(w))]
    missed = {name_of(w) for w in controls_of(window) if w is not more} - reached
    return {
        **found,
        "cut": sorted(cut),
        "outside": sorted(map(name_of, outside)),
        "missed": sorted(missed),
    }


def main() -> None:
    application = make_application(["test"])
    if place := [int(number) for number in sys.argv[1:]]:
        stored = QWidget()
        stored.setGeometry(*place)
        Settings().save_geometry(stored.saveGeometry())
    window = make_window(EngineConfig(CaptureConfig("demo")))
    window.show()
    # The badge of the kernel comes last, and then the numbers of the overlay.
    wait(window.status_line.badge.isVisible)
    wait(lambda: "–" not in window.stack.latency.text())
    QTest.qWait(300)
    print(json.dumps(look(window)))
    window.close()
    application.quit()


if __name__ == "__main__":
    main()
