"""Rows of controls; what a narrow window has no room for lies below them, behind a button."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PyQt6.QtCore import QEvent, QSize, Qt
from PyQt6.QtGui import QResizeEvent
from PyQt6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

_SPACING = 6
_MARGINS = 8, 6, 8, 2


@dataclass(frozen=True, eq=False)
class Cell:
    """A control with its label, which go together; without widgets, a gap."""

    widgets: tuple[QWidget, ...] = ()
    folds: int = 0
    """0: never; of the others in a row, that with the highest number goes first"""
    stretches: bool = False
    """takes the room that is left in its row"""

    def width(self) -> int:
        """The least that it needs, in pixels."""
        return sum(widget.minimumSizeHint().width() + _SPACING for widget in self.widgets)


Row = tuple[Cell, ...]


def packed(cells: Sequence[Cell], room: int) -> list[Row]:
    """Return the cells in as many rows as they need, in their order."""
    rows: list[Row] = []
    for cell in cells:
        if rows and _width((*rows[-1], cell)) <= room:
            rows[-1] = (*rows[-1], cell)
        else:
            rows.append((cell,))
    return rows


def _fitting(row: Row, room: int) -> Row:
    """Return the cells of a row that stay in it."""
    while _width(row) > room and any(cell.folds for cell in row):
        first = max(row, key=lambda cell: cell.folds)
        row = tuple(cell for cell in row if cell is not first)
    return row


def _width(row: Row) -> int:
    return sum(cell.width() for cell in row) - _SPACING


class FoldingRows(QWidget):
    """Lays cells out in rows, anew whenever their sizes or its own change.

    What folds keeps its place among the widgets, so that neither the focus nor the order of the tab
    key changes; it is hidden until `more` is pressed, and then stands in rows below the others.
    """

    def __init__(self) -> None:
        super().__init__()
        self.more = QPushButton("M&ore")
        self.more.setCheckable(True)
        self.more.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.more.setToolTip("Show the controls that this window is too narrow for")
        self.more.setAccessibleName("More controls")
        self.more.hide()
        self._more = Cell((self.more,))
        self._rows: tuple[Row, ...] = ()
        self._arranged: list[Row] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(*_MARGINS)
        self._column.setSpacing(_SPACING)
        # The rows of now are no lower limit: in a narrower window there are others.
        self._column.setSizeConstraint(QVBoxLayout.SizeConstraint.SetNoConstraint)
        self.more.toggled.connect(self._arrange)

    def set_rows(self, *rows: Sequence[Cell | None]) -> None:
        """Lay these out; None, in the last row, is the place of `more`."""
        self._rows = tuple(
            tuple(self._more if cell is None else cell for cell in row) for row in rows
        )
        for row in self._rows:
            for cell in row:
                for widget in cell.widgets:
                    # In this order the tab key goes through them.
                    widget.setParent(self)
        self._arrange()

    def minimumSizeHint(self) -> QSize:
        left, _, right, _ = _MARGINS
        least = [_width(tuple(cell for cell in row if not cell.folds)) for row in self._rows]
        return QSize(left + max(least, default=0) + right, super().minimumSizeHint().height())

    def event(self, event: QEvent | None) -> bool:
        if event is not None and event.type() == QEvent.Type.LayoutRequest:
            self._arrange()
        return super().event(event)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        rows, folded = self._plan()
        if rows == self._arranged:
            return
        self._arranged = rows
        while (old := self._column.takeAt(0)) is not None:
            layout = old.layout()
            assert layout is not None
            while layout.takeAt(0) is not None:
                pass
        for row in rows:
            layout = QHBoxLayout()
            layout.setSpacing(_SPACING)
            for cell in row:
                for widget in cell.widgets:
                    layout.addWidget(widget)
                    widget.show()
                if not cell.widgets:
                    layout.addStretch()
                elif cell.stretches:
                    layout.setStretchFactor(cell.widgets[-1], 1)
            if not any(cell.stretches for cell in row):
                layout.addStretch()
            self._column.addLayout(layout)
        shown = {cell for row in rows for cell in row}
        for cell in (*folded, self._more):
            if cell not in shown:
                for widget in cell.widgets:
                    widget.hide()

    def _plan(self) -> tuple[list[Row], list[Cell]]:
        """Return the rows to show, and what folds."""
        left, _, right, _ = _MARGINS
        room = self.width() - left - right
        whole = [tuple(cell for cell in row if cell is not self._more) for row in self._rows]
        rows = [_fitting(row, room) for row in whole]
        if rows == whole:
            return rows, []
        rows[-1] = _fitting(self._rows[-1], room)
        kept = {cell for row in rows for cell in row}
        folded = [cell for row in whole for cell in row if cell not in kept]
        if self.more.isChecked():
            rows += packed(folded, room)
        return rows, folded
