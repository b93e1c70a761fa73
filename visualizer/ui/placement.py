"""Where the window stands: on its screen, whatever size is asked for or was stored."""

from __future__ import annotations

from PyQt6.QtCore import QMargins, QRect, Qt
from PyQt6.QtWidgets import QStyle, QWidget

_FILLING = Qt.WindowState.WindowMaximized | Qt.WindowState.WindowFullScreen


def keep_on_screen(window: QWidget) -> None:
    """Make a window no larger than its screen has room for, with its frame, and move it there.

    Call it before the window is shown, when its frame is guessed, and again once it is.
    """
    screen = window.screen()
    if screen is None or window.windowState() & _FILLING:
        return
    room, wanted = screen.availableGeometry().marginsRemoved(_frame(window)), window.geometry()
    fitting = QRect(wanted.topLeft(), wanted.size().boundedTo(room.size()))
    fitting.moveLeft(max(room.left(), min(fitting.left(), room.right() + 1 - fitting.width())))
    fitting.moveTop(max(room.top(), min(fitting.top(), room.bottom() + 1 - fitting.height())))
    if not (window.isVisible() or window.testAttribute(Qt.WidgetAttribute.WA_Moved)):
        # Nobody has said where: the window manager finds a place.
        window.resize(fitting.size())
    elif fitting != wanted:
        window.setGeometry(fitting)


def _frame(window: QWidget) -> QMargins:
    handle, style = window.windowHandle(), window.style()
    if window.isVisible() and handle is not None:
        return handle.frameMargins()
    title = style.pixelMetric(QStyle.PixelMetric.PM_TitleBarHeight) if style is not None else 0
    return QMargins(0, title, 0, 0)
