from __future__ import annotations

import pytest
from PyQt6.QtCore import QRect, Qt
from PyQt6.QtGui import QTextDocument
from pytestqt.qtbot import QtBot

from visualizer.ui.controls.key_sheet import KeySheet

GROUPS = [
    ("Picture", [("Space", "Freeze the picture"), ("R", "A longer text that says much " * 4)]),
    ("Program", [("?", "This sheet")]),
]


@pytest.fixture
def sheet(qtbot: QtBot) -> KeySheet:
    sheet = KeySheet(GROUPS)
    qtbot.addWidget(sheet)
    sheet.show()
    qtbot.waitExposed(sheet)
    return sheet


def place_of(sheet: KeySheet, text: str) -> QRect:
    """Where a text stands in what is seen of the sheet."""
    document = sheet.text.document()
    assert document is not None
    cursor = document.find(text, 0, QTextDocument.FindFlag.FindCaseSensitively)
    assert not cursor.isNull()
    end = sheet.text.cursorRect(cursor)
    cursor.setPosition(cursor.selectionStart())
    return sheet.text.cursorRect(cursor).united(end)


def is_seen(sheet: KeySheet, text: str) -> bool:
    viewport = sheet.text.viewport()
    assert viewport is not None
    return viewport.rect().contains(place_of(sheet, text))


def test_every_key_stands_beside_what_it_does(sheet: KeySheet) -> None:
    for group, keys in GROUPS:
        for key, what in keys:
            left, right = place_of(sheet, key), place_of(sheet, what[:20])
            assert place_of(sheet, group).y() < left.y()
            assert left.y() == right.y()
            assert left.right() < right.left()
            assert is_seen(sheet, key)
            assert is_seen(sheet, what[-20:].strip())


def test_what_looks_like_markup_is_shown_as_it_is(qtbot: QtBot) -> None:
    sheet = KeySheet([("A & B", [("<", "less <b>than</b>")])])
    qtbot.addWidget(sheet)
    shown = sheet.text.toPlainText().split("\n")
    assert [line.strip() for line in shown if line.strip()] == ["A & B", "<", "less <b>than</b>"]


@pytest.mark.parametrize("key", [Qt.Key.Key_Escape, Qt.Key.Key_Question])
def test_it_is_closed_by_key_and_did_not_block(sheet: KeySheet, key: Qt.Key, qtbot: QtBot) -> None:
    assert not sheet.isModal()
    if key == Qt.Key.Key_Question:
        qtbot.keyClicks(sheet.text, "?")
    else:
        qtbot.keyClick(sheet.text, key)
    assert not sheet.isVisible()


def test_what_does_not_fit_is_scrolled_to(qtbot: QtBot) -> None:
    many = [("Many", [(f"F{n}", f"does thing number {n}") for n in range(200)])]
    sheet = KeySheet(many)
    qtbot.addWidget(sheet)
    sheet.show()
    qtbot.waitExposed(sheet)
    screen = sheet.screen()
    assert screen is not None
    assert sheet.height() < screen.availableGeometry().height()
    last = "does thing number 199"
    assert not is_seen(sheet, last)
    assert is_seen(sheet, "does thing number 0")
    bar = sheet.text.verticalScrollBar()
    assert bar is not None
    bar.setValue(bar.maximum())
    assert is_seen(sheet, last)


def test_it_grows_with_the_font(sheet: KeySheet, qtbot: QtBot) -> None:
    before = sheet.size()
    font = sheet.font()
    font.setPointSizeF(2 * font.pointSizeF())
    sheet.setFont(font)
    qtbot.waitUntil(lambda: sheet.height() > 1.4 * before.height())
    qtbot.waitUntil(lambda: sheet.width() > 1.4 * before.width())
    ends = [what[-20:].strip() for _, keys in GROUPS for _, what in keys]
    qtbot.waitUntil(lambda: all(is_seen(sheet, end) for end in ends))
