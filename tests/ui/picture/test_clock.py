from __future__ import annotations

import numpy as np
import pytest

from visualizer.ui.picture.clock import SteadyClock


def test_before_anything_was_seen_nothing_is_said() -> None:
    assert SteadyClock().stream_s(1.0) is None


def test_uneven_deliveries_give_an_even_time() -> None:
    clock = SteadyClock()
    jitter_s = np.random.default_rng(1).uniform(-0.004, 0.004, 400)
    shown = []
    for n in range(400):
        at = 100.0 + n * 0.0125 + jitter_s[n]
        clock.observe(n * 0.0125, at)
        moment = clock.stream_s(at)
        assert moment is not None
        shown.append(moment - at)
    # The deliveries come and go by 8 ms; what is shown moves by less than one.
    assert np.ptp(shown[100:]) < 0.001


def test_a_drifting_stream_is_followed() -> None:
    clock = SteadyClock()
    for n in range(4000):
        clock.observe(n * 0.0125 * 1.001, n * 0.0125)
    assert clock.stream_s(3999 * 0.0125) == pytest.approx(3999 * 0.0125 * 1.001, abs=0.002)


def test_a_stall_is_over_at_once() -> None:
    clock = SteadyClock()
    clock.observe(1.0, 10.0)
    clock.observe(1.0125, 12.0)
    assert clock.stream_s(12.0) == pytest.approx(1.0125)
