"""The fast strip against a plain envelope in NumPy, number by number and pixel by pixel."""

from __future__ import annotations

import time
from fractions import Fraction
from math import ceil

import numpy as np
import pytest
from PyQt6.QtGui import QColor, QPalette
from pytestqt.qtbot import QtBot

from visualizer.ui.picture.envelope import Envelope
from visualizer.ui.picture.tints import GAP, STAGE_COLOURS, alarm
from visualizer.ui.picture.waveform import WaveformStrip

LONG_AGO_S = 0.0
"""As a time to be done: one piece of work a call."""


class Sound:
    """Two channels of noise with lost stretches; remembers what was read of it."""

    def __init__(self, n_samples: int, *gaps: tuple[int, int]) -> None:
        rng = np.random.default_rng(4)
        self.samples = rng.uniform(-0.9, 0.9, (n_samples, 2)).astype(np.float32)
        for first, end in gaps:
            self.samples[first:end] = np.nan
        self.reads: list[tuple[int, int]] = []

    def read(self, first: int, end: int) -> np.ndarray:
        assert 0 <= first < end <= len(self.samples)
        self.reads.append((first, end))
        return self.samples[first:end].copy()


def reference(
    samples: np.ndarray, samples_per_pixel: Fraction, pixel: int, end_sample: int
) -> tuple[float, float]:
    """The lowest and highest sample of a pixel, NaN where one is lost."""
    first = ceil(pixel * samples_per_pixel)
    end = min(ceil((pixel + 1) * samples_per_pixel), end_sample)
    inside = samples[min(first, end - 1) : end]
    return float(inside.min()), float(inside.max())


