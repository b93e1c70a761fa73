"""What a model answered so far, kept on the grid of its answers."""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from visualizer.engine.history import ColumnHistory
from visualizer.models.answers import Answers
from visualizer.models.contract import AnswerGrid, ModelSpec

_ROUNDING = 1e-6
"""In answers."""
_MOST_WORDS = 10_000
"""Answers with texts that are kept."""


@dataclass(frozen=True, eq=False)
class Answered:
    """The answers to a stretch of the stream, those alone that there are."""

    spec: ModelSpec
    times_s: NDArray[np.float64]
    """(n,): the middle of what each is for, on the stream's clock"""
    numbers: NDArray[np.float32]
    """(n, n_numbers), as in `Answers`"""
    texts: tuple[tuple[str, ...], ...]
    """(n,): as in `Answers`"""

    late_ms: NDArray[np.float64] | None = None
    """(n,): as in `Answers`; None: not known any more"""

    @classmethod
    def of(cls, spec: ModelSpec, answers: Answers) -> Self:
        """Return what one call gave."""
        n = len(answers.numbers)
        times_s = np.array([answers.grid.middle_s(answers.first + i) for i in range(n)])
        late_ms = np.full(n, answers.late_ms)
        return cls(spec, times_s, answers.numbers, answers.texts, late_ms)

    def since(self, moment_s: float) -> Self:
        """Return the same on a clock whose 0 is a moment of the stream's."""
        return replace(self, times_s=self.times_s - moment_s)


class AnswerHistory:
    """The newest answers of one model to one stream. Of one thread."""

    def __init__(self, spec: ModelSpec, grid: AnswerGrid, stream_id: int) -> None:
        self.spec = spec
        self.grid = grid
        self.stream_id = stream_id
        # One number more, which says that there is an answer: the others may be NaN.
        self._rows = ColumnHistory(spec.n_numbers + 1, grid.period_s)
        n_texts = sum(output.kind == "text" for output in spec.outputs)
        self._words: list[list[tuple[int, str]]] = [[] for _ in range(n_texts)]

    @property
    def first(self) -> int:
        """index of the oldest that may be kept"""
        return self._rows.first

    @property
    def end(self) -> int:
        """index after the newest"""
        return self._rows.end

    def add(self, answers: Answers) -> None:
        """Take answers to the same stream; what lies between them and those before was lost."""
        n = len(answers.numbers)
        rows = np.ones((self.spec.n_numbers + 1, n), np.float32)
        rows[:-1] = answers.numbers.T
        take = self._rows.append if answers.first >= self.end else self._rows.fill
        take(answers.first, rows)
        for said, texts in zip(self._words, zip(*answers.texts, strict=True), strict=False):
            for k, word in enumerate(texts, answers.first):
                if word:
                    insort(said, (k, word), key=_index)
            del said[:-_MOST_WORDS]

    def between(self, first: int, end: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Return the numbers (end − first, n_numbers) of the answers [first, end), and which of
        those there are."""
        rows = self._rows.between(first, end)
        return rows[:, :-1], ~np.isnan(rows[:, -1])

    def words(self, place: int, first: int, end: int, beside: int = 0) -> list[tuple[int, str]]:
        """Return which of the answers [first, end) have a text of an output, and it.

        Args:
            place: of the output among those that are texts.
            beside: how many more, before them and after them.
        """
        said = self._words[place]
        low, high = (bisect_left(said, k, key=_index) for k in (first, end))
        return said[max(0, low - beside) : high + beside]

    def during(self, start_s: float, end_s: float) -> Answered:
        """Return the answers whose middles lie from one moment of the stream to another."""
        first, end = (
            math.ceil((moment_s - self.grid.middle_s(0)) / self.grid.period_s - _ROUNDING)
            for moment_s in (start_s, end_s)
        )
        first, end = max(self.first, first), min(self.end, end)
        numbers, are_there = self.between(first, end)
        indices = np.flatnonzero(are_there)
        words = [dict(self.words(place, first, end)) for place in range(len(self._words))]
        return Answered(
            self.spec,
            np.array([self.grid.middle_s(first + int(i)) for i in indices]),
            numbers[indices],
            tuple(tuple(said.get(first + int(i), "") for said in words) for i in indices),
        )


def _index(entry: tuple[int, str]) -> int:
    return entry[0]
