"""What a model answered of the stream that is shown, and what follows from it: segments, texts."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from visualizer.models.answers import Answers
from visualizer.models.contract import AnswerGrid, ModelSpec, Output
from visualizer.models.history import AnswerHistory
from visualizer.models.segments import Segment, SegmentRule, Segments

_AT_ONCE = 1 << 14
"""Answers, to be segmented anew."""
_LEAST_THRESHOLD = 0.01
_MOST_CLASSES, _FEW_CLASSES = 8, 3
"""that are told of"""


@dataclass(frozen=True)
class Told:
    """What one answer says."""

    output: Output
    name: str
    """the output's, or a class's"""
    value: str
    unit: str = ""

    @property
    def text(self) -> str:
        """The value with its unit."""
        return f"{self.value} {self.unit}".rstrip()


def number_text(output: Output, value: float) -> str:
    """Return a number of an output as it is read, without its unit."""
    if math.isnan(value):
        return "none"
    low, high = output.range
    digits = max(0, 2 - math.floor(math.log10(max(abs(low), abs(high)))))
    return f"{value:.{digits}f}".replace("-", "−")


def _told(output: Output, name: str, value: float) -> Told:
    return Told(output, name, number_text(output, value), "" if math.isnan(value) else output.unit)


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
        self._texts = [o for o in spec.outputs if o.kind == "text"]
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
        # A text is elided where the next one begins.
        places = enumerate(self._texts)
        last = [history.words(place, answers.first, answers.first, 1)[:1] for place, _ in places]
        history.add(answers)
        if not is_newer:
            for name in self._segments:
                self._segment_anew(name)
            return self.grid.start_s
        # A line begins where the one before ends.
        changed = answers.first - 1.0
        for before, said in zip(last, zip(*answers.texts, strict=True), strict=False):
            if before and any(said):
                changed = min(changed, before[0][0])
        for output in self.probabilities:
            found = self._segments[output.name]
            probabilities = answers.numbers[:, self.spec.numbers_of(output).start]
            changed = min(changed, found.push(answers.first, probabilities))
            found.forget(history.first)
        return self.grid.start_s + changed * self.grid.period_s

    def set_threshold(self, name: str, threshold: float) -> None:
        """Have another threshold for a probability."""
        threshold = min(max(round(threshold, 2), _LEAST_THRESHOLD), 1.0)
        rule = replace(self._segments[name].rule, threshold=threshold)
        self._segments[name] = Segments(rule, self.grid.period_s)
        self._segment_anew(name)

    def segments(self, name: str, start_s: float, end_s: float) -> list[Segment]:
        """Return the segments of a probability that reach into a stretch of the stream, in s."""
        start, period = self.grid.start_s, self.grid.period_s
        found = self._segments[name].between((start_s - start) / period, (end_s - start) / period)
        return [(start + a * period, start + b * period) for a, b in found]

    def bounds(self) -> tuple[int, int]:
        """Return the oldest answer that may be kept, and the one after the newest."""
        return self.history.first, self.history.end

    def numbers(
        self, outputs: Sequence[Output], first: int, end: int
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Return what outputs have of the answers [first, end), side by side, and which there are.

        (end − first, n_numbers): NaN where there is no number.
        """
        numbers, are_there = self.history.between(first, end)
        return np.hstack([numbers[:, self.spec.numbers_of(o)] for o in outputs]), are_there

    def words(
        self, output: Output, start_s: float, end_s: float, beside: int = 0
    ) -> list[tuple[int, str]]:
        """Return which answers to a stretch of the stream have a text of an output, and it.

        `beside` is how many more, before them and after them.
        """
        first, end = self.grid.index_at(start_s), self.grid.index_at(end_s) + 1
        return self.history.words(self._texts.index(output), first, end, beside)

    def told(self, moment_s: float) -> list[Told]:
        """Return what the outputs say of a moment of the stream, of classes the largest first."""
        k = self.grid.index_at(moment_s)
        numbers, are_there = self.history.between(k, k + 1)
        if not are_there[0]:
            return []
        told = []
        for output in self.spec.outputs:
            values = numbers[0, self.spec.numbers_of(output)]
            if output.kind == "text":
                told += [
                    Told(output, output.name, word) for _, word in self.words(output, k, k + 1)
                ]
            elif output.kind == "classes":
                largest = np.argsort(-values, kind="stable")[:_MOST_CLASSES]
                told += [_told(output, output.labels[i], float(values[i])) for i in largest]
            else:
                told.append(_told(output, output.name, float(values[0])))
        return told

    def moment_text(self, moment_s: float) -> str:
        """Return in a line what is told of a moment, of classes the first few."""
        texts, n = [], Counter[str]()
        for told in self.told(moment_s):
            n[told.output.name] += 1
            if n[told.output.name] <= _FEW_CLASSES:
                texts.append(f"{told.name} {told.text}")
        return " · ".join(texts) or "nothing"

    def mean_text(self, start_s: float, end_s: float) -> str:
        """Return the means of a stretch of the stream, in a line."""
        during = self.history.during(start_s, end_s)
        texts = []
        for output in self.spec.outputs:
            values = during.numbers[:, self.spec.numbers_of(output)]
            values = values[np.isfinite(values)]
            if output.kind in ("probability", "curve") and len(values):
                mean = number_text(output, float(values.mean(dtype=np.float64)))
                most = _told(output, output.name, float(values.max())).text
                texts.append(f"{output.name} mean {mean}, max {most}")
        return " · ".join(texts)

    def segments_table(self) -> str:
        """Return all segments as a table, with tabs between and a line of titles."""
        start_s, end_s = (self.grid.start_s + k * self.grid.period_s for k in self.bounds())
        lines = ["output\tthreshold\tstart_s\tend_s\tduration_s\tmean\tmax"]
        for output in self.probabilities:
            threshold = self.rules[output.name].threshold
            for a, b in self.segments(output.name, start_s, end_s):
                values = self.history.during(a, b).numbers[:, self.spec.numbers_of(output)]
                lines.append(
                    f"{output.name}\t{threshold:.2f}\t{a:.3f}\t{b:.3f}\t{b - a:.3f}"
                    f"\t{values.mean():.3f}\t{values.max():.3f}"
                )
        return "\n".join(lines) + "\n"

    def _segment_anew(self, name: str) -> None:
        history = self.history
        output = next(output for output in self.probabilities if output.name == name)
        found = self._segments[name] = Segments(self._segments[name].rule, self.grid.period_s)
        for first in range(history.first, history.end, _AT_ONCE):
            end = min(first + _AT_ONCE, history.end)
            found.push(first, self.numbers([output], first, end)[0][:, 0])
