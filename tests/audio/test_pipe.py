"""Raw PCM through a real pipe."""

from __future__ import annotations

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
from visualizer.audio.pipe import PipeSource, decoded, sample_bytes
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
}


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


@pytest.mark.parametrize("form", SAMPLE_FORMATS)
def test_each_format_is_read_as_a_sound_library_reads_it(
    tmp_path: Path, form: SampleFormat
) -> None:
    samples = np.random.default_rng().uniform(-1, 1, (1000, 2))
    samples[:3] = [[-1, 1], [1, -1], [0, 0]]
    path = tmp_path / "sound.raw"
    shape = {"samplerate": RATE_HZ, "subtype": SUBTYPES[form], "format": "RAW", "endian": "LITTLE"}
    soundfile.write(path, samples, **shape)
    expected, _ = soundfile.read(path, channels=2, dtype="float32", **shape)
    ring = heard(path.read_bytes(), capture(form, 2))
    np.testing.assert_array_equal(taken(ring), expected)
    assert ring.end is SourceEnd.COMPLETE
    assert sample_bytes(form) == path.stat().st_size // samples.size


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
        with pytest.raises(SourceError, match="standard input is a terminal; pipe raw PCM"):
            PipeSource(terminal, capture())
    finally:
        os.close(main)
        os.close(terminal)
