"""Raw PCM through a real pipe."""

from __future__ import annotations

import io
import logging
import os
import pty
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile

from visualizer.audio.capture import SAMPLE_FORMATS, CaptureConfig, SampleFormat
from visualizer.audio.demo import demo_path
from visualizer.audio.pcm import decoded, sample_bytes
from visualizer.audio.pipe import PipedFileSource, PipeSource
from visualizer.audio.ring import BlockRing, SourceEnd
from visualizer.errors import SourceError

RATE_HZ = 8_000
SUBTYPES: dict[SampleFormat, str] = {
    "u8": "PCM_U8",
    "s16": "PCM_16",
    "s24": "PCM_24",
    "s32": "PCM_32",
    "f32": "FLOAT",
    "f64": "DOUBLE",
    "s16be": "PCM_16",
    "s24be": "PCM_24",
    "s32be": "PCM_32",
    "f32be": "FLOAT",
}
"""libsndfile's; it has none for s24in32"""


def capture(form: SampleFormat = "s16", channels: int = 1) -> CaptureConfig:
    return CaptureConfig("pipe", sample_rate=RATE_HZ, channels=channels, sample_format=form)


@contextmanager
def fed(data: bytes) -> Iterator[int]:
    """The reading end of a pipe into which these bytes go, and then its end."""
    reader, writer = os.pipe()

    def feed() -> None:
        with os.fdopen(writer, "wb", buffering=0) as file:
            file.write(data)

    thread = threading.Thread(target=feed, daemon=True)
    thread.start()
    try:
        yield reader
        thread.join(10)
    finally:
        os.close(reader)


def heard(data: bytes, config: CaptureConfig, capacity: int = 10 * RATE_HZ) -> BlockRing:
    """The ring once all was delivered into it, unread."""
    ended = threading.Event()
    ring = BlockRing(config.channels or 1, capacity, lambda r: r.end and ended.set())
    with fed(data) as descriptor:
        source = PipeSource(descriptor, config)
        source.start(ring)
        assert ended.wait(10)
        source.close()
    return ring


def taken(ring: BlockRing) -> np.ndarray:
    blocks = []
    while (block := ring.read()) is not None:
        blocks.append(block.samples)
    return np.concatenate(blocks)


def by_library(samples: np.ndarray, form: SampleFormat) -> tuple[bytes, np.ndarray]:
    """Raw PCM of (n, channels), as a sound library writes it, and what it reads of that."""
    endian = "BIG" if form.endswith("be") else "LITTLE"
    shape = {"samplerate": RATE_HZ, "format": "RAW", "endian": endian}
    shape["subtype"] = SUBTYPES.get(form, "PCM_24")
    file = io.BytesIO()
    soundfile.write(file, samples, **shape)
    data = file.getvalue()
    file.seek(0)
    shape |= {"dtype": "float32", "always_2d": True}
    values, _ = soundfile.read(file, channels=samples.shape[1], **shape)
    if form == "s24in32":
        # The sign of its third byte, as ALSA's S24_LE has it.
        threes = np.frombuffer(data, np.uint8).reshape(-1, 3)
        signs = np.where(threes[:, 2:] > 127, 255, 0).astype(np.uint8)
        data = np.concatenate((threes, signs), axis=1).tobytes()
    return data, values


@pytest.mark.parametrize("form", SAMPLE_FORMATS)
def test_each_format_is_read_as_a_sound_library_reads_it(form: SampleFormat) -> None:
    samples = np.random.default_rng().uniform(-1, 1, (3000, 2))
    samples[:3] = [[-1, 1], [1, -1], [0, 0]]
    data, expected = by_library(samples, form)
    ring = heard(data, capture(form, 2))
    np.testing.assert_array_equal(taken(ring), expected)
    assert ring.end is SourceEnd.COMPLETE
    assert sample_bytes(form) == len(data) // samples.size


