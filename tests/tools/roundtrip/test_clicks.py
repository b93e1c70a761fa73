from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from visualizer.cli.commands.latency import MOST_CLICKS
from visualizer.tools.roundtrip.click_test import ClickTimes, require_possible
from visualizer.tools.roundtrip.clicks import (
    INTERVAL_S,
    LONGEST_DELAY_S,
    WANDER_S,
    UnclearError,
    band_hz,
    click,
    find_clicks,
    start_times_s,
)

N_CLICKS = 20
EXPECTED_S = 0.5 + start_times_s(N_CLICKS)
LEVEL = 0.25


def with_clicks(
    delay: int,
    sample_rate: int = 48_000,
    gain: float = LEVEL,
    left_out: tuple[int, ...] = (),
) -> np.ndarray:
    """Silence with clicks that many samples later than expected."""
    wave = gain * click(sample_rate, band_hz(sample_rate))
    sound = np.zeros(round((EXPECTED_S[-1] + LONGEST_DELAY_S + 0.2) * sample_rate))
    for number, start in enumerate(np.round(EXPECTED_S * sample_rate).astype(int) + delay):
        if number not in left_out:
            sound[start : start + len(wave)] += wave
    return sound


def noise(sound: np.ndarray, rms: float, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.0, rms, len(sound))


def rms_of_click(sample_rate: int = 48_000) -> float:
    return LEVEL * float(np.sqrt(np.mean(click(sample_rate, band_hz(sample_rate)) ** 2)))


def errors(sound: np.ndarray, delay: int, sample_rate: int = 48_000) -> np.ndarray:
    """By how many samples each click is found elsewhere than it is."""
    found = find_clicks(sound, sample_rate, band_hz(sample_rate), EXPECTED_S)
    positions = np.array([one.position for one in found.clicks])
    return positions - np.round(EXPECTED_S * sample_rate) - delay


@pytest.mark.parametrize("sample_rate", [8000, 16_000, 44_100, 48_000, 96_000])
def test_clicks_are_found_at_their_sample_at_any_rate(sample_rate: int) -> None:
    sound = with_clicks(1234, sample_rate)
    np.testing.assert_allclose(errors(sound, 1234, sample_rate), 0.0, atol=0.01)


@pytest.mark.parametrize("snr_db", [40, 20, 10, 6, 0])
def test_noise_moves_no_click_by_half_a_sample(snr_db: float) -> None:
    sound = with_clicks(3000)
    sound += noise(sound, rms_of_click() * 10 ** (-snr_db / 20))
    assert np.abs(errors(sound, 3000)).max() < 0.5


def test_a_gain_of_minus_40_db_changes_nothing() -> None:
    sound = 0.01 * with_clicks(777)
    sound += noise(sound, 0.01 * rms_of_click() / 10)
    assert np.abs(errors(sound, 777)).max() < 0.5


def test_inverted_polarity_changes_nothing() -> None:
    np.testing.assert_allclose(errors(-with_clicks(777), 777), 0.0, atol=0.01)


@pytest.mark.parametrize("later", [700, 4100, 24_000])
def test_a_weaker_echo_is_told_and_changes_nothing(later: int) -> None:
    sound = with_clicks(4800)
    echo = np.roll(sound, later)
    found = find_clicks(sound + 0.6 * echo, 48_000, band_hz(48_000), EXPECTED_S)
    assert found.second_path == pytest.approx(0.6, abs=0.02)
    assert np.abs(errors(sound + 0.6 * echo, 4800)).max() < 0.5


@pytest.mark.parametrize("later", [480, 24_000, 72_000])
def test_an_echo_as_loud_is_refused(later: int) -> None:
    sound = with_clicks(4800)
    with pytest.raises(UnclearError, match="another path is as loud"):
        find_clicks(sound + np.roll(sound, later), 48_000, band_hz(48_000), EXPECTED_S)


