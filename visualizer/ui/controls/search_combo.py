"""A combo box of many values: typing searches its list, which has groups and a line on each."""

from __future__ import annotations

from PyQt6.QtCore import (
    QEvent,
    QModelIndex,
    QObject,
    QPoint,
    QRegularExpression,
    QSize,
    QSortFilterProxyModel,
    Qt,
    pyqtSignal,
)
from PyQt6.QtGui import QAction, QKeyEvent, QPalette, QStandardItem, QStandardItemModel
from PyQt6.QtWidgets import (
    QApplication,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QPushButton,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTreeView,
    QVBoxLayout,
    QWidget,
)

from visualizer.ui.controls.value_combo import ValueCombo

_SEARCHED_ROLE = Qt.ItemDataRole.UserRole + 1
"""What of an item is searched; a heading has a line for each item below it."""
_MOST_EM = 11
"""The width of the closed box."""
_MOST_LINES = 24
_LONGEST_NAME_EM, _LONGEST_ABOUT_EM = 16, 58
"""What is longer is cut with a …, and whole in its tool tip."""
_LINE_HEIGHT = 1.35
"""of the font's"""
_MOVES = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)
_PICKS = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


class SearchCombo(ValueCombo):
    """A `ValueCombo` whose list shows the values' tips beside them, and finds them by both."""

    def __init__(self, name: str, tip: str, *, least_em: float | None = None) -> None:
        super().__init__(name, tip, least_em=least_em)
        self.list.picked.connect(self._pick)

    def _make_list(self) -> QWidget:
        self.list = SearchList(self)
        return self.list

    def sizeHint(self) -> QSize:
        """Let no name of the user's own push the rest of a toolbar away."""
        hint = super().sizeHint()
        return hint.boundedTo(QSize(_MOST_EM * self.fontMetrics().height(), hint.height()))

    def showPopup(self) -> None:
        self.list.open()

    def hidePopup(self) -> None:
        self.list.hide()

    def _pick(self, row: int) -> None:
        self.setCurrentIndex(row)
        self.activated.emit(row)

    def _fill(self) -> None:
        super()._fill()
        model = self.model()
        assert isinstance(model, QStandardItemModel)
        heading: QStandardItem | None = None
        for row, (text, value) in enumerate(self._choices):
            item, tip = model.item(row), self._tips.get(value, "")
            assert item is not None
            about = QStandardItem(tip)
            about.setToolTip(item.toolTip())
            about.setEnabled(value is not None)
            model.setItem(row, 1, about)
            if value is None:
                heading = item
                continue
            group = "" if heading is None else heading.text()
            searched = f"{text} {tip} {group}".replace("\n", " ")
            item.setData(searched, _SEARCHED_ROLE)
            if heading is not None:
                lines = heading.data(_SEARCHED_ROLE) or ""
                heading.setData(f"{lines}{searched}\n", _SEARCHED_ROLE)


