"""What the window can be told to do: one table for the menus, the keys and the sheet of keys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PyQt6.QtGui import QAction, QActionGroup, QKeySequence
from PyQt6.QtWidgets import QMainWindow, QMenu


@dataclass(frozen=True)
class Command:
    """One entry of a menu, with its keys."""

    menu: str
    """the menu's name; "Menu/Sub" for one inside another"""
    text: str
    tip: str
    keys: tuple[str, ...]
    act: Callable[..., object]
    """called with the new state where it is checkable"""
    checkable: bool = False
    choice: str | None = None
    """one of the checkable ones of its menu is on: the value it stands for"""
    repeats: bool = False
    """whether holding the key does it again and again"""


class Menus:
    """The menus of a window, made from a table."""

    def __init__(self, window: QMainWindow, commands: list[Command]) -> None:
        self.table = commands
        self.actions: dict[str, QAction] = {}
        self.menus: dict[str, QMenu] = {}
        self._groups: dict[str, QActionGroup] = {}
        for command in commands:
            self._add(window, command)

    def _add(self, window: QMainWindow, command: Command) -> None:
        menu = self._menu(window, command.menu)
        action = QAction(command.text, window)
        action.setToolTip(command.tip)
        action.setStatusTip(command.tip)
        action.setShortcuts([QKeySequence(keys) for keys in command.keys])
        action.setAutoRepeat(command.repeats)
        action.setCheckable(command.checkable)
        if command.choice is not None:
            group = self._groups.setdefault(command.menu, QActionGroup(window))
            group.addAction(action)
        if command.checkable and command.choice is None:
            action.triggered.connect(command.act)
        else:
            action.triggered.connect(lambda *_: command.act())
        menu.addAction(action)
        self.actions[command.text.replace("&", "")] = action

    def _menu(self, window: QMainWindow, name: str) -> QMenu:
        if name not in self.menus:
            above, _, own = name.rpartition("/")
            bar = window.menuBar()
            assert bar is not None
            menu = self._menu(window, above).addMenu(own) if above else bar.addMenu(own)
            assert menu is not None
            menu.setToolTipsVisible(True)
            self.menus[name] = menu
        return self.menus[name]

    def check(self, text: str, on: bool) -> None:
        """Show a state, without doing what a person's choice of it does."""
        # Only what a person does triggers it; the others of a group must hear of this, too.
        self.actions[text].setChecked(on)

    def sheet(self) -> list[tuple[str, list[tuple[str, str]]]]:
        """(menu, [(keys, what they do)]) of all that have keys."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for command in self.table:
            if command.keys:
                keys = " or ".join(
                    QKeySequence(k).toString(QKeySequence.SequenceFormat.NativeText)
                    for k in command.keys
                )
                name = command.menu.replace("&", "").replace("/", ": ")
                groups.setdefault(name, []).append((keys, command.tip))
        return list(groups.items())
