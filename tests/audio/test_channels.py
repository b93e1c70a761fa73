from __future__ import annotations

import numpy as np
import pytest

from visualizer.audio.channels import MAX_CHANNELS, Channel, n_signals, signals_of

SOUND = np.random.default_rng().normal(0, 0.1, (50, 3)).astype(np.float32)


@pytest.mark.parametrize(
    ("channel", "expected"),
    [
        (None, SOUND.mean(axis=1, keepdims=True)),
        ("each", SOUND),
        (0, SOUND[:, :1]),
        (2, SOUND[:, 2:]),
        (3, SOUND.mean(axis=1, keepdims=True)),
    ],
)
def test_a_choice_takes_the_mean_each_or_one(channel: Channel, expected: np.ndarray) -> None:
    taken = signals_of(SOUND, channel)
    np.testing.assert_array_equal(taken, expected)
    assert taken.shape[1] == n_signals(SOUND.shape[1], channel)


def test_of_a_large_array_the_first_are_taken() -> None:
    many = np.zeros((4, MAX_CHANNELS + 5), np.float32)
    assert signals_of(many, "each").shape == (4, MAX_CHANNELS)
    assert n_signals(many.shape[1], "each") == MAX_CHANNELS
