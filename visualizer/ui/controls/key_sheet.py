"""All keys on one sheet."""

from __future__ import annotations

from collections.abc import Sequence

from PyQt6.QtCore import QEvent, QSize, Qt
from PyQt6.QtGui import QIcon, QKeyEvent
from PyQt6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFrame,
    QGridLayout,
    QLabel,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

KeyGroups = Sequence[tuple[str, Sequence[tuple[str, str]]]]
"""(group, its (keys, what they do))"""

_SCREEN_SHARE = 0.9
_HEADING, _KEY = "heading", "key"


class KeySheet(QDialog):
    """Does not keep the window from being worked; closes with Esc, with ? and with its button."""

    def __init__(self, groups: KeyGroups, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setModal(False)
        self.setWindowTitle("Keys")
        self.setAccessibleName("Keys")
        self._body = QWidget()
        self._grid = QGridLayout(self._body)
        self._grid.setColumnStretch(1, 1)
        for group, keys in groups:
            self._add_group(group, keys)
        self._grid.setRowStretch(self._grid.rowCount(), 1)
        self.area = QScrollArea()
        self.area.setAccessibleName("All keys")
        self.area.setToolTip("All keys, by what they are about")
        self.area.setFrameShape(QFrame.Shape.NoFrame)
        self.area.setWidgetResizable(True)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setWidget(self._body)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        close = buttons.button(QDialogButtonBox.StandardButton.Close)
        if close is not None:
            # The style's icon is black, also on a dark button.
            close.setIcon(QIcon())
            close.setToolTip("Close this sheet (Esc or ?)")
            close.setAccessibleName("Close")
        buttons.rejected.connect(self.close)
        layout = QVBoxLayout(self)
        layout.addWidget(self.area, 1)
        layout.addWidget(buttons)
        self._take_font()

    def sizeHint(self) -> QSize:
        # A scroll area asks for little by itself; here all keys are to be seen where they fit.
        wanted = super().sizeHint()
        body, scroll = self._body.sizeHint(), self.area.sizeHint()
        wanted += QSize(max(0, body.width() - scroll.width()), 0)
        wanted += QSize(0, max(0, body.height() - scroll.height()))
        screen, bar = self.screen(), self.area.verticalScrollBar()
        if screen is None or bar is None:
            return wanted
        room = screen.availableGeometry().size() * _SCREEN_SHARE
        if wanted.height() > room.height():
            wanted += QSize(bar.sizeHint().width(), 0)
        return wanted.boundedTo(room)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        if event is not None and event.text() == "?":
            self.close()
            return
        super().keyPressEvent(event)

    def changeEvent(self, event: QEvent | None) -> None:
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.FontChange:
            self._take_font()
            self.adjustSize()

    def _add_group(self, group: str, keys: Sequence[tuple[str, str]]) -> None:
        heading = QLabel(group)
        heading.setObjectName(_HEADING)
        heading.setTextFormat(Qt.TextFormat.PlainText)
        self._grid.addWidget(heading, self._grid.rowCount(), 0, 1, 2)
        for key, what in keys:
            row = self._grid.rowCount()
            key_label, what_label = QLabel(key), QLabel(what)
            key_label.setObjectName(_KEY)
            key_label.setAccessibleName(f"{key}: {what}")
            for column, label in enumerate((key_label, what_label)):
                label.setTextFormat(Qt.TextFormat.PlainText)
                self._grid.addWidget(label, row, column, Qt.AlignmentFlag.AlignTop)
            what_label.setWordWrap(True)
            self._grid.setAlignment(what_label, Qt.AlignmentFlag(0))

    def _take_font(self) -> None:
        metrics = self.fontMetrics()
        self._grid.setHorizontalSpacing(2 * metrics.averageCharWidth())
        self._grid.setVerticalSpacing(round(0.35 * metrics.height()))
        self._grid.setColumnMinimumWidth(1, 46 * metrics.averageCharWidth())
        for label in self._body.findChildren(QLabel):
            font = self.font()
            if label.objectName() == _HEADING:
                font.setPointSizeF(1.2 * font.pointSizeF())
                label.setContentsMargins(0, round(0.5 * metrics.height()), 0, 0)
            font.setBold(label.objectName() == _KEY)
            label.setFont(font)
