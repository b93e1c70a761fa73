"""Keys that Qt would not take as meant: on a button, and of a keyboard without Latin letters."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from PyQt6.QtCore import QEvent, QKeyCombination, QObject, Qt
from PyQt6.QtGui import QAction, QKeyEvent, QKeySequence
from PyQt6.QtWidgets import QAbstractButton, QApplication, QMenuBar

_ROWS = {16: "QWERTYUIOP[]", 30: "ASDFGHJKL", 44: "ZXCVBNM"}
"""By the scan code of their first: the keys of a keyboard as they are engraved in the US."""
_SHIFTED = {"[": "{", "]": "}"}
_XKB_OFFSET = 8
"""What X and Wayland add to the scan codes of Linux, which for these keys are those of the PC."""
_LETTERS = {first + n: key for first, row in _ROWS.items() for n, key in enumerate(row)}
_PRESSES = (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter)


class Keys(QObject):
    """Watches the keys that come to a window, before any of its widgets gets them.

    Space and Enter press the button that has the focus, though Space is a shortcut as well. A key
    that has no meaning, on a keyboard whose letters are not Latin, has that of its place on a US
    keyboard. Where a Latin layout is at hand besides, Qt looks there by itself; on macOS, whose
    scan codes are others, it has to do.
    """

    def __init__(self, actions: Iterable[QAction], bar: QMenuBar) -> None:
        """Make it for the shortcuts of `actions` and the menus of `bar`.

        Install it, with `installEventFilter`, on the QWindow that they are in.
        """
        super().__init__(bar)
        self._bar = bar
        self._actions = {
            keys[0].toCombined(): action for action in actions for keys in action.shortcuts()
        }
        self._is_latin = True
        """whether the letter that was pressed last was Latin"""

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if not isinstance(event, QKeyEvent) or QApplication.activePopupWidget() is not None:
            return False
        if event.type() == QEvent.Type.ShortcutOverride:
            self._note_letter(event)
            if _button(event) is not None:
                # It is no shortcut, then.
                event.accept()
                return True
        elif event.type() == QEvent.Type.KeyPress:
            return self._press(event)
        return False

    def _press(self, event: QKeyEvent) -> bool:
        button = _button(event)
        if button is not None and event.key() != Qt.Key.Key_Space:
            # With the space bar Qt does it.
            button.click()
            return True
        meant = self._meant(event)
        if meant is None:
            return False
        if meant.keyboardModifiers() == Qt.KeyboardModifier.AltModifier:
            return self._open_menu(meant.key())
        action = self._actions.get(meant.toCombined())
        if action is None:
            return False
        if action.isEnabled() and (action.autoRepeat() or not event.isAutoRepeat()):
            action.trigger()
        return True

    def _open_menu(self, letter: Qt.Key) -> bool:
        """Open that of a mnemonic, if there is one."""
        for action in self._bar.actions():
            if f"&{chr(letter)}" in action.text().upper():
                self._bar.setActiveAction(action)
                return True
        return False

    def _meant(self, event: QKeyEvent) -> QKeyCombination | None:
        """Return what a key without a meaning is by its place on the keyboard."""
        focus = QApplication.focusWidget()
        if focus is not None and focus.testAttribute(Qt.WidgetAttribute.WA_InputMethodEnabled):
            # A text is written.
            return None
        is_letter = event.text().isalpha() and event.key() < 0x100
        key = _LETTERS.get(_scan_code(event))
        if self._is_latin or is_letter or key is None:
            return None
        modifiers = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if key in _SHIFTED and modifiers & Qt.KeyboardModifier.ShiftModifier:
            key, modifiers = _SHIFTED[key], modifiers & ~Qt.KeyboardModifier.ShiftModifier
        return QKeyCombination(modifiers, QKeySequence(key)[0].key())

    def _note_letter(self, event: QKeyEvent) -> None:
        code = event.key()
        if code <= sys.maxunicode and chr(code).isalpha():
            self._is_latin = code < 0x250


def _button(event: QKeyEvent) -> QAbstractButton | None:
    """Return the button that a key presses."""
    focus = QApplication.focusWidget()
    if event.key() not in _PRESSES or event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
        return None
    return focus if isinstance(focus, QAbstractButton) else None


def _scan_code(event: QKeyEvent) -> int:
    code = event.nativeScanCode()
    return code - _XKB_OFFSET if sys.platform.startswith("linux") else code