SPEECH = soundfile.read(demo_path(), dtype="float64", always_2d=True, start=20_000, frames=32_000)[
    0
]
# With more bits than the 16 of the file.
SPEECH = SPEECH + np.random.default_rng(4).uniform(-0.5, 0.5, SPEECH.shape) / 2**15
SOUNDS = {
    "speech": SPEECH,
    "quiet speech": SPEECH / 10,
    "a sine": 0.5 * np.sin(0.1 * np.arange(8000))[:, None],
    "a clipped sine": np.clip(3 * np.sin(0.013 * np.arange(8000)), -1, 0.9999)[:, None],
    "two channels": np.stack((SPEECH[:, 0], -SPEECH[:, 0] / 2), axis=1),
}
WRONG: list[tuple[SampleFormat, SampleFormat]] = [
    ("s24in32", "s32"),
    ("s24in32", "s24"),
    ("s32", "s24in32"),
    ("f32", "s16"),
    ("f32", "s32"),
    *(("s16be", "s16"), ("s24be", "s24"), ("s32be", "s32"), ("f32be", "f32")),
    *(("s16", "s16be"), ("s24", "s24be"), ("s32", "s32be"), ("f32", "f32be")),
]
"""what raw PCM is in, and what is said of it"""


@pytest.mark.parametrize("sound", SOUNDS)
@pytest.mark.parametrize(("form", "said"), WRONG)
def test_another_format_than_was_said_is_noticed_before_anything_is_delivered(
    caplog: pytest.LogCaptureFixture, sound: str, form: SampleFormat, said: SampleFormat
) -> None:
    samples = SOUNDS[sound]
    data, _ = by_library(samples, form)
    words = f"look like {form}, not {said}"
    told_at: list[bool] = []
    ended = threading.Event()

    def on_audio(ring: BlockRing) -> None:
        told_at.append(words in caplog.text)
        if ring.end:
            ended.set()

    config = capture(said, samples.shape[1])
    ring = BlockRing(config.channels or 1, 100 * RATE_HZ, on_audio)
    with fed(data) as descriptor, caplog.at_level(logging.WARNING):
        source = PipeSource(descriptor, config)
        source.start(ring)
        assert ended.wait(10)
        source.close()
    assert all(told_at)
    assert f"; --sample-format {form} reads them" in caplog.text
    assert caplog.text.count("look like") == 1


NOISE = np.random.default_rng(3)
OTHERS = {
    "white noise": NOISE.uniform(-1, 1, (8000, 1)),
    "loud noise": NOISE.normal(0, 0.2, (8000, 1)).clip(-1, 1),
    "a high sine": 0.5 * np.sin(2.9 * np.arange(8000))[:, None],
    "a square wave": np.sign(np.sin(0.05 * np.arange(8000)))[:, None] * 0.99997,
    "8 bits": np.rint(64 * np.sin(0.1 * np.arange(8000)))[:, None] / 128,
    "silence": np.zeros((8000, 1)),
}


@pytest.mark.parametrize("sound", [*SOUNDS, *OTHERS])
@pytest.mark.parametrize("form", SAMPLE_FORMATS)
def test_what_is_as_it_was_said_is_not_suspected(
    caplog: pytest.LogCaptureFixture, sound: str, form: SampleFormat
) -> None:
    samples = (SOUNDS | OTHERS)[sound]
    data, expected = by_library(samples, form)
    with caplog.at_level(logging.WARNING):
        ring = heard(data, capture(form, samples.shape[1]))
    assert not caplog.text
    np.testing.assert_array_equal(taken(ring), expected)


