"""What is kept of a model's answers."""

from __future__ import annotations

import numpy as np

from tests.models.made_up import made_up
from visualizer.models.answers import Answers
from visualizer.models.contract import AnswerGrid, Output
from visualizer.models.history import AnswerHistory

SPEC = made_up(Output("pitch", unit="Hz", range=(50, 500)), Output("words", "text"))


GRID = AnswerGrid(0.05, 0.1)


def answers(first: int, *told: tuple[float, str]) -> Answers:
    numbers = np.array([[number] for number, _ in told], np.float32)
    return Answers(first, numbers, tuple((word,) for _, word in told), 1, 0.0, 0.0, GRID)


def test_what_was_lost_is_told_from_what_a_model_has_nothing_to_say_of() -> None:
    history = AnswerHistory(SPEC, GRID, 1)
    history.add(answers(3, (100.0, ""), (np.nan, "well")))
    history.add(answers(7, (200.0, "so")))
    numbers, are_there = history.between(2, 9)
    assert are_there.tolist() == [False, True, True, False, False, True, False]
    np.testing.assert_array_equal(numbers[are_there, 0], np.float32([100, np.nan, 200]))
    during = history.during(0.4, 0.81)
    np.testing.assert_allclose(during.times_s, [0.4, 0.5, 0.8])
    assert during.texts == (("",), ("well",), ("so",))
    assert history.words(0, 0, 100) == [(4, "well"), (7, "so")]
    assert history.words(0, 5, 7) == []
    assert history.words(0, 5, 7, beside=1) == [(4, "well"), (7, "so")]
    np.testing.assert_allclose(during.since(0.4).times_s, [0.0, 0.1, 0.4], atol=1e-12)
    assert len(history.during(0.0, 0.1).times_s) == 0
