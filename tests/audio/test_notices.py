from __future__ import annotations

import math

import pytest

from visualizer.audio.notices import SILENCE, SoundWatch, integers_taken_for_floats
from visualizer.audio.sanitize import NO_FAULTS, SoundFaults
from visualizer.mel.limits import CLIP_PEAK


def observe(
    watch: SoundWatch,
    peak: float,
    seconds: float,
    block_s: float = 0.005,
    means: tuple[float, ...] = (),
    faults: SoundFaults = NO_FAULTS,
) -> None:
    for _ in range(round(seconds / block_s)):
        watch.observe(peak, block_s, means, faults)


def test_ordinary_sound_needs_no_word() -> None:
    watch = SoundWatch()
    assert watch.notice is None
    observe(watch, 0.5, 10.0)
    observe(watch, CLIP_PEAK - 1e-6, 1.0)
    assert watch.notice is None


def test_two_seconds_of_zeros_are_said_and_any_sound_ends_it() -> None:
    watch = SoundWatch()
    observe(watch, 0.0, 1.995)
    assert watch.notice is None
    observe(watch, 0.0, 0.005)
    assert watch.notice == SILENCE
    watch.observe(1e-9, 0.005)
    assert watch.notice is None
    observe(watch, 0.0, 1.9)
    assert watch.notice is None


def test_quiet_is_not_digital_silence() -> None:
    watch = SoundWatch()
    observe(watch, 3e-5, 10.0)
    assert watch.notice is None


def test_clipping_is_said_for_five_seconds() -> None:
    watch = SoundWatch()
    observe(watch, 0.5, 1.0)
    watch.observe(1.0, 0.005)
    assert watch.notice == "clipping: once in the last minute; a lower gain avoids it"
    observe(watch, 0.5, 4.9)
    assert watch.notice is not None
    observe(watch, 0.5, 0.2)
    assert watch.notice is None


def test_clips_of_the_last_minute_are_counted() -> None:
    watch = SoundWatch()
    for _ in range(4):
        watch.observe(1.0, 0.005)
        observe(watch, 0.5, 20.0)
    # The first two are 80 and 60 seconds ago.
    watch.observe(1.0, 0.005)
    assert watch.notice == "clipping: 3 times in the last minute; a lower gain avoids it"


@pytest.mark.parametrize("block_s", [0.002, 0.005, 0.02, 0.05])
def test_the_count_does_not_depend_on_the_length_of_deliveries(block_s: float) -> None:
    watch = SoundWatch()
    observe(watch, 0.5, 1.0, block_s)
    observe(watch, 1.0, 2.0, block_s)
    notice = watch.notice
    assert notice is not None
    assert 19 <= int(notice.split()[1]) <= 21


def test_silence_counts_more_than_clips_before_it() -> None:
    watch = SoundWatch()
    watch.observe(1.0, 0.005)
    observe(watch, 0.0, 2.5)
    assert watch.notice == SILENCE


def test_a_constant_offset_of_one_channel_is_said_and_what_to_do() -> None:
    watch = SoundWatch()
    observe(watch, 0.5, 1.99, means=(0.0, -0.12))
    assert watch.notice is None
    observe(watch, 0.5, 0.01, means=(0.0, -0.12))
    notice = watch.notice
    assert notice is not None
    assert notice.startswith("a constant offset (DC) of 12 % of full scale; ")
    assert "high-pass filter" in notice
    observe(watch, 0.5, 2.0, means=(0.0, 0.01))
    assert watch.notice is None


@pytest.mark.parametrize("block_s", [0.002, 0.0125, 0.05])
def test_loud_sound_has_no_constant_offset(block_s: float) -> None:
    watch = SoundWatch()
    # A hum of 50 Hz at full scale: single deliveries are far off zero, seconds of them are not.
    for n in range(round(10 / block_s)):
        ends = [2 * math.pi * 50 * at * block_s for at in (n, n + 1)]
        mean = (math.cos(ends[0]) - math.cos(ends[1])) / (ends[1] - ends[0])
        watch.observe(0.9, block_s, (mean,))
        assert watch.notice is None


def test_samples_that_were_no_sound_are_said_for_five_seconds_before_all_else() -> None:
    watch = SoundWatch()
    faults = SoundFaults(not_finite=12)
    observe(watch, 0.0, 4.0, faults=faults)
    assert watch.notice == "12 samples were not numbers and are taken as silence"
    observe(watch, 0.0, 1.1, faults=faults)
    assert watch.notice == SILENCE
    observe(watch, 1.0, 0.1, faults=SoundFaults(not_finite=13, beyond_limit=1))
    notice = watch.notice
    assert notice is not None
    assert notice.startswith("13 samples were not numbers and are taken as silence; 1 sample lay ")
    assert "beyond 65536 times full scale" in notice


def test_integers_taken_for_floats_are_said_with_their_gain_as_long_as_they_come() -> None:
    watch = SoundWatch()
    watch.observe(9830.0, 60.0, integer_bits=16)
    assert watch.notice == (
        "the samples look like 16-bit integers stored as floats; File, Gain… offers the "
        "-90.309 dB that bring them to full scale"
    )
    assert integers_taken_for_floats(16) == (
        "the samples look like 16-bit integers stored as floats; --gain -90.309 brings them to "
        "full scale"
    )
    watch.observe(1e6, 1.0, faults=SoundFaults(beyond_limit=3), integer_bits=24)
    assert watch.notice is not None
    assert "24-bit integers" in watch.notice
    assert "-138.474 dB" in watch.notice
    assert watch.notice.endswith("; 3 samples lay beyond 65536 times full scale, which is cut off")
    observe(watch, 0.5, 60.0)
    assert watch.notice is None


def test_an_echo_that_fades_below_all_numbers_is_no_fault() -> None:
    watch = SoundWatch()
    observe(watch, 1e-9, 1.0, faults=SoundFaults(denormal=1000))
    assert watch.notice is None
