"""Texts that may be of any length and hold anything: cut with a …, and never taken for markup."""

from __future__ import annotations

import html
import re

from PyQt6.QtCore import QSize, Qt
from PyQt6.QtGui import QPainter, QPaintEvent
from PyQt6.QtWidgets import QLabel


def shortened(text: str, length: int) -> str:
    """Return at most `length` characters, with both ends: names often differ at their end."""
    if len(text) <= length:
        return text
    tail = length // 3
    return f"{text[: length - tail - 1]}…{text[-tail:]}"


def plain_tip(text: str) -> str:
    """What a tool tip shows as just this text: of its own accord it takes a name for markup."""
    if not set(text) & {"<", "&"}:
        return text
    return f"<p style='white-space: pre-wrap'>{html.escape(text)}</p>"


def menu_text(text: str) -> str:
    """What a menu shows as this text: an ampersand would underline, and a tab begin a key."""
    return re.sub(r"\s", " ", text).replace("&", "&&")


class ElidedLabel(QLabel):
    """The whole text is its tool tip."""

    def __init__(self, text: str = "") -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setText(text)

    def setText(self, text: str | None) -> None:
        # The same would lay out the window again.
        if text != self.text():
            super().setText(text)
            self.setToolTip(plain_tip(text or ""))

    def minimumSizeHint(self) -> QSize:
        return QSize(0, super().minimumSizeHint().height())

    def shown(self) -> str:
        """As much of the text as there is room for."""
        return self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, self.width())

    def paintEvent(self, event: QPaintEvent | None) -> None:
        QPainter(self).drawText(self.rect(), Qt.AlignmentFlag.AlignVCenter, self.shown())
