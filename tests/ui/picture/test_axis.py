"""What the frequency axis marks, and where."""

from __future__ import annotations

import numpy as np
import pytest

from visualizer.mel.front_end import FrontEnd
from visualizer.mel.presets import PRESETS, preset_for
from visualizer.mel.stage import Rows
from visualizer.mel.stages.chroma import Chroma
from visualizer.mel.stages.flip import Flip
from visualizer.ui.picture.axis import FrequencyAxis
from visualizer.ui.picture.notes import note_hz

LINES = 36.0
"""Room for 20 labels."""
LINES_PER_LABEL = 1.8


def marks(config: FrontEnd, lines: float = LINES, *, notes: bool = False) -> dict[str, float]:
    """Labels with their positions, from the lowest up."""
    axis = FrequencyAxis()
    axis.set_rows(config.rows)
    axis.set_notes(notes)
    [(_, positions)] = axis.tickValues(0, config.n_rows, lines / LINES_PER_LABEL * axis._room())
    labels = axis.tickStrings(positions, 1, 1)
    assert len(set(labels)) == len(labels)
    return dict(zip(labels, positions, strict=True))


def test_hertz_are_where_the_bands_peak(qapp: object) -> None:
    config = preset_for("simli")
    shown = marks(config)
    assert {"100", "500", "1000", "2000", "5000"} <= set(shown)
    for label, position in shown.items():
        assert position == pytest.approx(float(config.rows.position(float(label))))


@pytest.mark.parametrize(
    ("rate", "step"), [(16_000, 500), (44_100, 2000), (48_000, 2000), (192_000, 8000)]
)
def test_a_linear_scale_has_even_round_steps(qapp: object, rate: int, step: int) -> None:
    n_steps = -(-(rate // 2) // step)
    assert list(marks(preset_for("full-band", rate))) == [str(step * n) for n in range(1, n_steps)]
    with_less_room = marks(preset_for("full-band", rate), LINES / 2)
    assert list(with_less_room) == [str(step * n) for n in range(2, n_steps, 2)]


def test_notes_are_octaves_first_and_lie_at_their_frequency(qapp: object) -> None:
    config = preset_for("simli")
    shown = marks(config, notes=True)
    octaves = [label for label in shown if label.startswith("C")]
    assert octaves == ["C3", "C4", "C5", "C6", "C7", "C8"]
    for label, hz in (("C4", 261.6256), ("C8", 4186.009), ("E7", 2637.02), ("G5", 783.991)):
        assert shown[label] == pytest.approx(float(config.rows.position(hz)), abs=1e-3)
    assert {"G7", "E7", "G6"} <= set(shown)


def test_no_octave_gives_way_to_another_note(qapp: object) -> None:
    config = preset_for("simli")
    shown = marks(config, 11.0, notes=True)
    octaves = {label: position for label, position in shown.items() if label.startswith("C")}
    assert 2 < len(octaves) < 6
    line = config.n_rows / 11.0
    for octave in range(2, 9):
        position = float(config.rows.position(note_hz("C", octave)))
        nearest = min(abs(position - other) for other in octaves.values())
        assert f"C{octave}" in octaves or position < 0 or nearest < 1.8 * line


@pytest.mark.parametrize("notes", [False, True])
@pytest.mark.parametrize("name", PRESETS)
def test_labels_keep_clear_of_each_other(qapp: object, name: str, notes: bool) -> None:
    config = preset_for(name)
    for lines in (15.0, 43.0, 140.0):
        shown = marks(config, lines, notes=notes)
        assert len(shown) >= 3
        assert np.diff(list(shown.values())).min() * lines / config.n_rows > 1.5


def test_pitch_classes_have_the_names_of_notes(qapp: object) -> None:
    before = preset_for("librosa").stages[:3]
    axis = FrequencyAxis()
    axis.set_rows(FrontEnd("chroma", 22_050, (*before, Chroma())).rows)
    assert axis.labelText == "Pitch class"
    assert axis.tickStrings([0.5, 1.5, 11.5], 1, 1) == ["C", "C♯", "B"]


def test_rows_upside_down_are_marked_where_they_lie(qapp: object) -> None:
    straight = preset_for("simli")
    upside_down = FrontEnd("flipped", straight.sample_rate, (*straight.stages, Flip()))
    shown = marks(upside_down)
    assert {"100", "1000", "5000"} <= set(shown)
    for label, position in marks(straight).items():
        assert shown[label] == pytest.approx(80 - position)


def test_hertz_come_back(qapp: object) -> None:
    axis = FrequencyAxis()
    axis.set_rows(preset_for("simli").rows)
    axis.set_notes(True)
    axis.set_notes(False)
    [(_, positions)] = axis.tickValues(0, 80, 600)
    assert "1000" in axis.tickStrings(positions, 1, 1)


def test_rows_that_are_no_frequencies_have_their_names(qapp: object) -> None:
    axis = FrequencyAxis()
    axis.set_rows(Rows(kind="coefficient", plural="coefficients", labels=tuple("0123456789")))
    assert axis.labelText == "Coefficient"
    with_room = [(1.0, [i + 0.5 for i in range(10)])]
    assert axis.tickValues(0, 10, 600) == with_room
    assert axis.tickStrings([0.5, 9.5], 1, 1) == ["0", "9"]
    [(_, with_less)] = axis.tickValues(0, 10, 6 * axis._room())
    assert with_less == [0.5, 2.5, 4.5, 6.5, 8.5]
    axis.set_rows(preset_for("simli").rows)
    assert axis.labelText == "Frequency (Hz)"


def test_a_low_axis_has_a_short_title(qapp: object) -> None:
    axis = FrequencyAxis()
    axis.set_rows(preset_for("simli").rows)
    titles = []
    for height in (70, 400):
        axis.resize(60, height)
        titles.append(axis.labelText)
    assert titles == ["Hz", "Frequency (Hz)"]


def test_ultrasound_is_marked_in_thousands(qapp: object) -> None:
    rows = preset_for("full-band", 384_000).rows
    axis = FrequencyAxis()
    axis.set_rows(rows)
    [(_, positions)] = axis.tickValues(0, len(rows.edges_hz) - 2, 600)
    labels = axis.tickStrings(positions, 1, 1)
    assert {"16k", "176k"} <= set(labels)
    assert max(map(len, labels)) <= 4
