"""Automatic follower, as somebody who watches the colours sees them."""

from __future__ import annotations

import numpy as np
import pytest

from visualizer.mel.picture import PictureUnit
from visualizer.mel.presets import PRESETS, preset_for
from visualizer.ui.picture.auto_range import TIME_CONSTANT_S, RobustRange

USUAL = (-90.0, -10.0)
NARROWEST = 20.0


def sound(low: float, high: float, n: int = 400) -> np.ndarray:
    """(n, 80) values spread evenly over a range."""
    return np.linspace(low, high, n * 80, dtype=np.float32).reshape(n, 80)


def test_the_first_look_at_a_sound_jumps_to_it() -> None:
    follower = RobustRange(USUAL, NARROWEST)
    low, high = follower.update(sound(-70.0, -30.0), 0.0)
    assert low == pytest.approx(-68.0, abs=0.1)
    assert high == pytest.approx(-30.2, abs=0.1)


def test_a_click_moves_nothing() -> None:
    steady, clicked = sound(-70.0, -30.0), sound(-70.0, -30.0)
    clicked[200] = 0.0
    expected = RobustRange(USUAL, NARROWEST).update(steady, 0.0)
    assert RobustRange(USUAL, NARROWEST).update(clicked, 0.0) == pytest.approx(expected, abs=0.2)


def test_another_level_is_followed_slowly_and_in_the_end_reached() -> None:
    follower = RobustRange(USUAL, NARROWEST)
    before = np.array(follower.update(sound(-70.0, -30.0), 0.1))
    louder = sound(-40.0, 0.0)
    at_once = np.array(follower.update(louder, 0.1))
    assert 0 < (at_once - before).max() < 2.0
    while_it_lasts = [follower.update(louder, 0.1)[1] for _ in range(29)]
    assert np.all(np.diff(while_it_lasts) > 0)
    # 63 % of 30 dB.
    assert while_it_lasts[-1] - before[1] == pytest.approx(19.0, abs=0.3)
    for _ in range(300):
        after = follower.update(louder, 0.1)
    assert after == pytest.approx(before + 30.0, abs=0.1)


def test_how_often_it_looks_does_not_matter() -> None:
    often, seldom = RobustRange(USUAL, NARROWEST), RobustRange(USUAL, NARROWEST)
    for follower in (often, seldom):
        follower.update(sound(-70.0, -30.0), 0.0)
    for _ in range(100):
        often.update(sound(-40.0, 0.0), TIME_CONSTANT_S / 100)
    seldom.update(sound(-40.0, 0.0), TIME_CONSTANT_S)
    assert often.ends == pytest.approx(seldom.ends)


def test_a_steady_hum_is_not_blown_up() -> None:
    low, high = RobustRange(USUAL, NARROWEST).update(sound(-61.0, -60.0), 0.0)
    assert high - low == pytest.approx(NARROWEST)
    # It stays near the dark end.
    assert low == pytest.approx(-61.0, abs=0.1)


@pytest.mark.parametrize("silence", [np.nan, -np.inf, -11.5])
def test_silence_keeps_the_range(silence: float) -> None:
    follower = RobustRange(USUAL, NARROWEST)
    quiet = np.full((400, 80), silence, np.float32)
    assert follower.update(quiet, 1.0) == USUAL
    kept = follower.update(sound(-70.0, -30.0), 1.0)
    for _ in range(10):
        assert follower.update(quiet, 1.0) == kept
    assert follower.update(np.empty((0, 80), np.float32), 1.0) == kept


def test_gaps_and_silent_bands_do_not_count() -> None:
    values = sound(-70.0, -30.0)
    with_gaps = np.concatenate(
        (values, np.full_like(values, np.nan), np.full_like(values, -np.inf))
    )
    expected = RobustRange(USUAL, NARROWEST).update(values, 0.0)
    assert RobustRange(USUAL, NARROWEST).update(with_gaps, 0.0) == expected


def test_of_a_long_span_enough_is_looked_at() -> None:
    short, long = sound(-70.0, -30.0), sound(-70.0, -30.0, 20_000)
    expected = RobustRange(USUAL, NARROWEST).update(short, 0.0)
    assert RobustRange(USUAL, NARROWEST).update(long, 0.0) == pytest.approx(expected, abs=0.1)


def test_a_clock_that_goes_back_moves_nothing() -> None:
    follower = RobustRange(USUAL, NARROWEST)
    kept = follower.update(sound(-70.0, -30.0), 0.0)
    assert follower.update(sound(-40.0, 0.0), -5.0) == kept


@pytest.mark.parametrize("name", PRESETS)
def test_every_front_ends_unit_says_how_narrow_is_too_narrow(name: str) -> None:
    unit = PictureUnit.default(preset_for(name))
    low, high = unit.range()
    hum = np.linspace(low, low + (high - low) / 1e3, 800, dtype=np.float32).reshape(10, 80)
    shown = RobustRange(unit.range(), unit.narrowest()).update(hum, 0.0)
    assert shown[1] - shown[0] == pytest.approx(unit.narrowest())
    assert 0.09 < unit.narrowest() / (high - low) < 0.3