class SearchList(QWidget):
    """What a combo box offers, below a line to search it by."""

    picked = pyqtSignal(int)
    """the row of the combo box"""
    typed = pyqtSignal(str)
    """what Enter was pressed on, where the list has nothing like it"""

    def __init__(self, combo: QComboBox) -> None:
        super().__init__(combo, Qt.WindowType.Popup)
        # A click beside it closes it, and is not one on the combo box as well, to open it again.
        self.setAttribute(Qt.WidgetAttribute.WA_NoMouseReplay)
        # By this name the theme draws its frame.
        self.setObjectName("list")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._combo = combo
        name = combo.accessibleName()
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search")
        self.search.setAccessibleName(f"Search: {name}")
        self.search.installEventFilter(self)
        self.search.textChanged.connect(self._find)
        self._found = QSortFilterProxyModel(self)
        self._found.setFilterRole(_SEARCHED_ROLE)
        self._found.setSourceModel(combo.model())
        self.view = QTreeView()
        self.view.setModel(self._found)
        self.view.setAccessibleName(name)
        self.view.setItemDelegate(_Lines(self.view))
        self.view.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.view.setRootIsDecorated(False)
        self.view.setUniformRowHeights(True)
        self.view.setHeaderHidden(True)
        self.view.setFrameShape(QFrame.Shape.NoFrame)
        self.view.setMouseTracking(True)
        # The keyboard stays with the search, which hands on what moves in the list.
        self.view.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.view.entered.connect(self._point_at)
        self.view.clicked.connect(self._pick)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.addWidget(self.search)
        layout.addWidget(self.view, 1)
        self._below = QHBoxLayout()
        layout.addLayout(self._below)
        self.hide()

    def offer(self, action: QAction) -> None:
        """Have a button for an action below the list."""
        button = QPushButton(action.text())
        button.setToolTip(action.toolTip())
        button.setAccessibleName(action.text())
        button.setAutoDefault(False)

        def trigger() -> None:
            self.hide()
            action.trigger()

        button.clicked.connect(trigger)
        self._below.addWidget(button)

    def open(self) -> None:
        """Show all there is, and point at what is chosen now."""
        self.search.clear()
        self._lay_out()
        self.show()
        self.search.setFocus(Qt.FocusReason.PopupFocusReason)
        self._point_at(self._found.mapFromSource(self._index(self._combo.currentIndex())))

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if event.key() in _MOVES:
                QApplication.sendEvent(self.view, event)
                return True
            if event.key() in _PICKS:
                if self._found.rowCount():
                    self._pick(self.view.currentIndex())
                else:
                    self.typed.emit(self.search.text())
                return True
        return super().eventFilter(watched, event)

    def _index(self, row: int) -> QModelIndex:
        model = self._combo.model()
        assert model is not None
        return model.index(row, 0)

    def _find(self, text: str) -> None:
        """Show what has all of the words, and point at the first of that name, or else at all."""
        words = [QRegularExpression.escape(word) for word in text.split()]
        option = QRegularExpression.PatternOption
        pattern = "^" + "".join(f"(?=.*{word})" for word in words)
        options = option.MultilineOption | option.CaseInsensitiveOption
        self._found.setFilterRegularExpression(QRegularExpression(pattern, options))
        rows = [self._found.index(row, 0) for row in range(self._found.rowCount())]
        pickable = [index for index in rows if index.flags() & Qt.ItemFlag.ItemIsEnabled]
        named = [index for index in pickable if text.lower() in str(index.data()).lower()]
        self._point_at(next(iter(named or pickable), QModelIndex()))

    def _point_at(self, index: QModelIndex) -> None:
        if index.flags() & Qt.ItemFlag.ItemIsEnabled:
            self.view.setCurrentIndex(index)

    def _pick(self, index: QModelIndex) -> None:
        if not index.flags() & Qt.ItemFlag.ItemIsEnabled:
            return
        row = self._found.mapToSource(index).row()
        self.hide()
        self.picked.emit(row)

    def _lay_out(self) -> None:
        """Take the room that the whole list needs, below the combo box, on its screen."""
        screen, view = self._combo.screen(), self.view
        assert screen is not None
        room = screen.availableGeometry()
        self.ensurePolished()
        em = self.fontMetrics().height()
        name = min(view.sizeHintForColumn(0), _LONGEST_NAME_EM * em)
        about = min(view.sizeHintForColumn(1), _LONGEST_ABOUT_EM * em)
        header, bar = view.header(), view.verticalScrollBar()
        assert header is not None
        assert bar is not None
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.resizeSection(0, name + em)
        header.setStretchLastSection(True)
        lines = min(self._found.rowCount(), _MOST_LINES)
        view.setMinimumHeight(min(lines * view.sizeHintForRow(0), room.height() // 2))
        width = max(self._combo.width(), name + em + about + bar.sizeHint().width() + em)
        self.resize(min(width, room.width()), self.sizeHint().height())
        place = self._combo.mapToGlobal(QPoint(0, self._combo.height()))
        left = max(room.left(), min(place.x(), room.right() - self.width()))
        top = max(room.top(), min(place.y(), room.bottom() - self.height()))
        self.move(left, top)


class _Lines(QStyledItemDelegate):
    """Draws headings bold, and what is said of each value dim."""

    def initStyleOption(self, option: QStyleOptionViewItem | None, index: QModelIndex) -> None:
        super().initStyleOption(option, index)
        assert option is not None
        is_heading = not index.flags() & Qt.ItemFlag.ItemIsEnabled
        if is_heading or index.column() == 1:
            role = QPalette.ColorRole
            dim = option.palette.color(role.PlaceholderText)
            option.palette.setColor(role.Text, dim)
        option.font.setBold(is_heading)

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        hint = super().sizeHint(option, index)
        return QSize(hint.width(), round(_LINE_HEIGHT * option.fontMetrics.height()))
