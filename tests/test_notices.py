from __future__ import annotations

import pytest

from visualizer.notices import CLIP_PEAK, SILENCE, SoundWatch


def observe(watch: SoundWatch, peak: float, seconds: float, block_s: float = 0.005) -> None:
    for _ in range(round(seconds / block_s)):
        watch.observe(peak, block_s)


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
