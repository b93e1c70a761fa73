from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from visualizer.audio.channels import (
    SIDE_BY_SIDE_MAX,
    Channel,
    channel_rule,
    n_signals,
    require_channels,
    said,
    signals_of,
    spelled,
)
from visualizer.errors import ConfigError

SOUND = np.random.default_rng().normal(0, 0.1, (50, 3)).astype(np.float32)


@pytest.mark.parametrize(
    ("channel", "expected"),
    [
        ("mean", SOUND.mean(axis=1, keepdims=True)),
        ("each", SOUND),
        ((0,), SOUND[:, :1]),
        ((2,), SOUND[:, 2:]),
        ((0, 2), (SOUND[:, :1] + SOUND[:, 2:]) / 2),
        ((0, 1, 2), SOUND.mean(axis=1, keepdims=True)),
    ],
)
def test_a_rule_takes_the_mean_each_one_or_the_mean_of_some(
    channel: Channel, expected: np.ndarray
) -> None:
    taken = signals_of(SOUND, channel)
    np.testing.assert_array_equal(taken, expected)
    assert taken.shape[1] == n_signals(SOUND.shape[1], channel)


def test_of_a_large_array_the_first_are_taken_side_by_side() -> None:
    many = np.zeros((4, SIDE_BY_SIDE_MAX + 5), np.float32)
    assert signals_of(many, "each").shape == (4, SIDE_BY_SIDE_MAX)
    assert n_signals(many.shape[1], "each") == SIDE_BY_SIDE_MAX


@pytest.mark.parametrize(
    ("told", "rule", "spelling", "words"),
    [
        ("mean", "mean", "mean", "the mean of all channels"),
        ("each", "each", "each", "each channel"),
        ("1", (0,), "1", "channel 1"),
        ("18", (17,), "18", "channel 18"),
        ("6+5", (4, 5), "5+6", "the mean of channels 5+6"),
        # As older versions stored it, and as this one does.
        (None, "mean", "mean", "the mean of all channels"),
        (0, (0,), "1", "channel 1"),
        ([4, 5], (4, 5), "5+6", "the mean of channels 5+6"),
    ],
)
def test_a_rule_is_read_as_it_is_spelled_and_stored(
    told: Any, rule: Channel, spelling: str, words: str
) -> None:
    assert channel_rule(told) == rule
    assert spelled(rule) == spelling
    assert said(rule) == words
    assert channel_rule(spelling) == channel_rule(rule) == rule


@pytest.mark.parametrize(
    "told", ["", "0", "left", "5+", "+5", "5+5", "1.5", "9" * 5000, -1, True, 1.5, [], [0, "1"], {}]
)
def test_what_is_no_rule_is_refused_with_what_is(told: Any) -> None:
    with pytest.raises(ConfigError, match=r"^channel is .*; it must be mean") as raised:
        channel_rule(told)
    assert "\n" not in str(raised.value)


def test_a_channel_that_is_not_there_is_an_error() -> None:
    require_channels((0, 2), 3, "a.wav")
    require_channels("each", 1, "a.wav")
    with pytest.raises(ConfigError, match=r"no channel 4; 'a.wav' has the channels 1 to 3"):
        require_channels((0, 3), 3, "a.wav")
    with pytest.raises(ConfigError, match=r"there is no channel 2; 'a.wav' has channel 1 alone"):
        require_channels((1,), 1, "a.wav")
