"""A combo box of values with texts."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

from PyQt6.QtCore import QEvent, QObject, Qt, QTimer, pyqtSignal
from PyQt6.QtWidgets import QComboBox

from visualizer.ui.controls.label import plain_tip, shortened

_ITEM_FLAGS_ROLE = Qt.ItemDataRole.UserRole - 1
"""QComboBox's own items read their flags from here; 0 disables one."""
_TEXT_LENGTH, _TIP_LENGTH = 60, 80
"""Characters: of an item in a list, and of a line of its tool tip, which has the whole."""


class ValueCombo(QComboBox):
    """`picked` fires only when a person chooses.

    While its list is open, nothing in it moves: what is to be offered is, once it is closed.
    """

    picked = pyqtSignal(object)

    def __init__(self, name: str, tip: str) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setToolTip(tip)
        self.setSizeAdjustPolicy(self.SizeAdjustPolicy.AdjustToContents)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._choices: list[tuple[str, Any]] = []
        self._tips: Mapping[str, str] = {}
        self._waiting: tuple[list[tuple[str, Any]], object] | None = None
        opened = self.view()
        assert opened is not None
        self._list = opened
        self._list.installEventFilter(self)
        self.activated.connect(lambda index: self.picked.emit(self.itemData(index)))

    def show_choices(self, choices: list[tuple[str, Any]], current: object) -> None:
        """Offer (text, value) pairs; None as a value is a heading that cannot be chosen."""
        if self._list.isVisible():
            self._waiting = choices, current
            return
        self._waiting = None
        current_row = -1
        for row, (_, value) in enumerate(choices):
            if value is not None and value == current:
                current_row = row
        if choices != self._choices:
            self._set_choices(choices)
        if self.currentIndex() != current_row:
            self.setCurrentIndex(current_row)

    def set_tips(self, tips: Mapping[str, str]) -> None:
        """Say more of some values than their text does."""
        self._tips = tips
        self._show_tips()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if event is not None and event.type() == QEvent.Type.Hide and self._waiting:
            # What was clicked is taken first, by its row.
            QTimer.singleShot(0, self._catch_up)
        return super().eventFilter(watched, event)

    def _catch_up(self) -> None:
        if self._waiting is not None:
            self.show_choices(*self._waiting)

    def _set_choices(self, choices: list[tuple[str, Any]]) -> None:
        self._choices = choices
        self.clear()
        for row, (text, value) in enumerate(choices):
            self.addItem(shortened(text, _TEXT_LENGTH), value)
            whole = plain_tip(textwrap.fill(text.strip(), _TIP_LENGTH))
            self.setItemData(row, whole, Qt.ItemDataRole.ToolTipRole)
            if value is None:
                self.setItemData(row, 0, _ITEM_FLAGS_ROLE)
        self._show_tips()

    def _show_tips(self) -> None:
        for row in range(self.count()):
            tip = self._tips.get(self.itemData(row))
            if tip is not None:
                self.setItemData(row, tip, Qt.ItemDataRole.ToolTipRole)
