from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile
from av.audio.frame import AudioFrame

from visualizer.audio import reader
from visualizer.audio.capture import CaptureConfig
from visualizer.audio.demo import demo_path, open_demo
from visualizer.audio.file import FileSource, open_audio, read_blocks
from visualizer.audio.ring import BlockRing, SourceEnd
from visualizer.errors import ConfigError, SourceError

RATE_HZ = 8_000


@pytest.fixture
def samples() -> np.ndarray:
    return np.random.default_rng().uniform(-0.5, 0.5, (1234, 2)).astype(np.float32)


def write(path: Path, samples: np.ndarray) -> Path:
    soundfile.write(path, samples, RATE_HZ)
    return path


def play(path: Path, n_samples: int, *, loop: bool = False) -> tuple[np.ndarray, BlockRing]:
    """What a file delivers until its end, or until there are that many samples."""
    enough = threading.Event()
    blocks: list[np.ndarray] = []

    def on_audio(ring: BlockRing) -> None:
        while (block := ring.read()) is not None:
            blocks.append(block.samples)
        if ring.end is not None or sum(map(len, blocks)) >= n_samples:
            enough.set()

    ring = BlockRing(2, RATE_HZ, on_audio)
    source = FileSource(path, CaptureConfig("file", path=str(path), loop=loop))
    source.start(ring)
    assert enough.wait(10)
    source.close()
    return np.concatenate(blocks), ring


@pytest.mark.parametrize("ending", ["wav", "flac", "ogg", "mp3"])
def test_a_file_is_delivered_whole_and_ends(tmp_path: Path, ending: str) -> None:
    path = write(tmp_path / f"sound.{ending}", LONG)
    expected, _ = soundfile.read(path, dtype="float32", always_2d=True)
    heard, ring = play(path, 10**9)
    # Decoders of the same MP3 round differently.
    np.testing.assert_allclose(heard, expected, rtol=0, atol=1e-5)
    assert ring.end is SourceEnd.COMPLETE


def test_a_looping_file_begins_again_without_a_break(tmp_path: Path, samples: np.ndarray) -> None:
    path = write(tmp_path / "sound.wav", samples)
    once, _ = soundfile.read(path, dtype="float32", always_2d=True)
    heard, ring = play(path, 2 * len(samples) + 50, loop=True)
    np.testing.assert_array_equal(heard, np.tile(once, (3, 1))[: len(heard)])
    assert ring.end is None


def test_the_demo_plays_for_ever_from_its_own_recording() -> None:
    source = open_demo(CaptureConfig("demo"))
    assert (source.info.kind, source.info.sample_rate) == ("demo", 48_000)
    source.close()
    assert soundfile.info(demo_path()).duration == pytest.approx(12.5)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "there is no file"),
        (b"", "is empty"),
        (b"this is a text, not a sound\n" * 50, "not an audio file that can be read"),
    ],
)
def test_what_is_not_a_sound_is_named(tmp_path: Path, content: bytes | None, words: str) -> None:
    path = tmp_path / "file.wav"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SourceError, match=words):
        open_audio(path)


def test_a_file_without_samples_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "nothing.wav", np.zeros((0, 1), np.float32))
    with pytest.raises(SourceError, match="holds no sound"):
        open_audio(path)


def test_a_rate_that_the_file_does_not_have_is_refused(tmp_path: Path, samples: np.ndarray) -> None:
    path = write(tmp_path / "sound.wav", samples)
    with pytest.raises(ConfigError, match="has 8000 Hz, not 16000"):
        FileSource(path, CaptureConfig("file", path=str(path), sample_rate=16_000))


def read(path: Path) -> int:
    """How many samples are read in pieces, as for the mel command."""
    with open_audio(path) as file:
        return sum(map(len, read_blocks(file, 1000, lambda _: None)))


def truncate(path: Path, share: float) -> None:
    with path.open("r+b") as file:
        file.truncate(round(share * path.stat().st_size))


LONG = np.random.default_rng(2).uniform(-0.5, 0.5, (RATE_HZ, 2)).astype(np.float32)
"""One second."""


@pytest.mark.parametrize("ending", ["wav", "aiff", "au", "mp3"])
def test_a_file_that_is_cut_off_says_so_at_its_end(tmp_path: Path, ending: str) -> None:
    path = write(tmp_path / f"sound.{ending}", LONG)
    truncate(path, 0.3)
    heard, ring = play(path, 10**9)
    assert 0 < len(heard) < 0.5 * len(LONG)
    assert ring.fault is not None
    assert re.fullmatch(
        rf"'sound.{ending}' ends after 0\.[0-4]\d s, though its header says 1\.00 s: it is "
        "cut off, damaged or still being written",
        ring.fault,
    )
    with pytest.raises(SourceError, match=r"ends after .* though its header says 1.00 s"):
        read(path)


