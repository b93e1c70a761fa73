"""A line across the window for what the user must know."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import Qt, QTimer
from PyQt6.QtGui import QGuiApplication
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QLabel, QToolButton, QWidget

_COPY, _COPIED = "Copy details", "Copied"
_COPIED_MS = 1500


class Banner(QFrame):
    """Shows a text until it is closed; empty means hidden."""

    def __init__(self) -> None:
        super().__init__()
        self._details: Callable[[], str] | None = None
        self.is_news = False
        """whether it tells of what went well"""
        # By this name the theme colours it.
        self.setObjectName("banner")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(10, 5, 5, 5)
        self._label = QLabel()
        self._label.setWordWrap(True)
        # Else a long name in it, which cannot be wrapped, would widen the window.
        self._label.setMinimumWidth(1)
        self._label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        # Device names and file names may look like markup.
        self._label.setTextFormat(Qt.TextFormat.PlainText)
        layout.addWidget(self._label, 1)
        close = QToolButton()
        close.setText("✕")
        close.setAutoRaise(True)
        close.setToolTip("Close this message")
        close.setAccessibleName("Close message")
        close.clicked.connect(self.hide)
        layout.addWidget(close, 0, Qt.AlignmentFlag.AlignTop)
        self._copy = QToolButton()
        self._copy.setText(_COPY)
        self._copy.setToolTip("Copy what helps to find the cause: versions, what runs, tracebacks")
        self._copy.setAccessibleName("Copy details of the fault")
        self._copy.clicked.connect(self._copy_details)
        layout.insertWidget(1, self._copy, 0, Qt.AlignmentFlag.AlignTop)
        self.setTabOrder(self._copy, close)
        self._layout = layout
        self._remedy: QToolButton | None = None
        self._copied = QTimer(self)
        self._copied.setSingleShot(True)
        self._copied.timeout.connect(lambda: self._copy.setText(_COPY))
        self.hide()

    def offer_details(self, details: Callable[[], str]) -> None:
        """Offer to copy this text, made when it is asked for, with every fault."""
        self._details = details

    def offer_remedy(self, text: str, tip: str, act: Callable[[], object]) -> None:
        """Offer with every fault a button that may end it."""
        button = self._remedy = QToolButton()
        button.setText(text)
        button.setToolTip(tip)
        button.setAccessibleName(text)
        button.clicked.connect(lambda: act())
        self._layout.insertWidget(1, button, 0, Qt.AlignmentFlag.AlignTop)
        self.setTabOrder(button, self._copy)

    def show_text(self, text: str) -> None:
        """Say something of which there is no more to know."""
        self._show(text)

    def show_news(self, text: str) -> None:
        """Say what went well."""
        self._show(text, is_news=True)

    def show_fault(self, text: str) -> None:
        """Say what went wrong, and offer the details."""
        self._show(text, is_fault=True)

    def text(self) -> str:
        return self._label.text()

    def _show(self, text: str, *, is_fault: bool = False, is_news: bool = False) -> None:
        if is_news != self.is_news:
            self.is_news = is_news
            self.setProperty("news", is_news)
            # Else the theme's colours stay those of before.
            for widget in (self, *self.findChildren(QWidget)):
                widget.style().polish(widget)  # type: ignore[union-attr]
        self._label.setText(text)
        self._copy.setVisible(is_fault and self._details is not None)
        if self._remedy is not None:
            self._remedy.setVisible(is_fault)
        self.setVisible(bool(text))

    def _copy_details(self) -> None:
        clipboard = QGuiApplication.clipboard()
        if self._details is not None and clipboard is not None:
            clipboard.setText(self._details())
            self._copy.setText(_COPIED)
            self._copied.start(_COPIED_MS)