@pytest.mark.parametrize(
    "samples_per_pixel",
    [Fraction(375), Fraction(1000, 7), Fraction(441, 100), Fraction(1), Fraction(3, 10)],
)
def test_the_envelope_is_that_of_plain_numpy_wherever_the_view_goes(
    samples_per_pixel: Fraction,
) -> None:
    width = 50
    n_samples = int(220 * samples_per_pixel)
    sound = Sound(
        n_samples,
        (n_samples // 3, n_samples // 3 + 2),
        (n_samples // 2, n_samples // 2 + ceil(7 * samples_per_pixel)),
    )
    envelope = Envelope(float(samples_per_pixel), width)
    rng = np.random.default_rng(5)
    end = 1
    # On by little steps over many turns of the ring, then back and on in leaps.
    steps = [*rng.integers(0, ceil(3 * samples_per_pixel), 150), *rng.integers(0, n_samples, 20)]
    for number, step in enumerate(steps):
        end = min(end + int(step), n_samples) if number < 150 else max(1, int(step))
        missing = envelope.missing(end)
        assert len(envelope.fill(sound.read, missing, end, time.perf_counter() + 60)) == 0
        end_pixel = envelope.end_pixel(end)
        # After a leap back, the last one may be known with the samples that follow.
        until = end_pixel if number < 150 else end_pixel - 1
        for pixel in range(max(0, end_pixel - width), until):
            found = envelope.low[pixel % width], envelope.high[pixel % width]
            expected = reference(sound.samples, samples_per_pixel, pixel, end)
            np.testing.assert_array_equal(found, np.float32(expected), f"pixel {pixel} of {end}")


def test_only_new_pixels_are_read() -> None:
    sound = Sound(100_000)
    envelope = Envelope(100.0, 300)
    envelope.fill(sound.read, envelope.missing(50_000), 50_000, time.perf_counter() + 60)
    sound.reads.clear()
    assert len(envelope.missing(50_000)) == 0
    for end in (50_060, 50_120, 50_180):
        envelope.fill(sound.read, envelope.missing(end), end, time.perf_counter() + 60)
    assert sound.reads == [(50_000, 50_060), (50_000, 50_120), (50_100, 50_180)]


def test_much_is_computed_in_pieces_with_the_newest_first() -> None:
    sound = Sound(1_000_000)
    envelope = Envelope(1000.0, 1000)
    calls = 0
    while len(missing := envelope.missing(1_000_000)):
        left = envelope.fill(sound.read, missing, 1_000_000, LONG_AGO_S)
        assert len(left) < len(missing)
        np.testing.assert_array_equal(left, missing[: len(left)])
        calls += 1
    assert calls > 10
    assert len(sound.reads) == calls
    assert sound.reads == sorted(sound.reads, reverse=True)
    for pixel in (0, 1, 499, 999):
        expected = reference(sound.samples, Fraction(1000), pixel, 1_000_000)
        assert (envelope.low[pixel], envelope.high[pixel]) == pytest.approx(expected)


RATE = 1000
WIDTH, HEIGHT = 200, 41


class Strip(WaveformStrip):
    """On a screen of any pixel ratio."""

    ratio = 1.0

    def devicePixelRatioF(self) -> float:
        return self.ratio


@pytest.fixture
def strip(qtbot: QtBot) -> Strip:
    strip = Strip()
    qtbot.addWidget(strip)
    strip.resize(WIDTH, HEIGHT)
    return strip


def pixels(strip: WaveformStrip) -> np.ndarray:
    """(height, width, 3)"""
    image = strip.grab().toImage()
    image = image.convertToFormat(image.Format.Format_RGB32)
    memory = image.constBits()
    assert memory is not None
    memory.setsize(image.sizeInBytes())
    return np.array(memory).reshape(image.height(), image.width(), 4)[:, :, 2::-1]


def rgb(colour: QColor) -> tuple[int, ...]:
    return colour.getRgb()[:3]  # type: ignore[return-value]


def expected_pixels(strip: Strip, samples: np.ndarray, end_sample: int, span: int) -> np.ndarray:
    """(HEIGHT, WIDTH, 3) by the definition, in Python."""
    samples_per_pixel = Fraction(span, WIDTH)
    end_pixel = (end_sample - 1) // samples_per_pixel + 1
    picture = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    picture[:] = rgb(strip.palette().color(QPalette.ColorRole.Base))
    before = None
    for column in range(-1, WIDTH):
        pixel = end_pixel - WIDTH + column
        if pixel < 0:
            continue
        low, high = reference(samples, samples_per_pixel, pixel, end_sample)
        top, bottom = high, low
        if before is not None and not np.isnan(before[0]):
            top, bottom = max(top, before[0]), min(bottom, before[1])
        if column >= 0 and np.isnan(low):
            picture[:, column] = rgb(GAP)
        elif column >= 0:
            first, last = (round((1 - level) * (HEIGHT - 1) / 2) for level in (top, bottom))
            loud = max(high, -low) >= 0.999
            wave = alarm(strip.palette()) if loud else STAGE_COLOURS["wait"]
            picture[first : last + 1, column] = rgb(wave)
        # What a join goes to: from the lowest up, from the highest down.
        before = (low, high)
    return picture


def slow_sound(n_samples: int) -> np.ndarray:
    time_s = np.arange(n_samples) / RATE
    wave = 0.8 * np.sin(2 * np.pi * 0.9 * time_s) * np.sign(np.sin(2 * np.pi * 0.31 * time_s))
    wave[3000:3300] = np.nan
    wave[5000:5040] = 1.0
    return wave.astype(np.float32)[:, np.newaxis]


def test_the_strip_looks_as_defined_wherever_the_stream_is(strip: Strip) -> None:
    samples = slow_sound(9000)
    strip.set_source(lambda first, end: samples[first:end], RATE)
    ends = [20, 30, 37, *range(90, 9000, 433), 9000]
    for end in ends:
        # As a clock would give it, with its roundings; the grid must not move with them.
        strip.set_view(end / RATE - 2.0, end / RATE)
        strip.show_new()
        np.testing.assert_array_equal(
            pixels(strip), expected_pixels(strip, samples, end, 2000), f"at sample {end}"
        )


def test_following_the_stream_costs_a_pixel_or_two(strip: Strip) -> None:
    sound = Sound(100_000)
    strip.set_source(sound.read, 10_000)
    strip.set_view(0.1, 4.1)
    strip.show_new()
    sound.reads.clear()
    for step in range(300):
        end_s = 4.1 + step * 0.0125
        strip.set_view(end_s - 4.0, end_s)
        strip.show_new()
    assert max(end - first for first, end in sound.reads) <= 3 * 200


def test_a_dense_screen_shows_more_of_the_sound(strip: Strip) -> None:
    strip.ratio = 2.0
    sound = Sound(8000)
    strip.set_source(sound.read, RATE)
    strip.set_view(0.0, 8.0)
    strip.show_new()
    width = round(WIDTH * strip.ratio)
    image = strip._image
    assert (image.width(), image.height()) == (width, 2 * HEIGHT)
    for pixel in range(1, width):
        low, high = reference(sound.samples, Fraction(8000, width), pixel, 8000)
        column = [image.pixelColor(pixel, y) for y in range(image.height())]
        rows = [y for y, colour in enumerate(column) if colour == STAGE_COLOURS["wait"]]
        assert rows[0] <= (1 - high) * (2 * HEIGHT - 1) / 2 + 0.5
        assert rows[-1] >= (1 - low) * (2 * HEIGHT - 1) / 2 - 0.5


def test_another_size_span_or_source_is_shown_whole(strip: Strip, qtbot: QtBot) -> None:
    samples = slow_sound(9000)
    strip.set_source(lambda first, end: samples[first:end], RATE)
    strip.set_view(6.0, 8.0)
    strip.show_new()
    strip.set_view(4.0, 8.0)
    strip.show_new()
    qtbot.waitUntil(lambda: strip.complete)
    np.testing.assert_array_equal(pixels(strip), expected_pixels(strip, samples, 8000, 4000))
    before = pixels(strip)
    strip.resize(WIDTH // 2, HEIGHT)
    strip.grab()
    strip.resize(WIDTH, HEIGHT)
    strip.grab()
    np.testing.assert_array_equal(pixels(strip), before)
    strip.set_source(lambda first, end: np.zeros((end - first, 1), np.float32), RATE)
    strip.show_new()
    middle = pixels(strip)[HEIGHT // 2]
    assert (middle == rgb(STAGE_COLOURS["wait"])).all()
    strip.set_source(None, RATE)
    strip.show_new()
    assert (pixels(strip) == rgb(strip.palette().color(QPalette.ColorRole.Base))).all()


def test_what_takes_long_is_gone_on_with_by_itself(
    strip: Strip, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("visualizer.ui.picture.waveform._BUDGET_S", 0.0)
    # A step at each pixel, so that each is joined to the one before it, computed later.
    levels = np.random.default_rng(6).uniform(-0.9, 0.9, WIDTH)
    samples = np.repeat(levels, 10_000).astype(np.float32)[:, np.newaxis]
    strip.set_source(lambda first, end: samples[first:end], 100_000)
    strip.set_view(0.0, 20.0)
    strip.show_new()
    assert not strip.complete
    assert (pixels(strip)[:, 0] == rgb(strip.palette().color(QPalette.ColorRole.Base))).all()
    qtbot.waitUntil(lambda: strip.complete)
    expected = expected_pixels(strip, samples, len(samples), len(samples))
    np.testing.assert_array_equal(pixels(strip), expected)


def test_it_is_three_lines_high_in_any_font(strip: Strip) -> None:
    font = strip.font()
    font.setPointSizeF(2 * font.pointSizeF())
    strip.setFont(font)
    assert strip.sizeHint().height() == 3 * strip.fontMetrics().lineSpacing()