def test_a_header_that_promises_what_is_not_there_is_said(tmp_path: Path) -> None:
    path = write(tmp_path / "sound.wav", LONG)
    content = path.read_bytes()
    at = content.index(b"data") + 4
    path.write_bytes(content[:at] + (40 * RATE_HZ).to_bytes(4, "little") + content[at + 4 :])
    with pytest.raises(SourceError, match=r"ends after 1.00 s, though its header says 10.00 s"):
        read(path)
    # A program that writes into a pipe cannot know the length, and says so by the largest one.
    path.write_bytes(content[:at] + b"\xff\xff\xff\xff" + content[at + 4 :])
    assert read(path) == len(LONG)
    # And some count a few bytes too many.
    length = (4 * RATE_HZ + 44).to_bytes(4, "little")
    path.write_bytes(content[:at] + length + content[at + 4 :])
    assert read(path) == len(LONG)


@pytest.mark.parametrize("loop", [False, True])
def test_a_file_that_shrinks_while_it_is_played_ends_with_a_word(
    tmp_path: Path, loop: bool
) -> None:
    path = tmp_path / "sound.wav"
    # Of many bytes a second, since some are read ahead.
    soundfile.write(path, np.tile(LONG, (30, 1)), RATE_HZ, subtype="DOUBLE")
    header_bytes = path.read_bytes().index(b"data") + 8
    ended, heard = threading.Event(), threading.Event()

    def on_audio(ring: BlockRing) -> None:
        heard.set()
        if ring.end is not None:
            ended.set()

    ring = BlockRing(2, 10 * RATE_HZ, on_audio)
    source = FileSource(path, CaptureConfig("file", path=str(path), loop=loop))
    source.start(ring)
    assert heard.wait(10)
    os.truncate(path, header_bytes)
    assert ended.wait(10)
    source.close()
    expected = "holds no sound" if loop else "though its header says 30.00 s"
    assert expected in (ring.fault or "")


def test_a_file_that_is_deleted_while_it_is_played_plays_on(tmp_path: Path) -> None:
    path = write(tmp_path / "sound.wav", LONG)
    source = FileSource(path, CaptureConfig("file", path=str(path)))
    path.unlink()
    ended = threading.Event()
    ring = BlockRing(2, 2 * RATE_HZ, lambda ring: ended.set() if ring.end else None)
    source.start(ring)
    assert ended.wait(10)
    source.close()
    assert ring.end is SourceEnd.COMPLETE


