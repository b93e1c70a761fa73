"""A combo box of values with texts."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

from PyQt6.QtCore import QEvent, QObject, QSize, Qt, QTimer, pyqtSignal
from PyQt6.QtGui import QPaintEvent
from PyQt6.QtWidgets import QComboBox, QStyle, QStyleOptionComboBox, QStylePainter, QWidget

from visualizer.ui.controls.label import plain_tip, shortened

_ITEM_FLAGS_ROLE = Qt.ItemDataRole.UserRole - 1
"""QComboBox's own items read their flags from here; 0 disables one."""
_TEXT_MARGIN = 1
"""Pixels that Qt leaves on both sides of the text of the box."""
_TEXT_LENGTH, _TIP_LENGTH = 60, 80
"""Characters: of an item in a list, and of a line of its tool tip, which has the whole."""


class ValueCombo(QComboBox):
    """`picked` fires only when a person chooses.

    While its list is open, nothing in it moves: what is to be offered is, once it is closed.
    """

    picked = pyqtSignal(object)

    def __init__(self, name: str, tip: str, *, least_em: float | None = None) -> None:
        """`least_em` is the width that it can be pressed to; None: that of its longest text."""
        super().__init__()
        self._least_em = least_em
        self.setAccessibleName(name)
        self.setToolTip(tip)
        self.setSizeAdjustPolicy(self.SizeAdjustPolicy.AdjustToContents)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._choices: list[tuple[str, Any]] = []
        self._tips: Mapping[Any, str] = {}
        self._waiting: tuple[list[tuple[str, Any]], object, Mapping[Any, str]] | None = None
        self._list = self._make_list()
        self._list.installEventFilter(self)
        self.activated.connect(lambda index: self.picked.emit(self.itemData(index)))

    def _make_list(self) -> QWidget:
        """Return what is shown to choose from."""
        view = self.view()
        assert view is not None
        return view

    def show_choices(
        self, choices: list[tuple[str, Any]], current: object, tips: Mapping[Any, str] | None = None
    ) -> None:
        """Offer (text, value) pairs; None as a value is a heading that cannot be chosen.

        `tips` say more of some values than their text does.
        """
        tips = tips or {}
        if self._list.isVisible():
            self._waiting = choices, current, tips
            return
        self._waiting = None
        current_row = -1
        for row, (_, value) in enumerate(choices):
            if value is not None and value == current:
                current_row = row
        if (choices, tips) != (self._choices, self._tips):
            self._choices, self._tips = choices, tips
            self._fill()
        if self.currentIndex() != current_row:
            self.setCurrentIndex(current_row)

    def minimumSizeHint(self) -> QSize:
        """Leave a narrow window's room to what cannot be cut."""
        least = super().minimumSizeHint()
        if self._least_em is None:
            return least
        most = round(self._least_em * self.fontMetrics().height())
        return least.boundedTo(QSize(most, least.height()))

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw it as Qt does, but with a … where there is no room for the whole text."""
        painter, option, style = QStylePainter(self), QStyleOptionComboBox(), self.style()
        assert style is not None
        self.initStyleOption(option)
        kind, field = QStyle.ComplexControl.CC_ComboBox, QStyle.SubControl.SC_ComboBoxEditField
        painter.drawComplexControl(kind, option)
        room = style.subControlRect(kind, option, field, self).width() - 2 * _TEXT_MARGIN
        elided = Qt.TextElideMode.ElideRight
        option.currentText = self.fontMetrics().elidedText(self.currentText(), elided, room)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if event is not None and event.type() == QEvent.Type.Hide and self._waiting:
            # What was clicked is taken first, by its row.
            QTimer.singleShot(0, self._catch_up)
        return super().eventFilter(watched, event)

    def _catch_up(self) -> None:
        if self._waiting is not None:
            self.show_choices(*self._waiting)

    def _fill(self) -> None:
        self.clear()
        for row, (text, value) in enumerate(self._choices):
            self.addItem(shortened(text, _TEXT_LENGTH), value)
            tip = textwrap.fill(self._tips.get(value, text.strip()), _TIP_LENGTH)
            self.setItemData(row, plain_tip(tip), Qt.ItemDataRole.ToolTipRole)
            if value is None:
                self.setItemData(row, 0, _ITEM_FLAGS_ROLE)
