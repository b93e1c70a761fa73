"""The list of front-ends: found by typing, by name and by what is said of them."""

from __future__ import annotations

import pytest
from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from visualizer.ui.controls.search_combo import SearchCombo

CHOICES = [
    ("Speech recognition", None),
    ("whisper-80", "whisper-80"),
    ("whisper-128", "whisper-128"),
    ("nemo", "nemo"),
    ("Wildlife", None),
    ("perch", "perch"),
    ("<b>birdnet</b>", "birdnet"),
]
ABOUT = {
    "whisper-80": "Whisper up to large-v2: 80 mels",
    "whisper-128": "Whisper large-v3: the same with 128 mels",
    "nemo": "Parakeet: 80 mels (a+b)",
    "perch": "Perch's PCEN of 160 mel powers",
}


@pytest.fixture
def combo(qtbot: QtBot) -> SearchCombo:
    combo = SearchCombo("Front-end", "Whose")
    qtbot.addWidget(combo)
    combo.show_choices(CHOICES, "nemo", ABOUT)
    combo.move(0, 0)
    with qtbot.waitExposed(combo):
        combo.show()
    return combo


def opened(combo: SearchCombo, qtbot: QtBot) -> SearchCombo:
    QTest.keyClick(combo, Qt.Key.Key_F4)
    qtbot.waitUntil(combo.list.isVisible)
    return combo


def lines(combo: SearchCombo) -> list[str]:
    model = combo.list.view.model()
    assert model is not None
    return [str(model.index(row, 0).data()) for row in range(model.rowCount())]


def pointed(combo: SearchCombo) -> str:
    return str(combo.list.view.currentIndex().data())


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("", [text for text, _ in CHOICES]),
        ("128", ["Speech recognition", "whisper-128"]),
        ("PARAKEET", ["Speech recognition", "nemo"]),
        ("mels whisper", ["Speech recognition", "whisper-80", "whisper-128"]),
        ("wildlife", ["Wildlife", "perch", "<b>birdnet</b>"]),
        ("(a+", ["Speech recognition", "nemo"]),
        ("mel", ["Speech recognition", "whisper-80", "whisper-128", "nemo", "Wildlife", "perch"]),
        # Of two words in two lines, no line has both.
        ("perch 128", []),
    ],
)
def test_typing_leaves_what_has_all_words_with_its_heading(
    combo: SearchCombo, qtbot: QtBot, typed: str, found: list[str]
) -> None:
    opened(combo, qtbot)
    QTest.keyClicks(QApplication.focusWidget(), typed)
    assert lines(combo) == found


def test_it_opens_at_what_is_chosen_and_shows_all_again(combo: SearchCombo, qtbot: QtBot) -> None:
    opened(combo, qtbot)
    assert pointed(combo) == "nemo"
    QTest.keyClicks(combo.list.search, "perch")
    assert pointed(combo) == "perch"
    QTest.keyClick(combo.list.search, Qt.Key.Key_Escape)
    assert not combo.list.isVisible()
    opened(combo, qtbot)
    assert (combo.list.search.text(), pointed(combo)) == ("", "nemo")
    assert len(lines(combo)) == len(CHOICES)


def test_the_keyboard_alone_picks_and_passes_headings_by(combo: SearchCombo, qtbot: QtBot) -> None:
    opened(combo, qtbot)
    QTest.keyClick(combo.list.search, Qt.Key.Key_Down)
    assert pointed(combo) == "perch"
    QTest.keyClick(combo.list.search, Qt.Key.Key_Up)
    QTest.keyClick(combo.list.search, Qt.Key.Key_Up)
    assert pointed(combo) == "whisper-128"
    with qtbot.waitSignal(combo.picked) as picked:
        QTest.keyClick(combo.list.search, Qt.Key.Key_Return)
    assert picked.args == ["whisper-128"]
    assert combo.currentText() == "whisper-128"
    assert not combo.list.isVisible()


def test_the_name_comes_before_what_is_said(combo: SearchCombo, qtbot: QtBot) -> None:
    opened(combo, qtbot)
    QTest.keyClicks(combo.list.search, "80")
    # "128" is not it; of those whose line has it, the first with it in its name.
    assert pointed(combo) == "whisper-80"
    combo.list.search.clear()
    QTest.keyClicks(combo.list.search, "large-v3")
    assert pointed(combo) == "whisper-128"


def test_enter_where_nothing_is_found_picks_nothing(combo: SearchCombo, qtbot: QtBot) -> None:
    opened(combo, qtbot)
    QTest.keyClicks(combo.list.search, "zebra")
    with qtbot.assertNotEmitted(combo.picked):
        QTest.keyClick(combo.list.search, Qt.Key.Key_Return)
    assert combo.currentText() == "nemo"


def test_a_click_on_a_heading_picks_nothing_and_one_on_a_line_does(
    combo: SearchCombo, qtbot: QtBot
) -> None:
    opened(combo, qtbot)
    view = combo.list.view
    model, viewport = view.model(), view.viewport()
    assert model is not None
    assert viewport is not None

    def click(row: int, column: int) -> None:
        place = view.visualRect(model.index(row, column)).center()
        QTest.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=place)

    with qtbot.assertNotEmitted(combo.picked):
        click(4, 0)
    assert combo.list.isVisible()
    with qtbot.waitSignal(combo.picked) as picked:
        click(5, 1)
    assert picked.args == ["perch"]


def test_what_comes_while_it_is_open_is_offered_once_it_is_closed(
    combo: SearchCombo, qtbot: QtBot
) -> None:
    opened(combo, qtbot)
    combo.show_choices(CHOICES[:3], "whisper-80", ABOUT)
    assert len(lines(combo)) == len(CHOICES)
    QTest.keyClick(combo.list.search, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: combo.count() == 3)
    assert combo.currentText() == "whisper-80"
    opened(combo, qtbot)
    assert lines(combo) == [text for text, _ in CHOICES[:3]]


def test_it_stays_on_the_screen_and_nothing_is_cut_off(combo: SearchCombo, qtbot: QtBot) -> None:
    screen = combo.screen()
    assert screen is not None
    room = screen.availableGeometry()
    for place in (QPoint(0, 0), room.bottomRight() - QPoint(120, 60)):
        combo.move(place)
        qtbot.waitUntil(lambda place=place: combo.pos() == place)
        opened(combo, qtbot)
        assert room.contains(combo.list.geometry())
        view = combo.list.view
        assert view.columnWidth(0) >= view.sizeHintForColumn(0)
        assert view.columnWidth(1) >= view.sizeHintForColumn(1)
        combo.hidePopup()


def test_all_of_it_has_a_name(combo: SearchCombo) -> None:
    assert combo.list.search.accessibleName() == "Search: Front-end"
    assert combo.list.view.accessibleName() == "Front-end"
