"""Segments against those of the package silero-vad, and as they change while answers come."""

from __future__ import annotations

from itertools import zip_longest

import numpy as np
import pytest

from visualizer.models.segments import Segment, SegmentRule, Segments, segments

PERIOD_S = 512 / 16_000
RULES = [
    SegmentRule(),
    SegmentRule(0.8, min_silence_s=0.3, min_speech_s=0.064, pad_s=0.2),
    SegmentRule(0.1, min_silence_s=0.0, min_speech_s=0.0, pad_s=0.0),
    SegmentRule(0.3, min_silence_s=1.0, min_speech_s=0.5, pad_s=0.064),
]


def probabilities(n: int, seed: int) -> np.ndarray:
    """Noise, or a walk that stays for a while where it is."""
    random = np.random.default_rng(seed)
    walk = 0.5 + np.cumsum(random.normal(0, 0.06, n))
    return (random.random(n) if seed % 2 else walk.clip(0, 1)).astype(np.float32)


@pytest.mark.parametrize("rule", RULES)
def test_segments_are_those_of_silero(rule: SegmentRule) -> None:
    package = pytest.importorskip("silero_vad.utils_vad")
    n_found = 0
    for seed in range(20):
        given = probabilities(50 + 20 * seed, seed)
        expected = package.get_speech_timestamps_from_probs(
            given.tolist(),
            threshold=rule.threshold,
            min_speech_duration_ms=1e3 * rule.min_speech_s,
            min_silence_duration_ms=1e3 * rule.min_silence_s,
            speech_pad_ms=1e3 * rule.pad_s,
        )
        found = segments(given, PERIOD_S, rule)
        assert len(found) == len(expected)
        for (start_s, end_s), samples in zip(found, expected, strict=True):
            # They round to whole samples.
            assert start_s == pytest.approx(samples["start"] / 16_000, abs=1 / 16_000)
            assert end_s == pytest.approx(samples["end"] / 16_000, abs=1 / 16_000)
        n_found += len(found)
    assert n_found > 20


@pytest.mark.parametrize("rule", RULES)
def test_answers_one_by_one_give_the_same_and_say_from_where_on_segments_differ(
    rule: SegmentRule,
) -> None:
    for seed in range(4):
        given = probabilities(200, seed)
        found, before = Segments(rule, PERIOD_S), list[Segment]()
        for k in range(len(given)):
            changed = found.push(k, given[k : k + 1])
            now = found.between(0, k + 1)
            assert now == [
                pytest.approx((a / PERIOD_S, b / PERIOD_S))
                for a, b in segments(given[: k + 1], PERIOD_S, rule)
            ]
            assert _first_difference(before, now) >= changed
            before = now


def test_what_was_lost_parts_segments_and_gets_no_padding() -> None:
    given = np.full(40, 0.9, np.float32)
    given[20] = np.nan
    assert segments(given, 0.1, SegmentRule()) == (
        pytest.approx((0.0, 2.0)),
        pytest.approx((2.1, 4.0)),
    )
    found = Segments(SegmentRule(), 0.1)
    found.push(100, given[:10])
    found.push(130, given[:10])
    assert found.between(0, 200) == [(100, 110), (130, 140)]
    assert found.between(111, 129) == []
    found.forget(115)
    assert found.between(0, 200) == [(130, 140)]


def test_only_what_lies_before_is_forgotten() -> None:
    rule = SegmentRule(min_silence_s=0.1, min_speech_s=0.25, pad_s=0.0)
    found = Segments(rule, 0.032)
    bursts = np.tile(np.repeat(np.float32([0.9, 0.1]), 20), 4)
    found.push(0, bursts)
    every = found.between(0, 160)
    assert len(every) == 4
    found.forget(0)
    assert found.between(0, 160) == every
    found.forget(every[2][0])
    assert found.between(every[2][0], 160) == every[2:]


def _first_difference(before: list[Segment], now: list[Segment]) -> float:
    for old, new in zip_longest(before, now):
        if old is None or new is None:
            return min(one[0] for one in (old, new) if one is not None)
        if old != new:
            return min(old[1], new[1]) if old[0] == new[0] else min(old[0], new[0])
    return float("inf")
