"""What a model says of itself and answers, and what is said where that does not fit."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from visualizer.errors import ConfigError
from visualizer.mel.presets import preset_for
from visualizer.models.contract import Model, ModelSpec, Output, read_answers, spec_of

ONE = (Output("x"),)
THREE = (
    Output("speech", "probability"),
    Output("class", "classes", labels=("a", "b")),
    Output("word", "text"),
)


def spec(**says: Any) -> ModelSpec:
    says = {"sample_rate": 16_000, "window": 400, "outputs": ONE, **says}
    return spec_of(type("Own", (Model,), says)())


def test_a_spec_survives_the_way_to_another_process() -> None:
    chain = preset_for("whisper-80")
    for says in ({}, {"outputs": THREE}, {"sample_rate": None, "front_end": chain, "window": 4}):
        said = spec(**says)
        assert ModelSpec.from_dict(json.loads(json.dumps(said.to_dict()))) == said


@pytest.mark.parametrize(
    ("says", "said"),
    [
        ({"sample_rate": None}, "Own says neither of front_end and sample_rate"),
        ({"front_end": "simli"}, "Own says both of front_end and sample_rate"),
        ({"sample_rate": None, "front_end": "smili"}, "smili"),
        ({"window": 2.5}, "window is 2.5"),
        ({"step": 401}, "step is 401; it must be None, or 1 to the window, 400"),
        ({"lookahead": 1}, "lookahead is 1; it must be 0 to 0"),
        ({"answers": 401}, "answers is 401"),
        ({"outputs": ()}, "outputs is ()"),
        ({"outputs": ONE * 2}, "outputs is ['x', 'x']; it must be of different names"),
    ],
)
def test_what_does_not_fit_is_named(says: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        spec(**says)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"kind": "number"}, "kind is 'number'"),
        ({"range": (1, 0)}, "range is (1, 0)"),
        ({"kind": "classes"}, "labels is ()"),
        ({"labels": ("a",)}, "labels is ('a',); it must be empty"),
        ({"name": "two\nlines"}, "name is 'two\\nlines'"),
    ],
)
def test_an_output_says_what_does_not_fit(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Output(**{"name": "x", **fields})
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "value", [0.5, np.float64(0.5), np.full((), 0.5), np.array([[0.5]]), [0.5]]
)
def test_a_number_may_come_in_any_form(value: Any) -> None:
    numbers, texts, bad = read_answers(spec(), value)
    assert (numbers.tolist(), texts, bad) == ([[0.5]], ((),), 0)


def test_answers_come_as_a_sequence_or_by_name() -> None:
    said = spec(outputs=THREE)
    answer = [0.5, np.array([1, 2]), "a\nword\ud800"]
    for returned in (answer, dict(zip(("speech", "class", "word"), answer, strict=True))):
        numbers, texts, bad = read_answers(said, returned)
        assert (numbers.tolist(), texts, bad) == ([[0.5, 1.0, 2.0]], (("a word?",),), 0)
    numbers, texts, bad = read_answers(said, [None, None, None])
    assert (np.isnan(numbers).all(), texts, bad) == (True, (("",),), 0)


def test_several_answers_of_one_call_are_told_apart() -> None:
    numbers, texts, bad = read_answers(spec(answers=3), np.array([0.0, np.inf, 2.0]))
    assert numbers[:, 0].tolist() == [0.0, np.inf, 2.0]
    assert (len(texts), bad) == (3, 1)


@pytest.mark.parametrize(
    ("says", "returned", "said"),
    [
        ({}, "0.5.1", "answered '0.5.1' for x, where one number fits"),
        ({}, [1, 2], "answered [1, 2] for x, where one number fits"),
        ({}, 1j, "answered 1j for x"),
        ({}, "0.5", "answered '0.5' for x"),
        ({"answers": 2}, 0.5, "answered 0.5, where 2 answers are expected"),
        ({"outputs": THREE}, [0.5, [1, 2]], "where 3 values are expected"),
        ({"outputs": THREE}, {"speech": 1}, "answered ['speech']; its outputs are"),
        ({"outputs": THREE}, [0.5, [1], ""], "answered [1] for class, where 2 numbers fit"),
        ({"outputs": THREE}, [0.5, [1, 2], 3], "answered 3 for word, where a text fits"),
    ],
)
def test_an_answer_of_another_form_is_told(says: Any, returned: Any, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_answers(spec(**says), returned)
    assert said in str(caught.value)


def test_answers_lie_where_the_sound_was_that_they_are_for() -> None:
    # The newest 100 of 400 samples, of which 50 are still to come.
    grid = spec(step=100, lookahead=50, answers=2).grid(None)
    assert grid.start_s == pytest.approx(250 / 16_000)
    assert grid.period_s == pytest.approx(50 / 16_000)
    assert grid.index_at(grid.middle_s(7)) == 7
    # A column is a hop wide around the middle of its window.
    chain = preset_for("whisper-80")
    columns = spec(sample_rate=None, front_end=chain, window=4, step=2).grid(chain)
    assert columns.middle_s(0) == pytest.approx(chain.middle_s + 2.5 * chain.hop_s)
