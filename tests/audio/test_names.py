from __future__ import annotations

import pytest

from visualizer.audio.names import readable, told_apart


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("USB microphone", "USB microphone"),
        ("Büro 麦克风 🎤", "Büro 麦克风 🎤"),
        ("two\nlines\tand \x1b[31mcolour\x00", "two lines and [31mcolour"),
        ("  ", "unnamed"),
        ("", "unnamed"),
        ("<b>loud</b>", "<b>loud</b>"),
    ],
)
def test_a_name_is_one_line_of_what_can_be_printed(name: str, shown: str) -> None:
    assert readable(name) == shown


def test_equal_names_are_told_apart_in_their_order() -> None:
    named = [("ALSA", name) for name in "abaa"]
    assert told_apart([*named, ("JACK", "a")]) == ["a", "b", "a #2", "a #3", "a"]


def test_a_name_that_looks_like_a_second_one_stays_alone() -> None:
    names = told_apart([("ALSA", name) for name in ("a", "a", "a #2", "a #2")])
    assert names == ["a", "a #3", "a #2", "a #2 #2"]
    assert len(set(names)) == len(names)
