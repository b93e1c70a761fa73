from __future__ import annotations

from pytestqt.qtbot import QtBot

from visualizer.ui.controls.label import ElidedLabel


def test_a_text_without_room_ends_in_dots_and_is_whole_in_the_tip(qtbot: QtBot) -> None:
    text = "streaming form, running: the clip so far stands for the whole"
    label = ElidedLabel()
    qtbot.addWidget(label)
    label.setText(text)
    label.resize(2000, 20)
    assert label.shown() == text
    whole = label.grab().toImage()
    label.resize(120, 20)
    assert label.shown().endswith("…")
    assert text.startswith(label.shown()[:-1])
    assert label.toolTip() == text
    # What is painted is what is said: the end of the line differs from the cut-off whole.
    assert label.grab().toImage() != whole.copy(0, 0, 120, 20)