@given(
    delay=st.integers(0, round((LONGEST_DELAY_S - WANDER_S) * 16_000)),
    gain=st.floats(1e-3, 0.9),
    wander=st.lists(
        st.integers(-160, 160), min_size=N_CLICKS, max_size=N_CLICKS
    ),  # ±10 ms at 16 kHz
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=25)
def test_any_delay_gain_and_unpunctual_callbacks(
    delay: int, gain: float, wander: list[int], seed: int
) -> None:
    rate = 16_000
    sound = with_clicks(delay, rate, gain)
    sound += noise(sound, gain / 20, seed)
    expected_s = EXPECTED_S + np.array(wander) / rate
    found = find_clicks(sound, rate, band_hz(rate), expected_s)
    positions = np.array([one.position for one in found.clicks])
    assert np.abs(positions - np.round(EXPECTED_S * rate) - delay).max() < 0.5


def test_digital_silence_is_refused() -> None:
    with pytest.raises(UnclearError, match="nothing but digital silence"):
        find_clicks(np.zeros(480_000), 48_000, band_hz(48_000), EXPECTED_S)


def test_sound_that_was_lost_counts_as_silence() -> None:
    with pytest.raises(UnclearError, match="nothing but digital silence"):
        find_clicks(np.full(480_000, np.nan), 48_000, band_hz(48_000), EXPECTED_S)


@pytest.mark.parametrize("seed", range(8))
def test_noise_is_refused(seed: int) -> None:
    sound = noise(np.zeros(480_000), 0.05, seed)
    with pytest.raises(UnclearError, match="other sound was heard, but not the clicks"):
        find_clicks(sound, 48_000, band_hz(48_000), EXPECTED_S)


def test_noise_that_is_faint_is_too_quiet() -> None:
    sound = noise(np.zeros(480_000), 1e-4)
    with pytest.raises(UnclearError, match=r"too quiet: .* -6\d dBFS; raise the volume"):
        find_clicks(sound, 48_000, band_hz(48_000), EXPECTED_S)


@pytest.mark.parametrize("begin_s", [0.0, 0.7, 2.1, 3.3, 5.0])
def test_speech_and_music_are_refused(begin_s: float) -> None:
    demo, rate = soundfile.read(Path(__file__).parents[3] / "assets" / "demo.flac")
    sound = np.tile(demo, 2)[round(begin_s * rate) :]
    with pytest.raises(UnclearError, match="other sound was heard, but not the clicks"):
        find_clicks(sound, rate, band_hz(rate), EXPECTED_S)


def test_other_sound_in_the_rhythm_of_the_clicks_is_refused() -> None:
    """As of a path that leaves nothing of them but when they came."""
    sound = with_clicks(5000)
    bursts = np.where(sound != 0.0, noise(sound, 0.1), 0.0)
    with pytest.raises(UnclearError, match="other sound was heard, but not the clicks"):
        find_clicks(bursts, 48_000, band_hz(48_000), EXPECTED_S)


def test_clicks_under_speech_are_found() -> None:
    demo, rate = soundfile.read(Path(__file__).parents[3] / "assets" / "demo.flac")
    sound = with_clicks(2000, rate)
    sound += 0.1 * np.resize(demo, len(sound))
    assert np.abs(errors(sound, 2000, rate)).max() < 0.5


@pytest.mark.parametrize(
    ("left_out", "n_found"), [((7,), 19), ((0,), 19), ((19,), 19), ((2, 3, 5, 7, 11, 13), 14)]
)
def test_a_missing_click_is_told_and_refused(left_out: tuple[int, ...], n_found: int) -> None:
    sound = with_clicks(5000, left_out=left_out)
    sound += noise(sound, rms_of_click() / 10)
    with pytest.raises(UnclearError, match=f"found only {n_found} of 20"):
        find_clicks(sound, 48_000, band_hz(48_000), EXPECTED_S)


