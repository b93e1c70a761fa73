"""All keys on one sheet."""

from __future__ import annotations

import html
from collections.abc import Sequence

from PyQt6.QtCore import QEvent, QSize
from PyQt6.QtGui import QIcon, QKeyEvent
from PyQt6.QtWidgets import QDialog, QDialogButtonBox, QFrame, QTextBrowser, QVBoxLayout, QWidget

KeyGroups = Sequence[tuple[str, Sequence[tuple[str, str]]]]
"""(group, its (keys, what they do))"""

_SCREEN_SHARE = 0.9
_WIDTH = 70
"""Of the sheet, in characters."""


class KeySheet(QDialog):
    """Leaves the window usable; closes with Esc, with ? and with its button."""

    def __init__(self, groups: KeyGroups, parent: QWidget | None = None) -> None:
        self.text = QTextBrowser()
        super().__init__(parent)
        self.setWindowTitle("Keys")
        self.setAccessibleName("Keys")
        self.text.setAccessibleName("All keys")
        self.text.setToolTip("All keys, by topic")
        self.text.setFrameShape(QFrame.Shape.NoFrame)
        rows = "".join(_rows(group, keys) for group, keys in groups)
        self.text.setHtml(f"<table cellspacing='2'>{rows}</table>")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        close = buttons.button(QDialogButtonBox.StandardButton.Close)
        assert close is not None
        # The style's icon is black, also on a dark button.
        close.setIcon(QIcon())
        close.setToolTip("Close this sheet (Esc or ?)")
        close.setAccessibleName("Close")
        buttons.rejected.connect(self.close)
        layout = QVBoxLayout(self)
        layout.addWidget(self.text, 1)
        layout.addWidget(buttons)

    def sizeHint(self) -> QSize:
        # A text asks for little by itself; here all keys are to be seen where they fit.
        document, screen = self.text.document(), self.screen()
        assert document is not None
        copy = document.clone()
        assert copy is not None
        copy.setTextWidth(_WIDTH * self.fontMetrics().averageCharWidth())
        text, layout = self.text.sizeHint(), super().sizeHint()
        wanted = copy.size().toSize() + layout - QSize(0, text.height())
        if screen is None:
            return wanted
        return wanted.boundedTo(screen.availableGeometry().size() * _SCREEN_SHARE)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        if event is not None and event.text() == "?":
            self.close()
            return
        super().keyPressEvent(event)

    def changeEvent(self, event: QEvent | None) -> None:
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.FontChange:
            # With a style sheet, widgets do not inherit it.
            self.text.setFont(self.font())
            self.adjustSize()


def _rows(group: str, keys: Sequence[tuple[str, str]]) -> str:
    rows = [f"<tr><td colspan='2'><h3>{html.escape(group)}</h3></td></tr>"]
    for key, what in keys:
        cells = f"<td><b>{html.escape(key)}</b>&nbsp; </td><td>{html.escape(what)}</td>"
        rows.append(f"<tr>{cells}</tr>")
    return "".join(rows)
