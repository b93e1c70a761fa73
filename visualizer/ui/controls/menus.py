"""What the window can be told to do: one table for the menus, the keys and the sheet of keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from PyQt6.QtGui import QAction, QActionGroup, QKeySequence
from PyQt6.QtWidgets import QMainWindow, QMenu

TITLES = {
    "file": "&File",
    "file.past": "Save the last",
    "view": "&View",
    "view.theme": "Theme",
    "time": "&Time",
    "colours": "&Colours",
    "mark": "&Mark",
    "model": "Mod&el",
    "help": "&Help",
}
"""Of the menus by their ids; "view.theme" lies in "view"."""

Act = Callable[..., object]
"""What a command does; that of a switch takes the new state, any other nothing."""
Kind = Literal["once", "repeats", "switch", "choice"]
"""Done once; again and again while its key is held; on or off; one of its menu at a time."""
REPEATS: Kind = "repeats"
SWITCH: Kind = "switch"
CHOICE: Kind = "choice"


@dataclass(frozen=True)
class Command:
    """One entry of a menu, with its keys."""

    id: str
    """its menu's id, a dot and a name of its own"""
    text: str
    keys: str
    """sequences with spaces between; the menu shows the first"""
    tip: str
    kind: Kind = "once"

    @property
    def menu(self) -> str:
        return self.id.rpartition(".")[0]

    @property
    def shortcuts(self) -> list[QKeySequence]:
        return [QKeySequence(keys) for keys in self.keys.split()]


class Menus:
    """The menus of a window, made from a table."""

    def __init__(
        self, window: QMainWindow, table: tuple[Command, ...], acts: Mapping[str, Act]
    ) -> None:
        """`acts` has what each command of the table does, by its id."""
        self.table = table
        self.actions: dict[str, QAction] = {}
        """by the commands' ids"""
        self.menus: dict[str, QMenu] = {}
        """by their ids"""
        self._groups: dict[str, QActionGroup] = {}
        for command in table:
            self._add(window, command, acts[command.id])

    def _add(self, window: QMainWindow, command: Command, act: Act) -> None:
        action = QAction(command.text, window)
        action.setToolTip(command.tip)
        action.setStatusTip(command.tip)
        action.setShortcuts(command.shortcuts)
        action.setAutoRepeat(command.kind == REPEATS)
        action.setCheckable(command.kind in (SWITCH, CHOICE))
        if command.kind == CHOICE:
            self._groups.setdefault(command.menu, QActionGroup(window)).addAction(action)
        action.triggered.connect(act if command.kind == SWITCH else lambda *_: act())
        self._menu(window, command.menu).addAction(action)
        self.actions[command.id] = action

    def _menu(self, window: QMainWindow, menu_id: str) -> QMenu:
        if menu_id not in self.menus:
            above = menu_id.rpartition(".")[0]
            parent = self._menu(window, above) if above else window.menuBar()
            assert parent is not None
            menu = parent.addMenu(TITLES[menu_id])
            assert menu is not None
            menu.setToolTipsVisible(True)
            self.menus[menu_id] = menu
        return self.menus[menu_id]

    def check(self, command_id: str, on: bool) -> None:
        """Show a state, without doing what a person's choice of it does."""
        # Only what a person does triggers it; the others of a group must hear of this, too.
        self.actions[command_id].setChecked(on)

    def sheet(self) -> list[tuple[str, list[tuple[str, str]]]]:
        """Return (menu, [(keys, what they do)]) of all that have keys."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for command in self.table:
            if command.keys:
                native = QKeySequence.SequenceFormat.NativeText
                keys = " or ".join(keys.toString(native) for keys in command.shortcuts)
                above = command.menu.partition(".")[0]
                titles = [
                    TITLES[menu].replace("&", "") for menu in dict.fromkeys((above, command.menu))
                ]
                groups.setdefault(": ".join(titles), []).append((keys, command.tip))
        return list(groups.items())