@pytest.mark.parametrize("name", ["folder", "pipe"])
def test_what_is_no_file_is_not_waited_for(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name == "pipe":
        os.mkfifo(path)
    else:
        path.mkdir()
    with pytest.raises(SourceError, match=f"{name}' is not a file"):
        open_audio(path)


@contextmanager
def as_nobody() -> Iterator[None]:
    """Root may read everything."""
    was_root = os.geteuid() == 0
    if was_root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if was_root:
            os.seteuid(0)


def test_a_file_that_may_not_be_read_is_said(tmp_path: Path, samples: np.ndarray) -> None:
    path = write(tmp_path / "sound.wav", samples)
    path.chmod(0)
    with as_nobody(), pytest.raises(SourceError, match="cannot be read: Permission denied"):
        open_audio(path)


@pytest.mark.parametrize(
    ("channels", "rate_hz", "words"),
    [
        (129, 8_000, "has 129 channels; 1 to 128 can be analysed"),
        (1, 999, "has 999 Hz; 1000 to 768000 Hz can be analysed"),
        (1, 768_001, "has 768001 Hz; 1000 to 768000 Hz can be analysed"),
    ],
)
def test_sound_beyond_all_limits_is_refused(
    tmp_path: Path, channels: int, rate_hz: int, words: str
) -> None:
    path = tmp_path / "sound.wav"
    soundfile.write(path, np.zeros((10, channels)), rate_hz)
    with pytest.raises(SourceError, match=words):
        open_audio(path)


def test_128_channels_are_played(tmp_path: Path) -> None:
    path = write(tmp_path / "sound.wav", np.tile(LONG[:200, :1], (1, 128)))
    source = FileSource(path, CaptureConfig("file", path=str(path)))
    ended = threading.Event()
    ring = BlockRing(128, RATE_HZ, lambda ring: ended.set() if ring.end else None)
    source.start(ring)
    assert ended.wait(10)
    source.close()
    block = ring.read()
    assert block is not None
    assert block.samples.shape[1] == 128


def test_a_file_of_many_channels_and_a_high_rate_is_read_in_smaller_pieces(tmp_path: Path) -> None:
    path = tmp_path / "array.wav"
    samples = np.random.default_rng().uniform(-0.5, 0.5, (100_000, 64)).astype(np.float32)
    soundfile.write(path, samples, 192_000, subtype="FLOAT")
    with open_audio(path) as file:
        blocks = list(read_blocks(file, 10 * 192_000, lambda _: None))
    assert max(block.nbytes for block in blocks) <= 16 * 2**20
    np.testing.assert_array_equal(np.concatenate(blocks), samples)


def test_samples_that_are_not_numbers_are_refused_for_features(tmp_path: Path) -> None:
    path = tmp_path / "sound.wav"
    spoilt = LONG.copy()
    spoilt[4000] = np.nan
    soundfile.write(path, spoilt, RATE_HZ, subtype="FLOAT")
    with pytest.raises(SourceError, match=r"not numbers \(NaN or infinite\) after 0.50 s"):
        read(path)


@pytest.mark.parametrize("name", [b"\xe9t\xe9.wav", b"two\nlines.wav", "🎤.wav".encode()])
def test_a_file_of_any_name_is_played_and_named_in_one_line(
    tmp_path: Path, samples: np.ndarray, name: bytes
) -> None:
    plain = write(tmp_path / "plain.wav", samples)
    path = tmp_path / os.fsdecode(name)
    plain.rename(path)
    source = FileSource(path, CaptureConfig("file", path=str(path)))
    source.close()
    assert source.info.name.isprintable()
    assert source.info.name.encode()
    assert read(path) == len(samples)


def test_a_name_longer_than_any_is_said_shortened() -> None:
    with pytest.raises(SourceError, match="File name too long") as raised:
        open_audio(Path("x" * 100_000))
    assert len(str(raised.value)) < 500


def test_a_decoder_may_raise_what_it_likes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, n_frames = write(tmp_path / "sound.wav", LONG), 0

    def broken(frame: AudioFrame) -> np.ndarray:
        nonlocal n_frames
        n_frames += 1
        if n_frames % 2 == 0:
            raise RuntimeError("two\nlines")
        return values(frame)

    values = reader._values
    monkeypatch.setattr(reader, "_values", broken)
    _, ring = play(path, 10**9)
    assert re.fullmatch(
        r"'sound.wav' cannot be read on after 0\.\d\d s: two lines", ring.fault or ""
    )
    with pytest.raises(SourceError, match=r"cannot be read on after 0.\d\d s: two lines"):
        read(path)


def test_after_a_stall_the_file_goes_on_from_there_and_loses_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "sound.wav", LONG)
    stalled = threading.Event()
    ended = threading.Event()

    def on_audio(ring: BlockRing) -> None:
        # What is tested: the reader of the sound, or the whole machine, stands still for a while.
        if ring.end is not None:
            ended.set()
        elif not stalled.is_set():
            stalled.set()
            time.sleep(1.0)

    ring = BlockRing(2, 2 * RATE_HZ, on_audio)
    source = FileSource(path, CaptureConfig("file", path=str(path)))
    source.start(ring)
    assert ended.wait(30)
    source.close()
    blocks = []
    while (block := ring.read()) is not None:
        blocks.append(block)
    heard = np.concatenate([block.samples for block in blocks])
    np.testing.assert_allclose(heard, LONG, atol=1e-4)
    assert ring.dropped_blocks == 0
    # The rest is 0.995 s; a burst would have made up for the stall.
    assert blocks[-1].captured_at - blocks[1].captured_at > 0.9


def test_a_file_waits_for_a_ring_that_is_full_and_loses_nothing(
    tmp_path: Path, samples: np.ndarray
) -> None:
    path = write(tmp_path / "sound.wav", samples)
    full, ended = threading.Event(), threading.Event()
    blocks: list[np.ndarray] = []

    def on_audio(ring: BlockRing) -> None:
        if ring.room < 40:
            full.set()
        if ring.end is not None:
            ended.set()

    ring = BlockRing(2, 300, on_audio)
    source = FileSource(path, CaptureConfig("file", path=str(path)))
    source.start(ring)
    assert full.wait(10)
    # Longer than the file.
    assert not ended.wait(0.5)
    while not ended.wait(0.001) or len(ring):
        block = ring.read()
        if block is not None:
            blocks.append(block.samples)
    source.close()
    assert ring.dropped_blocks == 0
    np.testing.assert_allclose(np.concatenate(blocks), samples, atol=1e-4)
