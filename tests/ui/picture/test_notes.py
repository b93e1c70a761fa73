from __future__ import annotations

import math

import pytest

from visualizer.ui.picture.notes import NOTES, note_hz, note_name


@pytest.mark.parametrize(
    ("hz", "name"),
    [
        (440.0, "A4"),
        (261.6256, "C4"),
        (32.7032, "C1"),
        (27.5, "A0"),
        (16_744.036, "C10"),
        (8.1758, "C-1"),
        (466.1638, "A♯4"),
        (440.0 * 2 ** (12 / 1200), "A4 +12¢"),
        (440.0 * 2 ** (-12 / 1200), "A4 −12¢"),
        (440.0 * 2 ** (49 / 1200), "A4 +49¢"),
        (440.0 * 2 ** (51 / 1200), "A♯4 −49¢"),
        (261.6256 * 2 ** (-30 / 1200), "C4 −30¢"),
        (440.1, "A4"),
        (1000.0, "B5 +21¢"),
    ],
)
def test_frequencies_have_the_names_that_tuners_show(hz: float, name: str) -> None:
    assert note_name(hz) == name


def test_names_and_frequencies_go_together() -> None:
    for octave in range(11):
        for note in NOTES:
            assert note_name(note_hz(note, octave)) == f"{note}{octave}"
    assert note_hz("A", 4) == 440.0
    assert note_hz("C", 5) / note_hz("C", 4) == pytest.approx(2.0)


@pytest.mark.parametrize("hz", [0.0, -1.0, math.nan, math.inf])
def test_what_is_no_frequency_is_refused(hz: float) -> None:
    with pytest.raises(ValueError, match="there is no note"):
        note_name(hz)