def test_a_sound_is_judged_where_it_begins(caplog: pytest.LogCaptureFixture) -> None:
    data, _ = by_library(np.concatenate((np.zeros((RATE_HZ, 1)), SPEECH)), "s24in32")
    with caplog.at_level(logging.WARNING):
        heard(data, capture("s32"))
    assert caplog.text.count("look like s24in32, not s32, unless") == 1


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"RIFF\x24\0\0\0WAVE", "WAV"),
        (b"RF64\xff\xff\xff\xffWAVE", "RF64"),
        (b"RIFX\0\0\0\x24WAVE", "RIFX"),
        (b"fLaC\0\0\0\x22\x10\0\x10\0", "FLAC"),
        (b"OggS\0\x02\0\0\0\0\0\0", "Ogg"),
        (b"ID3\x04\0\0\0\0\0\x21TS", "MP3"),
        (b"FORM\0\0\0\x24AIFF", "AIFF"),
        (b"caff\0\1\0\0desc", "CAF"),
        (b"\0\0\0\x1cftypM4A ", "MP4"),
        (b"\x1aE\xdf\xa3\1\0\0\0\0\0\0\x1f", "WebM"),
    ],
)
@pytest.mark.parametrize("form", ["s16", "f32", "s24"])
def test_a_file_is_not_read_as_raw_pcm(head: bytes, kind: str, form: SampleFormat) -> None:
    data, _ = by_library(SPEECH, form)
    ring = heard(head + data, capture(form))
    fault = ring.fault or ""
    assert fault.startswith(f"standard input begins as a file does ({kind}")
    assert "leave out --sample-rate, --sample-format and --channels" in fault
    assert ring.delivered == 0


def test_the_writer_waits_while_the_ring_is_full() -> None:
    """Nothing is read for a while from a ring that holds a tenth of it, and nothing is lost."""
    samples = np.random.default_rng().integers(-(2**15), 2**15, 20 * RATE_HZ).astype("<i2")
    blocks: list[np.ndarray] = []
    full, ended = threading.Event(), threading.Event()

    def on_audio(ring: BlockRing) -> None:
        if ring.room < RATE_HZ // 10:
            full.set()
        if ring.end is not None:
            ended.set()

    ring = BlockRing(1, 2 * RATE_HZ, on_audio)
    with fed(samples.tobytes()) as descriptor:
        source = PipeSource(descriptor, capture())
        source.start(ring)
        assert full.wait(10)
        while not ended.wait(0.001) or len(ring):
            if (block := ring.read()) is not None:
                blocks.append(block.samples)
        source.close()
    assert ring.dropped_blocks == 0
    np.testing.assert_array_equal(np.concatenate(blocks)[:, 0], decoded(samples.tobytes(), "s16"))


def test_a_sample_that_is_not_whole_is_left_out_and_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        ring = heard(np.arange(10, dtype="<i2").tobytes() + b"\1\2\3", capture(channels=2))
    assert len(taken(ring)) == 5
    assert ring.end is SourceEnd.COMPLETE
    assert "ends within a sample: 3 of its 4 bytes" in caplog.text


@pytest.mark.parametrize("data", [b"", b"\1"])
def test_no_sound_at_all_is_an_error(data: bytes) -> None:
    ring = heard(data, capture())
    assert f"standard input holds no sound ({len(data)} bytes" in (ring.fault or "")


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    ended = threading.Event()
    ring = BlockRing(1, RATE_HZ, lambda _: ended.set())
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        with pytest.raises(IsADirectoryError):
            os.read(folder, 1)
        reader, writer = os.pipe()
        source = PipeSource(reader, capture())
        os.dup2(folder, reader)
        source.start(ring)
        assert ended.wait(10)
    finally:
        for descriptor in (folder, reader, writer):
            os.close(descriptor)
    assert ring.fault == "standard input cannot be read on after 0.00 s: Is a directory"


def test_closed_it_ends_also_where_a_pipe_does_not_let_it_wait() -> None:
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    before = set(threading.enumerate())
    source = PipeSource(reader, capture())
    try:
        source.start(BlockRing(1, RATE_HZ, lambda _: None))
        [thread] = set(threading.enumerate()) - before
        source.close()
        thread.join(10)
        assert not thread.is_alive()
    finally:
        os.close(writer)
        os.close(reader)


def test_a_terminal_is_no_pipe() -> None:
    main, terminal = pty.openpty()
    try:
        with pytest.raises(SourceError, match="standard input is a terminal; pipe sound"):
            PipeSource(terminal, capture())
        with pytest.raises(SourceError, match="standard input is a terminal; pipe sound"):
            PipedFileSource(terminal, CaptureConfig("pipe"))
    finally:
        os.close(main)
        os.close(terminal)
