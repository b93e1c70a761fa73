"""What a model answered of the stream that is shown, and what follows from it: segments, texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from visualizer.models.answers import Answers
from visualizer.models.contract import AnswerGrid, ModelSpec, Output
from visualizer.models.history import AnswerHistory
from visualizer.models.segments import Segment, SegmentRule, Segments

_AT_ONCE = 1 << 14
"""Answers, to be segmented anew."""


class ShownAnswers:
    """The answers of one model to one stream, with a threshold for each probability."""

    def __init__(
        self,
        spec: ModelSpec,
        grid: AnswerGrid,
        stream_id: int,
        rules: Mapping[str, SegmentRule],
    ) -> None:
        """`rules` has the rules of probabilities that were shown before, by their names."""
        self.spec, self.grid, self.stream_id = spec, grid, stream_id
        self.history = AnswerHistory(spec, grid, stream_id)
        self.probabilities = [o for o in spec.outputs if o.kind == "probability"]
        names = [output.name for output in self.probabilities]
        self._segments = {
            name: Segments(rules.get(name, SegmentRule()), grid.period_s) for name in names
        }

    @property
    def rules(self) -> dict[str, SegmentRule]:
        """By the names of the probabilities."""
        return {name: found.rule for name, found in self._segments.items()}

    def add(self, answers: Answers) -> float:
        """Take answers; return the moment of the stream (s) from which on what is shown differs."""
        history = self.history
        is_newer = answers.first >= history.end
        history.add(answers)
        if not is_newer:
            for name in self._segments:
                self._segment_anew(name)
            return self.grid.start_s
        # A line begins where the one before ends.
        changed = answers.first - 1.0
        for output in self.probabilities:
            found = self._segments[output.name]
            probabilities = answers.numbers[:, self.spec.numbers_of(output).start]
            changed = min(changed, found.push(answers.first, probabilities))
            found.forget(history.first)
        return self.grid.start_s + changed * self.grid.period_s

    def set_threshold(self, name: str, threshold: float) -> None:
        """Have another threshold for a probability."""
        rule = replace(self._segments[name].rule, threshold=threshold)
        self._segments[name] = Segments(rule, self.grid.period_s)
        self._segment_anew(name)

    def segments(self, name: str, start_s: float, end_s: float) -> list[Segment]:
        """Return the segments of a probability that reach into a stretch of the stream, in s."""
        start, period = self.grid.start_s, self.grid.period_s
        found = self._segments[name].between((start_s - start) / period, (end_s - start) / period)
        return [(start + a * period, start + b * period) for a, b in found]

    def values(self, output: Output, first: int, end: int) -> NDArray[np.float32]:
        """Return what an output has of the answers [first, end): (end − first, n_numbers).

        NaN where there is nothing.
        """
        return self.history.between(first, end)[0][:, self.spec.numbers_of(output)]

    def _segment_anew(self, name: str) -> None:
        history = self.history
        output = next(output for output in self.probabilities if output.name == name)
        found = self._segments[name] = Segments(self._segments[name].rule, self.grid.period_s)
        for first in range(history.first, history.end, _AT_ONCE):
            end = min(first + _AT_ONCE, history.end)
            found.push(first, self.values(output, first, end)[:, 0])