def test_few_clicks_of_many_are_refused() -> None:
    sound = with_clicks(5000, left_out=tuple(range(3, N_CLICKS)))
    sound += noise(sound, rms_of_click() / 10)
    with pytest.raises(UnclearError):
        find_clicks(sound, 48_000, band_hz(48_000), EXPECTED_S)


def test_minutes_at_a_high_rate_take_little_memory() -> None:
    """The most clicks that a command plays, which take 40 s."""
    rate, expected_s = 192_000, 0.5 + start_times_s(MOST_CLICKS)
    sound = np.zeros(round((expected_s[-1] + LONGEST_DELAY_S) * rate), np.float32)
    wave = LEVEL * click(rate, band_hz(rate))
    for start in np.round(expected_s * rate).astype(int):
        sound[start + 5000 : start + 5000 + len(wave)] = wave
    tracemalloc.start()
    try:
        found = find_clicks(sound, rate, band_hz(rate), expected_s)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    positions = np.array([one.position for one in found.clicks])
    np.testing.assert_allclose(positions, np.round(expected_s * rate) + 5000, rtol=0, atol=0.01)
    assert most < 300e6


def test_clipping_is_refused() -> None:
    sound = np.clip(with_clicks(5000, gain=3.0), -1.0, 1.0)
    with pytest.raises(UnclearError, match="the clicks are clipping"):
        find_clicks(sound, 48_000, band_hz(48_000), EXPECTED_S)


def test_more_delay_than_is_looked_for_is_refused() -> None:
    sound = with_clicks(round(2.1 * 48_000))
    sound += noise(sound, rms_of_click() / 100)
    with pytest.raises(UnclearError):
        find_clicks(sound, 48_000, band_hz(48_000), EXPECTED_S)


def test_no_two_intervals_are_alike() -> None:
    """Else an echo of one click could pass for the next."""
    intervals = np.diff(start_times_s(N_CLICKS))
    assert (intervals >= INTERVAL_S[0]).all()
    assert (intervals <= INTERVAL_S[1]).all()
    np.testing.assert_array_equal(start_times_s(N_CLICKS), start_times_s(N_CLICKS))
    assert np.diff(np.sort(intervals)).min() > 1e-4
    # What is played does not depend on how many follow.
    np.testing.assert_array_equal(start_times_s(5), start_times_s(N_CLICKS)[:5])


@pytest.mark.parametrize("n_clicks", [5, 6, 7, 8, 10, 12, 14, 16, 20, 30, 60, 100])
def test_half_of_the_clicks_never_meet_others(n_clicks: int) -> None:
    """Else another delay would seem as good as the true one."""
    times = start_times_s(n_clicks)
    delays = np.arange(3 * WANDER_S, LONGEST_DELAY_S, 0.005)
    for delay in (*delays, *-delays):
        distances = np.abs(times[:, np.newaxis] + delay - times).min(axis=1)
        assert np.count_nonzero(distances < 1.5 * WANDER_S) < n_clicks / 2


@pytest.mark.parametrize("sample_rate", [4000, 16_000, 48_000, 192_000])
def test_a_click_lies_in_its_band_and_begins_and_ends_softly(sample_rate: int) -> None:
    low, high = band_hz(sample_rate)
    wave = click(sample_rate, (low, high))
    assert np.abs(wave).max() <= 1.0
    assert np.abs(wave[[0, -1]]).max() < 0.05
    power = np.abs(np.fft.rfft(wave, sample_rate)) ** 2
    assert power[round(0.8 * low) : round(1.1 * high)].sum() > 0.95 * power.sum()


def test_clicks_that_come_before_they_were_due_are_no_result() -> None:
    def click(path_ms: float) -> ClickTimes:
        return ClickTimes(0.0, 1.0, -20.0, path_ms, 1.0, 1.0, 1.0, 10.0, 12.0)

    require_possible((click(9.0), click(-1.0), click(12.0)))
    with pytest.raises(UnclearError, match=r"3\.1 ms before they were due"):
        require_possible((click(9.0), click(-3.1), click(-4.0)))
