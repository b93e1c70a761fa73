from __future__ import annotations

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QLabel, QWidget
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


def label(sheet: KeySheet, text: str) -> QLabel:
    return next(label for label in sheet.findChildren(QLabel) if label.text() == text)


def is_whole(inner: QWidget, sheet: KeySheet) -> bool:
    """Whether all of a label is inside what is seen of the sheet."""
    seen = inner.visibleRegion().boundingRect()
    fits = inner.height() >= inner.heightForWidth(inner.width())
    return seen == inner.rect() and (fits or not inner.hasHeightForWidth())


def test_every_key_stands_beside_what_it_does(sheet: KeySheet) -> None:
    for group, keys in GROUPS:
        heading = label(sheet, group)
        for key, what in keys:
            left, right = label(sheet, key), label(sheet, what)
            assert heading.y() < left.y()
            assert left.y() == right.y()
            assert left.geometry().right() < right.geometry().left()
            assert is_whole(left, sheet)
            assert is_whole(right, sheet)


@pytest.mark.parametrize("key", [Qt.Key.Key_Escape, Qt.Key.Key_Question])
def test_it_is_closed_by_key_and_did_not_block(sheet: KeySheet, key: Qt.Key, qtbot: QtBot) -> None:
    assert not sheet.isModal()
    if key == Qt.Key.Key_Question:
        qtbot.keyClicks(sheet.area, "?")
    else:
        qtbot.keyClick(sheet.area, key)
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
    last = label(sheet, "does thing number 199")
    assert not is_whole(last, sheet)
    assert is_whole(label(sheet, "does thing number 0"), sheet)
    sheet.area.ensureWidgetVisible(last)
    assert is_whole(last, sheet)


def test_it_grows_with_the_font(sheet: KeySheet, qtbot: QtBot) -> None:
    before = sheet.size()
    font = sheet.font()
    font.setPointSizeF(2 * font.pointSizeF())
    sheet.setFont(font)
    qtbot.waitUntil(lambda: sheet.height() > 1.5 * before.height())
    qtbot.waitUntil(lambda: sheet.width() > 1.4 * before.width())
    labels = [label(sheet, what) for _, keys in GROUPS for _, what in keys]
    qtbot.waitUntil(lambda: all(is_whole(each, sheet) for each in labels))
